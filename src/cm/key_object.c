/* SPDX-License-Identifier: MIT */
/*
 * Keys as objects. \Registry is an object of type Key in the namespace; names
 * behind it are the registry's, parsed here. Each open makes an object of its
 * own, so a key can be deleted while handles to it are open.
 */
#include "cm/callbacks.h"
#include "cm/store.h"

struct ob_type *cm_key_type;
EXPORT_DATA(ntoskrnl, CmKeyObjectType)
POBJECT_TYPE CmKeyObjectType;

static void *make_object(struct cm_key *key)
{
    struct cm_key_object *object = ob_create(cm_key_type, sizeof(*object));
    if (object) {
        object->key = key;
        key->references++;
    }
    return object;
}

static void delete_object(void *body)
{
    struct cm_key_object *object = body;
    cm_object_contexts_end(object);
    mm_free(object->name);
    rl_lock_acquire(&cm_lock);
    if (object->key)
        cm_key_release(object->key);
    rl_lock_release(&cm_lock);
}

static ULONG query_name(void *body, WCHAR *buffer, ULONG size)
{
    rl_lock_acquire(&cm_lock);
    struct cm_key *key = ((struct cm_key_object *)body)->key;
    ULONG length = key->deleted ? 0 : cm_full_name(key, buffer, size);
    rl_lock_release(&cm_lock);
    return length;
}

static NTSTATUS set_class(struct cm_key *key, const UNICODE_STRING *class_name)
{
    if (!class_name->Length)
        return STATUS_SUCCESS;
    WCHAR *text = mm_alloc(class_name->Length, CM_TAG);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(text, class_name->Buffer, class_name->Length);
    key->class_name = (UNICODE_STRING){class_name->Length, class_name->Length, text};
    return STATUS_SUCCESS;
}

static NTSTATUS find_or_create(struct cm_key *from, const UNICODE_STRING *rest, struct cm_create *create,
                               bool as_link, struct cm_key **key)
{
    struct cm_walk walk = {.as_link = as_link,
                           .create = create != NULL,
                           .is_volatile = create && (create->options & REG_OPTION_VOLATILE)};
    NTSTATUS status = cm_walk_path(from, rest, &walk, key);
    if (!NT_SUCCESS(status) || !create)
        return status;
    create->disposition = walk.created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    if (!walk.created)
        return (create->options & REG_OPTION_CREATE_LINK) ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
    (*key)->is_link = (create->options & REG_OPTION_CREATE_LINK) != 0;
    return set_class(*key, &create->class_name);
}

static bool asks_for_link(const struct ob_open_request *request)
{
    const struct cm_create *create = request->context;
    return (request->attributes & OBJ_OPENLINK) ||
           (create && (create->options & (REG_OPTION_OPEN_LINK | REG_OPTION_CREATE_LINK)));
}

static NTSTATUS open_key(void *body, const UNICODE_STRING *rest, struct ob_open_request *request,
                         void **opened)
{
    struct cm_key *from = ((struct cm_key_object *)body)->key, *key;
    rl_lock_acquire(&cm_lock);
    NTSTATUS status = from->deleted
                          ? STATUS_KEY_DELETED
                          : find_or_create(from, rest, request->context, asks_for_link(request), &key);
    void *object = NT_SUCCESS(status) ? make_object(key) : NULL;
    rl_lock_release(&cm_lock);
    if (NT_SUCCESS(status) && !object)
        return STATUS_INSUFFICIENT_RESOURCES;
    *opened = object;
    return status;
}

/* The same with registered routines around it; one of them may bring an object of its own. */
static NTSTATUS open_notified(void *body, const UNICODE_STRING *rest, struct ob_open_request *request,
                              void **opened)
{
    struct cm_create *create = request->context;
    ULONG disposition = 0;
    UNICODE_STRING name = *request->full_name, remaining = *rest;
    if (remaining.Length && remaining.Buffer[0] == '\\') {
        remaining.Buffer++;
        remaining.Length -= sizeof(WCHAR);
    }
    REG_CREATE_KEY_INFORMATION_V1 information = {
        .CompleteName = &name,
        .RootObject = body,
        .ObjectType = cm_key_type,
        .Options = create ? create->options : 0,
        .Class = create && create->class_name.Length ? &create->class_name : NULL,
        .SecurityQualityOfService = request->security_qos,
        .DesiredAccess = request->desired_access,
        .Disposition = create ? &create->disposition : &disposition,
        .ResultObject = opened,
        .Version = 1,
        .RemainingName = &remaining,
        .Attributes = request->attributes,
        .CheckAccessMode = request->mode,
    };
    struct cm_notice notice = {.before = create ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx,
                               .after = create ? RegNtPostCreateKeyEx : RegNtPostOpenKeyEx,
                               .information = &information,
                               .contexts = &information.CallContext,
                               .object = body,
                               .makes_object = true};
    NTSTATUS status;
    if (!cm_notify_before(&notice, &status))
        return NT_SUCCESS(status) && !*opened ? STATUS_UNSUCCESSFUL : status;
    NTSTATUS own = open_key(body, rest, request, opened);
    notice.made = *opened;
    /* SR-46: the routines have the last word. */
    status = cm_notify_after(&notice, own);
    if (NT_SUCCESS(own) && !NT_SUCCESS(status))
        ob_dereference(notice.made);
    return NT_SUCCESS(status) && !*opened ? STATUS_UNSUCCESSFUL : status;
}

static NTSTATUS parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request, void **opened)
{
    if (request->wanted && request->wanted != cm_key_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    *opened = NULL;
    return likely(!cm_notify_wanted()) ? open_key(body, rest, request, opened)
                                       : open_notified(body, rest, request, opened);
}

/* The last handle of this object is closed. */
static void close_key(void *body, LONG handles_before, LONG process_handles_before)
{
    REG_KEY_HANDLE_CLOSE_INFORMATION information = {.Object = body};
    struct cm_notice notice = {.before = RegNtPreKeyHandleClose,
                               .after = RegNtPostKeyHandleClose,
                               .information = &information,
                               .contexts = &information.CallContext,
                               .object = body};
    NTSTATUS status;
    if (handles_before != 1 || !cm_notify_wanted())
        return;
    if (cm_notify_before(&notice, &status))
        /* SR-46: closing cannot be refused. */
        cm_notify_after(&notice, STATUS_SUCCESS);
    cm_object_contexts_end(body);
}

static const struct ob_type_ops key_ops = {
    .name = "Key",
    .pool_tag = 0x2079654b, /* 'Key ' */
    .valid_access = KEY_ALL_ACCESS | SYNCHRONIZE,
    .mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS},
    .dispatcher_offset = -1,
    .parse = parse,
    .close = close_key,
    .delete_ = delete_object,
    .query_name = query_name,
};

NTSTATUS cm_key_type_init(void)
{
    static const UNICODE_STRING name = {16, 18, (WCHAR *)u"REGISTRY"},
                                path = {18, 20, (WCHAR *)u"\\REGISTRY"};
    cm_key_type = ob_type_create(&key_ops);
    CmKeyObjectType = (POBJECT_TYPE)cm_key_type;
    if (!cm_key_type)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = cm_add_child(NULL, &name, false, &cm_root);
    if (!NT_SUCCESS(status))
        return status;
    void *object = make_object(cm_root);
    if (!object)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ob_insert(object, &path, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    ob_dereference(object);
    return status;
}

NTSTATUS cm_reference_key(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode,
                          struct cm_key_object **object)
{
    return ob_reference_by_handle(handle, access, cm_key_type, mode, (void **)object, NULL);
}

NTSTATUS cm_lock_key(struct cm_key_object *object, struct cm_key **key)
{
    rl_lock_acquire(&cm_lock);
    *key = object->key;
    if (!(*key)->deleted)
        return STATUS_SUCCESS;
    rl_lock_release(&cm_lock);
    return STATUS_KEY_DELETED;
}

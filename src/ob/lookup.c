/* SPDX-License-Identifier: MIT */
/*
 * From a name to an object: components are looked up one directory after the
 * other; a symbolic link puts its target before what is left and starts again
 * at the root; an object whose type has a parse routine takes over the rest
 * (devices open files, keys find subkeys). The lock is held for one component
 * at a time, and each object on the way is referenced.
 */
#include "ob/object.h"
#include "ob/services.h"
#include "rtl/rtl.h"

#define MAX_REPARSES 32
#define MAX_NAME     0xFFFE

bool ob_next_component(UNICODE_STRING *rest, UNICODE_STRING *component)
{
    unsigned count = rest->Length / sizeof(WCHAR), at = 0, start;
    if (count && rest->Buffer[0] == '\\')
        at = 1;
    start = at;
    while (at < count && rest->Buffer[at] != '\\')
        at++;
    *component = (UNICODE_STRING){(USHORT)((at - start) * sizeof(WCHAR)),
                                  (USHORT)((at - start) * sizeof(WCHAR)), rest->Buffer + start};
    rest->Buffer += at;
    rest->Length = rest->MaximumLength = (USHORT)((count - at) * sizeof(WCHAR));
    return component->Length != 0;
}

/* Directories, links, devices and keys ignore case by the system's default setting; events and the like only
 * when asked. */
bool ob_type_ignores_case(const struct ob_type *type, ULONG attributes)
{
    return (attributes & OBJ_CASE_INSENSITIVE) || !type || !type->ops.case_sensitive;
}

static NTSTATUS join(UNICODE_STRING *joined, const UNICODE_STRING *head, const UNICODE_STRING *tail)
{
    size_t length = (size_t)head->Length + tail->Length;
    if (length > MAX_NAME)
        return STATUS_NAME_TOO_LONG;
    WCHAR *text = mm_alloc(length + sizeof(WCHAR), OB_TAG_NAME);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(text, head->Buffer, head->Length);
    memcpy((char *)text + head->Length, tail->Buffer, tail->Length);
    *joined = (UNICODE_STRING){(USHORT)length, (USHORT)length, text};
    return STATUS_SUCCESS;
}

/* One lookup: where it stands and what it owns. */
struct walk {
    struct ob_open_request *request;
    bool nocase;
    ULONG last_link_as_object; /* OBJ_OPENLINK, or a link is what is wanted */
    UNICODE_STRING rest;
    WCHAR *storage; /* of a re-parsed name; owned */
    void *object;   /* referenced */
    unsigned reparses;
};

static void walk_to(struct walk *walk, void *object)
{
    if (walk->object)
        ob_dereference(walk->object);
    walk->object = object;
}

static NTSTATUS restart(struct walk *walk, const UNICODE_STRING *head)
{
    UNICODE_STRING name;
    if (++walk->reparses > MAX_REPARSES)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (walk->request->attributes & OBJ_DONT_REPARSE)
        return STATUS_REPARSE_POINT_ENCOUNTERED;
    NTSTATUS status = join(&name, head, &walk->rest);
    if (!NT_SUCCESS(status))
        return status;
    if (walk->storage)
        mm_free(walk->storage);
    walk->storage = name.Buffer;
    walk->rest = name;
    ob_reference(ob_root);
    walk_to(walk, ob_root);
    return STATUS_SUCCESS;
}

static NTSTATUS enter_component(struct walk *walk)
{
    UNICODE_STRING component;
    if (!ob_next_component(&walk->rest, &component))
        return STATUS_OBJECT_NAME_INVALID;
    rl_lock_acquire(&ob_namespace_lock);
    struct ob_name *name = ob_directory_find(walk->object, &component, walk->nocase);
    void *found = name && ob_reference_if_live(name->object->body) ? name->object->body : NULL;
    rl_lock_release(&ob_namespace_lock);
    if (!found)
        return walk->rest.Length ? STATUS_OBJECT_PATH_NOT_FOUND : STATUS_OBJECT_NAME_NOT_FOUND;
    walk_to(walk, found);
    return STATUS_SUCCESS;
}

static bool is_link_to_follow(const struct walk *walk)
{
    if (ob_type_of(walk->object) != ob_symbolic_link_type)
        return false;
    return walk->rest.Length || !walk->last_link_as_object;
}

static NTSTATUS call_parse(struct walk *walk, bool *finished)
{
    void *opened = NULL;
    UNICODE_STRING rest = walk->rest;
    NTSTATUS status = ob_type_of(walk->object)->ops.parse(walk->object, &rest, walk->request, &opened);
    if (status == STATUS_REPARSE) {
        UNICODE_STRING target = walk->request->reparse;
        walk->rest.Length = 0;
        status = restart(walk, &target);
        mm_free(target.Buffer);
        return status;
    }
    *finished = true;
    if (NT_SUCCESS(status))
        walk_to(walk, opened);
    return status;
}

/* Takes one step from the object it stands on. */
static NTSTATUS step(struct walk *walk, bool *finished)
{
    if (is_link_to_follow(walk)) {
        struct ob_symbolic_link *link = walk->object;
        return restart(walk, &link->target);
    }
    if (ob_type_of(walk->object)->ops.parse)
        return call_parse(walk, finished);
    if (walk->rest.Length == 0) {
        *finished = true;
        return STATUS_SUCCESS;
    }
    if (ob_type_of(walk->object) != ob_directory_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (walk->rest.Length == sizeof(WCHAR) && walk->rest.Buffer[0] == '\\' && walk->object == ob_root) {
        walk->rest.Length = 0; /* "\" is the root itself */
        return STATUS_SUCCESS;
    }
    return enter_component(walk);
}

static NTSTATUS start(struct walk *walk, void *root, const UNICODE_STRING *name)
{
    walk->rest = name ? *name : (UNICODE_STRING){0};
    if (walk->rest.Length % sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    if (root) {
        bool absolute = walk->rest.Length && walk->rest.Buffer[0] == '\\';
        if (absolute && ob_type_of(root) == ob_directory_type)
            return STATUS_OBJECT_NAME_INVALID;
    } else {
        if (!walk->rest.Length)
            return STATUS_OBJECT_NAME_INVALID;
        if (walk->rest.Buffer[0] != '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        root = ob_root;
    }
    ob_reference(root);
    walk->object = root;
    return STATUS_SUCCESS;
}

NTSTATUS ob_walk(void *root, const UNICODE_STRING *name, struct ob_open_request *request, void **body)
{
    struct walk walk = {.request = request,
                        .nocase = ob_type_ignores_case(request->wanted, request->attributes)};
    bool finished = false;
    walk.last_link_as_object =
        (request->attributes & OBJ_OPENLINK) || request->wanted == ob_symbolic_link_type;
    NTSTATUS status = start(&walk, root, name);
    while (NT_SUCCESS(status) && !finished)
        status = step(&walk, &finished);
    if (NT_SUCCESS(status) && request->wanted && ob_type_of(walk.object) != request->wanted)
        status = STATUS_OBJECT_TYPE_MISMATCH;
    if (NT_SUCCESS(status)) {
        *body = walk.object;
        walk.object = NULL;
    }
    walk_to(&walk, NULL);
    if (walk.storage)
        mm_free(walk.storage);
    return status;
}

/* The directory that a name would be put into, referenced, and its last component (inside name). */
static NTSTATUS find_parent(void *root, const UNICODE_STRING *name, ULONG attributes, void **parent,
                            UNICODE_STRING *last)
{
    unsigned count = name->Length / sizeof(WCHAR), at = count;
    if (!count || name->Length % sizeof(WCHAR) || name->Buffer[count - 1] == '\\')
        return STATUS_OBJECT_NAME_INVALID;
    while (at && name->Buffer[at - 1] != '\\')
        at--;
    *last = (UNICODE_STRING){(USHORT)((count - at) * sizeof(WCHAR)), (USHORT)((count - at) * sizeof(WCHAR)),
                             name->Buffer + at};
    if (!root && name->Buffer[0] != '\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    UNICODE_STRING path = {(USHORT)(at > 1 ? (at - 1) * sizeof(WCHAR) : at * sizeof(WCHAR)), 0, name->Buffer};
    struct ob_open_request request = {.attributes =
                                          (attributes & OBJ_CASE_INSENSITIVE) | OBJ_CASE_INSENSITIVE};
    NTSTATUS status = ob_walk(root, &path, &request, parent);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (NT_SUCCESS(status) && ob_type_of(*parent) != ob_directory_type) {
        ob_dereference(*parent);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return status;
}

NTSTATUS ob_insert(void *body, const UNICODE_STRING *path, void *root, ULONG attributes)
{
    struct ob_header *header = ob_header_of(body);
    void *parent;
    UNICODE_STRING last;
    NTSTATUS status = find_parent(root, path, attributes, &parent, &last);
    if (!NT_SUCCESS(status))
        return status;
    struct ob_name *name = ob_name_create(&last), *existing = NULL;
    if (name) {
        rl_lock_acquire(&ob_namespace_lock);
        existing = ob_directory_find(parent, &last, ob_type_ignores_case(header->type, attributes));
        if (!existing) {
            if (attributes & OBJ_PERMANENT) {
                header->flags |= OB_PERMANENT;
                ob_reference(body);
            }
            ob_directory_link(parent, name, header);
        }
        rl_lock_release(&ob_namespace_lock);
    }
    if (existing)
        ob_name_free(name);
    ob_dereference(parent);
    if (!name)
        return STATUS_INSUFFICIENT_RESOURCES;
    return existing ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * What routines of registry callbacks keep beside key objects: a context for
 * each object and routine, which the routine gets back for cleanup when the
 * object goes or the routine is taken back; and names and ids of keys.
 */
#include "cm/callbacks.h"

struct object_context {
    LIST_ENTRY link;
    void *object;
    struct cm_registration *registration;
    void *context;
};

static rl_lock lock;
static LIST_ENTRY contexts = {&contexts, &contexts};

void cm_object_contexts_fini(void)
{
    list_init(&contexts);
}

/* Lock held. NULL matches any. */
static struct object_context *find(const void *object, const struct cm_registration *registration)
{
    for (LIST_ENTRY *at = contexts.Flink; at != &contexts; at = at->Flink) {
        struct object_context *c = container_of(at, struct object_context, link);
        if ((!object || c->object == object) && (!registration || c->registration == registration))
            return c;
    }
    return NULL;
}

void *cm_object_context(const void *object, const struct cm_registration *registration)
{
    rl_lock_acquire(&lock);
    struct object_context *found = object ? find(object, registration) : NULL;
    void *context = found ? found->context : NULL;
    rl_lock_release(&lock);
    return context;
}

static struct object_context *take(const void *object, const struct cm_registration *registration)
{
    rl_lock_acquire(&lock);
    struct object_context *found = find(object, registration);
    if (found)
        list_remove(&found->link);
    rl_lock_release(&lock);
    return found;
}

static void end_contexts(void *object, struct cm_registration *registration)
{
    struct object_context *c;
    while ((c = take(object, registration)) != NULL) {
        REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION information = {c->object, c->context, NULL};
        cm_run_routine(c->registration, RegNtCallbackObjectContextCleanup, &information);
        mm_free(c);
    }
}

void cm_object_contexts_end(void *object)
{
    end_contexts(object, NULL);
}

void cm_registration_contexts_end(struct cm_registration *registration)
{
    end_contexts(NULL, registration);
}

/* Puts the context in the place of the old one; the old one comes back. */
static NTSTATUS set_context(void *object, struct cm_registration *registration, void *context, void **old)
{
    struct object_context *made = mm_alloc(sizeof(*made), CM_TAG);
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    *made = (struct object_context){.object = object, .registration = registration, .context = context};
    rl_lock_acquire(&lock);
    struct object_context *existing = find(object, registration);
    *old = existing ? existing->context : NULL;
    if (existing)
        existing->context = context;
    else
        list_insert_tail(&contexts, &made->link);
    rl_lock_release(&lock);
    if (existing)
        mm_free(made);
    return STATUS_SUCCESS;
}

/* Keeps NewContext beside a key object for this routine. STATUS_INVALID_PARAMETER: no such cookie, or no key.
 * Rules: SR-46. */
EXPORT(ntoskrnl, CmSetCallbackObjectContext, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID NewContext,
                                          PVOID *OldContext)
{
    void *old = NULL;
    struct cm_registration *registration = cm_registration_take(Cookie->QuadPart);
    if (!registration)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = ob_type_of(Object) == cm_key_type ? set_context(Object, registration, NewContext, &old)
                                                        : STATUS_INVALID_PARAMETER;
    cm_registration_give(registration);
    if (OldContext)
        *OldContext = old;
    return status;
}

/* ---- ids and names ---- */

static NTSTATUS check_key(const LARGE_INTEGER *cookie, const void *object)
{
    struct cm_registration *registration = cm_registration_take(cookie->QuadPart);
    if (!registration)
        return STATUS_INVALID_PARAMETER;
    cm_registration_give(registration);
    return object && ob_type_of(object) == cm_key_type ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* The key's full name in one block with its UNICODE_STRING; NULL: no memory. */
static UNICODE_STRING *make_name(struct cm_key_object *object)
{
    ULONG length = ob_query_name(object, NULL, 0);
    UNICODE_STRING *name = mm_alloc(sizeof(*name) + length + sizeof(WCHAR), CM_TAG);
    if (!name)
        return NULL;
    name->Buffer = (WCHAR *)(name + 1);
    ULONG now = ob_query_name(object, name->Buffer, length);
    name->Length = (USHORT)(now <= length ? now : 0);
    name->MaximumLength = (USHORT)(length + sizeof(WCHAR));
    return name;
}

/* The id is one for all objects of the key. The name is the caller's (CmCallbackReleaseKeyObjectIDEx). */
EXPORT(ntoskrnl, CmCallbackGetKeyObjectIDEx, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                          PCUNICODE_STRING *ObjectName, ULONG Flags)
{
    NTSTATUS status = Flags ? STATUS_INVALID_PARAMETER : check_key(Cookie, Object);
    if (!NT_SUCCESS(status))
        return status;
    if (ObjectName && !(*ObjectName = make_name(Object)))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (ObjectID)
        *ObjectID = (ULONG_PTR)((struct cm_key_object *)Object)->key;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, CmCallbackReleaseKeyObjectIDEx, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName)
{
    mm_free((void *)(uintptr_t)ObjectName);
}

/* The name stays with the object, and is what it was when first asked for. */
EXPORT(ntoskrnl, CmCallbackGetKeyObjectID, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI CmCallbackGetKeyObjectID(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                        PCUNICODE_STRING *ObjectName)
{
    struct cm_key_object *key = Object;
    NTSTATUS status = check_key(Cookie, Object);
    if (!NT_SUCCESS(status))
        return status;
    if (ObjectName && !__atomic_load_n(&key->name, __ATOMIC_ACQUIRE)) {
        UNICODE_STRING *name = make_name(key), *none = NULL;
        if (!name)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (!__atomic_compare_exchange_n(&key->name, &none, name, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            mm_free(name);
    }
    if (ObjectName)
        *ObjectName = key->name;
    if (ObjectID)
        *ObjectID = (ULONG_PTR)key->key;
    return STATUS_SUCCESS;
}

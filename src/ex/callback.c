/* SPDX-License-Identifier: MIT */
/*
 * Callback objects: named lists of routines that one driver calls and others
 * registered. The list is under the object's lock, which is not held while a
 * routine runs; a registration that is being called is only unlinked when the
 * call has returned, and its unregistering waits for that.
 */
#include "ke/held.h"
#include "ex/internal.h"
#include "ke/routines.h"
#include "base/lock.h"
#include "ob/services.h"
#include "rtl/rtl.h"

#define REGISTRATION_TAG    0x6C624343u /* 'CCbl' */
#define CALLBACK_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1)

struct _CALLBACK_OBJECT {
    rl_lock lock;
    bool multiple;
    LIST_ENTRY registrations; /* in the order of registering */
};

struct registration {
    LIST_ENTRY link;
    PCALLBACK_OBJECT object; /* referenced */
    PCALLBACK_FUNCTION function;
    PVOID context;
    ULONG calls; /* running now */
    bool leaving;
    KEVENT idle; /* for whoever unregisters it */
};

static struct ob_type *callback_type;

static const struct ob_type_ops callback_ops = {
    .name = "Callback",
    .pool_tag = 0x6C6C6143u, /* 'Call' */
    .valid_access = CALLBACK_ALL_ACCESS,
    .mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE | 1, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
                CALLBACK_ALL_ACCESS},
    .dispatcher_offset = -1,
};

static PCALLBACK_OBJECT new_object(bool multiple)
{
    PCALLBACK_OBJECT object = ob_create(callback_type, sizeof *object);
    if (object == NULL)
        return NULL;
    object->multiple = multiple;
    list_init(&object->registrations);
    return object;
}

/* Created with a handle that is closed at once: the name of an object that is not permanent goes with it. */
static NTSTATUS create_named(PCALLBACK_OBJECT *object, const OBJECT_ATTRIBUTES *attributes, bool multiple)
{
    HANDLE handle;
    PCALLBACK_OBJECT created = new_object(multiple);
    if (created == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    OBJECT_ATTRIBUTES own = *attributes;
    own.Attributes |= OBJ_OPENIF | OBJ_KERNEL_HANDLE;
    NTSTATUS status = ZW_CALL(ob_create_service(created, &handle, CALLBACK_ALL_ACCESS, &own));
    if (!NT_SUCCESS(status))
        return status;
    status = ob_reference_by_handle(handle, 0, callback_type, KernelMode, (void **)object, NULL);
    ob_handle_close(handle, KernelMode);
    return status;
}

/*
 * Opens the named callback object, or makes it. STATUS_UNSUCCESSFUL: no name; else what the name space says.
 * Owns: the caller, one reference. IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, ExCreateCallback, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes,
                                BOOLEAN Create, BOOLEAN AllowMultipleCallbacks)
{
    struct ob_open_request request = {
        .desired_access = CALLBACK_ALL_ACCESS, .mode = KernelMode, .wanted = callback_type};
    *CallbackObject = NULL;
    if (ObjectAttributes->ObjectName == NULL || ObjectAttributes->ObjectName->Length == 0)
        return STATUS_UNSUCCESSFUL;
    request.attributes = ObjectAttributes->Attributes;
    NTSTATUS status = ob_open_by_name(ObjectAttributes, &request, (void **)CallbackObject);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && Create)
        status = create_named(CallbackObject, ObjectAttributes, AllowMultipleCallbacks);
    return status;
}

static bool link_registration(PCALLBACK_OBJECT object, struct registration *registration)
{
    rl_lock_acquire(&object->lock);
    bool allowed = object->multiple || list_empty(&object->registrations);
    if (allowed)
        list_insert_tail(&object->registrations, &registration->link);
    rl_lock_release(&object->lock);
    return allowed;
}

/* NULL: no memory, or the object takes one routine and has it. Owns: the caller (ExUnregisterCallback). */
EXPORT(ntoskrnl, ExRegisterCallback, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                               PVOID CallbackContext)
{
    struct registration *registration = mm_alloc(sizeof *registration, REGISTRATION_TAG);
    if (registration == NULL)
        return NULL;
    registration->object = CallbackObject;
    registration->function = CallbackFunction;
    registration->context = CallbackContext;
    KeInitializeEvent(&registration->idle, SynchronizationEvent, FALSE);
    ob_reference(CallbackObject);
    if (link_registration(CallbackObject, registration)) {
        ke_hold(KE_HELD_CALLBACK, registration);
        return registration;
    }
    ob_dereference(CallbackObject);
    mm_free(registration);
    return NULL;
}

/* Returns when the routine does not run any more, nor will again. Not from the routine itself. */
EXPORT(ntoskrnl, ExUnregisterCallback, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExUnregisterCallback(PVOID CallbackRegistration)
{
    struct registration *registration = CallbackRegistration;
    PCALLBACK_OBJECT object = registration->object;
    ke_unhold(KE_HELD_CALLBACK, registration);
    rl_lock_acquire(&object->lock);
    bool running = registration->calls != 0;
    registration->leaving = true;
    if (!running)
        list_remove(&registration->link);
    rl_lock_release(&object->lock);
    if (running)
        KeWaitForSingleObject(&registration->idle, Executive, KernelMode, FALSE, NULL);
    mm_free(registration);
    ob_dereference(object);
}

static void call(struct registration *registration, PVOID argument1, PVOID argument2)
{
    uint64_t cookie = ke_callout_enter("callback", (const void *)registration->function);
    /* SR-37: at the IRQL of who notifies. */
    registration->function(registration->context, argument1, argument2);
    ke_callout_leave("callback", (const void *)registration->function, cookie);
}

/* The lock is held. Ends one call; a registration that leaves with it goes to `finished`, its owner still
 * waiting. */
static void end_call(struct registration *registration, LIST_ENTRY *finished)
{
    if (--registration->calls != 0 || !registration->leaving)
        return;
    list_remove(&registration->link);
    list_insert_tail(finished, &registration->link);
}

static void wake_owners(LIST_ENTRY *finished)
{
    while (!list_empty(finished))
        KeSetEvent(&container_of(list_remove_head(finished), struct registration, link)->idle, 0, FALSE);
}

/* Calls the registered routines in the order of registering, at the caller's IRQL. */
EXPORT(ntoskrnl, ExNotifyCallback, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2)
{
    PCALLBACK_OBJECT object = CallbackObject;
    LIST_ENTRY finished;
    list_init(&finished);
    rl_lock_acquire(&object->lock);
    for (LIST_ENTRY *it = object->registrations.Flink; it != &object->registrations;) {
        struct registration *registration = container_of(it, struct registration, link);
        if (!registration->leaving) {
            registration->calls++;
            rl_lock_release(&object->lock);
            call(registration, Argument1, Argument2);
            rl_lock_acquire(&object->lock);
            it = it->Flink;
            end_call(registration, &finished);
        } else {
            it = it->Flink;
        }
    }
    rl_lock_release(&object->lock);
    wake_owners(&finished);
}

NTSTATUS ex_callback_init(void)
{
    static const WCHAR *const names[] = {u"\\Callback\\SetSystemTime", u"\\Callback\\PowerState",
                                         u"\\Callback\\ProcessorAdd"};
    callback_type = ob_type_create(&callback_ops);
    if (callback_type == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = STATUS_SUCCESS;
    for (unsigned i = 0; i < countof(names) && NT_SUCCESS(status); i++) {
        UNICODE_STRING name;
        PCALLBACK_OBJECT object = new_object(true);
        if (object == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        rtl_init_string(&name, names[i]);
        status = ob_insert(object, &name, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
        ob_dereference(object);
    }
    return status;
}

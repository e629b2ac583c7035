/* SPDX-License-Identifier: MIT */
/*
 * Routines that drivers register to see, and to narrow, the handles that are
 * made to processes and threads. They stand in order of altitude: the highest
 * is asked first and told last. They run with no lock held; a registration
 * that is taken back waits until none of its routines runs any more.
 */
#include "ke/held.h"
#include "ob/callbacks.h"
#include "ke/routines.h"
#include "rtl/exports.h"

#define CALLBACK_TAG   0x6243624F /* 'ObCb' */
#define ALL_OPERATIONS (OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE)

struct ob_registration {
    LIST_ENTRY link; /* by altitude, the highest first */
    LONG running;    /* atomic */
    void *context;
    UNICODE_STRING altitude; /* storage behind the entries */
    ULONG count;
    OB_OPERATION_REGISTRATION entries[];
};

static rl_lock lock; /* the list, and how many entries all registrations have */
static LIST_ENTRY registrations = {&registrations, &registrations};
static LONG entry_count;

void ob_callbacks_fini(void)
{
    list_init(&registrations);
    entry_count = 0;
}

/* ---- registering ---- */

static bool valid_entry(const OB_OPERATION_REGISTRATION *entry)
{
    if (!entry->ObjectType || !entry->Operations || entry->Operations & ~(ULONG)ALL_OPERATIONS)
        return false;
    const struct ob_type *type = (const struct ob_type *)*entry->ObjectType;
    return type && type->ops.watchable && (entry->PreOperation || entry->PostOperation);
}

static bool valid_registration(const OB_CALLBACK_REGISTRATION *wanted)
{
    if ((wanted->Version & 0xFF00) != OB_FLT_REGISTRATION_VERSION_0100 || !wanted->OperationRegistrationCount)
        return false;
    for (ULONG i = 0; i < wanted->OperationRegistrationCount; i++)
        if (!valid_entry(&wanted->OperationRegistration[i]))
            return false;
    return true;
}

static struct ob_registration *copy_registration(const OB_CALLBACK_REGISTRATION *wanted)
{
    size_t entries = wanted->OperationRegistrationCount * sizeof(OB_OPERATION_REGISTRATION);
    struct ob_registration *made = mm_alloc(sizeof(*made) + entries + wanted->Altitude.Length, CALLBACK_TAG);
    if (!made)
        return NULL;
    made->context = wanted->RegistrationContext;
    made->count = wanted->OperationRegistrationCount;
    memcpy(made->entries, wanted->OperationRegistration, entries);
    made->altitude = (UNICODE_STRING){wanted->Altitude.Length, wanted->Altitude.Length,
                                      (WCHAR *)(made->entries + made->count)};
    memcpy(made->altitude.Buffer, wanted->Altitude.Buffer, wanted->Altitude.Length);
    return made;
}

/* Lock held. */
static NTSTATUS insert_by_altitude(struct ob_registration *made)
{
    LIST_ENTRY *at = registrations.Flink;
    if (entry_count + (LONG)made->count > OB_CALLS_LARGEST)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (; at != &registrations; at = at->Flink) {
        LONG order =
            RtlCompareAltitudes(&made->altitude, &container_of(at, struct ob_registration, link)->altitude);
        if (order == 0)
            return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
        if (order > 0)
            break;
    }
    list_insert_tail(at, &made->link);
    __atomic_fetch_add(&entry_count, (LONG)made->count, __ATOMIC_RELEASE);
    return STATUS_SUCCESS;
}

/*
 * Registers routines for handles to processes and threads. The handle that comes back is for
 * ObUnRegisterCallbacks, which the driver has to call before it unloads. Rules: SR-47.
 */
EXPORT(ntoskrnl, ObRegisterCallbacks, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObRegisterCallbacks(POB_CALLBACK_REGISTRATION CallbackRegistration, PVOID *RegistrationHandle)
{
    *RegistrationHandle = NULL;
    if (!valid_registration(CallbackRegistration))
        return STATUS_INVALID_PARAMETER;
    struct ob_registration *made = copy_registration(CallbackRegistration);
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    rl_lock_acquire(&lock);
    /* SR-47: one registration an altitude, in order. */
    NTSTATUS status = insert_by_altitude(made);
    rl_lock_release(&lock);
    if (NT_SUCCESS(status))
        *RegistrationHandle = made;
    if (NT_SUCCESS(status))
        ke_hold(KE_HELD_OBJECT_CALLBACK, made);
    else
        mm_free(made);
    return status;
}

/* Waits for routines that run now. Rules: SR-47. */
EXPORT(ntoskrnl, ObUnRegisterCallbacks, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ObUnRegisterCallbacks(PVOID RegistrationHandle)
{
    struct ob_registration *old = RegistrationHandle;
    ke_unhold(KE_HELD_OBJECT_CALLBACK, old);
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    rl_lock_acquire(&lock);
    /* SR-47: nobody new calls it. */
    list_remove(&old->link);
    __atomic_fetch_sub(&entry_count, (LONG)old->count, __ATOMIC_RELEASE);
    rl_lock_release(&lock);
    while (__atomic_load_n(&old->running, __ATOMIC_ACQUIRE))
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
    mm_free(old);
}

EXPORT(ntoskrnl, ObGetFilterVersion, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
USHORT NTAPI ObGetFilterVersion(VOID)
{
    return OB_FLT_REGISTRATION_VERSION;
}

/* ---- calling ---- */

/* Takes every routine that has to hear of it, in order, so that each stays until it has heard the result. */
static void collect(struct ob_watched *w, const struct ob_type *type)
{
    rl_lock_acquire(&lock);
    for (LIST_ENTRY *at = registrations.Flink; at != &registrations; at = at->Flink) {
        struct ob_registration *r = container_of(at, struct ob_registration, link);
        for (ULONG i = 0; i < r->count; i++) {
            if ((const struct ob_type *)*r->entries[i].ObjectType != type ||
                !(r->entries[i].Operations & w->operation))
                continue;
            __atomic_fetch_add(&r->running, 1, __ATOMIC_RELAXED);
            w->calls[w->count++] = (struct ob_call){r, &r->entries[i], NULL};
        }
    }
    rl_lock_release(&lock);
}

static void call_after(struct ob_call *call, OB_POST_OPERATION_INFORMATION *information)
{
    uint64_t cookie = ke_callout_enter("object callback", call->entry->PostOperation);
    call->entry->PostOperation(call->registration->context, information);
    ke_callout_leave("object callback", call->entry->PostOperation, cookie);
}

static void call_before(struct ob_watched *w, struct ob_call *call, void *body, ACCESS_MASK original,
                        ACCESS_MASK *granted)
{
    OB_PRE_OPERATION_PARAMETERS parameters = {0};
    OB_PRE_OPERATION_INFORMATION information = {.Operation = w->operation,
                                                .Flags = w->kernel,
                                                .Object = body,
                                                .ObjectType = (POBJECT_TYPE)ob_type_of(body),
                                                .Parameters = &parameters};
    parameters.DuplicateHandleInformation =
        (OB_PRE_DUPLICATE_HANDLE_INFORMATION){*granted, original, w->source, w->target};
    uint64_t cookie = ke_callout_enter("object callback", call->entry->PreOperation);
    call->entry->PreOperation(call->registration->context, &information);
    ke_callout_leave("object callback", call->entry->PreOperation, cookie);
    /* SR-47: a routine can take access away, and give none. */
    *granted &= parameters.CreateHandleInformation.DesiredAccess;
    call->context = information.CallContext;
}

bool ob_callbacks_before(struct ob_watched *w, void *body, bool kernel, const struct ob_open_request *request,
                         ACCESS_MASK *granted)
{
    ACCESS_MASK original = *granted;
    w->count = 0;
    if (likely(!__atomic_load_n(&entry_count, __ATOMIC_ACQUIRE)) || !ob_type_of(body)->ops.watchable)
        return false;
    w->kernel = kernel;
    w->source = request ? request->source_process : NULL;
    w->target = request ? request->target_process : NULL;
    w->operation = w->source ? OB_OPERATION_HANDLE_DUPLICATE : OB_OPERATION_HANDLE_CREATE;
    collect(w, ob_type_of(body));
    for (unsigned i = 0; i < w->count; i++)
        if (w->calls[i].entry->PreOperation)
            call_before(w, &w->calls[i], body, original, granted);
    return w->count != 0;
}

void ob_callbacks_after(struct ob_watched *w, void *body, NTSTATUS status, ACCESS_MASK granted)
{
    OB_POST_OPERATION_PARAMETERS parameters = {.CreateHandleInformation = {NT_SUCCESS(status) ? granted : 0}};
    while (w->count) {
        struct ob_call *call = &w->calls[--w->count];
        OB_POST_OPERATION_INFORMATION information = {.Operation = w->operation,
                                                     .Flags = w->kernel,
                                                     .Object = body,
                                                     .ObjectType = (POBJECT_TYPE)ob_type_of(body),
                                                     .CallContext = call->context,
                                                     .ReturnStatus = status,
                                                     .Parameters = &parameters};
        if (call->entry->PostOperation)
            /* SR-47: from the lowest altitude to the highest. */
            call_after(call, &information);
        __atomic_fetch_sub(&call->registration->running, 1, __ATOMIC_RELEASE);
    }
}

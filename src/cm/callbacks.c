/* SPDX-License-Identifier: MIT */
/*
 * Who listens to the registry: registrations by altitude, and the way of a
 * notice through them. A routine that returns an error before an operation
 * stops it; those that stand above it, and had let it pass, hear the result.
 */
#include "ke/held.h"
#include "cm/callbacks.h"
#include "ke/routines.h"
#include "rtl/exports.h"

static rl_lock lock; /* the list and the last cookie */
static LIST_ENTRY registrations = {&registrations, &registrations};
static LONG registration_count;
static LONGLONG last_cookie;

void cm_callbacks_fini(void)
{
    list_init(&registrations);
    registration_count = 0;
    last_cookie = 0;
    cm_object_contexts_fini();
}

bool cm_notify_wanted(void)
{
    return unlikely(__atomic_load_n(&registration_count, __ATOMIC_ACQUIRE) != 0);
}

/* ---- registering ---- */

static struct cm_registration *registration_at(LIST_ENTRY *at)
{
    return container_of(at, struct cm_registration, link);
}

/* Lock held. Where the new one goes: before the first that stands lower. */
static NTSTATUS find_place(const struct cm_registration *made, LIST_ENTRY **place)
{
    LIST_ENTRY *at = registrations.Flink;
    if (registration_count == CM_CALLS_LARGEST)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (; at != &registrations; at = at->Flink) {
        const struct cm_registration *other = registration_at(at);
        if (!made->altitude.Length)
            continue;
        LONG order = other->altitude.Length ? RtlCompareAltitudes(&made->altitude, &other->altitude) : 1;
        if (order == 0)
            return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
        if (order > 0)
            break;
    }
    *place = at;
    return STATUS_SUCCESS;
}

static NTSTATUS insert_registration(struct cm_registration *made)
{
    LIST_ENTRY *place;
    rl_lock_acquire(&lock);
    NTSTATUS status = find_place(made, &place);
    if (NT_SUCCESS(status)) {
        made->cookie = ++last_cookie;
        list_insert_tail(place, &made->link);
        __atomic_fetch_add(&registration_count, 1, __ATOMIC_RELEASE);
    }
    rl_lock_release(&lock);
    return status;
}

static NTSTATUS register_routine(PEX_CALLBACK_FUNCTION routine, const UNICODE_STRING *altitude, void *context,
                                 LARGE_INTEGER *cookie)
{
    struct cm_registration *made = mm_alloc(sizeof(*made) + altitude->Length, CM_TAG);
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    made->routine = routine;
    made->context = context;
    made->altitude = (UNICODE_STRING){altitude->Length, altitude->Length, (WCHAR *)(made + 1)};
    memcpy(made->altitude.Buffer, altitude->Buffer, altitude->Length);
    /* SR-46: called from now on, by altitude. */
    NTSTATUS status = insert_registration(made);
    if (NT_SUCCESS(status))
        cookie->QuadPart = made->cookie;
    if (NT_SUCCESS(status))
        ke_hold(KE_HELD_REGISTRY_CALLBACK, (const void *)made->cookie);
    else
        mm_free(made);
    return status;
}

/* Registers a routine for every registry operation, below those with an altitude. Rules: SR-46. */
EXPORT(ntoskrnl, CmRegisterCallback, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context, PLARGE_INTEGER Cookie)
{
    static const UNICODE_STRING none = {0, 0, (WCHAR *)u""};
    return register_routine(Function, &none, Context, Cookie);
}

/* The same at an altitude, which no other may have. Rules: SR-46. */
EXPORT(ntoskrnl, CmRegisterCallbackEx, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude, PVOID Driver,
                                    PVOID Context, PLARGE_INTEGER Cookie, PVOID Reserved)
{
    if (!Function || !Altitude || !Altitude->Length || !Driver)
        return STATUS_INVALID_PARAMETER;
    return register_routine(Function, Altitude, Context, Cookie);
}

static struct cm_registration *find_cookie(LONGLONG cookie)
{
    for (LIST_ENTRY *at = registrations.Flink; at != &registrations; at = at->Flink)
        if (registration_at(at)->cookie == cookie)
            return registration_at(at);
    return NULL;
}

struct cm_registration *cm_registration_take(LONGLONG cookie)
{
    rl_lock_acquire(&lock);
    struct cm_registration *found = find_cookie(cookie);
    if (found)
        __atomic_fetch_add(&found->running, 1, __ATOMIC_RELAXED);
    rl_lock_release(&lock);
    return found;
}

void cm_registration_give(struct cm_registration *registration)
{
    __atomic_fetch_sub(&registration->running, 1, __ATOMIC_RELEASE);
}

/*
 * Waits for calls in progress, then cleans up the contexts that the driver gave to keys.
 * STATUS_INVALID_PARAMETER: no such cookie. Rules: SR-46.
 */
EXPORT(ntoskrnl, CmUnRegisterCallback, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    rl_lock_acquire(&lock);
    struct cm_registration *old = find_cookie(Cookie.QuadPart);
    if (old) {
        /* SR-46: nobody new calls it. */
        list_remove(&old->link);
        __atomic_fetch_sub(&registration_count, 1, __ATOMIC_RELEASE);
    }
    rl_lock_release(&lock);
    if (!old)
        return STATUS_INVALID_PARAMETER;
    ke_unhold(KE_HELD_REGISTRY_CALLBACK, (const void *)Cookie.QuadPart);
    while (__atomic_load_n(&old->running, __ATOMIC_ACQUIRE))
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
    cm_registration_contexts_end(old);
    mm_free(old);
    return STATUS_SUCCESS;
}

/* Version 1.1: that of Windows 7 and later. */
EXPORT(ntoskrnl, CmGetCallbackVersion, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI CmGetCallbackVersion(PULONG Major, PULONG Minor)
{
    if (Major)
        *Major = 1;
    if (Minor)
        *Minor = 1;
}

/* ---- calling ---- */

NTSTATUS cm_run_routine(struct cm_registration *registration, REG_NOTIFY_CLASS class, void *argument)
{
    uint64_t cookie = ke_callout_enter("registry callback", registration->routine);
    NTSTATUS status = registration->routine(registration->context, (PVOID)(ULONG_PTR) class, argument);
    ke_callout_leave("registry callback", registration->routine, cookie);
    return status;
}

static void collect(struct cm_notice *notice)
{
    notice->count = 0;
    rl_lock_acquire(&lock);
    for (LIST_ENTRY *at = registrations.Flink; at != &registrations; at = at->Flink) {
        __atomic_fetch_add(&registration_at(at)->running, 1, __ATOMIC_RELAXED);
        notice->calls[notice->count++] = (struct cm_call){registration_at(at), NULL};
    }
    rl_lock_release(&lock);
}

static NTSTATUS call_before(struct cm_notice *notice, struct cm_call *call)
{
    notice->contexts[0] = NULL;
    notice->contexts[1] = cm_object_context(notice->object, call->registration);
    NTSTATUS status = cm_run_routine(call->registration, notice->before, notice->information);
    call->context = notice->contexts[0];
    return status;
}

/* Those from `first` on do not hear of the result. */
static void forget_calls(struct cm_notice *notice, unsigned first)
{
    while (notice->count > first)
        cm_registration_give(notice->calls[--notice->count].registration);
}

bool cm_notify_before(struct cm_notice *notice, NTSTATUS *status)
{
    *status = STATUS_SUCCESS;
    collect(notice);
    for (unsigned i = 0; i < notice->count; i++) {
        *status = call_before(notice, &notice->calls[i]);
        if (NT_SUCCESS(*status))
            continue;
        forget_calls(notice, i);
        /* SR-46: STATUS_CALLBACK_BYPASS says that the routine did what was asked for. */
        *status = cm_notify_after(notice, *status == STATUS_CALLBACK_BYPASS ? STATUS_SUCCESS : *status);
        return false;
    }
    return true;
}

static NTSTATUS call_after(struct cm_notice *notice, struct cm_call *call, NTSTATUS status)
{
    void *object = notice->makes_object ? (NT_SUCCESS(status) ? notice->made : NULL) : notice->object;
    REG_POST_OPERATION_INFORMATION information = {.Object = object,
                                                  .Status = status,
                                                  .PreInformation = notice->information,
                                                  .ReturnStatus = status,
                                                  .CallContext = call->context};
    information.ObjectContext = cm_object_context(notice->object, call->registration);
    NTSTATUS returned = cm_run_routine(call->registration, notice->after, &information);
    /* SR-46: a routine may put another status in the place of the operation's. */
    return returned == STATUS_CALLBACK_BYPASS ? information.ReturnStatus : status;
}

NTSTATUS cm_notify_after(struct cm_notice *notice, NTSTATUS status)
{
    while (notice->count) {
        struct cm_call *call = &notice->calls[--notice->count];
        status = call_after(notice, call, status);
        cm_registration_give(call->registration);
    }
    return status;
}

NTSTATUS cm_notified(struct cm_notice *notice, void *object, NTSTATUS (*operation)(void *), void *argument)
{
    NTSTATUS status;
    if (likely(!cm_notify_wanted()))
        return operation(argument);
    notice->object = object;
    *(void **)notice->information = object;
    return cm_notify_before(notice, &status) ? cm_notify_after(notice, operation(argument)) : status;
}

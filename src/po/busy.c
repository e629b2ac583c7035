/* SPDX-License-Identifier: MIT */
/*
 * What keeps the system from going to sleep by itself: registered system
 * states, power requests, and the word that it was active just now. Lock:
 * po_lock.
 */
#include "po/private.h"

struct registration {
    LIST_ENTRY link;
    EXECUTION_STATE flags;
};

struct power_request {
    LIST_ENTRY link;
    PDEVICE_OBJECT device; /* referenced */
    LONG system_required;
};

static LIST_ENTRY registrations, requests;
static EXECUTION_STATE active_now; /* of PoSetSystemState, since the system last looked */

void po_busy_reset(void)
{
    list_init(&registrations);
    list_init(&requests);
    active_now = 0;
}

bool po_system_is_busy(void)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    EXECUTION_STATE flags = active_now;
    bool busy = false;
    active_now = 0;
    list_for_each(it, &registrations) flags |= container_of(it, struct registration, link)->flags;
    list_for_each(it, &requests) busy |= container_of(it, struct power_request, link)->system_required > 0;
    KeReleaseSpinLock(&po_lock, irql);
    return busy || flags & (ES_SYSTEM_REQUIRED | ES_USER_PRESENT);
}

/*
 * The system is busy, until the registration is changed by another call with its handle, or given up. Returns
 * the handle; NULL: no memory. IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, PoRegisterSystemState, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI PoRegisterSystemState(PVOID StateHandle, EXECUTION_STATE Flags)
{
    struct registration *r = StateHandle ? StateHandle : mm_alloc(sizeof(*r), PO_TAG);
    if (!r)
        return NULL;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    if (!StateHandle)
        list_insert_tail(&registrations, &r->link);
    if (Flags & ES_CONTINUOUS)
        r->flags = Flags;
    else
        active_now |= Flags;
    KeReleaseSpinLock(&po_lock, irql);
    return r;
}

/* The system was active just now. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoSetSystemState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI PoSetSystemState(EXECUTION_STATE Flags)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    active_now |= Flags;
    KeReleaseSpinLock(&po_lock, irql);
}

/* IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, PoUnregisterSystemState, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI PoUnregisterSystemState(PVOID StateHandle)
{
    struct registration *r = StateHandle;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_remove(&r->link);
    KeReleaseSpinLock(&po_lock, irql);
    mm_free(r);
}

/* Owns: the caller, until PoDeletePowerRequest; *PowerRequest is NULL on failure. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, PoCreatePowerRequest, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PoCreatePowerRequest(PVOID *PowerRequest, PDEVICE_OBJECT DeviceObject,
                                    PCOUNTED_REASON_CONTEXT Context)
{
    *PowerRequest = NULL;
    if (!DeviceObject)
        return STATUS_INVALID_PARAMETER;
    struct power_request *request = mm_alloc(sizeof(*request), PO_TAG);
    if (!request)
        return STATUS_INSUFFICIENT_RESOURCES;
    ob_reference(DeviceObject);
    request->device = DeviceObject;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_insert_tail(&requests, &request->link);
    KeReleaseSpinLock(&po_lock, irql);
    *PowerRequest = request;
    return STATUS_SUCCESS;
}

/* One more; SystemRequired is the type that drivers have. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoSetPowerRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI PoSetPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type)
{
    struct power_request *request = PowerRequest;
    if (Type != PowerRequestSystemRequired)
        return STATUS_NOT_SUPPORTED;
    __atomic_add_fetch(&request->system_required, 1, __ATOMIC_ACQ_REL);
    return STATUS_SUCCESS;
}

/* One less; STATUS_UNSUCCESSFUL: there was none. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoClearPowerRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI PoClearPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type)
{
    struct power_request *request = PowerRequest;
    if (Type != PowerRequestSystemRequired)
        return STATUS_NOT_SUPPORTED;
    LONG count = __atomic_load_n(&request->system_required, __ATOMIC_ACQUIRE);
    while (count > 0)
        if (__atomic_compare_exchange_n(&request->system_required, &count, count - 1, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return STATUS_SUCCESS;
    return STATUS_UNSUCCESSFUL;
}

/* With all that is set. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, PoDeletePowerRequest, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI PoDeletePowerRequest(PVOID PowerRequest)
{
    struct power_request *request = PowerRequest;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_remove(&request->link);
    KeReleaseSpinLock(&po_lock, irql);
    ob_dereference(request->device);
    mm_free(request);
}

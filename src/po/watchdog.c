/* SPDX-License-Identifier: MIT */
/*
 * The watchdog of power IRPs: one timer, set to the first deadline of those in
 * flight. A device object that goes away with a power IRP in its driver's
 * hands is found here too. Lock: po_lock.
 */
#include "po/private.h"

static KTIMER timer;
static KDPC dpc;

/* What parameter 3 of the bug check points to. */
static struct {
    USHORT signature, revision;
    LIST_ENTRY *irps, *threads;
    void *delayed_work;
} triage;
static LIST_ENTRY no_threads;

static _Noreturn void accuse(const struct po_request *request)
{
    struct ke_bugcheck_info info = {
        .code = DRIVER_POWER_STATE_FAILURE,
        .p = {3, (ULONG_PTR)request->base, (ULONG_PTR)&triage, (ULONG_PTR)request->irp},
        .sentence = "a device has been blocking a power IRP for too long",
        .irp = request->irp,
        .device = IoGetCurrentIrpStackLocation(request->irp)->DeviceObject,
    };
    ke_bugcheck(&info);
}

static struct po_request *first_to_end(void)
{
    struct po_request *first = NULL;
    list_for_each(it, &po_requests)
    {
        struct po_request *request = container_of(it, struct po_request, link);
        if (request->deadline && (!first || request->deadline < first->deadline))
            first = request;
    }
    return first;
}

static VOID NTAPI expired(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KeAcquireSpinLockAtDpcLevel(&po_lock);
    const struct po_request *first = first_to_end();
    if (first && first->deadline <= KeQueryInterruptTime())
        /* PW-27: with the stack and the IRP. */
        accuse(first);
    po_watch_arm_locked();
    KeReleaseSpinLockFromDpcLevel(&po_lock);
}

void po_watch_reset(void)
{
    list_init(&no_threads);
    triage.signature = 0x8000;
    triage.revision = 1;
    triage.irps = &po_requests;
    triage.threads = &no_threads;
    KeInitializeTimerEx(&timer, NotificationTimer);
    KeInitializeDpc(&dpc, expired, NULL);
}

void po_watch_arm_locked(void)
{
    const struct po_request *first = first_to_end();
    if (!first) {
        KeCancelTimer(&timer);
        return;
    }
    LONGLONG left = (LONGLONG)(first->deadline - KeQueryInterruptTime());
    LARGE_INTEGER due = {.QuadPart = left > 0 ? -left : -1};
    KeSetTimer(&timer, due, &dpc);
}

/*
 * Whether a watched power IRP is in the stack, and how long the next one to fail has.
 * IRQL: <= DISPATCH_LEVEL. Rules: PW-27.
 */
EXPORT(ntoskrnl, PoQueryWatchdogTime, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PoQueryWatchdogTime(PDEVICE_OBJECT Pdo, PULONG SecondsRemaining)
{
    ULONGLONG first = 0, now = KeQueryInterruptTime();
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_for_each(it, &po_requests)
    {
        const struct po_request *request = container_of(it, struct po_request, link);
        if (request->base == Pdo && request->deadline && (!first || request->deadline < first))
            first = request->deadline;
    }
    KeReleaseSpinLock(&po_lock, irql);
    if (!first)
        return FALSE;
    *SecondsRemaining = first > now ? (ULONG)((first - now) / PO_SECOND) : 0;
    return TRUE;
}

/* The request whose IRP lies in the hands of the driver of this device object. po_lock. */
static const struct po_request *held_by(const DEVICE_OBJECT *device)
{
    list_for_each(it, &po_requests)
    {
        const struct po_request *request = container_of(it, struct po_request, link);
        if (request->sent && request->irp->CurrentLocation <= request->irp->StackCount &&
            IoGetCurrentIrpStackLocation(request->irp)->DeviceObject == device)
            return request;
    }
    return NULL;
}

void po_device_deleting(PDEVICE_OBJECT device)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    const struct po_request *request = held_by(device);
    KeReleaseSpinLock(&po_lock, irql);
    if (!request)
        return;
    /* PW-27: nobody could complete it any more. */
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_POWER_STATE_FAILURE,
        .p = {1, (ULONG_PTR)device},
        .sentence = "a device object was deleted while its driver had a power IRP that it had not completed",
        .irp = request->irp,
        .device = device,
    });
}

/* SPDX-License-Identifier: MIT */
/*
 * Cancellation. One spin lock for the whole system (CAN-15); a cancel routine
 * is called with it held and must release it. cancel_owner tells whether it did.
 */
#include "io/private.h"

static KSPIN_LOCK cancel_lock;
static unsigned cancel_owner; /* VP number + 1 of the holder; written by the holder only */

void io_cancel_reset(void)
{
    cancel_lock = 0;
    cancel_owner = 0;
}

/* IRQL: <= DISPATCH_LEVEL, returns at DISPATCH_LEVEL. Rules: CAN-15. */
EXPORT(ntoskrnl, IoAcquireCancelSpinLock, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    /* CAN-15: the one lock. */
    *Irql = KeAcquireSpinLockRaiseToDpc(&cancel_lock);
    cancel_owner = ke_vp()->number + 1;
}

/* IRQL: DISPATCH_LEVEL, returns at Irql. */
EXPORT(ntoskrnl, IoReleaseCancelSpinLock, DISPATCH_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    cancel_owner = 0;
    KeReleaseSpinLock(&cancel_lock, Irql);
}

static PDEVICE_OBJECT holder_of(PIRP irp)
{
    if (irp->CurrentLocation > irp->StackCount)
        return NULL;
    /* CAN-03: the driver that holds the IRP. */
    return IoGetCurrentIrpStackLocation(irp)->DeviceObject;
}

/* Who called IoCancelIrp goes on at an IRQL that is not its own. */
static __attribute__((noinline, cold)) _Noreturn void
report_irql(PDEVICE_OBJECT device, PDRIVER_CANCEL routine, KIRQL wanted, KIRQL got)
{
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = IRQL_UNEXPECTED_VALUE,
        .p = {(ULONG64)got << 16 | (ULONG64)wanted << 8 | 2},
        .sentence = "a cancel routine returned at another IRQL than Irp->CancelIrql, which it has to give "
                    "IoReleaseCancelSpinLock",
        .device = device,
        .verifier = true,
        .raise_address = (ULONG_PTR)routine,
    });
}

/* The cancel lock is held; the routine releases it. */
void io_call_cancel_routine(PIRP irp, PDRIVER_CANCEL routine)
{
    unsigned me = ke_vp()->number + 1;
    PDEVICE_OBJECT device = holder_of(irp);
    KIRQL wanted = irp->CancelIrql; /* the IRP may be gone afterwards */
    struct ke_request canceler = ke_request_begin(irp, device);
    uint64_t cookie = ke_callout_enter("cancel", routine);
    /* SR-21: at DISPATCH_LEVEL, until it releases the lock. */
    routine(device, irp);
    ke_callout_leave("cancel", routine, cookie);
    ke_request_end(canceler);
    if (unlikely(__atomic_load_n(&cancel_owner, __ATOMIC_RELAXED) == me && ke_irql() >= DISPATCH_LEVEL &&
                 ke_vp()->number + 1 == me))
        /* CAN-04: nobody could cancel anything any more. */
        io_irp_bugcheck(DRIVER_RETURNED_HOLDING_CANCEL_LOCK, irp, device, (ULONG_PTR)routine, 0, 0,
                        "a cancel routine returned without releasing the cancel spin lock");
    /* SR-21, CAN-01: the canceler's IRQL is what it was. */
    if (unlikely(ke_irql() != wanted) && seam_vf)
        report_irql(device, routine, wanted, ke_irql());
}

/*
 * Marks the IRP canceled and calls its cancel routine, if it has one. TRUE: a routine was called. The IRP may
 * be gone. IRQL: <= DISPATCH_LEVEL. Rules: CAN-01..CAN-06.
 */
EXPORT(ntoskrnl, IoCancelIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    KIRQL irql;
    TRACE(TRACE_IRP_CANCEL, Irp);
    /* CAN-01, CAN-07, CAN-10: who holds it sees the queue, CurrentIrp and the routine as they stay. */
    IoAcquireCancelSpinLock(&irql);
    /* CAN-01, CAN-08, CAN-09: for good. */
    Irp->Cancel = TRUE;
    /* CAN-01, CAN-06: whoever takes the routine cancels. */
    PDRIVER_CANCEL routine = IoSetCancelRoutine(Irp, NULL);
    if (!routine) {
        IoReleaseCancelSpinLock(irql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount + 1)
        /* CAN-02: completed, and still cancelable. */
        io_irp_bugcheck(CANCEL_STATE_IN_COMPLETED_IRP, Irp, NULL, (ULONG_PTR)routine, 0, 0,
                        "a cancel routine was found on an IRP that is already completed");
    /* CAN-01: what the routine gives IoReleaseCancelSpinLock. */
    Irp->CancelIrql = irql;
    /* CAN-01, CSQ-10: whoever's it is. */
    io_call_cancel_routine(Irp, routine);
    return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* Synchronizing with an interrupt service routine: its spin lock at its IRQL, or the event of a passive-level
 * one. */
#include "io/interrupt.h"
#include "ke/spinlock.h"

static _Noreturn void stop_again(const KINTERRUPT *interrupt)
{
    struct ke_bugcheck_info info = {
        .code = SPIN_LOCK_ALREADY_OWNED,
        .p = {(uintptr_t)interrupt->lock},
        .sentence = "a driver acquires an interrupt's spin lock where it has it already",
    };
    ke_bugcheck(&info);
}

void io_interrupt_lock(PKINTERRUPT interrupt)
{
    unsigned self = ke_vp()->number + 1;
    if (__atomic_load_n(&interrupt->holder, __ATOMIC_RELAXED) == self)
        stop_again(interrupt);
    spinlock_acquire(interrupt->lock);
    __atomic_store_n(&interrupt->holder, self, __ATOMIC_RELAXED);
}

void io_interrupt_unlock(PKINTERRUPT interrupt)
{
    __atomic_store_n(&interrupt->holder, 0, __ATOMIC_RELAXED);
    spinlock_release(interrupt->lock);
}

static BOOLEAN call_routine(PKSYNCHRONIZE_ROUTINE routine, PVOID context)
{
    uint64_t cookie = ke_callout_enter("SynchCritSection", routine);
    /* INT-08: what it returns is the caller's answer. */
    BOOLEAN result = routine(context);
    ke_callout_leave("SynchCritSection", routine, cookie);
    return result;
}

static _Noreturn void stop_above(const KINTERRUPT *interrupt)
{
    struct ke_bugcheck_info info = {
        .code = IRQL_NOT_GREATER_OR_EQUAL,
        .p = {interrupt->synchronize_irql, ke_irql()},
        .sentence = "a driver synchronizes with an interrupt at a higher IRQL than the interrupt's",
    };
    ke_bugcheck(&info);
}

static BOOLEAN synchronize_at_passive(PKINTERRUPT interrupt, PKSYNCHRONIZE_ROUTINE routine, PVOID context)
{
    /* INT-15: the event that the service routine runs with. */
    KeWaitForSingleObject(&interrupt->event, Executive, KernelMode, FALSE, NULL);
    BOOLEAN result = call_routine(routine, context);
    KeSetEvent(&interrupt->event, IO_NO_INCREMENT, FALSE);
    return result;
}

/*
 * Calls the routine as the service routine is called: at its IRQL, never while it runs on another processor.
 * IRQL: <= the interrupt's SynchronizeIrql. Rules: SR-16, INT-07, INT-08, INT-15.
 */
EXPORT(ntoskrnl, KeSynchronizeExecution, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                     PVOID SynchronizeContext)
{
    KIRQL irql = ke_irql();
    if (irql > Interrupt->synchronize_irql)
        stop_above(Interrupt);
    if (Interrupt->passive)
        return synchronize_at_passive(Interrupt, SynchronizeRoutine, SynchronizeContext);
    /* DPC-08, SR-16: no lower, for the service routine must not interrupt it here. */
    ke_raise_irql(Interrupt->synchronize_irql);
    /* DPC-11, INT-07: nor run elsewhere. */
    io_interrupt_lock(Interrupt);
    BOOLEAN result = call_routine(SynchronizeRoutine, SynchronizeContext);
    io_interrupt_unlock(Interrupt);
    ke_lower_irql(irql);
    return result;
}

static void refuse_passive(const KINTERRUPT *interrupt)
{
    struct ke_bugcheck_info info = {
        .code = IRQL_NOT_GREATER_OR_EQUAL,
        .p = {interrupt->synchronize_irql, ke_irql()},
        .sentence = "a passive-level interrupt has no spin lock to acquire or release",
    };
    if (interrupt->passive)
        /* INT-15: there is an event instead. */
        ke_bugcheck(&info);
}

/* Raises to the interrupt's IRQL and acquires its lock; returns the former IRQL. IRQL: <= SynchronizeIrql.
 * Rules: INT-07, INT-15. */
EXPORT(ntoskrnl, KeAcquireInterruptSpinLock, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    refuse_passive(Interrupt);
    KIRQL irql = KfRaiseIrql(Interrupt->synchronize_irql);
    /* INT-07: the lock that the service routine runs with. */
    io_interrupt_lock(Interrupt);
    return irql;
}

/* Releases it and lowers the IRQL, which runs what it held back. IRQL: SynchronizeIrql. Rules: INT-15. */
EXPORT(ntoskrnl, KeReleaseInterruptSpinLock, DISPATCH_LEVEL, HIGH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    refuse_passive(Interrupt);
    io_interrupt_unlock(Interrupt);
    KeLowerIrql(OldIrql);
}

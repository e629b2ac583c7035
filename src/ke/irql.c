/* SPDX-License-Identifier: MIT */
/*
 * IRQL. It is a byte in the KPCR; what was held back by it waits in the VP's
 * pending word and is done when it drops. irql_service is the one place where
 * interrupts, timers, DPCs, a switch and APCs are taken, in that order, each
 * only below its own level.
 */
#include "ke/vp.h"
#include "ke/dispatch.h"
#include "ke/objects.h"

static bool interrupt_is_due(const struct vp *vp)
{
    return !vp->interrupts_off && __atomic_load_n(&vp->interrupt_irql, __ATOMIC_RELAXED) > vp_irql(vp);
}

/* Timers and DPCs, at DISPATCH_LEVEL on the current thread's stack; returns to the IRQL it was called at. */
static void drain_at_dispatch(struct vp *vp, KIRQL irql)
{
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    if (vp_pending(vp) & PEND_TIMER)
        timers_expire();
    dpc_drain(vp_current());
    irql_set(irql);
}

/* One thing that may be done at this IRQL; false: there was none. */
static bool service_one(struct vp *vp, KIRQL irql)
{
    uint32_t pending = vp_pending(vp);
    if (unlikely(pending & (PEND_STOP | PEND_WATCHDOG))) {
        if (bugcheck_calls_back(vp))
            return false;
        bugcheck_stop_here(vp);
    }
    if (pending & PEND_RECALL)
        carrier_swap(vp);
    if ((pending & PEND_INTERRUPT) && interrupt_is_due(vp)) {
        interrupts_deliver(vp);
        return true;
    }
    if (irql >= DISPATCH_LEVEL || vp->interrupts_off)
        return false;
    if (pending & (PEND_TIMER | PEND_DPC)) {
        drain_at_dispatch(vp, irql);
        return true;
    }
    if (pending & PEND_PREEMPT) {
        dispatch_preempt();
        return true;
    }
    if ((pending & PEND_APC) && irql < APC_LEVEL)
        return apcs_deliver();
    return false;
}

void irql_service(void)
{
    KIRQL irql = ke_irql();
    while (service_one(vp_current(), irql))
        ;
    if (ke_simulated) {
        simulated_choose();
        while (service_one(vp_current(), irql))
            ;
    }
}

KIRQL ke_raise_irql(KIRQL irql)
{
    struct vp *vp = vp_current();
    KIRQL old = vp->ke.pcr.Irql;
    vp->ke.pcr.Irql = irql;
    return old;
}

void ke_lower_irql(KIRQL irql)
{
    struct vp *vp = vp_current();
    vp->ke.pcr.Irql = irql;
    if (unlikely(vp_pending(vp) != 0))
        irql_service();
}

void ke_sched_point(void)
{
    struct vp *vp = vp_current();
    if (unlikely(vp_pending(vp) != 0)) {
        if (ke_simulated)
            simulated_cost(1);
        irql_service();
    }
}

static void raise_checked(KIRQL new, KIRQL old)
{
    if (unlikely(new < old))
        ke_bugcheck_code(IRQL_NOT_GREATER_OR_EQUAL, new, old, 0, 0);
    TRACE(TRACE_IRQL, ke_thread(), .a = old, .b = new);
}

/* Raises the IRQL; lowering by it is bug check 0x9 (IRQL_NOT_GREATER_OR_EQUAL). */
EXPORT(ntoskrnl, KfRaiseIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL)
EXPORT(hal, KfRaiseIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    raise_checked(NewIrql, ke_irql());
    return ke_raise_irql(NewIrql);
}

EXPORT(ntoskrnl, KeRaiseIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL)
EXPORT(hal, KeRaiseIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL)
VOID NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
    *OldIrql = KfRaiseIrql(NewIrql);
}

EXPORT(ntoskrnl, KeRaiseIrqlToDpcLevel, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
EXPORT(hal, KeRaiseIrqlToDpcLevel, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES_IRQL)
KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID)
{
    return KfRaiseIrql(DISPATCH_LEVEL);
}

/* SYNCH_LEVEL of an x64 multiprocessor kernel is 12. */
EXPORT(ntoskrnl, KeRaiseIrqlToSynchLevel, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
EXPORT(hal, KeRaiseIrqlToSynchLevel, PASSIVE_LEVEL, CLOCK_LEVEL - 1, X_RAISES_IRQL)
KIRQL NTAPI KeRaiseIrqlToSynchLevel(VOID)
{
    return KfRaiseIrql(CLOCK_LEVEL - 1);
}

/* Lowers the IRQL and runs what it held back; raising by it is bug check 0xA (IRQL_NOT_LESS_OR_EQUAL). */
EXPORT(ntoskrnl, KeLowerIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
EXPORT(hal, KeLowerIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
    KIRQL old = ke_irql();
    if (unlikely(NewIrql > old))
        ke_bugcheck_code(IRQL_NOT_LESS_OR_EQUAL, NewIrql, old, 0, 0);
    TRACE(TRACE_IRQL, ke_thread(), .a = old, .b = NewIrql);
    ke_lower_irql(NewIrql);
}

EXPORT(ntoskrnl, KfLowerIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
EXPORT(hal, KfLowerIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES_IRQL | X_BLOCKS)
VOID NTAPI KfLowerIrql(KIRQL NewIrql)
{
    KeLowerIrql(NewIrql);
}

EXPORT(ntoskrnl, KeGetCurrentIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
EXPORT(hal, KeGetCurrentIrql, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
KIRQL NTAPI KeGetCurrentIrql(VOID)
{
    return ke_irql();
}

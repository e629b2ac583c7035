/* SPDX-License-Identifier: MIT */
/*
 * Starting and ending the dispatcher, and what the CPU layer below calls up
 * for: who is current, may it be preempted, what becomes of an exception that
 * nobody handled, what happens around a driver's call of an export.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "arch/machine.h"
#include "arch/rewrite.h"

/* ---- upcalls of the CPU layer ---- */

static struct arch_thread *current(void)
{
    return ke_on_vp() ? &ke_thread()->arch : NULL;
}

/* In the signal handler. Where it may not be taken it stays pending, and the clock asks again. */
static bool may_preempt(ULONG64 rip)
{
    struct vp *vp = vp_current();
    uint32_t pending = vp_pending(vp);
    if (rip == 0)
        return false;
    vp->interrupted_rip = rip;
    if (pending & (PEND_STOP | PEND_WATCHDOG | PEND_RECALL))
        return true;
    if (vp->interrupts_off)
        return false;
    if ((pending & PEND_INTERRUPT) && vp->interrupt_irql > vp_irql(vp))
        return true;
    if (vp_irql(vp) >= DISPATCH_LEVEL || vp->ke.current == vp->ke.idle)
        return false;
    return (pending & (PEND_DPC | PEND_TIMER | PEND_PREEMPT)) ||
           ((pending & PEND_APC) && vp_irql(vp) < APC_LEVEL);
}

__attribute__((noreturn)) static void unhandled(EXCEPTION_RECORD *record, CONTEXT *context)
{
    ULONG64 code = (ULONG)record->ExceptionCode, at = (uintptr_t)record->ExceptionAddress;
    const struct ke_thread *thread = ke_thread();
    if (ke_irql() >= DISPATCH_LEVEL) {
        ULONG64 p[4] = {code, at, record->ExceptionInformation[0], record->ExceptionInformation[1]};
        bugcheck_at(KMODE_EXCEPTION_NOT_HANDLED, p, "an exception at raised IRQL was not handled", record,
                    context);
    }
    if (thread->host != NULL && thread->previous_mode == UserMode) {
        ULONG64 p[4] = {code, at, (uintptr_t)context, 0};
        bugcheck_at(SYSTEM_SERVICE_EXCEPTION, p, "an exception in a request was not handled", record,
                    context);
    }
    ULONG64 p[4] = {code, at, (uintptr_t)record, (uintptr_t)context};
    bugcheck_at(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, p, "an exception in a system thread was not handled",
                record, context);
}

__attribute__((noreturn)) static void fault(ULONG code, const ULONG64 p[4], const char *sentence,
                                            EXCEPTION_RECORD *record, CONTEXT *context)
{
    bugcheck_at(code, p, sentence, record, context);
}

static void gate_enter(const struct export_entry *entry, const struct arch_record *record)
{
    ke_thread()->arch.records->reserved = ke_irql();
    if (unlikely(seam_vf != NULL) && seam_vf->export_enter)
        seam_vf->export_enter(entry, (const void *)record->rip);
    ke_sched_point();
}

static void gate_leave(const struct export_entry *entry, const struct arch_record *record)
{
    ke_sched_point();
    if (unlikely(seam_vf != NULL) && seam_vf->export_leave)
        seam_vf->export_leave(entry, (const void *)record->rip, (KIRQL)record->reserved);
}

/* ---- the processor's face to rewritten instructions ---- */

static void set_interrupt_flag(bool enabled)
{
    vp_current()->interrupts_off = !enabled;
    if (enabled)
        ke_sched_point();
}

static bool interrupt_flag(void)
{
    return !vp_current()->interrupts_off;
}

static void set_cr8(uint64_t irql)
{
    if (irql > ke_irql()) /* equal: the instruction has stored it and found something pending */
        ke_raise_irql((KIRQL)irql);
    else
        ke_lower_irql((KIRQL)irql);
}

static void set_upcalls(void)
{
    arch_ops.current = current;
    arch_ops.irql = ke_irql;
    arch_ops.may_preempt = may_preempt;
    arch_ops.preempt = irql_service;
    arch_ops.emulated = ke_sched_point;
    arch_ops.unhandled = unhandled;
    arch_ops.bugcheck = ke_bugcheck_code;
    arch_ops.fault_bugcheck = fault;
    arch_ops.gate_enter = gate_enter;
    arch_ops.gate_leave = gate_leave;
    machine_ops.set_interrupt_flag = set_interrupt_flag;
    machine_ops.interrupt_flag = interrupt_flag;
    machine_ops.set_cr8 = set_cr8;
    arch_ops.emulate = rewrite_emulate;
    rewrite_targets.user_shared_data = ke_user_shared_data;
    rewrite_targets.pending_offset = offsetof(struct ke_vp, pending);
}

/* ---- life ---- */

static void apply_defaults(const struct ke_config *config)
{
    ke_settings = *config;
    if (ke_settings.quantum_ms == 0)
        ke_settings.quantum_ms = 10;
    if (ke_settings.watchdog_s == 0)
        ke_settings.watchdog_s = 10;
}

static NTSTATUS start_parts(void)
{
    NTSTATUS(*const parts[])
    (void) = {shared_data_init, carrier_init, reaper_init, threaded_dpcs_init, blocking_init, clock_init};
    for (unsigned i = 0; i < countof(parts); i++) {
        NTSTATUS status = parts[i]();
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ke_init(const struct ke_config *config)
{
    if (config->cpus < 1 || config->cpus > MAXIMUM_PROCESSORS)
        return STATUS_INVALID_PARAMETER;
    apply_defaults(config);
    KeNumberProcessors = (CCHAR)config->cpus;
    ke_simulated = host_simulated();
    dispatch_init();
    timers_init();
    threads_init();
    bugcheck_init();
    simulated_reset();
    set_upcalls();
    NTSTATUS status = vps_init(config->cpus);
    if (NT_SUCCESS(status))
        status = start_parts();
    if (!NT_SUCCESS(status))
        ke_fini();
    return status;
}

void ke_stop(void)
{
    __atomic_store_n(&ke_stopped, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ke_vp_count; i++)
        vp_pend(&ke_vps[i], PEND_STOP);
    for (unsigned i = 0; i < ke_vp_count; i++)
        vp_interrupt(&ke_vps[i]);
    carrier_stop_all();
}

/* No host call may be in progress. Threads that still exist are abandoned where they are. */
void ke_fini(void)
{
    ke_stop();
    clock_fini();
    carrier_fini();
    blocking_fini();
    threaded_dpcs_fini();
    reaper_fini();
    shared_data_fini();
    fpstate_fini();
    vps_fini();
}

/* SPDX-License-Identifier: MIT */
/*
 * Deferred procedure calls: one queue per VP under its own lock, drained when
 * the IRQL drops below DISPATCH_LEVEL, on the stack of whoever is current.
 * KDPC.DpcData is the VP in whose queue the DPC lies, NULL outside; it is
 * claimed and cleared under that queue's lock. A DPC is out of the queue, and
 * no longer touched, before its routine runs: the routine may free it.
 */
#include "ke/dispatch.h"
#include "ke/held.h"
#include "ke/objects.h"

/* KDPC.Number of a DPC with a target; smaller: the current processor. */
enum { TARGETED = 0x800 };
/* A low-importance DPC is not left alone in a queue longer than this. */
enum { DEPTH_MAX = 4 };

/* The link and the arguments are left as they are: queueing sets them. */
static void initialize(PRKDPC dpc, UCHAR type, PKDEFERRED_ROUTINE routine, PVOID context)
{
    dpc->Type = type;
    dpc->Importance = MediumImportance;
    dpc->Number = 0;
    dpc->ProcessorHistory = 0;
    dpc->DeferredRoutine = routine;
    /* DPC-01: of a DpcForIsr it is the device object. */
    dpc->DeferredContext = context;
    dpc->DpcData = NULL;
}

/* IRQL: any. */
EXPORT(ntoskrnl, KeInitializeDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    initialize(Dpc, DpcObject, DeferredRoutine, DeferredContext);
}

/* Its routine runs at PASSIVE_LEVEL in a thread of highest priority. IRQL: any. */
EXPORT(ntoskrnl, KeInitializeThreadedDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    initialize(Dpc, ThreadedDpcObject, DeferredRoutine, DeferredContext);
}

/* ---- the queue of a VP, under its lock ---- */

static PKDPC next_of(const KDPC *dpc)
{
    return dpc->DpcListEntry.Next == NULL ? NULL : container_of(dpc->DpcListEntry.Next, KDPC, DpcListEntry);
}

static void link_first(struct vp *vp, PKDPC dpc)
{
    dpc->DpcListEntry.Next = vp->dpc_first != NULL ? &vp->dpc_first->DpcListEntry : NULL;
    vp->dpc_first = dpc;
    if (vp->dpc_last == NULL)
        vp->dpc_last = dpc;
}

static void link_last(struct vp *vp, PKDPC dpc)
{
    dpc->DpcListEntry.Next = NULL;
    if (vp->dpc_last != NULL)
        vp->dpc_last->DpcListEntry.Next = &dpc->DpcListEntry;
    else
        vp->dpc_first = dpc;
    vp->dpc_last = dpc;
}

static void unlink_dpc(struct vp *vp, PKDPC dpc)
{
    PKDPC before = NULL;
    for (PKDPC it = vp->dpc_first; it != dpc; it = next_of(it))
        before = it;
    if (before != NULL)
        before->DpcListEntry.Next = dpc->DpcListEntry.Next;
    else
        vp->dpc_first = next_of(dpc);
    if (vp->dpc_last == dpc)
        vp->dpc_last = before;
}

struct vp *dpc_target(const KDPC *dpc)
{
    return dpc->Number >= TARGETED ? &ke_vps[dpc->Number - TARGETED] : vp_current();
}

static bool enqueue(struct vp *vp, PKDPC dpc, PVOID argument1, PVOID argument2)
{
    rl_lock_acquire(&vp->dpc_lock);
    PVOID expected = NULL;
    /* DPC-02, DPC-12: a DPC lies in a queue once; while it does, new arguments are ignored. */
    bool claimed =
        __atomic_compare_exchange_n(&dpc->DpcData, &expected, vp, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (claimed) {
        dpc->SystemArgument1 = argument1;
        dpc->SystemArgument2 = argument2;
        if (dpc->Importance == HighImportance)
            link_first(vp, dpc);
        else
            link_last(vp, dpc);
        vp->dpc_depth++;
        vp->dpc_queued++;
    }
    rl_lock_release(&vp->dpc_lock);
    return claimed;
}

/* Shall the queue be drained at once, or is there time until the VP is idle or drains anyway? */
static bool is_urgent(UCHAR importance, const struct vp *vp, bool elsewhere)
{
    if (importance == LowImportance)
        return vp->dpc_depth > DEPTH_MAX;
    return !elsewhere || importance != MediumImportance || vp->ke.current == vp->ke.idle ||
           vp->dpc_depth > DEPTH_MAX;
}

/* Links it and marks the VP; who has to be told about it is the caller's business. NULL: it was queued
 * already. */
static struct vp *link_to_target(PKDPC dpc, PVOID argument1, PVOID argument2, bool *urgent)
{
    struct vp *vp = dpc_target(dpc);
    UCHAR importance = dpc->Importance;
    if (!enqueue(vp, dpc, argument1, argument2))
        return NULL;
    TRACE(TRACE_DPC_QUEUED, dpc, .a = vp->ke.number);
    *urgent = is_urgent(importance, vp, vp != vp_current());
    return vp;
}

/* To the current VP: drained here if the IRQL allows, else when it drops. */
static void drain_soon(struct vp *vp)
{
    KIRQL irql = vp_irql(vp);
    if (irql >= DISPATCH_LEVEL || vp->interrupts_off || vp_pending(vp) != 0) {
        vp_pend(vp, PEND_DPC);
        irql_service();
        return;
    }
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    dpc_drain(vp);
    ke_lower_irql(irql);
}

static void tell(struct vp *vp, bool urgent)
{
    if (urgent)
        vp_pend(vp, PEND_DPC);
    carrier_attend(vp);
    if (urgent)
        vp_interrupt(vp);
}

bool dpc_queue(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    bool urgent = false;
    struct vp *vp = link_to_target(dpc, argument1, argument2, &urgent);
    if (vp == NULL)
        return false;
    if (vp != vp_current())
        tell(vp, urgent);
    else if (urgent)
        drain_soon(vp);
    ke_sched_point();
    return true;
}

bool dpc_queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2)
{
    bool urgent = false;
    if (dpc->Type == ThreadedDpcObject)
        return threaded_dpc_queue_locked(dpc, argument1, argument2);
    struct vp *vp = link_to_target(dpc, argument1, argument2, &urgent);
    if (vp == NULL)
        return false;
    if (urgent)
        vp_pend(vp, PEND_DPC);
    if (vp != vp_current()) {
        carrier_attend_locked(vp);
        if (urgent && vp->carrier != NULL)
            dispatch_signal_later(vp->carrier->tid);
    }
    return true;
}

bool dpc_remove(PKDPC dpc)
{
    struct vp *vp = __atomic_load_n(&dpc->DpcData, __ATOMIC_ACQUIRE);
    if (vp == NULL)
        return false;
    rl_lock_acquire(&vp->dpc_lock);
    bool queued = dpc->DpcData == vp;
    if (queued) {
        unlink_dpc(vp, dpc);
        vp->dpc_depth--;
        vp->dpc_queued--;
        __atomic_store_n(&dpc->DpcData, NULL, __ATOMIC_RELEASE);
    }
    rl_lock_release(&vp->dpc_lock);
    return queued;
}

bool dpc_remove_locked(PKDPC dpc)
{
    return dpc->Type == ThreadedDpcObject ? threaded_dpc_remove_locked(dpc) : dpc_remove(dpc);
}

static bool remove_any(PKDPC dpc)
{
    if (dpc->Type != ThreadedDpcObject)
        return dpc_remove(dpc);
    dispatcher_acquire();
    bool removed = threaded_dpc_remove_locked(dpc);
    dispatcher_release();
    return removed;
}

/* ---- running ---- */

static void check_irql(PKDEFERRED_ROUTINE routine, KIRQL expected)
{
    KIRQL irql = ke_irql();
    if (unlikely(irql != expected))
        bugcheck_sentence(IRQL_UNEXPECTED_VALUE, (ULONG64)irql << 16 | (ULONG64)expected << 8,
                          (uintptr_t)routine, 0, 0,
                          "a DPC routine returned at another IRQL than it was called at");
}

/* The routine behind a barrier for exceptions; the DPC object may be gone when it returns. */
void dpc_run(PKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context, PVOID argument1, PVOID argument2)
{
    struct arch_try barrier;
    KIRQL irql = ke_irql();
    TRACE(TRACE_DPC_START, dpc, .a = (uintptr_t)routine);
    struct ke_request interrupted = ke_request_begin(NULL, NULL);
    uint64_t cookie = ke_callout_enter("DPC", (const void *)(uintptr_t)routine);
    if (ARCH_TRY(&barrier)) {
        routine(dpc, context, argument1, argument2);
        arch_try_pop(&barrier);
    }
    ke_callout_leave("DPC", (const void *)(uintptr_t)routine, cookie);
    ke_request_end(interrupted);
    TRACE(TRACE_DPC_END, dpc);
    check_irql(routine, irql);
}

static PKDPC take_first(struct vp *vp, KDPC *copy)
{
    rl_lock_acquire(&vp->dpc_lock);
    PKDPC dpc = vp->dpc_first;
    if (dpc != NULL) {
        unlink_dpc(vp, dpc);
        vp->dpc_depth--;
        *copy = *dpc;
        /* DPC-03: before its routine runs, so it may be queued again while it does. */
        __atomic_store_n(&dpc->DpcData, NULL, __ATOMIC_RELEASE);
    }
    rl_lock_release(&vp->dpc_lock);
    return dpc;
}

void dpc_drain(struct vp *vp)
{
    KDPC copy;
    PKDPC dpc;
    bool outer = vp->dpc_active;
    if (vp_pending(vp) & PEND_DPC)
        vp_unpend(vp, PEND_DPC);
    vp->dpc_active = true;
    while ((dpc = take_first(vp, &copy)) != NULL) {
        /* SR-10, SR-11: at DISPATCH_LEVEL. */
        dpc_run(dpc, copy.DeferredRoutine, copy.DeferredContext, copy.SystemArgument1, copy.SystemArgument2);
        __atomic_store_n(&vp->dpc_done, vp->dpc_done + 1, __ATOMIC_RELEASE);
    }
    vp->dpc_active = outer;
}

/* ---- exports ---- */

/*
 * Queues the DPC to its target, by default the current VP, whose queue is drained before the routine returns
 * if the IRQL allows and the importance is not low. FALSE: it is queued already, the new arguments are
 * ignored. IRQL: any. Rules: DPC-02.
 */
EXPORT(ntoskrnl, KeInsertQueueDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER)
BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    if (Dpc->Type == ThreadedDpcObject)
        return threaded_dpc_queue(Dpc, SystemArgument1, SystemArgument2);
    return dpc_queue(Dpc, SystemArgument1, SystemArgument2);
}

/* TRUE: it was in a queue. A running routine is not waited for. IRQL: any. */
EXPORT(ntoskrnl, KeRemoveQueueDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    return remove_any(Dpc);
}

/* The same; WaitIfActive: returns only when no DPC that runs now still does. IRQL: PASSIVE_LEVEL if it waits.
 */
EXPORT(ntoskrnl, KeRemoveQueueDpcEx, PASSIVE_LEVEL, HIGH_LEVEL, X_BLOCKS)
BOOLEAN NTAPI KeRemoveQueueDpcEx(PRKDPC Dpc, BOOLEAN WaitIfActive)
{
    BOOLEAN removed = remove_any(Dpc);
    if (WaitIfActive)
        KeFlushQueuedDpcs();
    return removed;
}

/* The processor to whose queue the DPC goes from now on; one that is not there changes nothing. IRQL: any. */
EXPORT(ntoskrnl, KeSetTargetProcessorDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    if ((UCHAR)Number < ke_vp_count)
        Dpc->Number = (USHORT)(TARGETED + (UCHAR)Number);
}

/* STATUS_INVALID_PARAMETER: there is no such processor. IRQL: any. */
EXPORT(ntoskrnl, KeSetTargetProcessorDpcEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcNumber->Group != 0 || ProcNumber->Number >= ke_vp_count || ProcNumber->Reserved != 0)
        return STATUS_INVALID_PARAMETER;
    Dpc->Number = (USHORT)(TARGETED + ProcNumber->Number);
    return STATUS_SUCCESS;
}

/* Low: to the end, not drained for it. Medium, MediumHigh: to the end. High: to the front. IRQL: any. */
EXPORT(ntoskrnl, KeSetImportanceDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

static bool flushed(const struct vp *vp, uint64_t upto)
{
    return __atomic_load_n(&vp->dpc_done, __ATOMIC_ACQUIRE) >= upto;
}

/* Returns when every DPC that is queued now, on every processor, has run. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, KeFlushQueuedDpcs, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
VOID NTAPI KeFlushQueuedDpcs(VOID)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct vp *vp = &ke_vps[i];
        rl_lock_acquire(&vp->dpc_lock);
        uint64_t upto = vp->dpc_queued;
        rl_lock_release(&vp->dpc_lock);
        struct spin spin = {0};
        while (!flushed(vp, upto)) {
            vp_pend(vp, PEND_DPC);
            carrier_attend(vp);
            vp_interrupt(vp);
            spin_once(&spin);
        }
    }
    threaded_dpcs_flush();
}

EXPORT(ntoskrnl, KeIsExecutingDpc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LOGICAL NTAPI KeIsExecutingDpc(VOID)
{
    return vp_current()->dpc_active || threaded_dpc_is_current();
}

void ke_for_each_dpc(void (*visit)(PRKDPC dpc, void *context), void *context)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct vp *vp = &ke_vps[i];
        if (__atomic_load_n(&vp->dpc_first, __ATOMIC_RELAXED) == NULL)
            continue;
        rl_lock_acquire(&vp->dpc_lock);
        for (PKDPC dpc = vp->dpc_first; dpc != NULL; dpc = next_of(dpc))
            visit(dpc, context);
        rl_lock_release(&vp->dpc_lock);
    }
    threaded_dpcs_for_each(visit, context);
}

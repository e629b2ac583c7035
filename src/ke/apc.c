/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous procedure calls. Special kernel APCs (no normal routine) run at
 * APC_LEVEL unless in a guarded region; normal kernel APCs run their normal
 * routine at PASSIVE_LEVEL, one at a time, unless in a critical region; user
 * APCs end an alertable user-mode wait and run on the way out of the call.
 * Queues under the dispatcher lock. An APC is out of its queue before any of
 * its routines runs: the kernel routine may free it.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* Environment is for threads attached to another process; all of a thread's APCs lie in one queue here. The
 * current environment is named by the index it has now. */
static CCHAR environment_index(const struct ke_thread *thread, KAPC_ENVIRONMENT environment)
{
    if (environment != CurrentApcEnvironment)
        return (CCHAR)environment;
    return thread->process != thread->own_process ? AttachedApcEnvironment : OriginalApcEnvironment;
}

/* The link and the system arguments are left as they are: queueing sets them. IRQL: any. */
EXPORT(ntoskrnl, KeInitializeApc, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                           PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                           PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext)
{
    Apc->Type = ApcObject;
    Apc->Size = sizeof *Apc;
    Apc->Thread = Thread;
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    Apc->ApcStateIndex = environment_index((struct ke_thread *)Thread, Environment);
    Apc->ApcMode = NormalRoutine != NULL ? ApcMode : KernelMode;
    Apc->NormalContext = NormalRoutine != NULL ? NormalContext : NULL;
    Apc->Inserted = FALSE;
}

/* ---- may it run? ---- */

static bool normal_allowed(const struct ke_thread *thread)
{
    return thread->kernel_apc_disable == 0 && !thread->apc_in_progress;
}

/* Special APCs lie in front of the normal ones, so the first one tells. */
bool apc_kernel_deliverable(const struct ke_thread *thread)
{
    if (list_empty(&thread->apc_list[KernelMode]) || thread->special_apc_disable != 0)
        return false;
    const KAPC *first = container_of(thread->apc_list[KernelMode].Flink, KAPC, ApcListEntry);
    return first->NormalRoutine == NULL || normal_allowed(thread);
}

/* ---- delivery, on the thread itself ---- */

static PKAPC take_first(struct ke_thread *thread, KPROCESSOR_MODE mode, KAPC *copy)
{
    PKAPC apc = container_of(list_remove_head(&thread->apc_list[(int)mode]), KAPC, ApcListEntry);
    apc->Inserted = FALSE;
    *copy = *apc;
    return apc;
}

static void call_kernel_routine(PKAPC apc, KAPC *copy)
{
    struct arch_try barrier;
    KIRQL irql = ke_irql();
    const void *routine = (const void *)(uintptr_t)copy->KernelRoutine;
    uint64_t cookie = ke_callout_enter("APC kernel", routine);
    if (ARCH_TRY(&barrier)) {
        copy->KernelRoutine(apc, &copy->NormalRoutine, &copy->NormalContext, &copy->SystemArgument1,
                            &copy->SystemArgument2);
        arch_try_pop(&barrier);
    }
    ke_callout_leave("APC kernel", routine, cookie);
    if (unlikely(ke_irql() != irql))
        bugcheck_sentence(IRQL_UNEXPECTED_VALUE, (ULONG64)ke_irql() << 16 | (ULONG64)irql << 8,
                          (uintptr_t)routine, (uintptr_t)apc, (uintptr_t)copy->NormalRoutine,
                          "an APC routine returned at another IRQL than it was called at");
}

static void call_normal_routine(const KAPC *copy)
{
    struct arch_try barrier;
    const void *routine = (const void *)(uintptr_t)copy->NormalRoutine;
    uint64_t cookie = ke_callout_enter("APC", routine);
    if (ARCH_TRY(&barrier)) {
        copy->NormalRoutine(copy->NormalContext, copy->SystemArgument1, copy->SystemArgument2);
        arch_try_pop(&barrier);
    }
    ke_callout_leave("APC", routine, cookie);
}

static void deliver_one(struct ke_thread *thread)
{
    KAPC copy;
    PKAPC apc = take_first(thread, KernelMode, &copy);
    bool normal = copy.NormalRoutine != NULL;
    dispatcher_release();
    irql_set(APC_LEVEL);
    call_kernel_routine(apc, &copy);
    if (normal && copy.NormalRoutine != NULL) {
        thread->apc_in_progress = TRUE;
        ke_lower_irql(PASSIVE_LEVEL);
        call_normal_routine(&copy);
        irql_set(APC_LEVEL);
        thread->apc_in_progress = FALSE;
    }
    dispatcher_acquire();
}

bool apcs_deliver(void)
{
    struct ke_thread *thread = ke_thread();
    KIRQL irql = ke_irql();
    bool delivered = false;
    vp_unpend(vp_current(), PEND_APC);
    dispatcher_acquire();
    while (apc_kernel_deliverable(thread)) {
        deliver_one(thread);
        delivered = true;
    }
    dispatcher_release();
    irql_set(irql);
    return delivered;
}

void apcs_deliver_user(void)
{
    struct ke_thread *thread = ke_thread();
    KAPC copy;
    dispatcher_acquire();
    thread->apc_pending[UserMode] = FALSE;
    while (!list_empty(&thread->apc_list[UserMode])) {
        PKAPC apc = take_first(thread, UserMode, &copy);
        dispatcher_release();
        irql_set(APC_LEVEL);
        call_kernel_routine(apc, &copy);
        ke_lower_irql(PASSIVE_LEVEL);
        if (copy.NormalRoutine != NULL)
            call_normal_routine(&copy);
        dispatcher_acquire();
    }
    dispatcher_release();
}

/* ---- queueing ---- */

static void link_apc(struct ke_thread *thread, PKAPC apc)
{
    LIST_ENTRY *queue = &thread->apc_list[(int)apc->ApcMode];
    LIST_ENTRY *at = queue->Blink;
    if (apc->NormalRoutine == NULL) /* special ones before normal ones, in order */
        while (at != queue && container_of(at, KAPC, ApcListEntry)->NormalRoutine != NULL)
            at = at->Blink;
    else
        at = queue->Blink;
    list_insert_head(at, &apc->ApcListEntry);
    apc->Inserted = TRUE;
}

/* Locked: makes the thread look at its queue soon. */
static void notify(struct ke_thread *thread, const KAPC *apc, KPRIORITY increment)
{
    if (apc->ApcMode == UserMode) {
        if (thread->state == KE_WAITING && thread->wait_mode == UserMode && thread->alertable) {
            thread->apc_pending[UserMode] = TRUE;
            wait_end(thread, STATUS_USER_APC, increment);
        }
        return;
    }
    if (thread->state == KE_RUNNING) {
        struct vp *vp = &ke_vps[thread->last_vp];
        vp_pend(vp, PEND_APC);
        if (vp != vp_current() && vp->carrier != NULL && !ke_simulated)
            dispatch_signal_later(vp->carrier->tid);
    } else if (thread->state == KE_WAITING && thread->wait_irql < APC_LEVEL &&
               apc_kernel_deliverable(thread)) {
        wait_end(thread, STATUS_KERNEL_APC, increment);
    }
}

/*
 * Queues the APC to its thread. FALSE: it is queued already, or the thread has ended. A thread that is ready
 * looks at its queue when it runs. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, KeInsertQueueApc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI KeInsertQueueApc(PKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment)
{
    struct ke_thread *thread = (struct ke_thread *)Apc->Thread;
    dispatcher_acquire();
    bool queued = !Apc->Inserted && thread->state != KE_TERMINATED && thread->header.SignalState == 0;
    if (queued) {
        Apc->SystemArgument1 = SystemArgument1;
        Apc->SystemArgument2 = SystemArgument2;
        link_apc(thread, Apc);
        notify(thread, Apc, Increment);
    }
    dispatcher_release_and_yield();
    return queued;
}

/* TRUE: it was queued and no longer is. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeRemoveQueueApc, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeRemoveQueueApc(PKAPC Apc)
{
    dispatcher_acquire();
    BOOLEAN queued = Apc->Inserted;
    if (queued) {
        list_remove(&Apc->ApcListEntry);
        Apc->Inserted = FALSE;
    }
    dispatcher_release();
    return queued;
}

/* The thread has ended: what is left is run down, outside the lock. */
void apc_rundown(struct ke_thread *thread)
{
    KAPC copy;
    for (int mode = KernelMode; mode <= UserMode; mode++)
        for (;;) {
            dispatcher_acquire();
            PKAPC apc =
                list_empty(&thread->apc_list[mode]) ? NULL : take_first(thread, (KPROCESSOR_MODE)mode, &copy);
            dispatcher_release();
            if (apc == NULL)
                break;
            if (copy.RundownRoutine != NULL)
                copy.RundownRoutine(apc);
        }
}

/* ---- regions ---- */

/* Something may have been held back: looked for without the lock, the queue tells for sure. */
static void region_left(struct ke_thread *thread)
{
    if (list_empty(&thread->apc_list[KernelMode]))
        return;
    vp_pend(vp_current(), PEND_APC);
    ke_sched_point();
}

/* No normal kernel APCs from here to the matching KeLeaveCriticalRegion; they nest. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, KeEnterCriticalRegion, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeEnterCriticalRegion(VOID)
{
    ke_thread()->kernel_apc_disable--;
}

EXPORT(ntoskrnl, KeLeaveCriticalRegion, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER)
VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    struct ke_thread *thread = ke_thread();
    if (++thread->kernel_apc_disable == 0)
        region_left(thread);
}

/* No APCs at all from here to the matching KeLeaveGuardedRegion; they nest. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, KeEnterGuardedRegion, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeEnterGuardedRegion(VOID)
{
    ke_thread()->special_apc_disable--;
}

EXPORT(ntoskrnl, KeLeaveGuardedRegion, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER)
VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    struct ke_thread *thread = ke_thread();
    if (++thread->special_apc_disable == 0)
        region_left(thread);
}

/* TRUE: normal kernel APCs are disabled, by a critical or guarded region. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAreApcsDisabled, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    const struct ke_thread *thread = ke_thread();
    return thread->kernel_apc_disable != 0 || thread->special_apc_disable != 0;
}

/* TRUE: special kernel APCs are disabled too, by a guarded region or the IRQL. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAreAllApcsDisabled, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    return ke_thread()->special_apc_disable != 0 || ke_irql() >= APC_LEVEL;
}

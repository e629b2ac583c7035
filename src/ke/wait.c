/* SPDX-License-Identifier: MIT */
/*
 * Waiting. An object has a list of wait blocks in the order of arrival; a
 * thread has an array of them. Signaling an object walks its list and ends the
 * waits that can be satisfied, with their side effects, in that order. All of
 * it under the dispatcher lock. A wait that an APC interrupts is begun again
 * after the APC, with what is left of its time.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* ---- objects ---- */

static bool is_mutant(const DISPATCHER_HEADER *object)
{
    return object->Type == MutantObject;
}

static bool can_satisfy(const DISPATCHER_HEADER *object, const struct ke_thread *thread)
{
    if (unlikely(object->Type == QueueObject))
        return queue_can_serve(container_of(object, KQUEUE, Header), thread);
    if (object->SignalState > 0)
        return true;
    return is_mutant(object) && container_of(object, KMUTANT, Header)->OwnerThread == (PKTHREAD)thread;
}

/* A mutant is owned, a synchronization object goes back, a semaphore counts down; the rest stays signaled. */
static NTSTATUS take(DISPATCHER_HEADER *object, struct ke_thread *thread)
{
    PKMUTANT mutant;
    switch (object->Type) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
        object->SignalState = 0;
        return STATUS_SUCCESS;
    case SemaphoreObject:
        object->SignalState--;
        return STATUS_SUCCESS;
    case QueueObject:
        return queue_serve(container_of(object, KQUEUE, Header), thread);
    case MutantObject:
        mutant = container_of(object, KMUTANT, Header);
        mutant_acquired(mutant, thread);
        if (!mutant->Abandoned)
            return STATUS_SUCCESS;
        mutant->Abandoned = FALSE;
        return STATUS_ABANDONED;
    default:
        return STATUS_SUCCESS;
    }
}

/* ---- ending waits, locked ---- */

static void unlink_blocks(struct ke_thread *thread)
{
    for (ULONG i = 0; i < thread->wait_count; i++)
        list_remove(&thread->wait_list[i].WaitListEntry);
    thread->wait_count = 0;
    timer_remove(&thread->timer);
}

static void boost(struct ke_thread *thread, KPRIORITY increment)
{
    if (thread->base_priority >= LOW_REALTIME_PRIORITY)
        return;
    KPRIORITY boosted = MIN(thread->base_priority + increment, LOW_REALTIME_PRIORITY - 1);
    if (boosted > thread->priority)
        thread->priority = (SCHAR)boosted;
}

void wait_end(struct ke_thread *thread, NTSTATUS status, KPRIORITY increment)
{
    unlink_blocks(thread);
    thread->wait_status = status;
    if (unlikely(thread->queue != NULL))
        queue_thread_goes_on(thread);
    boost(thread, increment);
    dispatch_ready(thread, false);
}

static bool all_can_be_satisfied(const struct ke_thread *thread)
{
    for (ULONG i = 0; i < thread->wait_count; i++)
        if (!can_satisfy(thread->wait_list[i].Object, thread))
            return false;
    return true;
}

/* An abandoned mutant shows in the status of a wait for all as STATUS_ABANDONED. */
static NTSTATUS take_all(const KWAIT_BLOCK *blocks, ULONG count, struct ke_thread *thread)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (ULONG i = 0; i < count; i++)
        if (take(blocks[i].Object, thread) == STATUS_ABANDONED)
            status = STATUS_ABANDONED;
    return status;
}

static bool try_end(KWAIT_BLOCK *block, KPRIORITY increment)
{
    struct ke_thread *thread = (struct ke_thread *)block->Thread;
    NTSTATUS status;
    if (block->WaitType == WaitAll) {
        if (!all_can_be_satisfied(thread))
            return false;
        status = take_all(thread->wait_list, thread->wait_count, thread);
    } else {
        status = take(block->Object, thread) | block->WaitKey;
    }
    wait_end(thread, status, increment);
    return true;
}

void wait_test(DISPATCHER_HEADER *object, KPRIORITY increment)
{
    LIST_ENTRY *it = object->WaitListHead.Flink;
    while (object->SignalState > 0 && it != &object->WaitListHead) {
        KWAIT_BLOCK *block = container_of(it, KWAIT_BLOCK, WaitListEntry);
        /* Ending a wait removes blocks of one thread: start over, the list is in order of arrival. */
        it = try_end(block, increment) ? object->WaitListHead.Flink : it->Flink;
    }
}

/* ---- beginning ---- */

uint64_t wait_due_time(const LARGE_INTEGER *timeout)
{
    uint64_t now = host_interrupt_time();
    if (timeout->QuadPart < 0)
        return now + (uint64_t)-timeout->QuadPart;
    uint64_t system = host_system_time();
    uint64_t when = (uint64_t)timeout->QuadPart;
    return when <= system ? now : now + (when - system);
}

void wait_release_dispatcher(BOOLEAN wait)
{
    if (!wait) {
        dispatcher_release_and_yield();
        return;
    }
    struct ke_thread *thread = ke_thread();
    thread->wait_next = TRUE;
    thread->wait_irql = ke_raise_irql(DISPATCH_LEVEL);
    dispatcher_release();
}

/* The IRQL of the caller: that of the KeSetEvent(..., TRUE) before it, if there was one. Locks. */
static KIRQL begin(struct ke_thread *thread)
{
    KIRQL irql;
    if (thread->wait_next) {
        thread->wait_next = FALSE;
        irql = thread->wait_irql;
    } else {
        ke_sched_point();
        irql = ke_raise_irql(MAX(ke_irql(), DISPATCH_LEVEL));
    }
    dispatcher_acquire();
    return irql;
}

static NTSTATUS finish(NTSTATUS status, KIRQL irql)
{
    dispatcher_release();
    ke_lower_irql(irql);
    return status;
}

static void refuse_wait_at(KIRQL irql, const void *object)
{
    if (likely(irql < DISPATCH_LEVEL))
        return;
    dispatcher_release();
    if (vp_current()->dpc_active)
        bugcheck_sentence(ATTEMPTED_SWITCH_FROM_DPC, (uintptr_t)ke_thread(), (uintptr_t)object, 0, 0,
                          "a wait, attach or yield was attempted in a DPC routine");
    bugcheck_sentence(IRQL_NOT_LESS_OR_EQUAL, (uintptr_t)object, irql, 0, 0,
                      "a wait that cannot be satisfied at once was attempted at DISPATCH_LEVEL or above");
}

NTSTATUS wait_block_thread(void)
{
    struct ke_thread *thread = ke_thread();
    thread->state = KE_WAITING;
    thread->progress++;
    dispatch_block();
    return thread->wait_status;
}

static void link_blocks(struct ke_thread *thread)
{
    for (ULONG i = 0; i < thread->wait_count; i++) {
        DISPATCHER_HEADER *object = thread->wait_list[i].Object;
        list_insert_tail(&object->WaitListHead, &thread->wait_list[i].WaitListEntry);
    }
}

/* An alert, a user APC or the end of the thread ends the wait before it begins. */
static bool interrupted(struct ke_thread *thread, KPROCESSOR_MODE mode, BOOLEAN alertable, NTSTATUS *status)
{
    if (alertable && thread->alerted[(int)mode]) {
        thread->alerted[(int)mode] = FALSE;
        *status = STATUS_ALERTED;
        return true;
    }
    if (unlikely(mode == UserMode && thread->doomed)) {
        *status = STATUS_USER_APC;
        return true;
    }
    if (mode == UserMode && !list_empty(&thread->apc_list[UserMode]) &&
        (alertable || thread->apc_pending[UserMode])) {
        thread->apc_pending[UserMode] = TRUE;
        *status = STATUS_USER_APC;
        return true;
    }
    if (alertable && thread->alerted[KernelMode]) {
        thread->alerted[KernelMode] = FALSE;
        *status = STATUS_ALERTED;
        return true;
    }
    return false;
}

struct wait {
    struct ke_thread *thread;
    KWAIT_BLOCK *blocks;
    ULONG count;
    WAIT_TYPE type;
    KPROCESSOR_MODE mode;
    BOOLEAN alertable;
    const LARGE_INTEGER *timeout;
    bool timed;
    uint64_t due;
};

static bool satisfied_now(const struct wait *wait, NTSTATUS *status)
{
    if (wait->type == WaitAny) {
        for (ULONG i = 0; i < wait->count; i++)
            if (can_satisfy(wait->blocks[i].Object, wait->thread)) {
                *status = take(wait->blocks[i].Object, wait->thread) | (NTSTATUS)i;
                return true;
            }
        return false;
    }
    for (ULONG i = 0; i < wait->count; i++)
        if (!can_satisfy(wait->blocks[i].Object, wait->thread))
            return false;
    *status = take_all(wait->blocks, wait->count, wait->thread);
    return wait->count != 0;
}

static bool is_event(const DISPATCHER_HEADER *object)
{
    return object->Type <= EventSynchronizationObject;
}

/* True: an event may have been set without the lock since the wait was found to be unsatisfied. */
static bool watch_events(const struct wait *wait)
{
    bool news = false;
    for (ULONG i = 0; i < wait->count; i++)
        if (is_event(wait->blocks[i].Object))
            news |= event_watch(wait->blocks[i].Object);
    return news;
}

/* Locked; the wait cannot be satisfied yet. Returns why it ended. */
static NTSTATUS sleep_on(const struct wait *wait, KIRQL irql)
{
    struct ke_thread *thread = wait->thread;
    thread->wait_list = wait->blocks;
    thread->wait_count = wait->count;
    thread->wait_type = wait->type;
    thread->wait_mode = wait->mode;
    thread->alertable = wait->alertable;
    thread->wait_irql = irql;
    link_blocks(thread);
    if (unlikely(thread->queue != NULL))
        queue_thread_waits(thread);
    if (wait->timed)
        timer_insert(&thread->timer, wait->due);
    TRACE(TRACE_THREAD_WAIT, wait->count ? wait->blocks[0].Object : NULL);
    return wait_block_thread();
}

/* One more acquisition of an owned mutex would pass the limit: raises into the caller, having changed
 * nothing. */
static void check_mutant_limit(const struct wait *wait, KIRQL irql)
{
    for (ULONG i = 0; i < wait->count; i++) {
        const DISPATCHER_HEADER *object = wait->blocks[i].Object;
        if (likely(!is_mutant(object) || object->SignalState != INT32_MIN) ||
            !can_satisfy(object, wait->thread))
            continue; /* of another thread: it is waited for */
        finish(STATUS_SUCCESS, irql);
        arch_raise_status(STATUS_MUTANT_LIMIT_EXCEEDED);
    }
}

static void set_due_time(struct wait *wait)
{
    wait->timed = wait->timeout != NULL;
    if (wait->timed && wait->timeout->QuadPart != 0)
        wait->due = wait_due_time(wait->timeout);
}

/* APCs that may be delivered here run before the wait begins, and after one that they ended. */
static KIRQL let_apcs_in(struct ke_thread *thread, KIRQL irql)
{
    while (irql < APC_LEVEL && apc_kernel_deliverable(thread)) {
        dispatcher_release();
        ke_lower_irql(irql);
        irql = ke_raise_irql(DISPATCH_LEVEL);
        dispatcher_acquire();
    }
    return irql;
}

static NTSTATUS wait_for(struct wait *wait)
{
    struct ke_thread *thread = wait->thread;
    NTSTATUS status;
    KIRQL irql = begin(thread);
    set_due_time(wait);
    check_mutant_limit(wait, irql);
    for (;;) {
        irql = let_apcs_in(thread, irql);
        if (satisfied_now(wait, &status) || interrupted(thread, wait->mode, wait->alertable, &status))
            return finish(status, irql);
        if (wait->timed && wait->timeout->QuadPart == 0)
            return finish(STATUS_TIMEOUT, irql);
        refuse_wait_at(irql, wait->count ? wait->blocks[0].Object : NULL);
        if (wait->timed && wait->due <= host_interrupt_time()) {
            clock_update_page();
            return finish(STATUS_TIMEOUT, irql);
        }
        if (watch_events(wait))
            continue;
        status = sleep_on(wait, irql);
        if (status != STATUS_KERNEL_APC)
            return finish(status, irql);
    }
}

static void set_block(KWAIT_BLOCK *block, PVOID object, ULONG key, WAIT_TYPE type, struct ke_thread *thread)
{
    block->WaitType = (UCHAR)type;
    block->WaitKey = (USHORT)key;
    block->Thread = (PKTHREAD)thread;
    block->Object = object;
}

/*
 * Waits for one dispatcher object. STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_ABANDONED_WAIT_0, STATUS_ALERTED or
 * STATUS_USER_APC. A time-out of zero only tests. A recursive acquisition of a mutex past MINLONG raises.
 * IRQL: <= APC_LEVEL, or <= DISPATCH_LEVEL with a time-out of zero; a switch above is bug check 0xA (0xB8 in
 * a DPC).
 */
EXPORT(ntoskrnl, KeWaitForSingleObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES)
NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                     BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    struct ke_thread *thread = ke_thread();
    KWAIT_BLOCK *block = &thread->wait_block[0];
    struct wait wait = {.thread = thread,
                        .blocks = block,
                        .count = 1,
                        .type = WaitAny,
                        .mode = WaitMode,
                        .alertable = Alertable,
                        .timeout = Timeout};
    (void)WaitReason;
    set_block(block, Object, 0, WaitAny, thread);
    return wait_for(&wait);
}

/* The same function under the name that old headers give it for mutexes. */
EXPORT(ntoskrnl, KeWaitForMutexObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES)
NTSTATUS NTAPI KeWaitForMutexObject(PVOID Mutex, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                    BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return KeWaitForSingleObject(Mutex, WaitReason, WaitMode, Alertable, Timeout);
}

static KWAIT_BLOCK *blocks_for(struct ke_thread *thread, ULONG count, PKWAIT_BLOCK array)
{
    if (count > (array != NULL ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS))
        bugcheck_sentence(MAXIMUM_WAIT_OBJECTS_EXCEEDED, count, (uintptr_t)array, 0, 0,
                          array != NULL ? "a wait for more than 64 objects"
                                        : "a wait for more than 3 objects without an array of wait blocks");
    return array != NULL ? array : thread->wait_block;
}

/*
 * Waits for any or all of up to 64 objects. WaitAny: STATUS_WAIT_0 + index of the first signaled one, or
 * STATUS_ABANDONED_WAIT_0 + index; WaitAll: STATUS_SUCCESS, nothing is taken until all can be. More than 64
 * objects, or more than 3 without WaitBlockArray, is bug check 0xC. Otherwise as KeWaitForSingleObject.
 */
EXPORT(ntoskrnl, KeWaitForMultipleObjects, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES)
NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray)
{
    struct ke_thread *thread = ke_thread();
    KWAIT_BLOCK *blocks = blocks_for(thread, Count, WaitBlockArray);
    struct wait wait = {.thread = thread,
                        .blocks = blocks,
                        .count = Count,
                        .type = WaitType,
                        .mode = WaitMode,
                        .alertable = Alertable,
                        .timeout = Timeout};
    (void)WaitReason;
    for (ULONG i = 0; i < Count; i++)
        set_block(&blocks[i], Object[i], i, WaitType, thread);
    return wait_for(&wait);
}

/* A zero interval gives the rest of the quantum to threads of the same priority. */
static NTSTATUS yield_processor(void)
{
    struct vp *vp = vp_current();
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    dispatcher_acquire();
    vp->quantum_end = true;
    dispatcher_release();
    vp_pend(vp, PEND_PREEMPT);
    ke_lower_irql(irql);
    return STATUS_SUCCESS;
}

/*
 * Waits for a time: negative is relative, positive absolute. STATUS_SUCCESS, STATUS_ALERTED or
 * STATUS_USER_APC. IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, KeDelayExecutionThread, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    struct wait wait = {.thread = ke_thread(),
                        .type = WaitAny,
                        .mode = WaitMode,
                        .alertable = Alertable,
                        .timeout = Interval};
    if (Interval->QuadPart == 0 && ke_irql() < DISPATCH_LEVEL && !Alertable)
        return yield_processor();
    NTSTATUS status = wait_for(&wait);
    return status == STATUS_TIMEOUT ? STATUS_SUCCESS : status;
}

enum { ALERT_INCREMENT = 2 };

/* Ends an alertable wait of the thread, or marks it alerted. Returns the former mark. IRQL: <=
 * DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeAlertThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode)
{
    struct ke_thread *thread = (struct ke_thread *)Thread;
    dispatcher_acquire();
    BOOLEAN former = thread->alerted[(int)AlertMode];
    if (!former && thread->state == KE_WAITING && thread->alertable && AlertMode <= thread->wait_mode)
        wait_end(thread, STATUS_ALERTED, ALERT_INCREMENT);
    else
        thread->alerted[(int)AlertMode] = TRUE;
    dispatcher_release_and_yield();
    return former;
}

/* Clears and returns the alert mark of the current thread; user mode: user APCs that wait become due. */
EXPORT(ntoskrnl, KeTestAlertThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode)
{
    struct ke_thread *thread = ke_thread();
    dispatcher_acquire();
    BOOLEAN alerted = thread->alerted[(int)AlertMode];
    if (alerted)
        thread->alerted[(int)AlertMode] = FALSE;
    else if (AlertMode == UserMode && !list_empty(&thread->apc_list[UserMode]))
        thread->apc_pending[UserMode] = TRUE;
    dispatcher_release();
    return alerted;
}

NTSTATUS wait_for_object(DISPATCHER_HEADER *object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: ready queues of 32 priorities, who runs next, the switch.
 * One lock guards all of it. A thread is in a ready queue only with its
 * registers saved or with the lock held until they are. A host thread's context
 * runs on its own pthread only: elsewhere it is passed over, and its carrier is
 * asked to come back to it.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

rl_lock ke_dispatcher_lock;
uint32_t dispatch_summary;
static LIST_ENTRY ready[32];

/* System calls decided under the lock, made after it. */
enum { KICKS_MAX = 16 };
static struct {
    struct carrier *wake[KICKS_MAX];
    int signal[KICKS_MAX];
    unsigned wakes, signals;
} kicks;

void dispatch_init(void)
{
    ke_dispatcher_lock.word = 0;
    dispatch_summary = 0;
    kicks.wakes = kicks.signals = 0;
    for (unsigned i = 0; i < countof(ready); i++)
        list_init(&ready[i]);
}

static void wake_carrier(struct carrier *carrier)
{
    if (__atomic_exchange_n(&carrier->wake, 1, __ATOMIC_SEQ_CST) == 2)
        host_futex_wake(&carrier->wake, 1);
}

void dispatch_wake_later(struct carrier *carrier)
{
    if (kicks.wakes < KICKS_MAX)
        kicks.wake[kicks.wakes++] = carrier;
    else
        wake_carrier(carrier);
}

void dispatch_signal_later(int tid)
{
    if (kicks.signals < KICKS_MAX)
        kicks.signal[kicks.signals++] = tid;
    else
        host_signal_thread(tid);
}

static __attribute__((noinline)) void release_and_kick(void)
{
    typeof(kicks) mine = kicks;
    kicks.wakes = kicks.signals = 0;
    rl_lock_release(&ke_dispatcher_lock);
    for (unsigned i = 0; i < mine.wakes; i++)
        wake_carrier(mine.wake[i]);
    for (unsigned i = 0; i < mine.signals; i++)
        host_signal_thread(mine.signal[i]);
}

void dispatcher_release(void)
{
    if (unlikely(kicks.wakes + kicks.signals != 0))
        release_and_kick();
    else
        rl_lock_release(&ke_dispatcher_lock);
}

void dispatcher_release_and_yield(void)
{
    dispatcher_release();
    if (unlikely(vp_pending(vp_current()) != 0))
        irql_service();
}

static void queue_insert(struct ke_thread *thread, bool head)
{
    LIST_ENTRY *queue = &ready[thread->priority];
    thread->state = KE_READY;
    thread->queued = true;
    if (head)
        list_insert_head(queue, &thread->ready_link);
    else
        list_insert_tail(queue, &thread->ready_link);
    __atomic_store_n(&dispatch_summary, dispatch_summary | 1u << thread->priority, __ATOMIC_RELAXED);
}

static void queue_remove(struct ke_thread *thread)
{
    LIST_ENTRY *queue = &ready[thread->priority];
    list_remove(&thread->ready_link);
    thread->queued = false;
    if (list_empty(queue))
        __atomic_store_n(&dispatch_summary, dispatch_summary & ~(1u << thread->priority), __ATOMIC_RELAXED);
}

void dispatch_unqueue(struct ke_thread *thread)
{
    queue_remove(thread);
}

void dispatch_requeue(struct ke_thread *thread)
{
    queue_insert(thread, true);
}

static void ask(struct vp *vp, uint32_t pending)
{
    vp_pend(vp, pending);
    if (ke_simulated || (ke_on_vp() && vp == vp_current()))
        return;
    struct carrier *carrier = __atomic_load_n(&vp->carrier, __ATOMIC_ACQUIRE);
    if (carrier != NULL)
        dispatch_signal_later(carrier->tid);
}

/* May this thread's context be resumed by the pthread that holds vp? */
static bool may_resume(const struct vp *vp, const struct ke_thread *thread)
{
    return ke_simulated || thread->host == NULL || thread->host == vp->carrier;
}

static struct vp *carrier_vp(const struct ke_thread *thread)
{
    return ke_simulated || thread->host == NULL ? NULL : ((struct carrier *)thread->host)->vp;
}

/* The first of the queues that may run here; a host thread whose pthread is parked counts: it is handed the
 * VP. */
static struct ke_thread *find_ready(struct vp *vp, KPRIORITY lowest)
{
    uint32_t summary = dispatch_summary;
    while (summary != 0) {
        int priority = 31 - __builtin_clz(summary);
        if (priority < lowest)
            return NULL;
        summary &= ~(1u << priority);
        list_for_each(it, &ready[priority])
        {
            struct ke_thread *thread = container_of(it, struct ke_thread, ready_link);
            if (!(thread->affinity & vp->mask))
                continue;
            if (may_resume(vp, thread) || carrier_vp(thread) == NULL)
                return thread;
            ask(carrier_vp(thread), PEND_RECALL); /* its pthread carries another thread: come back */
        }
    }
    return NULL;
}

bool dispatch_has_ready(const struct vp *vp)
{
    for (uint32_t summary = dispatch_summary; summary != 0; summary &= summary - 1)
        list_for_each(
            it, &ready[__builtin_ctz(summary)]) if (container_of(it, struct ke_thread, ready_link)->affinity &
                                                    vp->mask) return true;
    return false;
}

/* A host thread that must run elsewhere stays queued: the idle loop hands the VP over to it. */
struct ke_thread *dispatch_pick(struct vp *vp)
{
    if (vp->carrier != NULL)
        vp->carrier->handover = NULL;
    struct ke_thread *thread = dispatch_summary != 0 ? find_ready(vp, 0) : NULL;
    if (thread == NULL)
        return NULL;
    if (!may_resume(vp, thread)) {
        vp->carrier->handover = thread;
        return NULL;
    }
    queue_remove(thread);
    return thread;
}

/* Which taken VP should give way to this thread; NULL: none need, or one is looking for work anyway. */
static struct vp *find_victim(const struct ke_thread *thread)
{
    struct vp *victim = NULL;
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct vp *vp = &ke_vps[i];
        if (!(thread->affinity & vp->mask) || (!ke_simulated && vp_is_free(vp)))
            continue;
        if (vp->ke.current == vp->ke.idle)
            return NULL;
        if (vp->ke.current->priority >= thread->priority)
            continue;
        if (victim == NULL || vp->ke.current->priority < victim->ke.current->priority)
            victim = vp;
    }
    return victim;
}

/* Those who free a VP look at the summary after it: the fence makes one of the two see the other. */
static bool some_vp_is_free(KAFFINITY affinity)
{
    if (ke_vp_count == 1 && ke_on_vp())
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ke_vp_count; i++)
        if ((ke_vps[i].mask & affinity) && vp_is_free(&ke_vps[i]))
            return true;
    return false;
}

/* The thread is ready but its own pthread carries another one. */
static bool recall_carrier(struct ke_thread *thread)
{
    struct vp *vp = carrier_vp(thread);
    if (vp == NULL || vp->ke.current == thread)
        return false;
    if (some_vp_is_free(thread->affinity))
        ask(vp, PEND_RECALL);
    else if (vp->ke.current->priority < thread->priority)
        ask(vp, PEND_PREEMPT);
    return true;
}

void dispatch_ready(struct ke_thread *thread, bool head)
{
    thread->state = KE_READY;
    if (!ke_simulated && carrier_place(thread))
        return;
    queue_insert(thread, head);
    if (recall_carrier(thread))
        return;
    if (!ke_simulated && some_vp_is_free(thread->affinity)) {
        carrier_summon(thread->affinity);
        return;
    }
    struct vp *victim = find_victim(thread);
    if (victim != NULL)
        ask(victim, PEND_PREEMPT);
}

/* The thread runs on the VP. What was queued to it meanwhile, it sees when it next lowers its IRQL. */
void dispatch_run(struct vp *vp, struct ke_thread *to)
{
    to->state = KE_RUNNING;
    to->last_vp = vp->ke.number;
    if (!list_empty(&to->apc_list[KernelMode]))
        vp_pend(vp, PEND_APC);
}

void dispatch_switch(struct vp *vp, struct ke_thread *from, struct ke_thread *to)
{
    dispatch_run(vp, to);
    vp_set_current(vp, to);
    TRACE(TRACE_THREAD_SWITCH, to, .a = (uintptr_t)from);
    arch_switch(&from->context, &to->context);
}

void dispatch_block(void)
{
    struct vp *vp = vp_current();
    struct ke_thread *from = vp->ke.current;
    struct ke_thread *to = dispatch_pick(vp);
    if (to == from) { /* it was requeued and is still the best */
        dispatch_run(vp, to);
        return;
    }
    dispatch_switch(vp, from, to != NULL ? to : vp->ke.idle);
}

enum { QUANTUM_TICKS = 1 };

/* The end of a quantum takes one step of a boost away and sends the thread to the end of its queue. */
static void end_quantum(struct ke_thread *thread)
{
    thread->quantum = QUANTUM_TICKS;
    if (thread->priority > thread->base_priority && thread->priority < LOW_REALTIME_PRIORITY)
        thread->priority--;
}

/* Does its own pthread's host thread wait for this VP? */
static bool recalled(struct vp *vp, const struct ke_thread *current)
{
    if (ke_simulated || vp->carrier->host_thread == NULL || vp->carrier->host_thread == current)
        return false;
    return vp->carrier->host_thread->queued;
}

static void preempt_locked(struct vp *vp)
{
    struct ke_thread *current = vp->ke.current;
    bool quantum_end = vp->quantum_end;
    vp->quantum_end = false;
    if (quantum_end)
        end_quantum(current);
    bool misplaced = !(current->affinity & vp->mask);
    bool recall = recalled(vp, current);
    if (!misplaced && !recall && find_ready(vp, current->priority + (quantum_end ? 0 : 1)) == NULL)
        return;
    struct ke_thread *host = recall ? vp->carrier->host_thread : NULL;
    dispatch_ready(current, !quantum_end);
    if (host != NULL && host->queued && (host->affinity & vp->mask)) {
        queue_remove(host);
        dispatch_switch(vp, current, host);
    } else {
        dispatch_block();
    }
}

void dispatch_preempt(void)
{
    struct vp *vp = vp_current();
    KIRQL irql = vp_irql(vp);
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    dispatcher_acquire();
    vp_unpend(vp, PEND_PREEMPT);
    preempt_locked(vp);
    dispatcher_release();
    irql_set(irql);
}

void dispatch_set_priority(struct ke_thread *thread, SCHAR priority)
{
    if (thread->priority == priority)
        return;
    if (thread->queued) {
        queue_remove(thread);
        thread->priority = priority;
        dispatch_ready(thread, false);
        return;
    }
    bool lowered = priority < thread->priority;
    thread->priority = priority;
    if (thread->state == KE_RUNNING && lowered)
        ask(&ke_vps[thread->last_vp], PEND_PREEMPT);
}

/* SPDX-License-Identifier: MIT */
/*
 * Carriers: the pthreads that hold VPs in a real machine. A host thread in
 * ke_host_call takes a free VP by one compare-and-swap and runs its NT context
 * itself. Whatever else must run is found by helper pthreads, as many as VPs,
 * which are parked until a VP is granted to them.
 *
 * "Home" is a pthread's own stack. An NT context goes home when its call is
 * done (unlocked), or when the VP is to be given up (locked: the dispatcher
 * lock is passed to home like to any other context). After giving a VP up one
 * looks once more for work that came in the meantime: those who queue work look
 * for a free VP after queueing, so one of the two sees the other.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static struct carrier *helpers;
static host_thread **helper_threads;
static unsigned helper_count;
static LIST_ENTRY parked_helpers = {&parked_helpers, &parked_helpers};
static unsigned searching; /* helpers granted a VP that have not looked for work yet */
static KPCR poison;        /* GS of a pthread without a VP: its Self is NULL, its current thread too */

/* ---- granting, locked ---- */

static void grant(struct carrier *carrier, struct vp *vp, struct ke_thread *thread)
{
    carrier->parked = false;
    carrier->vp = vp;
    vp->carrier = carrier;
    vp_set_current(vp, thread != NULL ? thread : vp->ke.idle);
    if (thread != NULL)
        dispatch_run(vp, thread);
    dispatch_wake_later(carrier);
}

static struct vp *take_free(KAFFINITY affinity, unsigned hint)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct vp *vp = &ke_vps[(hint + i) % ke_vp_count];
        if ((vp->mask & affinity) && vp_is_free(vp) && vp_try_take(vp))
            return vp;
    }
    return NULL;
}

static struct carrier *parked_helper(void)
{
    if (list_empty(&parked_helpers))
        return NULL;
    return container_of(list_remove_head(&parked_helpers), struct carrier, idle_link);
}

bool carrier_place(struct ke_thread *thread)
{
    struct carrier *carrier = thread->host;
    if (carrier == NULL || !carrier->parked)
        return false;
    struct vp *vp = take_free(thread->affinity, thread->last_vp);
    if (vp == NULL)
        return false;
    grant(carrier, vp, thread);
    return true;
}

/* Gives a VP that nobody else holds to a helper, which will look for work on it. */
static bool grant_to_helper(struct vp *vp)
{
    struct carrier *helper = parked_helper();
    if (helper == NULL)
        return false;
    searching++;
    helper->searching = true;
    grant(helper, vp, NULL);
    return true;
}

void carrier_summon(KAFFINITY affinity)
{
    if (searching != 0 || list_empty(&parked_helpers))
        return;
    struct vp *vp = take_free(affinity, 0);
    if (vp != NULL && !grant_to_helper(vp))
        __atomic_store_n(&vp->owner, 0, __ATOMIC_SEQ_CST);
}

bool carrier_relief(void)
{
    carrier_summon(~0ull);
    return searching != 0;
}

/* Work was queued to this VP: if nobody holds it, a helper shall. */
void carrier_attend_locked(struct vp *vp)
{
    if (ke_simulated || !vp_is_free(vp))
        return;
    if (vp_try_take(vp) && !grant_to_helper(vp))
        __atomic_store_n(&vp->owner, 0, __ATOMIC_SEQ_CST);
}

void carrier_attend(struct vp *vp)
{
    if (ke_simulated || !vp_is_free(vp))
        return;
    dispatcher_acquire();
    carrier_attend_locked(vp);
    dispatcher_release();
}

/* ---- giving up ---- */

static bool has_idle_work(const struct vp *vp)
{
    return (vp_pending(vp) & PEND_IDLE_WORK) || vp->dpc_depth != 0;
}

/* Locked, and nothing ready may run here: a host thread to be handed the VP gets it, else it is free. */
static void give_up(struct carrier *carrier, struct vp *vp)
{
    struct ke_thread *next = carrier->handover;
    carrier->handover = NULL;
    carrier->vp = NULL;
    if (next != NULL) {
        dispatch_unqueue(next);
        grant(next->host, vp, next);
        return;
    }
    __atomic_store_n(&vp->carrier, NULL, __ATOMIC_RELAXED);
    vp_set_current(vp, vp->ke.idle);
    __atomic_store_n(&vp->owner, 0, __ATOMIC_SEQ_CST);
    if (has_idle_work(vp) && vp_try_take(vp) && !grant_to_helper(vp))
        __atomic_store_n(&vp->owner, 0, __ATOMIC_SEQ_CST);
}

/* Locked: this pthread leaves a VP on which something may be ready. */
static void hand_on(struct carrier *carrier, struct vp *vp)
{
    vp->carrier = carrier;
    struct ke_thread *next = dispatch_pick(vp);
    if (next != NULL) {
        dispatch_requeue(next);
        carrier->vp = NULL;
        if (grant_to_helper(vp))
            return;
    }
    give_up(carrier, vp);
}

/* The end of a host call, without the lock where nobody waits for the VP. */
static void release_after_call(struct carrier *carrier, struct vp *vp)
{
    carrier->vp = NULL;
    vp_set_current(vp, vp->ke.idle);
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    __atomic_store_n(&carrier->host_thread->in_call, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&vp->carrier, NULL, __ATOMIC_RELAXED);
    __atomic_exchange_n(&vp->owner, 0, __ATOMIC_SEQ_CST);
    if (likely(dispatch_summary == 0 && !has_idle_work(vp)))
        return;
    dispatcher_acquire();
    if (vp_try_take(vp))
        hand_on(carrier, vp);
    dispatcher_release();
}

/* Locked on entry, unlocked on return: the carrier may be granted a VP from now on. */
static void park(struct carrier *carrier, struct vp *vp)
{
    carrier->parked = true;
    if (carrier->host_thread == NULL)
        list_insert_tail(&parked_helpers, &carrier->idle_link);
    give_up(carrier, vp);
    struct ke_thread *own = carrier->host_thread;
    if (own != NULL && own->queued && carrier->parked) {
        dispatch_unqueue(own);
        dispatch_ready(own, true);
    }
    dispatcher_release();
}

/* Sleeps until a VP was granted; NULL: the machine stopped. */
static struct vp *wait_for_grant(struct carrier *carrier)
{
    for (;;) {
        uint32_t word = 0;
        if (__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE))
            return NULL;
        if (__atomic_load_n(&carrier->wake, __ATOMIC_ACQUIRE) == 1)
            break;
        if (__atomic_compare_exchange_n(&carrier->wake, &word, 2, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED) ||
            word == 2)
            host_futex_wait(&carrier->wake, 2, 0);
    }
    __atomic_store_n(&carrier->wake, 0, __ATOMIC_SEQ_CST);
    return carrier->vp;
}

/* ---- running ---- */

/* Resumes the VP's current context; returns when one goes home, with its reason. */
static enum home_reason enter(struct carrier *carrier, struct vp *vp)
{
    carrier->former_gs = arch_get_gs();
    arch_set_gs(vp);
    arch_enter(&carrier->home, &vp->ke.current->context);
    arch_set_gs(carrier->former_gs);
    return carrier->reason;
}

/* Locked on entry: makes the host call that an NT thread wants, without a VP, then asks for one again. */
static void run_blocking(struct carrier *carrier, struct vp *vp)
{
    struct ke_thread *thread = carrier->host_thread;
    hand_on(carrier, vp);
    dispatcher_release();
    carrier->blocking_fn(carrier->blocking_argument);
    dispatcher_acquire();
    carrier->parked = true;
    dispatch_ready(thread, false);
    dispatcher_release();
}

/* Locks, as the context to be resumed expects. A helper that must first see to DPCs lets another look for
 * threads. */
static void acquire_granted(struct carrier *carrier, struct vp *vp)
{
    dispatcher_acquire();
    if (!carrier->searching)
        return;
    carrier->searching = false;
    searching--;
    if (has_idle_work(vp) && dispatch_summary != 0)
        carrier_summon(~0ull);
}

/* Locked on entry, unlocked on return: the VP and the context that went home from it are a helper's now. */
static void swap(struct carrier *carrier, struct vp *vp)
{
    struct ke_thread *own = carrier->host_thread;
    carrier->vp = NULL;
    carrier->parked = true;
    grant(parked_helper(), vp, vp->ke.current);
    dispatch_unqueue(own);
    dispatch_ready(own, true);
    dispatcher_release();
}

void carrier_swap(struct vp *vp)
{
    dispatcher_acquire();
    vp_unpend(vp, PEND_RECALL);
    const struct ke_thread *own = vp->carrier->host_thread;
    if (own != NULL && own->queued && !list_empty(&parked_helpers))
        carrier_go_home(vp, HOME_SWAP); /* comes back on the helper */
    dispatcher_release();
}

/* From a granted VP until the call is done or the machine stops. */
static enum home_reason run(struct carrier *carrier, struct vp *vp)
{
    for (;;) {
        enum home_reason reason = enter(carrier, vp);
        if (reason == HOME_CALL_DONE || reason == HOME_STOPPED)
            return reason;
        vp = carrier->vp;
        if (reason == HOME_BLOCKING)
            run_blocking(carrier, vp);
        else if (reason == HOME_SWAP)
            swap(carrier, vp);
        else
            park(carrier, vp);
        vp = wait_for_grant(carrier);
        if (vp == NULL)
            return HOME_STOPPED;
        acquire_granted(carrier, vp);
    }
}

void carrier_go_home(struct vp *vp, enum home_reason reason)
{
    struct carrier *carrier = vp->carrier;
    carrier->reason = reason;
    arch_switch(&vp->ke.current->context, &carrier->home);
}

static void helper_body(struct carrier *carrier)
{
    struct vp *vp = wait_for_grant(carrier);
    if (vp == NULL)
        return;
    acquire_granted(carrier, vp);
    run(carrier, vp);
}

/* Locked: what was queued before there was a helper to be called. */
static void look_for_work(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (has_idle_work(&ke_vps[i]))
            carrier_attend_locked(&ke_vps[i]);
    if (dispatch_summary != 0)
        carrier_summon(~0ull);
}

static void helper_main(void *arg)
{
    struct carrier *carrier = arg;
    carrier->tid = host_tid();
    arch_set_gs(&poison);
    if (!NT_SUCCESS(arch_thread_prepare()))
        host_panic("a helper pthread cannot be prepared");
    dispatcher_acquire();
    carrier->parked = true;
    list_insert_tail(&parked_helpers, &carrier->idle_link);
    look_for_work();
    dispatcher_release();
    helper_body(carrier);
    arch_thread_restore();
    __atomic_store_n(&carrier->ended, true, __ATOMIC_RELEASE);
}

/* ---- host threads ---- */

static struct vp *take_for_call(struct carrier *carrier, struct ke_thread *thread)
{
    struct vp *vp = &ke_vps[thread->last_vp];
    if (unlikely(!(vp->mask & thread->affinity) || !vp_is_free(vp) || !vp_try_take(vp)))
        vp = take_free(thread->affinity, thread->last_vp);
    if (vp == NULL)
        return NULL;
    dispatch_run(vp, thread);
    carrier->vp = vp;
    vp_set_current(vp, thread);
    vp->calls++;
    __atomic_store_n(&vp->carrier, carrier, __ATOMIC_RELEASE);
    return vp;
}

static struct vp *queue_for_call(struct carrier *carrier, struct ke_thread *thread)
{
    dispatcher_acquire();
    carrier->parked = true;
    dispatch_ready(thread, false);
    dispatcher_release();
    struct vp *vp = wait_for_grant(carrier);
    if (vp != NULL)
        acquire_granted(carrier, vp);
    return vp;
}

NTSTATUS carrier_host_call(struct ke_thread *thread)
{
    struct carrier *carrier = thread->host;
    clock_note_activity();
    struct vp *vp = take_for_call(carrier, thread);
    carrier->entered_locked = vp == NULL;
    if (vp == NULL)
        vp = queue_for_call(carrier, thread);
    if (vp == NULL || run(carrier, vp) == HOME_STOPPED)
        return STATUS_SYSTEM_SHUTDOWN;
    release_after_call(carrier, carrier->vp);
    return carrier->result;
}

/* ---- life ---- */

static rl_lock all_lock; /* guards the list of host carriers only */
static LIST_ENTRY host_carriers = {&host_carriers, &host_carriers};

struct carrier *carrier_attach(struct ke_thread *thread)
{
    struct carrier *carrier = host_alloc(sizeof *carrier);
    carrier->host_thread = thread;
    carrier->tid = host_tid();
    if (!NT_SUCCESS(arch_thread_prepare())) {
        host_free(carrier);
        return NULL;
    }
    rl_lock_acquire(&all_lock);
    list_insert_tail(&host_carriers, &carrier->all_link);
    rl_lock_release(&all_lock);
    thread->host = thread->attachment = carrier;
    return carrier;
}

/* After a stop its virtual processor may still name it. */
static void forget_carrier(struct carrier *carrier)
{
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct carrier *expected = carrier;
        __atomic_compare_exchange_n(&ke_vps[i].carrier, &expected, NULL, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED);
    }
    host_free(carrier);
}

void ke_host_detach(struct ke_thread *thread)
{
    struct carrier *carrier = thread->attachment;
    if (carrier == NULL)
        return;
    rl_lock_acquire(&all_lock);
    list_remove(&carrier->all_link);
    rl_lock_release(&all_lock);
    arch_thread_restore();
    thread->host = thread->attachment = NULL;
    forget_carrier(carrier);
}

static void wake_for_good(struct carrier *carrier)
{
    if (__atomic_exchange_n(&carrier->wake, 1, __ATOMIC_SEQ_CST) == 2)
        host_futex_wake(&carrier->wake, 1);
}

void carrier_stop_all(void)
{
    if (host_carriers.Flink == NULL) /* the machine never started */
        return;
    for (unsigned i = 0; i < helper_count; i++)
        wake_for_good(&helpers[i]);
    rl_lock_acquire(&all_lock);
    list_for_each(it, &host_carriers) wake_for_good(container_of(it, struct carrier, all_link));
    rl_lock_release(&all_lock);
}

NTSTATUS carrier_init(void)
{
    list_init(&parked_helpers);
    list_init(&host_carriers);
    searching = 0;
    helper_count = 0;
    if (ke_simulated)
        return STATUS_SUCCESS;
    helpers = host_alloc(ke_vp_count * sizeof *helpers);
    helper_threads = host_alloc(ke_vp_count * sizeof *helper_threads);
    for (; helper_count < ke_vp_count; helper_count++) {
        helper_threads[helper_count] = host_thread_create("ringless-vp", helper_main, &helpers[helper_count]);
        if (helper_threads[helper_count] == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

enum { END_TRIES = 50, END_WAIT_NS = 100000000 }; /* 5 s */

/* Driver code in a loop is interrupted until it is in a place where it can be stopped. */
static void end_helper(struct carrier *helper)
{
    uint32_t never = 0;
    for (int i = 0; !__atomic_load_n(&helper->ended, __ATOMIC_ACQUIRE); i++) {
        if (i == END_TRIES * 100)
            host_panic("a helper pthread does not end");
        if (i % 10 == 9)
            host_signal_thread(helper->tid);
        host_futex_wait(&never, 0, END_WAIT_NS / 100);
    }
}

/* ke_stopped is set: whoever is parked or idle ends; whoever still runs driver code is stopped there. */
void carrier_fini(void)
{
    carrier_stop_all();
    for (unsigned i = 0; i < helper_count; i++) {
        end_helper(&helpers[i]);
        host_thread_join(helper_threads[i]);
    }
    while (!list_empty(
        &host_carriers)) { /* pthreads that have not detached: they own nothing of this machine now */
        struct carrier *carrier = container_of(list_remove_head(&host_carriers), struct carrier, all_link);
        carrier->host_thread->host = carrier->host_thread->attachment = NULL;
        forget_carrier(carrier);
    }
    host_free(helpers);
    host_free(helper_threads);
    helpers = NULL;
    helper_threads = NULL;
    helper_count = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of a simulated machine: one pthread carries all VPs in turn.
 * Every VP always has a current context (its idle thread, if nothing else); to
 * run another VP is to load its KPCR and resume that context, at whatever IRQL
 * it is. Which one, and when, is drawn from the seed at every scheduling point.
 * The virtual clock moves a little at each such point, and jumps to the next
 * timer when nothing can run.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

struct ke_stall_ops ke_stall_ops;

static struct ke_thread *idle_waiter; /* in ke_host_idle */
static struct ke_thread *caller;      /* the host thread whose call is being carried */
static unsigned jumps;                /* of the clock, since the caller last did anything */
static uint64_t jumps_progress;
static void *outside; /* GS of the pthread outside */

/* Would this VP do anything if it ran? */
static bool is_runnable(const struct vp *vp)
{
    if (vp->ke.current != vp->ke.idle || vp->idle_busy)
        return true;
    if ((vp_pending(vp) & PEND_IDLE_WORK) || vp->dpc_depth != 0)
        return true;
    return dispatch_summary != 0 && dispatch_has_ready(vp);
}

static unsigned count_others(const struct vp *self)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ke_vp_count; i++)
        count += &ke_vps[i] != self && is_runnable(&ke_vps[i]);
    return count;
}

static struct vp *nth_other(const struct vp *self, unsigned n)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (&ke_vps[i] != self && is_runnable(&ke_vps[i]) && n-- == 0)
            return &ke_vps[i];
    host_panic("the simulated scheduler lost a processor");
}

/* With the dispatcher lock held over the switch, as every context expects when it is resumed. */
static void run_vp(struct vp *from, struct vp *to)
{
    struct arch_context *context = &from->ke.current->context;
    dispatcher_acquire();
    arch_set_gs(to);
    arch_switch(context, &to->ke.current->context);
    dispatcher_release();
}

/* Another runnable VP, drawn; false: there is none. */
static bool run_another(struct vp *self)
{
    unsigned others = count_others(self);
    if (others == 0)
        return false;
    run_vp(self, nth_other(self, others > 1 ? host_choose(others) : 0));
    return true;
}

static bool may_yield(const struct vp *vp)
{
    return vp_irql(vp) < DISPATCH_LEVEL && !vp->interrupts_off && dispatch_summary != 0 &&
           31 - __builtin_clz(dispatch_summary) >= vp->ke.current->priority;
}

enum { ONE_IN = 4 }; /* how often a scheduling point with a choice switches */

void simulated_choose(void)
{
    struct vp *vp = vp_current();
    unsigned others = count_others(vp);
    bool yield = may_yield(vp);
    if (others + yield == 0 || host_choose(ONE_IN) != 0)
        return;
    unsigned choice = host_choose(others + yield);
    if (choice < others) {
        run_vp(vp, nth_other(vp, choice));
        return;
    }
    vp->quantum_end = true;
    vp_pend(vp, PEND_PREEMPT);
}

/* Interrupt time at which a device model wants to act; ~0: none does. */
static uint64_t device_due(void)
{
    uint64_t due_ns = clock_device_due_ns();
    return due_ns == ~0ull ? ~0ull : due_ns / 100 + (due_ns % 100 != 0);
}

/* A long stay at one place: interrupts are taken when their devices ask, in the middle of it. */
void simulated_stall(uint64_t cost_100ns)
{
    for (uint64_t until = host_interrupt_time() + cost_100ns, due; (due = device_due()) < until;) {
        uint64_t now = host_interrupt_time();
        simulated_cost(due > now ? due - now : 0);
        irql_service();
        if (host_interrupt_time() >= until)
            return;
        cost_100ns = until - host_interrupt_time();
    }
    simulated_cost(cost_100ns);
}

bool simulated_spin(void)
{
    struct vp *vp = vp_current();
    simulated_cost(1);
    return run_another(vp) || (vp_pending(vp) & PEND_TIMER) != 0;
}

/* Devices act when their time comes, not when the whole cost is paid. */
static void advance(uint64_t delta_100ns)
{
    uint64_t until = host_interrupt_time() + delta_100ns;
    for (uint64_t due; (due = device_due()) <= until;) {
        if (due > host_interrupt_time())
            host_advance(due - host_interrupt_time());
        ke_device_clock.run_due();
    }
    host_advance(until - host_interrupt_time());
}

void simulated_cost(uint64_t delta_100ns)
{
    advance(delta_100ns);
    clock_update_page();
    if (timers_next_due() <= host_interrupt_time())
        vp_pend(vp_current(), PEND_TIMER);
}

/* ---- nothing to do on this VP ---- */

static bool wake_idle_waiter(void)
{
    struct ke_thread *thread = idle_waiter;
    if (thread == NULL)
        return false;
    idle_waiter = NULL;
    dispatcher_acquire();
    wait_end(thread, STATUS_SUCCESS, 0);
    dispatcher_release();
    return true;
}

/* The host's call waits without a time-out while timers run on and on: after so many it is taken for dead. */
enum { JUMPS_MAX = 1000000 };

static bool jump_to_next_timer(void)
{
    uint64_t due = MIN(timers_next_due(), device_due());
    uint64_t now = host_interrupt_time();
    if (due == ~0ull)
        return false;
    if (caller->progress != jumps_progress || caller->timer.Header.Inserted)
        jumps = 0;
    jumps_progress = caller->progress;
    if (++jumps > JUMPS_MAX)
        return false;
    simulated_cost(due > now ? due - now : 0);
    return true;
}

/* Runs on the idle thread; returns when this VP may have something to do. */
void simulated_idle(struct vp *vp)
{
    if (run_another(vp) || wake_idle_waiter() || jump_to_next_timer())
        return;
    if (ke_stall_ops.stalled != NULL && ke_stall_ops.stalled(caller))
        return;
    bugcheck_stalled(caller);
}

void simulated_idle_wait(void)
{
    struct ke_thread *thread = ke_thread();
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    dispatcher_acquire();
    idle_waiter = thread;
    thread->wait_irql = irql;
    thread->wait_mode = KernelMode;
    thread->alertable = FALSE;
    thread->wait_count = 0;
    wait_block_thread();
    dispatcher_release();
    ke_lower_irql(irql);
}

/* ---- the host's call ---- */

static struct vp *idle_vp(void)
{
    struct vp *found[64];
    unsigned count = 0;
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (ke_vps[i].ke.current == ke_vps[i].ke.idle && !ke_vps[i].idle_busy)
            found[count++] = &ke_vps[i];
    if (count == 0)
        return NULL;
    return found[count > 1 ? host_choose(count) : 0];
}

/* The call's first VP: an idle one becomes the thread's; else the thread is queued and some VP goes on. */
static struct vp *begin(struct ke_thread *thread)
{
    struct vp *vp = idle_vp();
    if (vp != NULL) {
        thread->state = KE_RUNNING;
        thread->last_vp = vp->ke.number;
        vp_set_current(vp, thread);
        return vp;
    }
    dispatcher_acquire();
    dispatch_ready(thread, false);
    dispatcher_release();
    return &ke_vps[ke_vp_count > 1 ? host_choose(ke_vp_count) : 0];
}

static void finish(struct ke_thread *thread)
{
    struct vp *vp = &ke_vps[thread->last_vp];
    vp_set_current(vp, vp->ke.idle);
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    thread->in_call = 0;
}

/* Carries the machine until a context goes home for good. */
static enum home_reason carry(struct carrier *carrier, struct vp *vp)
{
    for (;;) {
        dispatcher_acquire();
        arch_set_gs(vp);
        arch_enter(&carrier->home, &vp->ke.current->context);
        vp = vp_current();
        arch_set_gs(outside);
        if (carrier->reason != HOME_BLOCKING)
            return carrier->reason;
        dispatcher_release();
        carrier->blocking_fn(carrier->blocking_argument);
    }
}

NTSTATUS simulated_host_call(struct ke_thread *thread)
{
    struct carrier *carrier = thread->host;
    if (caller != NULL)
        return STATUS_INVALID_DEVICE_STATE; /* one host thread drives a simulated machine */
    caller = thread;
    outside = arch_get_gs();
    carrier->entered_locked = true;
    for (unsigned i = 0; i < ke_vp_count; i++)
        ke_vps[i].carrier = carrier;
    enum home_reason reason = carry(carrier, begin(thread));
    caller = NULL;
    if (reason == HOME_STOPPED)
        return STATUS_SYSTEM_SHUTDOWN;
    finish(thread);
    return carrier->result;
}

bool simulated_in_call(void)
{
    return __atomic_load_n(&caller, __ATOMIC_RELAXED) != NULL;
}

void simulated_reset(void)
{
    caller = idle_waiter = NULL;
    jumps = 0;
}

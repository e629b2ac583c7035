/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher's internals: its lock, the ready queues, the switch. Functions
 * marked "locked" want the dispatcher lock held.
 */
#ifndef KE_DISPATCH_H
#define KE_DISPATCH_H

#include "ke/vp.h"

extern rl_lock ke_dispatcher_lock;

static inline void dispatcher_acquire(void)
{
    rl_lock_acquire(&ke_dispatcher_lock);
}
void dispatcher_release(void);           /* and wakes whom the section decided to wake */
void dispatcher_release_and_yield(void); /* the same, then what became pending on this VP */

/* locked: makes the thread ready: gives it a free VP, or queues it and asks for a preemption. Any pthread. */
void dispatch_ready(struct ke_thread *thread, bool head);
/* locked: leaves the processor; the current thread's state says why. Returns when it runs again, locked. */
void dispatch_block(void);
/* locked: the best ready thread that may run here, removed from its queue; NULL if none. */
struct ke_thread *dispatch_pick(struct vp *vp);
bool dispatch_has_ready(
    const struct vp *vp);         /* locked: could dispatch_pick find one? (also: a thread bound elsewhere) */
extern uint32_t dispatch_summary; /* bit per priority with a ready thread; read without the lock as a hint */
/* At IRQL below DISPATCH_LEVEL, unlocked: PEND_PREEMPT was set on this VP. */
void dispatch_preempt(void);
/* locked: puts a thread at another priority or affinity, wherever it is. */
void dispatch_set_priority(struct ke_thread *thread, SCHAR priority);
void dispatch_init(void);
void dispatch_run(struct vp *vp, struct ke_thread *to);
void dispatch_switch(struct vp *vp, struct ke_thread *from, struct ke_thread *to); /* locked */
/* Called under the lock: a syscall to be made at release. */
void dispatch_wake_later(struct carrier *carrier);
void dispatch_signal_later(int tid);
/* Draw among the scheduler's options in a simulated machine: nothing under the lock. */

void dispatch_unqueue(struct ke_thread *thread); /* locked: out of its ready queue */
void dispatch_requeue(struct ke_thread *thread); /* locked: back at the head of it */

/* carrier.c, real machines */
bool carrier_place(
    struct ke_thread *thread); /* locked: gave it a VP of its own: it is running, do not queue it */
void carrier_summon(
    KAFFINITY affinity); /* locked: a free VP and a parked helper, if both exist, look for work */
/* Unlocked, any IRQL: if its host thread is ready, the pthread leaves the VP and what runs on it to a helper.
 */
void carrier_swap(struct vp *vp);
bool carrier_relief(void);          /* locked: is a helper on its way to what is ready? Sends one if it can */
void carrier_attend(struct vp *vp); /* unlocked, any pthread: work was queued to this VP */
void carrier_attend_locked(struct vp *vp);
void carrier_go_home(struct vp *vp, enum home_reason reason); /* from an NT context */
NTSTATUS carrier_init(void);
void carrier_fini(void);
void carrier_stop_all(void); /* wakes every parked carrier for good */
NTSTATUS carrier_host_call(struct ke_thread *thread);
struct carrier *carrier_attach(struct ke_thread *thread);

/* simulated.c */
void simulated_choose(void);        /* a scheduling point of the current VP, at its IRQL */
void simulated_idle(struct vp *vp); /* an idle VP: run another, move the clock, or report that all is dead */
bool simulated_spin(void);          /* the VP can do nothing until another ran; false: no other can */
NTSTATUS simulated_host_call(struct ke_thread *thread);
void simulated_idle_wait(void);            /* ke_host_idle */
void simulated_cost(uint64_t delta_100ns); /* virtual time passes on the running VP */
void simulated_stall(uint64_t cost_100ns); /* the same, for long: interrupts are taken in between */
bool simulated_in_call(void);
void simulated_reset(void);

/* hostcall.c and idle.c: first code of a context, in both hosts */
struct arch_context *host_call_main(void *thread);
void idle_main(void *vp);

#endif

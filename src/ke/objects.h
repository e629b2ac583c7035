/* SPDX-License-Identifier: MIT */
/*
 * What the dispatcher objects' files give one another. "locked" means with the
 * dispatcher lock held.
 */
#ifndef KE_OBJECTS_H
#define KE_OBJECTS_H

#include "ke/vp.h"

/* wait.c: locked */
void wait_test(DISPATCHER_HEADER *object,
               KPRIORITY increment); /* the object became signaled: satisfies waits */
void wait_end(struct ke_thread *thread, NTSTATUS status,
              KPRIORITY increment);                   /* unlinks and readies a waiter */
uint64_t wait_due_time(const LARGE_INTEGER *timeout); /* interrupt time */
/* Unlocks; if wait, stays at DISPATCH_LEVEL for the KeWaitXxx that must follow. */
void wait_release_dispatcher(BOOLEAN wait);
/* The current thread waits, at an IRQL below DISPATCH_LEVEL, locked; status when it goes on, locked. */
NTSTATUS wait_block_thread(void);
NTSTATUS wait_for_object(DISPATCHER_HEADER *object); /* of the runtime: kernel mode, no time-out; unlocked */

/* event.c: locked: somebody is about to wait for the event. True: nobody was, so its state may have changed
 * since. */
bool event_watch(DISPATCHER_HEADER *event);

/* timer.c: locked but for timers_expire */
void timers_init(void);
void timer_insert(PKTIMER timer, uint64_t due);
bool timer_remove(PKTIMER timer);
void timer_init_for_thread(PKTIMER timer);
uint64_t timers_next_due(void); /* ~0: none. Also read without the lock */
void timers_expire(void);       /* on a VP at DISPATCH_LEVEL, unlocked */

/* dpc.c */
void dpc_drain(struct vp *vp);
bool dpc_queue(PKDPC dpc, PVOID argument1,
               PVOID argument2); /* any IRQL, on a VP; what is due runs before it returns */
bool dpc_queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2); /* with the dispatcher lock */
bool dpc_remove(PKDPC dpc);                                         /* not a threaded one */
bool dpc_remove_locked(PKDPC dpc);                                  /* any */
struct vp *dpc_target(const KDPC *dpc);                             /* in whose queue it would be put */
NTSTATUS threaded_dpcs_init(void);
void threaded_dpcs_fini(void);
bool threaded_dpc_queue(PKDPC dpc, PVOID argument1, PVOID argument2);
bool threaded_dpc_queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2);
bool threaded_dpc_remove_locked(PKDPC dpc);
void threaded_dpcs_flush(void);
void threaded_dpcs_for_each(void (*visit)(PRKDPC dpc, void *context), void *context);
bool threaded_dpc_is_current(void);
void dpc_run(PKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context, PVOID argument1, PVOID argument2);

/* interrupt.c */
void interrupts_deliver(struct vp *vp);
void interrupt_request_on(struct vp *vp, KIRQL irql, ULONG vector, ke_interrupt_fn fn, void *context);

/* apc.c */
bool apcs_deliver(void);      /* unlocked, IRQL below APC_LEVEL; false: nothing may be delivered */
void apcs_deliver_user(void); /* on the way out of a host call in user mode */
bool apc_kernel_deliverable(const struct ke_thread *thread); /* locked, or for the current thread */
void apc_rundown(struct ke_thread *thread);                  /* exit */

/* mutant.c: locked */
void mutant_acquired(PKMUTANT mutant, struct ke_thread *thread);
void mutants_abandon(struct ke_thread *thread);

/* queue.c: locked */
bool queue_can_serve(const KQUEUE *queue, const struct ke_thread *thread);
NTSTATUS queue_serve(PKQUEUE queue, struct ke_thread *thread);
void queue_thread_waits(struct ke_thread *thread); /* one that has a queue */
void queue_thread_goes_on(struct ke_thread *thread);
void queue_leave(struct ke_thread *thread); /* exit */

/* bugcheck.c */
/* The machine has stopped and what runs here is a driver's callback for that: it goes on. */
bool bugcheck_calls_back(struct vp *vp);
_Noreturn void bugcheck_stop_here(struct vp *vp); /* the machine stopped, or the watchdog means this VP */
_Noreturn void bugcheck_stalled(const struct ke_thread *waiting);
_Noreturn void bugcheck_at(ULONG code, const ULONG64 *p, const char *sentence, EXCEPTION_RECORD *record,
                           CONTEXT *context);
_Noreturn void bugcheck_sentence(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4,
                                 const char *sentence);
void bugcheck_wait_for_report(void); /* home, once the machine has stopped */
void bugcheck_init(void);

/* clock.c */
NTSTATUS clock_init(void);
void clock_fini(void);
void clock_note_activity(void);         /* a VP is in use: ticks are wanted */
void clock_timer_changed(uint64_t due); /* locked: the first timer is due then */
uint64_t clock_device_due_ns(void);     /* of host_counter_ns; ~0: none */

/* shared_data.c */
NTSTATUS shared_data_init(void);
void shared_data_fini(void);
void clock_update_page(void);

/* watchdog.c: locked, from the clock's pthread */
void watchdog_check(uint64_t now_ns);

/* fpstate.c */
void fpstate_fini(void);

/* blocking.c */
NTSTATUS blocking_init(void);
void blocking_fini(void);

/* thread.c */
void threads_init(void);
NTSTATUS reaper_init(void);
void reaper_fini(void);

/* spinning until somebody else acts: keeps the VP's duties, gives the core up after a while */
struct spin {
    unsigned count;
};
void spin_once(struct spin *spin);

#endif

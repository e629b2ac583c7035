/* SPDX-License-Identifier: MIT */
/*
 * A virtual processor's private half and the carrier that may hold it. Lock
 * order: dispatcher lock, then a VP's DPC lock, then its interrupt lock. None
 * is held across driver code; only the dispatcher lock is held across a
 * context switch, and the resumed side releases it: so nobody resumes a
 * context before its registers are saved.
 */
#ifndef KE_VP_H
#define KE_VP_H

#include "base/lock.h"
#include "host/host.h"
#include "ke/ke.h"

/* ke_vp.pending: set by anyone with an atomic or, looked at when the IRQL drops and at scheduling points. */
enum vp_pending {
    PEND_DPC = 1,
    PEND_TIMER = 2,
    PEND_APC = 4,
    PEND_PREEMPT = 8,
    PEND_INTERRUPT = 16,
    PEND_STOP = 32,     /* the machine has bug checked */
    PEND_WATCHDOG = 64, /* the watchdog accuses the thread that runs here */
    PEND_RECALL =
        256, /* the pthread's own host thread is ready for another VP: a helper shall carry this one */
    PEND_SIMULATED = 128 /* always set in a simulated machine: every such place is a scheduling point */
};
#define PEND_IDLE_WORK (PEND_DPC | PEND_TIMER | PEND_INTERRUPT | PEND_STOP | PEND_WATCHDOG)

struct interrupt_request {
    KIRQL irql;
    ULONG vector;
    ke_interrupt_fn fn;
    void *context;
};

enum { INTERRUPTS_MAX = 160 }; /* one for each vector that may be connected, and the calls between VPs */

struct __attribute__((aligned(128))) vp {
    struct ke_vp ke; /* offset 0 */
    uint32_t owner;  /* 0 free, 1 taken: by compare-and-swap */
    struct carrier *carrier;
    KAFFINITY mask;
    uint64_t calls;      /* host calls that took it: is it in use? */
    bool interrupts_off; /* cli */
    bool quantum_end;
    bool idle_busy;          /* the idle thread is in the middle of DPCs or interrupts */
    ULONG64 interrupted_rip; /* where the last tick found it, in a driver's code */

    /* guarded by dpc_lock */
    rl_lock dpc_lock;
    PKDPC dpc_first, dpc_last;
    unsigned dpc_depth;
    uint64_t dpc_queued;
    uint64_t dpc_done; /* also read without the lock */
    bool dpc_active;   /* written by the holder of the VP only */

    /* guarded by interrupt_lock; sorted by falling IRQL */
    rl_lock interrupt_lock;
    struct interrupt_request interrupts[INTERRUPTS_MAX];
    unsigned interrupt_count;
    KIRQL interrupt_irql; /* of the first, 0 if none; also read without the lock */

    /* written by the holder of the VP only */
    ULONG storm_vector;
    unsigned storm; /* interrupts in a row, without an instruction of the interrupted code between them */
};

enum home_reason { HOME_PARK, HOME_CALL_DONE, HOME_BLOCKING, HOME_SWAP, HOME_STOPPED };

/* A pthread that may hold a VP: a helper of ours, or a host thread inside ke_host_call. */
struct carrier {
    struct arch_context home;      /* its own stack, while it runs NT contexts */
    enum home_reason reason;       /* why an NT context went home */
    struct ke_thread *host_thread; /* NULL: a helper */
    int tid;
    uint32_t wake; /* 0 nothing, 1 granted (or stopping), 2 asleep */
    void *former_gs;

    /* guarded by the dispatcher lock */
    struct vp *vp;              /* the one it holds, or was granted */
    bool parked;                /* holds none and may be granted one */
    bool searching;             /* a helper that was granted one to look for work */
    LIST_ENTRY idle_link;       /* helpers, while parked */
    struct ke_thread *handover; /* host thread to which the VP given up goes */

    /* the call */
    NTSTATUS (*call)(void *);
    void *call_argument;
    KPROCESSOR_MODE mode;
    NTSTATUS result;
    bool entered_locked; /* the context was resumed with the dispatcher lock held */

    void (*blocking_fn)(void *);
    void *blocking_argument;
    LIST_ENTRY all_link; /* host threads' carriers */
    bool ended;          /* a helper that runs no more NT code */
};

extern struct vp *ke_vps; /* array */
extern unsigned ke_vp_count;
extern struct ke_config ke_settings;
extern uint32_t ke_stopped; /* 1 once the machine has bug checked or is being torn down */
extern bool ke_simulated;

static inline struct vp *vp_current(void)
{
    return (struct vp *)ke_vp();
}

static inline KIRQL vp_irql(const struct vp *vp)
{
    return vp->ke.pcr.Irql;
}

static inline uint32_t vp_pending(const struct vp *vp)
{
    return __atomic_load_n(&vp->ke.pending, __ATOMIC_RELAXED);
}

static inline void vp_pend(struct vp *vp, uint32_t bits)
{
    __atomic_or_fetch(&vp->ke.pending, bits, __ATOMIC_SEQ_CST);
}

static inline void vp_unpend(struct vp *vp, uint32_t bits)
{
    __atomic_and_fetch(&vp->ke.pending, ~bits, __ATOMIC_SEQ_CST);
}

static inline bool vp_is_free(const struct vp *vp)
{
    return __atomic_load_n(&vp->owner, __ATOMIC_SEQ_CST) == 0;
}

static inline bool vp_try_take(struct vp *vp)
{
    uint32_t expected = 0;
    return __atomic_compare_exchange_n(&vp->owner, &expected, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void vp_set_current(struct vp *vp, struct ke_thread *thread)
{
    vp->ke.current = thread;
    vp->ke.pcr.Prcb.CurrentThread = (PKTHREAD)thread;
}

/* Does what is pending as far as the current IRQL allows: interrupts, timers, DPCs, a switch, APCs. */
void irql_service(void);

static inline void irql_set(KIRQL irql)
{
    vp_current()->ke.pcr.Irql = irql;
}

NTSTATUS vps_init(unsigned count);
void vps_fini(void);

/* The tick signal to the pthread that holds the VP, if any. Any pthread. */
void vp_interrupt(struct vp *vp);

#endif

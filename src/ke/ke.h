/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher. A virtual processor (VP) is a token with a KPCR; a carrier
 * pthread that holds it has its GS base there. NT threads are contexts that
 * the dispatcher switches on carriers. All wait state (headers, wait lists,
 * ready queues, timers) is guarded by one dispatcher lock, taken at
 * DISPATCH_LEVEL; the lock is never held while driver code runs. DPC queues
 * are per VP. Exports (KeWaitForSingleObject ...) are called directly by the
 * layers above: they are the interface; this header has the rest.
 */
#ifndef KE_H
#define KE_H

#include "arch/arch.h"
#include "base/seams.h"
#include "ke/routines.h"
#include "nt/nt.h"

struct ke_process; /* the KPROCESS part of an EPROCESS; ps owns the storage */

enum ke_thread_state { KE_INITIALIZED, KE_READY, KE_RUNNING, KE_WAITING, KE_TERMINATED };

/* What the driver routine that now runs works on, for reports; either may be NULL, and may be gone. */
struct ke_request {
    const void *irp, *device;
};

/* The KTHREAD part of an ETHREAD. Drivers see only an opaque pointer, and wait on the header. */
struct ke_thread {
    DISPATCHER_HEADER header; /* offset 0: waitable, signaled at exit */
    struct arch_thread arch;  /* offset 24: the gates know it */
    struct arch_context context;
    struct ke_process *process; /* attached process */
    struct ke_process *own_process;
    KPROCESSOR_MODE previous_mode;
    BOOLEAN wait_next;         /* after KeSetEvent(..., Wait = TRUE): a KeWaitXxx follows */
    KIRQL wait_irql;           /* IRQL to return to from a wait or a switch */
    BOOLEAN system_affinity;   /* KeSetSystemAffinityThread is in force */
    SHORT kernel_apc_disable;  /* KeEnterCriticalRegion: counts down from 0 */
    SHORT special_apc_disable; /* KeEnterGuardedRegion */
    void (*start)(void *);
    void *start_context;
    void *host; /* host threads: the pthread's attachment; NULL for system threads, and for one that ends
                   alone */
    void *attachment; /* the same, as long as the pthread is attached */
    uint32_t in_call; /* host threads: the pthread makes a call */
    uint32_t ending;  /* 1: somebody has undertaken to end it: itself, or who doomed it outside of any call */
    bool doomed;      /* ke_host_thread_doom */
    NTSTATUS doom;    /* its exit status then */
    NTSTATUS exit_status;
    ULONG id; /* trace and report number, 1.. in creation order */
    const char *name;
    struct ke_request request;
    struct {
        uint64_t lock, where;
    } owned[6];           /* the verifier's: mutexes of drivers that the thread owns, and who acquired them */
    unsigned owned_count; /* may exceed what is kept */

    const void
        *routine; /* the driver's that the runtime has called, while it runs; NULL behind a nested one */

    /* guarded by the dispatcher lock */
    LIST_ENTRY ready_link;
    bool queued; /* in a ready queue */
    enum ke_thread_state state;
    SCHAR priority, base_priority, saturation;
    KAFFINITY affinity, user_affinity;
    LONG quantum; /* clock ticks left */
    unsigned last_vp;
    NTSTATUS wait_status;
    KPROCESSOR_MODE wait_mode;
    BOOLEAN alertable, alerted[2];
    KWAIT_BLOCK wait_block[4]; /* 3 built in + one to spare */
    KWAIT_BLOCK *wait_list;
    ULONG wait_count;
    WAIT_TYPE wait_type;
    KTIMER timer;           /* for time-outs */
    LIST_ENTRY apc_list[2]; /* kernel, user */
    BOOLEAN apc_pending[2];
    BOOLEAN apc_in_progress;
    LIST_ENTRY mutants; /* owned */
    KQUEUE *queue;      /* whose entries it serves, NULL: none */
    LIST_ENTRY queue_link;
    BOOLEAN queue_idle;      /* it waits: not counted as one that runs */
    PLIST_ENTRY queue_entry; /* what the last wait for the queue gave it */

    /* the watchdog's */
    uint64_t progress; /* waits, calls: counted by the thread itself */
    uint64_t watched_progress, watched_since_ns;
};
_Static_assert(offsetof(struct ke_thread, arch) == 24, "the gates' offset");

struct ke_vp {
    KPCR pcr; /* offset 0: GS base. pcr.Irql is the IRQL */
    unsigned number;
    uint32_t pending; /* what lowering the IRQL must look at: see ke/vp.h */
    struct ke_thread *current;
    struct ke_thread *idle;
    const void *isr;     /* the last that was called here, for reports */
    uint32_t interrupts; /* taken here */
    /* the rest is ke's own, in ke/vp.h */
};

/* The dispatch routines that this thread has called and that have not returned, innermost first: the
 * verifier's. */
static inline struct vf_sent *ke_sent(const struct ke_thread *thread)
{
    return (struct vf_sent *)thread->arch.kept;
}

/* ---- where am I ---- */
#ifdef KE_FAKES /* a unit test without processors brings its own */
struct ke_vp *ke_vp(void);
struct ke_thread *ke_thread(void);
KIRQL ke_irql(void);
#else
static inline struct ke_vp *
ke_vp(void) /* through GS; only with a VP. Re-read after any switch or driver call */
{
    struct ke_vp *vp;
    __asm__ volatile("movq %%gs:0x18, %0" : "=r"(vp));
    return vp;
}

static inline struct ke_thread *ke_thread(void) /* current NT thread */
{
    struct ke_thread *thread;
    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(thread));
    return thread;
}

static inline KIRQL ke_irql(void)
{
    KIRQL irql;
    __asm__ volatile("movb %%gs:0x50, %0" : "=q"(irql));
    return irql;
}
#endif

bool ke_on_vp(void);             /* this pthread holds a VP (callable anywhere) */
KIRQL ke_raise_irql(KIRQL irql); /* returns the old one */
void ke_lower_irql(KIRQL irql);  /* drains DPCs, APCs, a pending preemption */
static inline KPROCESSOR_MODE ke_previous_mode(void)
{
    return ke_thread()->previous_mode;
}

/* ---- machine ---- */
struct ke_config {
    unsigned cpus;
    unsigned quantum_ms; /* default 10 */
    unsigned watchdog_s; /* default 10 */
    bool checked;        /* gates check */
};
NTSTATUS ke_init(const struct ke_config *config);
/* Every host call in progress ends with STATUS_SYSTEM_SHUTDOWN, wherever it is; for ke_fini. May be called
 * again. */
void ke_stop(void);
void ke_fini(void);
unsigned ke_cpus(void);
void *ke_user_shared_data(void); /* the page that drivers find at KI_USER_SHARED_DATA, as they may see it */

/* ---- threads: ps allocates struct ke_thread (inside ETHREAD) and the stack ---- */
void ke_thread_init(struct ke_thread *thread, void *stack_low, size_t stack_bytes, void (*start)(void *),
                    void *context, struct ke_process *process);
void ke_thread_start(struct ke_thread *thread);
_Noreturn void ke_thread_exit(NTSTATUS status); /* signals the header, runs exit callouts */
/* Called on the dying thread at PASSIVE_LEVEL (io: cancel its IRPs; ps: notify); and later when its stack may
 * be freed. */
struct ke_thread_callouts {
    void (*exiting)(struct ke_thread *thread);
    void (*reaped)(struct ke_thread *thread); /* on another thread, PASSIVE_LEVEL: free stack, dereference */
};
extern struct ke_thread_callouts ke_thread_callouts;

/* ---- host threads: the embedding API enters and leaves the NT side ---- */
/*
 * ke_host_call runs fn(arg) as an NT thread on this pthread's own NT stack: takes a free VP by one
 * compare-and-swap (else sleeps as a ready thread), at PASSIVE_LEVEL, previous mode as given. Returns fn's
 * value, or STATUS_SYSTEM_SHUTDOWN when the machine bug checked meanwhile. `thread` was made by ps for this
 * pthread (ke_thread_init with start NULL). STATUS_RETRY: it has been ended, and fn was not called.
 */
NTSTATUS ke_host_call(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode);
/* The pthread will make no more calls: its signal state is restored. The thread object stays its owner's. */
void ke_host_detach(struct ke_thread *thread);
/* In a host thread's last call: exit callouts, APC rundown, the header is signaled. The call then returns as
 * usual. */
void ke_host_thread_end(NTSTATUS status);
/*
 * Ends another host thread. In a call: its waits in user mode end (STATUS_USER_APC), it ends when the call's
 * function has returned, and a call in user mode then gives STATUS_PROCESS_IS_TERMINATING. Outside of any: it
 * ends by itself, away from its pthread, and is reaped like any other thread: true; the caller gave it a
 * reference for that. Does not wait. NT context, <= APC_LEVEL.
 */
bool ke_host_thread_doom(struct ke_thread *thread, NTSTATUS status);
/* Ends the current host thread in the middle of its call, which returns STATUS_PROCESS_IS_TERMINATING: the
 * frames of its stack are abandoned, not unwound. PASSIVE_LEVEL, outside of any region. */
_Noreturn void ke_host_thread_exit(NTSTATUS status);
/* Sets a header that is neither an event nor a thread's (a process's) to signaled, for good. */
void ke_signal(DISPATCHER_HEADER *header);
/* Lets other NT threads, DPCs and timers run until nothing is ready (simulated), or for that time (real). NT
 * context. */
void ke_host_idle(uint64_t timeout_100ns);

/* Runs a host call that may block on a helper pthread while the NT thread waits without the VP. */
void ke_blocking_call(void (*fn)(void *), void *arg);

/* ---- scheduling points ---- */
void ke_sched_point(
    void); /* under simulation: the seeded scheduler may switch here; else honours a pending preemption */

/* ---- interrupts from device models ---- */
typedef void (*ke_interrupt_fn)(void *context);
/* Any pthread, no VP needed, any locks of the caller's: has fn(context) run at irql on one of these VPs as
 * soon as that one's IRQL allows, and not before the call returns: the caller's own VP takes it at the next
 * scheduling point. The vector is for reports. */
void ke_request_interrupt(KAFFINITY processors, KIRQL irql, ULONG vector, ke_interrupt_fn fn, void *context);

/* The same for an interrupt that cannot be masked; a driver's callback handles it, or the machine stops. */
void ke_request_nmi(void);
uint32_t ke_nmis_taken(void); /* so many have been handled; it may be another processor that does */

/* The time of device models, which the machine's clock keeps beside the dispatcher's timers. Set before the
 * first driver runs. */
struct ke_device_clock {
    uint64_t (*next_due_ns)(void); /* of host_counter_ns; ~0: none */
    void (*run_due)(void);         /* on the clock's pthread, or, simulated, wherever time passes */
};
extern struct ke_device_clock ke_device_clock;
void ke_device_timer_set(uint64_t due_ns); /* any pthread, after next_due_ns tells of it */

/* Simulated: nothing is ready, no timer runs, and the host's call waits: it could never return. Called at
 * DISPATCH_LEVEL on an idle thread; true: something was made ready. Not set or false: the machine stops with
 * a report. */
struct ke_stall_ops {
    bool (*stalled)(struct ke_thread *waiting);
};
extern struct ke_stall_ops ke_stall_ops;

/* ---- bug check ---- */
struct ke_bugcheck_info {
    ULONG code;
    ULONG64 p[4];
    const char *sentence;     /* what happened, NULL: none given */
    const void *irp, *device; /* involved, or NULL */
    const void *pool;         /* an address in or at a pool block that is involved, or NULL */
    const char *details;      /* lines for the report, each with a newline, or NULL */
    EXCEPTION_RECORD exception;
    CONTEXT context; /* where it happened */
    bool have_context;
    bool verifier; /* a verifier violation: exit 5 rather than 4 */
    struct ke_thread *thread;
    unsigned vp;
    KIRQL irql;
    ULONG64 frames[64];
    unsigned frame_count;
    ULONG64 raise_address;
    bool stalled; /* not a driver's bug check: the machine can never go on (watchdog, dead wait) */
};
_Noreturn void ke_bugcheck(
    const struct ke_bugcheck_info *info); /* first caller wins; freezes the machine; host calls return */
__attribute__((noreturn)) void ke_bugcheck_code(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4);
const struct ke_bugcheck_info *ke_bugcheck_happened(void); /* NULL: no */
struct ke_bugcheck_ops {
    void (*stopped)(
        const struct ke_bugcheck_info *info); /* after the freeze, on the failing thread at HIGH_LEVEL */
};
extern struct ke_bugcheck_ops ke_bugcheck_ops;

/* Around a routine that works on a request, or (with NULLs) that interrupts one. */
static inline struct ke_request ke_request_begin(const void *irp, const void *device)
{
    /* Word by word: a vector load of what two words' stores just wrote would wait for them to reach the
     * cache. */
    struct ke_request *request = &ke_thread()->request, before;
    before.irp = __atomic_load_n(&request->irp, __ATOMIC_RELAXED);
    before.device = __atomic_load_n(&request->device, __ATOMIC_RELAXED);
    __atomic_store_n(&request->irp, irp, __ATOMIC_RELAXED);
    __atomic_store_n(&request->device, device, __ATOMIC_RELAXED);
    return before;
}

static inline void ke_request_end(struct ke_request before)
{
    struct ke_request *request = &ke_thread()->request;
    __atomic_store_n(&request->irp, before.irp, __ATOMIC_RELAXED);
    __atomic_store_n(&request->device, before.device, __ATOMIC_RELAXED);
}

/* ---- calls into driver code from the runtime: role for trace and verifier ("dispatch", "DPC", "StartIo"
 * ...) ---- */
static inline uint64_t ke_callout_enter(const char *role, const void *routine)
{
    uint64_t cookie = 0;
    if (unlikely(seam_vf != NULL)) {
        ke_thread()->routine = routine;
        if (seam_vf->callout_enter)
            seam_vf->callout_enter(role, routine, &cookie);
    }
    return cookie;
}

static inline void ke_callout_leave(const char *role, const void *routine, uint64_t cookie)
{
    if (unlikely(seam_vf != NULL)) {
        ke_thread()->routine = NULL;
        if (seam_vf->callout_leave)
            seam_vf->callout_leave(role, routine, cookie);
    }
}

/* ---- APCs for the layers above (io completion, thread exit) ---- */
/* KAPC with a kernel routine of ours; the exports KeInitializeApc/KeInsertQueueApc are defined here too. */

/* ---- kernel dispatcher objects used inside the runtime: call the exports ---- */

#endif

/* SPDX-License-Identifier: MIT */
/* Processes and threads as objects: EPROCESS and ETHREAD around ke's parts. */
#ifndef PS_H
#define PS_H

#include "base/lock.h"
#include "se/se.h"

struct ke_process {
    DISPATCHER_HEADER header; /* offset 0 */
    struct ob_handle_table *handles;
    void *token;
    HANDLE id;
    char image_name[16];
    LIST_ENTRY threads;
    struct ke_process *parent;
    uint64_t create_time;
    uint64_t exit_time;   /* 0: still running */
    NTSTATUS exit_status; /* STATUS_PENDING while it runs */
    ULONG session;
    bool announced;    /* its creation was told to notify routines */
    bool terminating;  /* no thread begins in it any more: ps_lock */
    bool ended;        /* somebody sees to its end */
    LONG thread_count; /* with `threads`: ps_lock */
    LONG active;       /* of them, those that do not end yet: ps_lock */
};

struct ps_thread {        /* ETHREAD: an Ob body of type Thread */
    struct ke_thread tcb; /* offset 0 */
    HANDLE id;
    struct ke_process *process;
    LIST_ENTRY process_link;
    LIST_ENTRY irps; /* io: threaded IRPs, IRP.ThreadListEntry; guarded by irp_lock */
    uint32_t irp_lock;
    struct mm_stack stack;
    PKSTART_ROUTINE start;
    PVOID start_context;
    bool terminating, system_thread;
    bool begun, told; /* host threads: it may be told to end, and was: ps_lock */
    uint64_t create_time;
    uint64_t exit_time;
    void *impersonation_token; /* referenced; NULL: none */
    SECURITY_IMPERSONATION_LEVEL impersonation_level;
    void *top_level_irp, *device_to_verify; /* io: for file systems */
    bool hard_errors_disabled;
    struct ps_thread *next_ended; /* host threads whose pthread is gone, or has another */
    KAPC cancel_apc;              /* terminate.c */
};

NTSTATUS ps_init(void);
void ps_fini(void);
extern struct ob_type *ps_process_type, *ps_thread_type;
struct ke_process *ps_system_process(void); /* "System", id 4 */
struct ke_process *ps_api_process(void);    /* the embedding API's user process, an administrator */
static inline struct ps_thread *ps_current(void)
{
    return container_of(ke_thread(), struct ps_thread, tcb);
}
/* A system thread of the runtime's own. */
NTSTATUS ps_create_system_thread(struct ps_thread **thread, void (*start)(void *), void *context,
                                 const char *name);
/* The ETHREAD of this pthread for ke_host_call; made at the first use, ends with the pthread. Called without
 * a VP. Once that process was terminated: of the system process. */
struct ps_thread *ps_host_thread(void);
void ps_host_thread_detach(void);
/* May the thread act as the API's user process? Not if that was terminated: then it is the system's. */
static inline bool ps_acts_as_user(const struct ps_thread *thread)
{
    return thread->process == ps_api_process();
}

/* By id; referenced. NULL: no such process or thread (or it is going away). */
struct ke_process *ps_lookup_process(HANDLE id);
struct ps_thread *ps_lookup_thread(HANDLE id);
/* Calls visit for each process, each thread of a process; the lock is held: do not call out. */
void ps_for_each_process(void (*visit)(struct ke_process *process, void *context), void *context);
void ps_for_each_thread(struct ke_process *process, void (*visit)(struct ps_thread *thread, void *context),
                        void *context);

/* io: an image was mapped and its entry point is about to be called. NT context, PASSIVE_LEVEL. */
void ps_notify_image(const char *file_name, void *base, size_t size);

/* Ps calls out upwards, on the thread itself: at its exit (io: cancel its IRPs and wait for them); when it is
 * told to end (cancel them; APC_LEVEL); and when it ends in the middle of driver code, whose frames are still
 * on its stack and will never go on (take back what they held; PASSIVE_LEVEL). */
struct ps_callouts {
    void (*thread_exiting)(struct ps_thread *thread);
    void (*cancel_requests)(void);
    void (*frames_abandoned)(struct ps_thread *thread);
};
extern struct ps_callouts ps_callouts;

#endif

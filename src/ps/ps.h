/* SPDX-License-Identifier: MIT */
/* Processes and threads as objects: EPROCESS and ETHREAD around ke's parts. */
#ifndef PS_H
#define PS_H

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
};

struct ps_thread { /* ETHREAD: an Ob body of type Thread */
    struct ke_thread tcb; /* offset 0 */
    HANDLE id;
    struct ke_process *process;
    LIST_ENTRY process_link;
    LIST_ENTRY irps;      /* io: threaded IRPs, IRP.ThreadListEntry; guarded by irp_lock */
    uint32_t irp_lock;
    struct mm_stack stack;
    PKSTART_ROUTINE start;
    PVOID start_context;
    bool terminating, system_thread;
    uint64_t create_time;
};

NTSTATUS ps_init(void);
void ps_fini(void);
extern struct ob_type *ps_process_type, *ps_thread_type;
struct ke_process *ps_system_process(void);  /* "System", id 4 */
struct ke_process *ps_api_process(void);     /* the embedding API's user process, an administrator */
static inline struct ps_thread *ps_current(void)
{
    return container_of(ke_thread(), struct ps_thread, tcb);
}
/* A system thread of the runtime's own. */
NTSTATUS ps_create_system_thread(struct ps_thread **thread, void (*start)(void *), void *context, const char *name);
/* The ETHREAD of this pthread for ke_host_call; made at the first use, ends with the pthread. Called without a VP. */
struct ps_thread *ps_host_thread(void);
void ps_host_thread_detach(void);

/* Ps calls out upwards at thread exit (io: cancel and wait for its IRPs) and process exit. */
struct ps_callouts {
    void (*thread_exiting)(struct ps_thread *thread);
};
extern struct ps_callouts ps_callouts;

#endif

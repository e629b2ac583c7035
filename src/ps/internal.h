/* SPDX-License-Identifier: MIT */
/* Shared by the files of the process manager. */
#ifndef PS_INTERNAL_H
#define PS_INTERNAL_H

#include <string.h>
#include "host/host.h"
#include "ob/services.h"
#include "ps/ps.h"
#include "ps/routines.h"

#define PS_TAG_CID   0x64694350 /* 'PCid' */
#define PS_TAG_QUERY 0x79725150 /* 'PQry' */

extern rl_lock ps_lock; /* process list, thread lists, ids */

/* cid.c: one number space for processes and threads, as on NT; multiples of 4, not reused at once. */
NTSTATUS ps_cid_init(void);
void ps_cid_fini(void);
HANDLE ps_cid_allocate(void *body); /* NULL: out of memory. The table holds no reference */
void ps_cid_free(HANDLE id);

/* thread.c */
NTSTATUS ps_thread_type_init(void);
NTSTATUS ps_thread_create(struct ke_process *process,
                          struct ps_thread **thread); /* without a stack; referenced */
void ps_dereference_later(struct ps_thread *thread);  /* by some host thread in its next call; any pthread */
void ps_thread_unlink(struct ps_thread *thread);
void ps_leave_first_region(struct ps_thread *thread);

/* terminate.c: a thread begins to end; true: it is the last one of a process that is to end. Then that goes
 * in two steps, before and after the thread's requests are gone. */
bool ps_is_last_to_end(struct ps_thread *thread);
void ps_process_ends(struct ke_process *process);
void ps_process_ended(struct ke_process *process);

/* process.c */
NTSTATUS ps_process_type_init(void);
NTSTATUS ps_process_create(const char *image_name, void *token, struct ke_process *parent,
                           struct ke_process **process);
void ps_end_host_threads(void);

/* token.c: tells se how to find the current thread's tokens. */
void ps_token_init(void);

/* notify.c: NT context, PASSIVE_LEVEL */
void ps_notify_fini(void);
void ps_notify_process(struct ke_process *process, bool created);
void ps_notify_thread(struct ps_thread *thread, bool created);
bool ps_notify_wants_threads(void);
/* A thread was created: tells of its process, too, if it is the first one. */
void ps_announce(struct ps_thread *thread);

#endif

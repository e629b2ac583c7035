/* SPDX-License-Identifier: MIT */
/* Executive support: work queues, resources, lookaside lists, fast mutexes, rundown, callback objects,
 * interlocked lists. */
#ifndef EX_H
#define EX_H

#include "ps/ps.h"
#include "ex/routines.h"

NTSTATUS ex_init(void); /* starts the system worker threads (their number is fixed: 3 critical, 3 delayed) */
void ex_fini(void);

/* Runs fn(context) on a system worker thread at PASSIVE_LEVEL; item storage is the caller's until fn starts.
 */
struct ex_work {
    WORK_QUEUE_ITEM item;
    void (*fn)(void *);
    void *context;
};
void ex_queue_work(struct ex_work *work, void (*fn)(void *), void *context);
void ex_drain_work(void); /* waits until every queued item has run; NT context, PASSIVE_LEVEL */

#endif

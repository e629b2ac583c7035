/* SPDX-License-Identifier: MIT */
/*
 * The order in which drivers take their locks, as a graph: an arrow from each
 * lock that was held to the one that was asked for then. A circle is a deadlock
 * that waits to happen, whether or not the threads have ever met.
 */
#ifndef VF_ORDER_H
#define VF_ORDER_H

#include "base/base.h"

struct vf_hold {
    ULONG64 lock, where; /* and the call that acquired it; 0: not known */
};

/* What was found: the lock asked for leads, by what happened before, back to one that is held. */
struct vf_circle {
    struct vf_hold held;       /* now */
    ULONG64 before_lock;       /* the first step before: acquired ... */
    ULONG64 before_where;      /* ... here ... */
    ULONG64 before_held_where; /* ... while the lock asked for was held, since there */
    unsigned steps;            /* 1: that step leads to `held` at once */
};

/* The thread, or the processor, holds these and asks for the lock. True: a circle closes; else it is noted.
 */
bool vf_order_ask(ULONG64 lock, ULONG64 where, const struct vf_hold *held, unsigned count,
                  struct vf_circle *circle);
/* Memory in which locks may lie has gone, or is made a lock anew. */
void vf_order_forget(ULONG64 from, size_t length);
bool vf_order_is_empty(void);
void vf_order_reset(void);

#endif

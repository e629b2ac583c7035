/* SPDX-License-Identifier: MIT */
/*
 * The power management framework's device: its components, each active or
 * idle and in one of its F-states, and whether the device needs power. All
 * fields below `lock` are guarded by it, at DISPATCH_LEVEL; it is never held
 * across a callback. What a device has to do next is found anew after every
 * change (fx_next.c), so that no order of calls leaves it in between.
 */
#ifndef PO_FX_H
#define PO_FX_H

#include "po/private.h"

enum fx_condition { FX_ACTIVE, FX_GOING_IDLE, FX_IDLE };
enum fx_power {
    FX_REQUIRED,     /* the device is on, or told to be and has said so */
    FX_ASKED_OFF,    /* DevicePowerNotRequired was called; not completed yet */
    FX_NOT_REQUIRED, /* completed */
    FX_ASKED_ON      /* DevicePowerRequired was called; the driver has not reported yet */
};

struct fx_component {
    ULONGLONG flags;
    ULONG states, deepest_wakeable, providers;
    PO_FX_COMPONENT_IDLE_STATE *state; /* F0.. */
    ULONG *provider;                   /* indexes */

    ULONG references;
    enum fx_condition condition;
    ULONG f_state, f_target;
    bool changing;                 /* ComponentIdleStateCallback was called for f_target; not completed */
    bool calling;                  /* one of its callbacks runs */
    bool holds_providers;          /* has a reference on each */
    unsigned wake_holds;           /* WAIT_WAKE IRPs that want it in F0 */
    bool dx_hold;                  /* a Dx IRP does, until the device has reported D0 */
    const struct ke_thread *owner; /* a blocking caller: its callbacks come there alone */
    ULONGLONG latency, residency;
    bool wake;
};

struct po_fx {
    PDEVICE_OBJECT pdo;
    LONG references; /* the registration, work, timers, calls that look in from outside */
    ULONG version, count;
    PO_FX_DEVICE_V3 driver; /* callbacks and context, whatever the version */

    KSPIN_LOCK lock;
    bool started, gone;
    enum fx_power power;
    bool power_calling; /* one of the device's callbacks runs */
    bool may_report;    /* an S0 IRP or a directed power-up is answered by a report, too */
    ULONGLONG idle_timeout;
    bool timer_set, timed_out;
    bool work_queued;
    unsigned callbacks;              /* that run */
    unsigned dx_irps;                /* in flight */
    bool reported;                   /* D0, since the last of them began */
    bool directed_down, directed_up; /* on the way */
    ULONGLONG directed_deadline;
    LIST_ENTRY waiters; /* fx_waiter: told of every change */
    KTIMER timer;
    KDPC dpc;
    WORK_QUEUE_ITEM work;
    struct fx_component component[];
};

static inline struct po_fx *fx_of(POHANDLE handle)
{
    return (struct po_fx *)handle;
}

/* ---- fx_next.c ---- */
/* Everything that can be done now, by callbacks in this thread. IRQL: <= DISPATCH_LEVEL. */
void fx_run(struct po_fx *fx);
void fx_run_later(struct po_fx *fx); /* the same on a system thread */
/* Until the component is in that condition, with its callbacks in this thread. PASSIVE_LEVEL or APC_LEVEL. */
void fx_run_until(struct po_fx *fx, ULONG component, enum fx_condition condition);
void fx_changed_locked(struct po_fx *fx); /* wakes who waits for a change */
/* Who waits, on its stack. The lock is held before and after each; fx_wait releases it meanwhile. false:
 * nothing has changed within `limit` (NULL: there is none). */
struct fx_waiter {
    LIST_ENTRY link;
    KEVENT changed;
};
void fx_wait_begin(struct po_fx *fx, struct fx_waiter *waiter);
bool fx_wait(struct po_fx *fx, struct fx_waiter *waiter, LARGE_INTEGER *limit, KIRQL irql);
void fx_wait_end(struct fx_waiter *waiter);

/* ---- fx_component.c; the lock is held ---- */
void fx_add_reference(struct po_fx *fx, ULONG component);
void fx_drop_reference(struct po_fx *fx, ULONG component);
ULONG fx_best_state(const struct fx_component *component);

/* ---- fx_register.c ---- */
void fx_dereference(struct po_fx *fx);
/* The stack's registration, referenced; NULL: none. IRQL: <= DISPATCH_LEVEL. */
struct po_fx *fx_of_stack(PDEVICE_OBJECT base);
_Noreturn void fx_fatal(ULONG code, const void *p2, ULONG64 p3, ULONG64 p4, const char *sentence); /* 0xA0 */
void fx_check_component(const struct po_fx *fx, ULONG component);

/* ---- fx_system.c: the power manager's own activations ---- */
void po_fx_power_irp_begins(struct po_request *request);
void po_fx_power_irp_ended(struct po_request *request);
bool po_fx_ready(const struct po_request *request); /* po_lock: its components are where the IRP wants them */
void fx_reported_locked(struct po_fx *fx);
void po_fx_before_remove(struct pnp_node *node);
void po_fx_removed(struct pnp_node *node);
NTSTATUS po_fx_directed(struct pnp_node *node, bool down);
void po_fx_reset(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the power manager's own files share. One spin lock, po_lock, at
 * DISPATCH_LEVEL guards requests and their queue, the records of stacks, idle
 * counters, and the lists of registrations; it is never held across a call of
 * a driver. PoFx has a lock of its own for each device (fx.h).
 */
#ifndef PO_PRIVATE_H
#define PO_PRIVATE_H

#include "po/po.h"
#include "po/routines.h"
#include "ex/routines.h"
#include "io/routines.h"
#include "ke/routines.h"

#define PO_TAG           0x6F507752u /* 'RwPo' */
#define PO_SECOND        10000000ull
#define PO_WATCH_SECONDS 600 /* PW-27: how long a power IRP may take */

extern KSPIN_LOCK po_lock;

struct po_fx;

/* An idle counter. The driver's pointer leads to `count`, which PoSetDeviceBusy sets to 0. */
struct po_idle {
    volatile ULONG count; /* seconds; first: what the driver points to */
    ULONG busy;           /* PoStartDeviceBusy without PoEndDeviceBusy */
    ULONG conservation, performance;
    DEVICE_POWER_STATE state;
    PDEVICE_OBJECT device;
    LIST_ENTRY link; /* of those that count; empty: it does not */
    bool asked;      /* its SET_POWER is on the way */
};

/* Beside a device object, as soon as the power manager has something to keep. Those of the lowest ones stand
 * for their stacks. */
struct po_device {
    PDEVICE_OBJECT device;
    struct po_request *in_flight[2]; /* by POWER_STATE_TYPE (PW-04) */
    DEVICE_POWER_STATE reported;     /* by whichever driver of the stack spoke last */
    struct po_idle idle;
    struct po_fx *fx; /* referenced by the registration */
};
/* The record; made if there is none. NULL: no memory. */
struct po_device *po_device_of(PDEVICE_OBJECT device);

/* ---- requests (request.c) ---- */
struct po_request {
    LIST_ENTRY link; /* all that exist */
    PIRP irp;
    PDEVICE_OBJECT device, top, base; /* whom it was asked for; where it begins and ends: referenced */
    struct po_device *stack;          /* of base */
    UCHAR minor;
    POWER_STATE_TYPE type;
    POWER_STATE state;
    POWER_ACTION action;
    SYSTEM_POWER_STATE_CONTEXT system_context;
    PREQUEST_POWER_COMPLETE completion; /* the driver's; may be NULL */
    void (*own_completion)(struct po_request *request, NTSTATUS status, void *context); /* instead */
    void *context;
    bool inrush, claimed, sent, woke;
    struct po_fx *fx;   /* referenced; NULL: not registered when the request was made */
    bool fx_active;     /* its components were activated for this IRP */
    ULONGLONG deadline; /* interrupt time; 0: not watched */
    WORK_QUEUE_ITEM work;
};
struct po_wish {
    PDEVICE_OBJECT device;
    UCHAR minor;
    POWER_STATE_TYPE type;
    POWER_STATE state;
    POWER_ACTION action;
    SYSTEM_POWER_STATE_CONTEXT system_context;
    PREQUEST_POWER_COMPLETE completion;
    void (*own_completion)(struct po_request *request, NTSTATUS status, void *context);
    void *context;
};
/* STATUS_PENDING: it is on its way, or waits for its turn. *irp: set before it is sent; NULL: not wanted. */
NTSTATUS po_submit(const struct po_wish *wish, PIRP *irp);
extern LIST_ENTRY po_requests; /* po_lock */
void po_start_waiting(void);   /* something has changed that requests wait for; <= DISPATCH_LEVEL */
void po_requests_reset(void);

/* ---- the others ---- */
void po_watch_reset(void);
void po_watch_arm_locked(void); /* a request was sent or has ended */
void po_idle_reset(void);
void po_idle_state_changed(struct po_device *record, DEVICE_POWER_STATE state);
void po_idle_forget(struct po_device *record);
void po_system_reset(void);
void po_wake_reset(void);
void po_busy_reset(void);
void po_settings_reset(void);
bool po_on_battery(void);
bool po_system_is_busy(void); /* somebody registered it as busy; takes what PoSetSystemState left */
void po_device_deleting(PDEVICE_OBJECT device);
/* A WAIT_WAKE request came to its end. <= DISPATCH_LEVEL. */
void po_wake_ended(struct po_request *request, NTSTATUS status);

#endif

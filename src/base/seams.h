/* SPDX-License-Identifier: MIT */
/*
 * The seams: tables of function pointers through which lower layers tell the
 * event trace and the verifier what happens. A NULL table costs one predicted
 * branch. The owners (src/trace, src/vf) set the pointers while no driver
 * runs. Callbacks run on NT stacks at any IRQL: no waiting, no host calls.
 */
#ifndef SEAMS_H
#define SEAMS_H

#include "base/export.h"

enum trace_kind {
    TRACE_LOAD,                /* object: ldr image; text: service name */
    TRACE_UNLOAD,              /* same */
    TRACE_DRIVER_ENTRY,        /* object: DRIVER_OBJECT */
    TRACE_DRIVER_ENTRY_RETURN, /* a: status */
    TRACE_DRIVER_UNLOAD,       /* object: DRIVER_OBJECT */
    TRACE_DRIVER_UNLOAD_RETURN,
    TRACE_DEVICE_CREATED, /* object: DEVICE_OBJECT */
    TRACE_DEVICE_DELETED,
    TRACE_DEVICE_ATTACHED, /* object: source, a: lower DEVICE_OBJECT */
    TRACE_DEVICE_IDLE,     /* object: DEVICE_OBJECT: its queue has no next packet */
    TRACE_DEVICE_DETACHED,
    TRACE_IRP_ALLOCATED, /* object: IRP */
    TRACE_IRP_SENT,      /* object: IRP, a: DEVICE_OBJECT (the location is current) */
    TRACE_IRP_RETURNED,  /* object: IRP (not to be dereferenced), a: DEVICE_OBJECT, b: status */
    TRACE_IRP_PENDED,    /* object: IRP, a: DEVICE_OBJECT: a dispatch routine returned STATUS_PENDING */
    TRACE_IRP_COMPLETE,  /* object: IRP, a: status, b: Information: IoCompleteRequest called */
    TRACE_IRP_COMPLETION_ROUTINE, /* object: IRP, a: DEVICE_OBJECT or NULL, b: routine */
    TRACE_IRP_COMPLETION_RETURN,  /* object: IRP (not to be dereferenced), a: status */
    TRACE_IRP_FINISHED,           /* object: IRP, a: status, b: Information: final stage ran */
    TRACE_IRP_CANCEL,             /* object: IRP */
    TRACE_IRP_QUEUED,             /* object: IRP, a: DEVICE_OBJECT, in whose queue it waits */
    TRACE_START_IO,               /* object: IRP, a: DEVICE_OBJECT, b: routine */
    TRACE_START_IO_RETURN,        /* object: IRP (not to be dereferenced) */
    TRACE_IRP_FREED,              /* object: IRP */
    TRACE_DPC_QUEUED,             /* object: KDPC, a: target VP */
    TRACE_DPC_START,              /* object: KDPC, a: routine */
    TRACE_DPC_END,                /* object: KDPC (not to be dereferenced) */
    TRACE_TIMER_EXPIRED,          /* object: KTIMER */
    TRACE_INTERRUPT,        /* object: KINTERRUPT (not to be dereferenced), a: vector, b: service routine */
    TRACE_INTERRUPT_RETURN, /* object: the same, a: TRUE or FALSE, b: service routine */
    TRACE_THREAD_CREATED,   /* object: thread */
    TRACE_THREAD_SWITCH,    /* object: next thread, a: previous thread */
    TRACE_THREAD_EXIT,
    TRACE_THREAD_WAIT, /* object: the first dispatcher object */
    TRACE_IRQL,        /* a: old, b: new (verbose) */
    TRACE_PORT,        /* a: port, b: value, c: 0 it was read, 1 written (verbose) */
    TRACE_REGISTER,    /* a: physical address, b: value, c: as for a port, plus twice the width (verbose) */
    TRACE_EXCEPTION,   /* a: code, b: address */
    TRACE_BUGCHECK,    /* a: code */
    TRACE_CONTROL,     /* object: DEVICE_OBJECT, b: routine, text: its role: what it waited for is there */
    TRACE_CONTROL_RETURN, /* the same, a: IO_ALLOCATION_ACTION, 0: the role has none */
    TRACE_DEBUG_PRINT,    /* text: the message; a: caller's address */
    TRACE_KINDS
};

struct trace_event {
    enum trace_kind kind;
    const void *object;
    uint64_t a, b, c;
    const char *text;
};

struct trace_ops {
    /* NTAPI, like the routines of vf_ops that sit on a request's way: so an export that calls them need not
     * save xmm6-15. */
    void(NTAPI *event)(const struct trace_event *event);
};

extern const struct trace_ops *seam_trace;

#define TRACE(kind_, object_, ...)                                                                           \
    do {                                                                                                     \
        if (unlikely(seam_trace != NULL))                                                                    \
            seam_trace->event(&(struct trace_event){.kind = (kind_), .object = (object_), __VA_ARGS__});     \
    } while (0)

/*
 * A dispatch routine that was called and has not returned: on the stack of who sent the IRP. A frame that an
 * exception discarded is left in the thread's list until the verifier next looks at it.
 */
struct vf_sent {
    struct vf_sent *above; /* the next outer of the thread: an arch_kept */
    const void *irp, *device, *routine;
    uint32_t number;          /* of the IRP; 0: not one of the I/O manager's storage */
    signed char location;     /* the routine's stack location */
    unsigned char generation; /* of that location's use */
    bool left, marked;        /* it was completed meanwhile; with the pending mark */
    bool forwarded, event_was_set;
    int32_t status; /* the IRP's, when it was completed */
    /* Of PNP, POWER and SYSTEM_CONTROL only (major is 0 else): as the routine found it. */
    unsigned char major, minor;
    bool attached;          /* the device is attached to another */
    bool detached, deleted; /* what the routine did with its device */
    int32_t entry_status;
    uint64_t entry_information, entry_references;
};

/* What the verifier looks at. Any member may be NULL. */
struct vf_ops {
    /* Around a driver's call of an export (only where the gate is a checking one). caller: return address. */
    void (*export_enter)(const struct export_entry *x, const void *caller);
    void (*export_leave)(const struct export_entry *x, const void *caller, KIRQL irql_before);
    /* Around a call of the runtime into a driver routine ("dispatch", "DPC", ...). */
    void(NTAPI *callout_enter)(const char *role, const void *routine, uint64_t *cookie);
    void(NTAPI *callout_leave)(const char *role, const void *routine, uint64_t cookie);
    /* IoCompleteRequest on an IRP already completed or freed; IoFreeIrp of one in use, and so on. */
    void(NTAPI *irp_violation)(ULONG code, ULONG subcode, const void *irp, const char *sentence);
    /* Around the call of a dispatch routine; the location is current. */
    void(NTAPI *irp_sent)(struct vf_sent *sent, const void *irp, const void *device, const void *routine);
    void(NTAPI *irp_returned)(struct vf_sent *sent, int32_t status);
    /* The completion of an IRP leaves a location; its completion routine has not been called yet. */
    void(NTAPI *irp_left)(const void *irp, const void *location, bool marked);
    /* A completion routine returned and lets the completion go on. number: the IRP's before; pended: it was
     * told that the IRP had been pended below. */
    void(NTAPI *irp_passed)(const void *irp, uint32_t number, const void *routine, bool pended);
    /* What waits, or whose stack it lies on, has gone: see io_final_stage. */
    void(NTAPI *irp_finishing)(const void *irp);
    /* Memory of a driver that its locks may lie in has gone: its image, a device extension. */
    void (*memory_gone)(const void *from, size_t length);
};

extern const struct vf_ops *seam_vf;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The standard checks as decisions: given what a driver does and the state it
 * does it in, is a rule broken, and which? No state of their own; seams.c asks
 * the running system and stops it.
 */
#ifndef VF_RULES_H
#define VF_RULES_H

#include "vf/report.h"

struct vf_finding {
    ULONG code;
    ULONG64 p[4];
    const void *irp, *device;
    const void *pool; /* a pool block, or an address in one */
    ULONG64 blame;    /* an address in the driver, where its frame is gone from the stack; or 0 */
    char sentence[480];
};
void vf_find(struct vf_finding *f, ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4,
             const char *format, ...) __attribute__((format(printf, 7, 8)));

/* ---- a driver calls an export ---- */

#define VF_ARGUMENTS 8
struct vf_call {
    const struct export_entry *export;
    ULONG64 caller;
    KIRQL irql;
    bool in_dpc;
    SHORT kernel_apc_disable, special_apc_disable;
    unsigned locks_held;
    ULONG64
    arguments[VF_ARGUMENTS]; /* as the driver passed them; those the routine does not have are garbage */
};

/* What an export needs beyond its range of IRQL; found once, by name. */
enum vf_special {
    VF_ORDINARY,
    VF_WAIT_SINGLE,   /* timeout: argument 4 */
    VF_WAIT_MULTIPLE, /* timeout: argument 6 */
    VF_SIGNAL_WAIT_1, /* "a KeWaitXxx follows": argument 1, 2, 3 */
    VF_SIGNAL_WAIT_2,
    VF_SIGNAL_WAIT_3,
    VF_ALLOCATE,       /* pool type: argument 0, size 1 */
    VF_ALLOCATE_FLAGS, /* ExAllocatePool2: flags 0, size 1 */
    VF_FREE,
    VF_MAP_LOCKED,   /* MDL, mode */
    VF_UNMAP_LOCKED, /* address, MDL */
    VF_RAISE_IRQL,
    VF_LOWER_IRQL,
    VF_LEAVE_CRITICAL,
    VF_LEAVE_GUARDED,
    VF_ZW,
    VF_SEND_IRP,     /* device, IRP */
    VF_COMPLETE_IRP, /* IRP */
    VF_FREE_IRP,
    VF_REUSE_IRP,     /* IRP: IoReuseIrp, IoInitializeIrp */
    VF_NEXT_PACKET,   /* IoStartNextPacket and its like */
    VF_DETACH_DEVICE, /* the device below */
    VF_DELETE_DEVICE,
    VF_MUTEX_RELEASE, /* mutexes.c's: fast and guarded mutexes, resources */
    VF_MUTEX_UNSAFE_RELEASE,
    VF_RESOURCE_EXCLUSIVE, /* resource, wait */
    VF_RESOURCE_SHARED,
    VF_RESOURCE_REGION, /* enters a region by itself, and waits */
    VF_RESOURCE_RELEASE,
    VF_INITIALIZE_LOCK,
    VF_PUSH_ENTRY, /* list, entry */
    VF_END_THREAD,
    VF_MUTEX_FIRST, /* acquired when the export returns */
    VF_MUTEX_ACQUIRE = VF_MUTEX_FIRST,
    VF_MUTEX_UNSAFE_ACQUIRE,
    VF_MUTEX_TRY,  /* result: BOOLEAN */
    VF_LOCK_FIRST, /* the rest is locks.c's */
    VF_ACQUIRE = VF_LOCK_FIRST,
    VF_ACQUIRE_SHARED,
    VF_ACQUIRE_TRY,    /* result: BOOLEAN */
    VF_ACQUIRE_QUEUED, /* lock, handle */
    VF_ACQUIRE_CANCEL,
    VF_RELEASE,        /* stays at DISPATCH_LEVEL */
    VF_RELEASE_LOWER,  /* lock, IRQL to return to */
    VF_RELEASE_CANCEL, /* IRQL to return to */
    VF_RELEASE_QUEUED, /* handle */
    VF_RELEASE_QUEUED_LOWER
};
enum vf_special vf_special_of(const char *name);

/* True: a rule is broken, and *f says which. */
bool vf_check_irql(const struct vf_call *call, struct vf_finding *f);
bool vf_check_special(enum vf_special special, const struct vf_call *call, struct vf_finding *f);
bool vf_check_call(enum vf_special special, const struct vf_call *call, struct vf_finding *f); /* both */
bool vf_check_irql_kept(const struct vf_call *call, KIRQL after, struct vf_finding *f);

/* ---- spin locks, per virtual processor ---- */

#define VF_CANCEL_LOCK 1ull /* stands for the address of the cancel spin lock, which drivers do not see */
/* What is acquired or released becomes argument 0, the IRQL to return to argument 1. */
void vf_name_lock(enum vf_special special, struct vf_call *call);

#define VF_LOCKS 16
struct vf_locks {
    unsigned count; /* may exceed what is kept */
    struct vf_lock {
        ULONG64 lock, key; /* key: the queue handle, or the lock */
        ULONG64 caller;
        bool queued, shared;
    } held[VF_LOCKS];
};
/* The cancel lock, taken by the I/O manager and released by a cancel routine. */
void vf_lend_cancel_lock(struct vf_locks *locks);
/* True: it was still there, and the I/O manager will say so. */
bool vf_take_back_cancel_lock(struct vf_locks *locks);
bool vf_check_acquire(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                      struct vf_finding *f);
void vf_acquired(enum vf_special special, const struct vf_call *call, struct vf_locks *locks);
/* Checks and forgets the lock: afterwards it is the release's. */
bool vf_released(enum vf_special special, const struct vf_call *call, struct vf_locks *locks,
                 struct vf_finding *f);

/* ---- the runtime calls a driver routine ---- */

struct vf_state {
    KIRQL irql;
    UCHAR locks_held;
    bool interrupts;
    UCHAR reserved;
    SHORT kernel_apc_disable, special_apc_disable;
};
bool vf_check_callout(const char *role, ULONG64 routine, const struct vf_state *before,
                      const struct vf_state *after, const struct vf_locks *locks, struct vf_finding *f);

#endif

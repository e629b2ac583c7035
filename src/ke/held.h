/* SPDX-License-Identifier: MIT */
/*
 * What drivers hold: objects that they made or registered and have to give
 * back, beside those that have a list of their own. Kept only while somebody
 * wants to know (the verifier); else every call returns at once. A record says
 * which code of a driver made the object; what the runtime makes for itself
 * has none.
 */
#ifndef KE_HELD_H
#define KE_HELD_H

#include "ke/ke.h"

enum ke_held_kind {
    KE_HELD_LOOKASIDE,
    KE_HELD_RESOURCE,
    KE_HELD_IN_MEMORY = KE_HELD_RESOURCE, /* up to here: they lie in memory of the driver */
    KE_HELD_EX_TIMER,
    KE_HELD_WORK_ITEM,
    KE_HELD_LINK,           /* a permanent symbolic link */
    KE_HELD_HANDLE,         /* object: its entry */
    KE_HELD_CALLBACK,       /* of a callback object */
    KE_HELD_PROCESS_NOTIFY, /* object: the routine, of these three */
    KE_HELD_THREAD_NOTIFY,
    KE_HELD_IMAGE_NOTIFY,
    KE_HELD_REGISTRY_CALLBACK,
    KE_HELD_OBJECT_CALLBACK,
    KE_HELD_BUGCHECK_CALLBACK,
    KE_HELD_PROVIDER,     /* object: its handle */
    KE_HELD_LOCKED_PAGES, /* object: the MDL */
    KE_HELD_PNP_NOTIFICATION,
    KE_HELD_WMI,        /* object: what was registered, a device object or a callback's structure */
    KE_HELD_WMI_NOTIFY, /* object: a data block object with a callback */
    KE_HELD_KINDS
};

struct ke_held {
    const void *object;
    const void *owner; /* the code that made it */
    enum ke_held_kind kind;
};

NTSTATUS ke_held_start(void);
void ke_held_fini(void);
/* False: the driver holds it already. IRQL: any at which locks of the runtime may be taken. */
bool ke_hold(enum ke_held_kind kind, const void *object);
/* False: nobody is known to hold it, although that is kept. */
bool ke_unhold(enum ke_held_kind kind, const void *object);
/* In the order of their making, as a rule. A lock is held: visit must not hold or unhold. */
void ke_for_each_held(void (*visit)(const struct ke_held *held, void *context), void *context);
/* Forgets what code in that range made. */
void ke_forget_held(const void *base, size_t size);
/* One that lies in the memory; false: none. */
bool ke_held_in(const void *base, size_t size, struct ke_held *held);

/* The instruction behind the driver's call of the export that runs; NULL: no driver called. */
const void *ke_driver_caller(void);

/* Timers that are set (not those of waits), and DPCs that are queued. A lock is held, as above. */
void ke_for_each_timer(void (*visit)(PKTIMER timer, void *context), void *context);
void ke_for_each_dpc(void (*visit)(PRKDPC dpc, void *context), void *context);
/* Memory is given back: bug check 0xC7 if a timer that is set or a DPC that is queued lies in it; for pool of
 * a driver (pool type as told), 0xC4 for a timer, and for a resource or lookaside list that was not deleted.
 */
void ke_check_memory_free(const void *base, size_t size);
void ke_check_pool_free(const void *base, size_t size, ULONG pool_type);

#endif

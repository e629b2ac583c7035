/* SPDX-License-Identifier: MIT */
/*
 * What the files of WMI share: providers and their blocks, classes (what all
 * providers of a GUID have in common), and requests. Locks: wmi_lock guards
 * all lists and the fields beside which it stands; it is held for a few
 * instructions and never across a call.
 */
#ifndef WMI_PRIVATE_H
#define WMI_PRIVATE_H

#include "base/lock.h"
#include "io/routines.h"
#include "ke/held.h"
#include "ke/routines.h"
#include "ob/routines.h"
#include "wmi/routines.h"
#include "wmi/wmi.h"

#define WMI_TAG            0x20696D57u /* 'Wmi ' */
#define WMI_LARGEST_EVENT  1024        /* bytes: what the registry of a system says by default */
#define WMI_FIRST_BUFFER   PAGE_SIZE
#define WMI_LARGEST_BUFFER (16u << 20)
#define WMI_STATIC_NAMES                                                                                     \
    (WMIREG_FLAG_INSTANCE_LIST | WMIREG_FLAG_INSTANCE_BASENAME | WMIREG_FLAG_INSTANCE_PDO)

extern rl_lock wmi_lock;

/* Who registered: a device object, or a structure that begins with a callback (no device then). */
struct wmi_provider {
    LIST_ENTRY link, blocks; /* wmi_lock; in the order of registration */
    LONG references;
    ULONG id; /* WNODE_HEADER.ProviderId */
    PDEVICE_OBJECT registered;
    PWMIENTRY callback;     /* NULL: registered is a device object, and referenced */
    bool gone, blocked;     /* wmi_lock: deregistered; gets no more requests */
    bool queued, wanted[2]; /* wmi_lock: a registration is due: WMIREGISTER, WMIUPDATE */
    ULONG in_flight;        /* wmi_lock */
    KEVENT idle;            /* nothing is in flight */
    struct ex_work work;
};

/* A block as one provider has it. Immutable but for what stands under its lock. */
struct wmi_block {
    LIST_ENTRY link; /* in the provider's; wmi_lock */
    LONG references;
    struct wmi_provider *provider; /* referenced */
    struct wmi_class *class;
    bool removed;              /* wmi_lock */
    bool on[2], settling;      /* wmi_lock: events, collection as the provider was told; somebody tells it */
    struct ke_thread *settler; /* wmi_lock */
    KEVENT settled;
    WMIREGGUIDW registered; /* as it came; Pdo as a pointer */
    WCHAR *mof;             /* NULL: none */
    ULONG names;            /* static ones */
    UNICODE_STRING name[];  /* behind them: their text */
};

enum wmi_use { WMI_EVENTS, WMI_COLLECTION };

/* A GUID that anybody has named; lives as long as the machine. */
struct wmi_class {
    LIST_ENTRY link; /* wmi_lock */
    GUID guid;
    LONG users[2];        /* wmi_lock: of events, of collection */
    bool api[2];          /* wmi_lock: the embedding API is one of them */
    ULONG next_id;        /* wmi_lock: IoWMIAllocateInstanceIds */
    LIST_ENTRY consumers; /* wmi_lock: data block objects with a notification callback */
};

static inline bool wmi_same_guid(const GUID *a, const GUID *b)
{
    return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}
/* NULL: no memory. */
struct wmi_class *wmi_class_of(const GUID *guid);

/* ---- provider.c ---- */
void wmi_providers_reset(void);
void wmi_providers_fini(void);
void wmi_provider_release(struct wmi_provider *provider);
void wmi_wait_for_registrations(void);
void wmi_device_deleted(PDEVICE_OBJECT device);
/* Makes room for a request in flight. False: the provider takes none any more. */
bool wmi_provider_enter(struct wmi_provider *provider);
void wmi_provider_leave(struct wmi_provider *provider);

/* ---- block.c ---- */
struct wmi_blocks {
    unsigned count;
    struct wmi_block **block; /* referenced */
};
/* Those of a class (NULL: of all) whose providers take requests. */
NTSTATUS wmi_blocks_of(const struct wmi_class *class, struct wmi_blocks *blocks);
void wmi_blocks_release(struct wmi_blocks *blocks);
void wmi_block_release(struct wmi_block *block);
/* What a provider answered. Locks: none. */
void wmi_take_reginfo(struct wmi_provider *provider, const void *info, ULONG bytes, bool update,
                      bool counted);
void wmi_remove_blocks(struct wmi_provider *provider);
/* One more or less user of what a class has; tells those providers that do not know. */
NTSTATUS wmi_use(struct wmi_class *class, enum wmi_use use, bool more);
/* A registered static name. -1: it is none of the block's. */
LONG wmi_index_of_name(const struct wmi_block *block, const UNICODE_STRING *name);

/* ---- irp.c ---- */
/* Sends a request to the provider and waits. PASSIVE_LEVEL. */
NTSTATUS wmi_send(struct wmi_provider *provider, UCHAR minor, const void *data_path, void *buffer,
                  ULONG bytes, ULONG_PTR *information);
/* Runs fn at PASSIVE_LEVEL: here, or on a worker if a driver asks at APC_LEVEL. */
NTSTATUS wmi_at_passive(NTSTATUS (*fn)(void *), void *context);

/* ---- query.c: requests to a class; they begin and end the collection of expensive blocks ---- */
NTSTATUS wmi_class_query_all(struct wmi_class *class, void **data, ULONG *bytes);
NTSTATUS wmi_class_query_one(struct wmi_class *class, const UNICODE_STRING *name, void **data, ULONG *bytes);
/* item: NULL: the whole instance. */
NTSTATUS wmi_class_change(struct wmi_class *class, const UNICODE_STRING *name, const ULONG *item,
                          const void *data, ULONG length);
/* out: a WNODE_METHOD_ITEM. */
NTSTATUS wmi_class_execute(struct wmi_class *class, const UNICODE_STRING *name, ULONG method, const void *in,
                           ULONG in_length, ULONG out_room, void **out, ULONG *bytes);
/* The block of that provider, asked by index or name for the WNODE_SINGLE_INSTANCE. */
NTSTATUS wmi_block_query_one(struct wmi_block *block, const UNICODE_STRING *name, void **data, ULONG *bytes);

/* ---- wnode.c ---- */
/* A WNODE_ALL_DATA, _SINGLE_INSTANCE or _SINGLE_ITEM with static names gets them written into it: *wnode is
 * replaced (mm_alloc). False: it points outside itself, or there is no memory. */
bool wmi_write_names(const struct wmi_block *block, void **wnode, ULONG *bytes);
/* The counted string at an offset. False: it does not lie inside. */
bool wmi_counted_string(const void *base, ULONG bytes, ULONG offset, UNICODE_STRING *string);

/* ---- consumer.c ---- */
NTSTATUS wmi_consumers_init(void);
void wmi_notify(struct wmi_class *class, void *wnode);

/* ---- event.c ---- */
void wmi_events_reset(void);

#endif

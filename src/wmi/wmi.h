/* SPDX-License-Identifier: MIT */
/*
 * WMI for drivers: who registered (IoWMIRegistrationControl), the blocks that
 * IRP_MN_REGINFO(_EX) answered, requests to them, events that drivers fire,
 * and wmilib.sys as an export driver of the system. The list of providers is
 * guarded by a lock that is never held across an IRP.
 * Rules: WMI-00..WMI-0B, MJ-17, SR-57.
 */
#ifndef WMI_H
#define WMI_H

#include "pnp/pnp.h"
#include "nt/wmi.h"

NTSTATUS wmi_init(void);
void wmi_fini(void);

/* All of what follows: PASSIVE_LEVEL, NT context. It acts as a data consumer of its own (the embedding
 * API's), and waits first until nobody who registered is still being asked what it has. */
struct wmi_block_info {
    GUID guid;
    ULONG flags;             /* WMIREG_FLAG_... */
    ULONG instances;         /* with static names; dynamic: 0 */
    PDEVICE_OBJECT provider; /* the device object that was registered; of a callback NULL */
    const WCHAR *mof;        /* the MOF resource's name, NULL: none was given */
    bool events, collection; /* enabled at the moment */
};
/* Blocks of all providers, in the order of registration; no lock is held during a visit. */
void wmi_for_each_block(void (*visit)(const struct wmi_block_info *block, void *context), void *context);

/* A chain of WNODE_ALL_DATA (WnodeHeader.Linkage) with all instance names, one of each provider. Owns:
 * mm_free. STATUS_WMI_GUID_NOT_FOUND: nobody has the block. */
NTSTATUS wmi_query_all(const GUID *guid, void **data, ULONG *bytes);
/* The instances of such a chain. False: the provider's answer points outside itself. */
struct wmi_instance {
    const WCHAR *name;
    USHORT name_bytes;
    const void *data;
    ULONG length;
};
bool wmi_for_each_instance(const void *chain, ULONG bytes,
                           void (*visit)(const struct wmi_instance *instance, void *context), void *context);
/* The nth instance's name, over all providers: of the registered ones, or as the providers return them. */
NTSTATUS wmi_instance_name(const GUID *guid, ULONG index, WCHAR *name, size_t room_chars);
/* By name; the answer is a WNODE_SINGLE_INSTANCE. Owns: mm_free. */
NTSTATUS wmi_query_instance(const GUID *guid, const UNICODE_STRING *name, void **data, ULONG *bytes);
NTSTATUS wmi_set_instance(const GUID *guid, const UNICODE_STRING *name, const void *data, ULONG length);
NTSTATUS wmi_set_item(const GUID *guid, const UNICODE_STRING *name, ULONG item, const void *data,
                      ULONG length);
/* *out and *out_length: the output. Owns: mm_free. */
NTSTATUS wmi_execute(const GUID *guid, const UNICODE_STRING *name, ULONG method, const void *in,
                     ULONG in_length, void **out, ULONG *out_length);
/* Events or collection. STATUS_WMI_ALREADY_ENABLED, STATUS_WMI_ALREADY_DISABLED: by this consumer. */
NTSTATUS wmi_enable(const GUID *guid, bool events, bool enable);
/* What the layers above give; any member may be NULL. */
struct wmi_ops {
    /* The verifier: a device that is registered was deleted (0xC4/DB). */
    void (*violation)(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence);
};
extern struct wmi_ops wmi_ops;
/* Told of each event that wmi_enable has enabled (a WNODE with its instance names); NULL: nobody listens.
 * PASSIVE_LEVEL, on a worker. */
extern void (*wmi_event_seen)(const void *wnode, ULONG bytes);

#endif

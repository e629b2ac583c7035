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

NTSTATUS wmi_init(void);
void wmi_fini(void);

struct wmi_block {
    GUID guid;
    ULONG flags, instances;  /* WMIREG_FLAG_... */
    PDEVICE_OBJECT provider; /* the device object that was registered */
};
/* Blocks of all providers, in the order of registration; no lock is held during a visit. PASSIVE_LEVEL. */
void wmi_for_each_block(void (*visit)(const struct wmi_block *block, void *context), void *context);
/* Requests to a block's provider. The data of QUERY_ALL_DATA is the WNODE_ALL_DATA; of the single ones, the
 * instance's alone. *length: in room, out size (STATUS_BUFFER_TOO_SMALL: what it takes).
 * STATUS_WMI_GUID_NOT_FOUND. */
NTSTATUS wmi_query_all(const GUID *guid, void *data, ULONG *length);
NTSTATUS wmi_query_instance(const GUID *guid, ULONG instance, void *data, ULONG *length);
NTSTATUS wmi_set_instance(const GUID *guid, ULONG instance, const void *data, ULONG length);
NTSTATUS wmi_set_item(const GUID *guid, ULONG instance, ULONG item, const void *data, ULONG length);
NTSTATUS wmi_execute(const GUID *guid, ULONG instance, ULONG method, void *data, ULONG in_length,
                     ULONG *out_length);
NTSTATUS wmi_enable(const GUID *guid, bool events, bool enable); /* events or collection */
/* Told of each event (a WNODE) that a driver wrote; NULL: nobody listens. PASSIVE_LEVEL, on a worker. */
extern void (*wmi_event_seen)(const void *wnode, ULONG bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The power manager: power IRPs and their order (PW-04, PW-26), system states
 * over the device tree, device states as drivers report them, idle detection,
 * power settings, and the power management framework (PoFx).
 *
 * System transitions run on a thread of their own; device requests are queued
 * under one spin lock at DISPATCH_LEVEL, never held across a call of a driver.
 * Rules: PW-01..PW-32, PWR-00..PWR-03, FX-01..FX-10, SR-28, SR-35, SR-36.
 */
#ifndef PO_H
#define PO_H

#include "pnp/pnp.h"

NTSTATUS po_init(void); /* registers its pnp_observer */
void po_fini(void);

/* `power ID Dn`: a device SET_POWER to the node's stack, waited for. PASSIVE_LEVEL. The IRP's status. */
NTSTATUS po_set_device_power(struct pnp_node *node, DEVICE_POWER_STATE state);
/*
 * `system Sn`: QUERY_POWER and SET_POWER to every started node, children before parents on the way down,
 * parents first on the way up (PW-26); the way back to S0 has no query (PW-18). A veto is the status, after
 * the SET that reaffirms the state for those that were asked (PW-17); `forced` asks nobody. S5 is the
 * shutdown's last part (PW-32): the caller has sent IRP_MJ_SHUTDOWN. PASSIVE_LEVEL; the caller waits.
 */
NTSTATUS po_set_system_power(SYSTEM_POWER_STATE state, POWER_ACTION action, bool forced);
/* The same with what else distinguishes transitions (PW-31). */
struct po_transition {
    SYSTEM_POWER_STATE state;  /* what the IRPs say */
    SYSTEM_POWER_STATE target; /* S3 with state S4: hybrid sleep; S5 with S4: shutdown for a fast startup */
    POWER_ACTION action;
    bool forced;     /* nobody is asked */
    bool idle;       /* only if nothing keeps the system busy: else STATUS_DEVICE_BUSY */
    bool power_lost; /* to S0: from what was written to disk, not from memory */
};
NTSTATUS po_transition(const struct po_transition *transition);
/* A directed transition of a device that registered for it with PoFx, waited for. STATUS_NOT_SUPPORTED: it
 * did not; STATUS_INVALID_DEVICE_REQUEST: not registered at all. PASSIVE_LEVEL. */
NTSTATUS po_directed_power(struct pnp_node *node, bool down);
SYSTEM_POWER_STATE po_system_state(void);
/* The device state for `tree`; PowerDeviceUnspecified: never reported. */
DEVICE_POWER_STATE po_device_state(const struct pnp_node *node);
/* A power setting changes: registered callbacks are told (SR-35). PASSIVE_LEVEL. */
NTSTATUS po_set_setting(const GUID *setting, const void *value, ULONG length);

#endif

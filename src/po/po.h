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
SYSTEM_POWER_STATE po_system_state(void);
/* The device state for `tree`; PowerDeviceUnspecified: never reported. */
DEVICE_POWER_STATE po_device_state(const struct pnp_node *node);
/* A power setting changes: registered callbacks are told (SR-35). PASSIVE_LEVEL. */
NTSTATUS po_set_setting(const GUID *setting, const void *value, ULONG length);

#endif

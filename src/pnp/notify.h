/* SPDX-License-Identifier: MIT */
/*
 * Notification: drivers that registered by IoRegisterPlugPlayNotification hear
 * of interfaces that come and go, of what happens to a device that they have a
 * file on, and of the hardware profile. Callbacks run one after the other in
 * the order of registration, at PASSIVE_LEVEL on the PnP thread, with no lock
 * held. What a device's interfaces become when it starts and goes is done by
 * an observer (interface.c); whoever removes devices calls the functions for
 * their registrants.
 *
 * Rules: SR-33, SR-34, PH-30, DO-56, DO-57.
 */
#ifndef PNP_NOTIFY_H
#define PNP_NOTIFY_H

#include "pnp/pnp.h"

/* GUID_TARGET_DEVICE_QUERY_REMOVE to the registrants of this node alone, before any driver of the subtree is
 * asked. A failure is a veto: those that had agreed were told that it is cancelled; the caller cancels the
 * other nodes of the removal. */
NTSTATUS pnp_notify_query_remove(struct pnp_node *node);
/* GUID_TARGET_DEVICE_REMOVE_CANCELLED: behind the drivers' CANCEL_REMOVE. */
void pnp_notify_cancel_remove(struct pnp_node *node);
/* GUID_TARGET_DEVICE_REMOVE_COMPLETE: before REMOVE where a removal was asked for; behind SURPRISE_REMOVAL
 * (PH-30). */
void pnp_notify_remove_complete(struct pnp_node *node);
/* The hardware profile changes with a dock: a failure of the query is a veto and was cancelled. */
NTSTATUS pnp_notify_profile_query(void);
void pnp_notify_profile_cancelled(void);
void pnp_notify_profile_complete(void);

#endif

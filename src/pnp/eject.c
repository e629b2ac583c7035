/* SPDX-License-Identifier: MIT */
/*
 * Ejection: the device is asked and removed like any other, together with its
 * ejection relations; then its bus driver is told to push it out. A device
 * that can be locked into its slot is locked while it is in use. Runs on the
 * PnP thread; no lock is held while a driver is called.
 */
#include "pnp/change.h"

/* Rules: PNP-12. */
void pnp_lock_device(struct pnp_node *node, bool lock)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP, .MinorFunction = IRP_MN_SET_LOCK};
    if (!node->capabilities.LockSupported || node->locked == lock)
        return;
    /* PNP-12: into its slot, or free. */
    location.Parameters.SetLock.Lock = lock;
    if (NT_SUCCESS(pnp_send(node->pdo, &location, NULL)))
        node->locked = lock;
}

/* Rules: PNP-12. While it runs nobody pulls it out. */
static void started(struct pnp_node *node)
{
    pnp_lock_device(node, true);
}

/* Whoever goes for another reason than an ejection is free too, before its bus driver forgets it. */
static void before_remove(struct pnp_node *node)
{
    if (node->present)
        /* PNP-12: nobody uses it. */
        pnp_lock_device(node, false);
}

static struct pnp_observer observer = {.started = started, .before_remove = before_remove};

void pnp_eject_init(void)
{
    pnp_observe(&observer);
}

/* The drivers are gone; its bus driver moves it. Rules: PNP-11. */
static NTSTATUS push_out(struct pnp_node *node)
{
    pnp_set_problem(node, PNP_PROBLEM_HELD_FOR_EJECT, STATUS_SUCCESS);
    /* PNP-11: it is off, and unlocked; the bus driver answers when it is out. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_EJECT, NULL);
    if (NT_SUCCESS(status) && node->parent)
        /* PNP-11: who is left on the bus. */
        pnp_invalidate_relations(node->parent->pdo, BusRelations);
    return status;
}

static NTSTATUS remove_for_ejection(struct pnp_node *node)
{
    struct pnp_removal removal;
    NTSTATUS status = pnp_removal_begin(&removal);
    if (!NT_SUCCESS(status))
        return status;
    /* PNP-07b, PNP-11: they get REMOVE, and only the device EJECT. */
    pnp_removal_collect(&removal, node, true);
    status = pnp_removal_query(&removal);
    if (NT_SUCCESS(status))
        pnp_removal_commit(&removal);
    pnp_removal_end(&removal);
    return status;
}

static NTSTATUS eject(void *context)
{
    struct pnp_node *node = context;
    if (!pnp_has_drivers(node) || !node->parent)
        return STATUS_INVALID_DEVICE_STATE;
    if (!node->capabilities.EjectSupported && !node->capabilities.Removable)
        return STATUS_NOT_SUPPORTED;
    NTSTATUS status = remove_for_ejection(node);
    if (!NT_SUCCESS(status) || !node->capabilities.EjectSupported)
        return status; /* by hand: it may be pulled out now */
    status = push_out(node);
    if (!NT_SUCCESS(status)) {
        /* It is stuck: as it is there, it gets its drivers again. */
        pnp_set_problem(node, PNP_NO_PROBLEM, STATUS_SUCCESS);
        pnp_start(node);
    }
    return status;
}

NTSTATUS pnp_eject(struct pnp_node *node)
{
    return pnp_run(eject, node);
}

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
    if (!node->capabilities.EjectSupported)
        return STATUS_SUCCESS; /* it may be pulled out by hand now */
    /* PNP-11: it is off, and unlocked; the bus driver answers when it is out. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_EJECT, NULL);
    if (NT_SUCCESS(status))
        /* PNP-11: who is left on the bus. */
        pnp_invalidate_relations(node->parent->pdo, BusRelations);
    return status;
}

/* It is stuck. As all of them are there, they get their drivers again, parents first. */
static void bring_back(struct pnp_removal *removal)
{
    for (unsigned i = removal->count; i-- > 0;)
        if (removal->nodes[i]->state == PNP_REMOVED)
            pnp_start(removal->nodes[i]);
}

static NTSTATUS eject_all(struct pnp_node *node, struct pnp_removal *removal)
{
    /* PNP-07b, PNP-11: they get REMOVE, and only the device EJECT. */
    pnp_removal_collect(removal, node, true);
    NTSTATUS status = pnp_removal_query(removal);
    if (!NT_SUCCESS(status))
        return status;
    pnp_removal_commit(removal);
    /* PNP-11: a device that is to leave does not start by itself. */
    pnp_set_problem(node, PNP_PROBLEM_HELD_FOR_EJECT, STATUS_SUCCESS);
    status = push_out(node);
    if (!NT_SUCCESS(status))
        bring_back(removal);
    return status;
}

static NTSTATUS eject(void *context)
{
    struct pnp_node *node = context;
    struct pnp_removal removal;
    if (!pnp_has_drivers(node) || !node->parent)
        return STATUS_INVALID_DEVICE_STATE;
    if (!node->capabilities.EjectSupported && !node->capabilities.Removable)
        return STATUS_NOT_SUPPORTED;
    NTSTATUS status = pnp_removal_begin(&removal);
    if (!NT_SUCCESS(status))
        return status;
    status = eject_all(node, &removal);
    pnp_removal_end(&removal);
    return status;
}

NTSTATUS pnp_eject(struct pnp_node *node)
{
    return pnp_run(eject, node);
}

/* ---- what drivers call ---- */

static void eject_later(void *context)
{
    struct pnp_node *node = context;
    eject(node);
    pnp_dereference(node);
}

/*
 * Somebody pressed the device's eject button: the PnP thread ejects it. Nobody is told what comes of it.
 * IRQL: <= DISPATCH_LEVEL. Rules: PNP-11, PH-21.
 */
EXPORT(ntoskrnl, IoRequestDeviceEject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoRequestDeviceEject(PDEVICE_OBJECT PhysicalDeviceObject)
{
    struct pnp_node *node = pnp_node_of_argument(PhysicalDeviceObject);
    bool posted = false;
    /* PNP-11: with everything around it, not by the IRP alone. */
    posted = pnp_post(eject_later, node);
    if (!posted)
        pnp_dereference(node);
}

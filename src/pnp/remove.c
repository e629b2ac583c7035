/* SPDX-License-Identifier: MIT */
/*
 * Removal: children before parents, IRP_MN_REMOVE_DEVICE to a whole stack, and
 * what becomes of the node. Runs on the PnP thread; no lock is held while a
 * driver is called.
 */
#include "pnp/private.h"

void pnp_remove_stack(struct pnp_node *node)
{
    pnp_tell(node, offsetof(struct pnp_observer, before_remove));
    /* PNP-02: the drivers let go of the device. */
    pnp_send_minor(node->pdo, IRP_MN_REMOVE_DEVICE, NULL);
    pnp_release_resources(node);
    pnp_tell(node, offsetof(struct pnp_observer, removed));
}

static bool has_drivers(const struct pnp_node *node)
{
    return node->state >= PNP_STACK_BUILT && node->state < PNP_REMOVED;
}

static void remove_children(struct pnp_node *node);

/* The drivers of a subtree, from its leaves. */
static void remove_subtree(struct pnp_node *node)
{
    remove_children(node);
    if (has_drivers(node)) {
        pnp_remove_stack(node);
        node->state = PNP_REMOVED;
    }
}

/* A bus whose driver goes lists nobody any more: its children leave the tree. */
static void remove_children(struct pnp_node *node)
{
    struct pnp_node *child;
    while ((child = pnp_next_child(node, NULL)) != NULL) {
        remove_subtree(child);
        if (node->parent)
            pnp_node_unlink(child);
        pnp_dereference(child);
        if (!node->parent)
            break;
    }
}

static void surprise(struct pnp_node *node)
{
    if (!has_drivers(node))
        return;
    /* PS-15: it is gone already, whatever its drivers think of that. */
    pnp_send_minor(node->pdo, IRP_MN_SURPRISE_REMOVAL, NULL);
    node->state = PNP_SURPRISE_REMOVED;
    pnp_tell(node, offsetof(struct pnp_observer, surprise_removed));
}

void pnp_device_missing(struct pnp_node *node)
{
    surprise(node);
    remove_children(node);
    pnp_remove_stack(node);
    pnp_node_unlink(node);
}

void pnp_device_failed(struct pnp_node *node, ULONG problem, NTSTATUS status)
{
    surprise(node);
    remove_subtree(node);
    pnp_set_problem(node, problem, status);
}

static NTSTATUS remove(void *context)
{
    struct pnp_node *node = context;
    if (!has_drivers(node))
        return STATUS_INVALID_DEVICE_STATE;
    remove_subtree(node);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_remove(struct pnp_node *node)
{
    return pnp_run(remove, node);
}

static NTSTATUS surprise_remove(void *context)
{
    struct pnp_node *node = context;
    if (!has_drivers(node))
        return STATUS_INVALID_DEVICE_STATE;
    pnp_device_failed(node, PNP_PROBLEM_NOT_THERE, STATUS_NO_SUCH_DEVICE);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_surprise_remove(struct pnp_node *node)
{
    return pnp_run(surprise_remove, node);
}

static bool serves(PDRIVER_OBJECT driver, const struct pnp_node *node)
{
    for (PDEVICE_OBJECT device = node->pdo; device; device = device->AttachedDevice)
        if (device->DriverObject == driver)
            return true;
    return false;
}

static void remove_if_served(struct pnp_node *node, void *context)
{
    if (has_drivers(node) && serves(context, node))
        remove_subtree(node);
}

static NTSTATUS remove_devices_of(void *context)
{
    pnp_for_each(remove_if_served, context);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_remove_devices_of(PDRIVER_OBJECT driver)
{
    return list_empty(&pnp_root()->children) ? STATUS_SUCCESS : pnp_run(remove_devices_of, driver);
}

static NTSTATUS remove_all(void *context)
{
    for (struct pnp_node *node = pnp_next_child(pnp_root(), NULL); node;
         node = pnp_next_child(pnp_root(), node))
        remove_subtree(node);
    return STATUS_SUCCESS;
}

void pnp_remove_all(void)
{
    if (!list_empty(&pnp_root()->children))
        pnp_run(remove_all, NULL);
}

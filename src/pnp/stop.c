/* SPDX-License-Identifier: MIT */
/*
 * Pausing a device so that its resources can be taken: QUERY_STOP, then STOP,
 * or CANCEL_STOP if a driver refuses. The restart is start.c's. Runs on the
 * PnP thread; no lock is held while a driver is called.
 */
#include "pnp/change.h"
#include "pnp/resource.h"

static NTSTATUS query(struct pnp_node *node)
{
    /* PNP-05, PS-08: whether it can pause. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_QUERY_STOP_DEVICE, NULL);
    if (!NT_SUCCESS(status))
        return status;
    if (pnp_has_special_file(node))
        /* PH-15: whatever its drivers say. */
        return STATUS_PLUGPLAY_QUERY_VETOED;
    node->state = PNP_STOP_PENDING;
    if (status == STATUS_RESOURCE_REQUIREMENTS_CHANGED)
        /* PNP-05: before STOP, as its bus driver wants other resources for it. */
        pnp_query_requirements(node);
    return STATUS_SUCCESS;
}

static void cancel(struct pnp_node *node)
{
    /* PNP-06, PS-09: also to a stack in which somebody refused. */
    pnp_send_minor(node->pdo, IRP_MN_CANCEL_STOP_DEVICE, NULL);
    /* PS-09: it goes on. */
    node->state = PNP_STARTED;
}

static void pause_device(struct pnp_node *node)
{
    /* PNP-04, PS-10, PH-11: they let go of its resources and hold what comes. */
    pnp_send_minor(node->pdo, IRP_MN_STOP_DEVICE, NULL);
    node->state = PNP_STOPPED;
    /* PS-10: others may have them. */
    pnp_release_resources(node);
}

/* Rules: PNP-04..PNP-06, PS-08..PS-10, PH-15. */
NTSTATUS pnp_stop_all(struct pnp_node *const *nodes, unsigned count)
{
    NTSTATUS status = STATUS_SUCCESS;
    unsigned asked = 0;
    while (asked < count && NT_SUCCESS(status))
        status = query(nodes[asked++]);
    if (!NT_SUCCESS(status))
        while (asked-- > 0)
            /* PS-09: one refusal is taken back from all. */
            cancel(nodes[asked]);
    else
        for (unsigned i = 0; i < count; i++)
            /* PS-10: once all have agreed. */
            pause_device(nodes[i]);
    return status;
}

static NTSTATUS stop(void *context)
{
    struct pnp_node *node = context;
    if (node->state != PNP_STARTED || !node->parent)
        return STATUS_INVALID_DEVICE_STATE;
    return pnp_stop_all(&node, 1);
}

NTSTATUS pnp_stop_device(struct pnp_node *node)
{
    return pnp_run(stop, node);
}

/* ---- before the first start ---- */

struct comparison {
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *of;
    bool found, moved;
    const CM_RESOURCE_LIST *in;
};

static bool same_place(const CM_PARTIAL_RESOURCE_DESCRIPTOR *a, const CM_PARTIAL_RESOURCE_DESCRIPTOR *b)
{
    if (a->Type != b->Type)
        return false;
    if (a->Type == CmResourceTypeInterrupt) /* messages do not take a line's place from anybody */
        return a->u.Interrupt.Vector == b->u.Interrupt.Vector || (a->Flags & CM_RESOURCE_INTERRUPT_MESSAGE);
    return a->u.Generic.Start.QuadPart == b->u.Generic.Start.QuadPart;
}

static void look_for(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct comparison *c = context;
    c->found |= same_place(descriptor, c->of);
}

static void compare(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct comparison *c = context;
    c->of = descriptor;
    c->found = false;
    resource_for_each(c->in, look_for, c);
    c->moved |= !c->found;
}

static bool has_moved(const struct pnp_node *node)
{
    struct comparison c = {.in = node->raw_resources};
    if (!node->boot || !node->raw_resources)
        return false;
    resource_for_each(node->boot, compare, &c);
    return c.moved;
}

/*
 * Firmware has set the device up with other resources than it is to get: its stack, which has never been
 * started, is stopped with them first. Rules: PS-19.
 */
NTSTATUS pnp_leave_boot_resources(struct pnp_node *node)
{
    if (!has_moved(node))
        return STATUS_SUCCESS;
    /* PS-19: QUERY_STOP and STOP come first. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_QUERY_STOP_DEVICE, NULL);
    if (!NT_SUCCESS(status)) {
        pnp_send_minor(node->pdo, IRP_MN_CANCEL_STOP_DEVICE, NULL);
        pnp_set_problem(node, PNP_PROBLEM_NORMAL_CONFLICT, status);
        return status;
    }
    /* PS-19: they let go of what they have never had from here. */
    pnp_send_minor(node->pdo, IRP_MN_STOP_DEVICE, NULL);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* IRP_MN_QUERY_PNP_DEVICE_STATE after a first start and whenever a driver says that the state has changed,
 * and what follows from the answer. */
#include "pnp/private.h"

static void change_resources(struct pnp_node *node)
{
    if (!(node->device_state & PNP_DEVICE_FAILED)) {
        /* PS-18, PH-29: others, and it goes on running meanwhile. */
        pnp_reassign(node);
        return;
    }
    /* PH-29: with both bits set it has to be stopped for that. */
    if (NT_SUCCESS(pnp_stop_device(node)))
        pnp_reassign(node);
}

/* Rules: PNP-14, PH-29, PS-06, PS-15, PS-18. */
void pnp_ask_state(struct pnp_node *node)
{
    ULONG_PTR information = 0;
    node->device_state = 0; /* what nobody says any more is no longer so */
    /* PNP-14, PS-06: what its drivers say of it. */
    if (!NT_SUCCESS(pnp_send_minor(node->pdo, IRP_MN_QUERY_PNP_DEVICE_STATE, &information)))
        return;
    /* PH-02: a success set on the way down is the answer, also if the PDO has none. */
    node->device_state = (PNP_DEVICE_STATE)information;
    if (node->device_state & PNP_DEVICE_REMOVED)
        /* PS-15, PH-29: it is physically gone. */
        pnp_device_failed(node, PNP_PROBLEM_NOT_THERE, STATUS_NO_SUCH_DEVICE);
    else if (node->device_state & PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED)
        change_resources(node);
    else if (node->device_state & PNP_DEVICE_FAILED)
        /* PS-15, PH-29: it is there and does not work. */
        pnp_device_failed(node, PNP_PROBLEM_POST_START, STATUS_UNSUCCESSFUL);
}

/* It or a device below it is needed for the system to run. */
bool pnp_not_disableable(struct pnp_node *node)
{
    /* PH-29: and so are all those above it. */
    bool needed = node->device_state & PNP_DEVICE_NOT_DISABLEABLE && node->state == PNP_STARTED;
    for (struct pnp_node *child = pnp_next_child(node, NULL); child; child = pnp_next_child(node, child))
        needed = pnp_not_disableable(child) || needed;
    return needed;
}

/* SPDX-License-Identifier: MIT */
/* IRP_MN_QUERY_PNP_DEVICE_STATE after a first start and whenever a driver says that the state has changed,
 * and what follows from the answer. */
#include "pnp/private.h"

/* Rules: PNP-14, PH-29, PS-06, PS-15, PS-18. */
void pnp_ask_state(struct pnp_node *node)
{
    ULONG_PTR information = 0;
    /* PNP-14, PS-06: what its drivers say of it. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_QUERY_PNP_DEVICE_STATE, &information);
    if (!NT_SUCCESS(status))
        return;
    node->device_state = (PNP_DEVICE_STATE)information;
    if (node->device_state & PNP_DEVICE_REMOVED)
        /* PS-15, PH-29: it is physically gone. */
        pnp_device_failed(node, PNP_PROBLEM_NOT_THERE, STATUS_NO_SUCH_DEVICE);
    else if (node->device_state & PNP_DEVICE_FAILED)
        /* PS-15, PH-29: it is there and does not work. */
        pnp_device_failed(node, PNP_PROBLEM_POST_START, STATUS_UNSUCCESSFUL);
    else if (node->device_state & PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED)
        /* PS-18, PH-29: it wants others. */
        pnp_reassign(node);
}

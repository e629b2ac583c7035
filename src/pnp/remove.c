/* SPDX-License-Identifier: MIT */
/*
 * The actions of an orderly removal: `query-remove`, `remove`, the devices of
 * a driver that is to be unloaded, and all devices at the machine's end. What
 * they are about and how it is done stands in removal.c.
 */
#include "pnp/change.h"

static NTSTATUS query_only(void *context)
{
    struct pnp_node *node = context;
    struct pnp_removal removal;
    if (!pnp_has_drivers(node) || !node->parent)
        return STATUS_INVALID_DEVICE_STATE;
    NTSTATUS status = pnp_removal_begin(&removal);
    if (!NT_SUCCESS(status))
        return status;
    pnp_removal_collect(&removal, node, false);
    status = pnp_removal_query(&removal);
    if (NT_SUCCESS(status))
        /* PS-13, PNP-03: it was a question only. */
        pnp_removal_cancel(&removal);
    pnp_removal_end(&removal);
    return status;
}

NTSTATUS pnp_query_remove(struct pnp_node *node)
{
    return pnp_run(query_only, node);
}

/* Rules: PNP-01, PNP-02, PS-12..PS-14. */
NTSTATUS pnp_remove_orderly(struct pnp_node *node)
{
    struct pnp_removal removal;
    NTSTATUS status = pnp_removal_begin(&removal);
    if (!NT_SUCCESS(status))
        return status;
    pnp_removal_collect(&removal, node, false);
    /* PNP-02: only what was asked about is removed. */
    status = pnp_removal_query(&removal);
    if (NT_SUCCESS(status))
        pnp_removal_commit(&removal);
    pnp_removal_end(&removal);
    return status;
}

static NTSTATUS remove(void *context)
{
    struct pnp_node *node = context;
    if (!pnp_has_drivers(node) || !node->parent)
        return STATUS_INVALID_DEVICE_STATE;
    return pnp_remove_orderly(node);
}

NTSTATUS pnp_remove(struct pnp_node *node)
{
    return pnp_run(remove, node);
}

/* ---- at the machine's end ---- */

static void list_device(struct pnp_node *node, void *context)
{
    struct pnp_removal *list = context;
    if (!pnp_has_drivers(node) || !node->parent || list->count == list->room)
        return;
    pnp_reference(node);
    list->nodes[list->count++] = node;
}

/* Backwards: children before their parents, and what was added last first, as it may use the others. True:
 * some went. */
static bool remove_willing(struct pnp_removal *list)
{
    bool removed = false;
    for (unsigned i = list->count; i-- > 0;)
        if (pnp_has_drivers(list->nodes[i]) && NT_SUCCESS(pnp_remove_orderly(list->nodes[i])))
            removed = true;
    return removed;
}

/* Who refuses is asked again when others have gone, as they may have had files on it; at last nobody is
 * asked. */
static NTSTATUS remove_all(void *context)
{
    struct pnp_removal list;
    NTSTATUS status = pnp_removal_begin(&list);
    if (!NT_SUCCESS(status))
        return status;
    pnp_unload_later(true);
    pnp_for_each(list_device, &list);
    while (remove_willing(&list))
        ;
    for (unsigned i = list.count; i-- > 0;)
        pnp_remove_unasked(list.nodes[i]);
    pnp_finish_surprises();
    pnp_removal_end(&list);
    return STATUS_SUCCESS;
}

void pnp_remove_all(void)
{
    if (!list_empty(&pnp_root()->children))
        pnp_run(remove_all, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What goes when a device goes: the device, its descendants, the removal (and,
 * for an ejection, the ejection) relations of each, in an order in which
 * children come before their parents; and the three things that are done to
 * all of them: asked, told that nothing comes of it, removed. Runs on the PnP
 * thread; no lock is held while a driver is called.
 */
#include "pnp/change.h"

bool pnp_has_drivers(const struct pnp_node *node)
{
    return node->state >= PNP_STACK_BUILT && node->state != PNP_REMOVED && node->state != PNP_DELETED;
}

/* ---- who ---- */

static void count_node(struct pnp_node *node, void *context)
{
    ++*(unsigned *)context;
}

NTSTATUS pnp_removal_begin(struct pnp_removal *removal)
{
    *removal = (struct pnp_removal){0};
    pnp_for_each(count_node, &removal->room);
    removal->nodes = mm_alloc(2 * removal->room * sizeof(*removal->nodes), PNP_TAG);
    if (!removal->nodes)
        return STATUS_INSUFFICIENT_RESOURCES;
    removal->seen = removal->nodes + removal->room;
    return STATUS_SUCCESS;
}

void pnp_removal_end(struct pnp_removal *removal)
{
    for (unsigned i = 0; i < removal->count; i++)
        pnp_dereference(removal->nodes[i]);
    mm_free(removal->nodes);
}

static bool first_look(struct pnp_removal *removal, struct pnp_node *node)
{
    for (unsigned i = 0; i < removal->seen_count; i++)
        if (removal->seen[i] == node)
            return false;
    if (removal->seen_count == removal->room)
        return false;
    removal->seen[removal->seen_count++] = node;
    return true;
}

static void collect_relations(struct pnp_removal *removal, struct pnp_node *node, DEVICE_RELATION_TYPE type,
                              bool eject)
{
    NTSTATUS status;
    PDEVICE_RELATIONS relations = pnp_query_relations(node->pdo, type, NULL, &status);
    if (!relations)
        return;
    for (ULONG i = 0; i < relations->Count; i++) {
        struct pnp_node *other = pnp_node_of(relations->Objects[i]);
        if (other && other->parent)
            /* PNP-07b, PNP-07c: their drivers go with the device's. */
            pnp_removal_collect(removal, other, eject);
        ob_dereference(relations->Objects[i]);
    }
    mm_pool_free(relations, 0, collect_relations);
}

/* Rules: PNP-07b, PNP-07c. Relations come behind the node: one of them may be its parent. */
void pnp_removal_collect(struct pnp_removal *removal, struct pnp_node *node, bool eject)
{
    if (!first_look(removal, node))
        return;
    for (struct pnp_node *child = pnp_next_child(node, NULL); child; child = pnp_next_child(node, child))
        /* PS-14: children before their parent. */
        pnp_removal_collect(removal, child, eject);
    pnp_reference(node);
    removal->nodes[removal->count++] = node;
    if (!pnp_has_drivers(node) || node->state == PNP_SURPRISE_REMOVED)
        return;
    /* PNP-07c: whenever drivers are removed. */
    collect_relations(removal, node, RemovalRelations, eject);
    if (eject)
        /* PNP-07b: only if it leaves its slot. */
        collect_relations(removal, node, EjectionRelations, eject);
}

/* ---- asked ---- */

static NTSTATUS query_one(struct pnp_node *node)
{
    if (node->state == PNP_SURPRISE_REMOVED)
        return STATUS_PLUGPLAY_QUERY_VETOED; /* files are open on it still */
    if (!pnp_has_drivers(node))
        return STATUS_SUCCESS;
    /* PS-12, PS-13: a cancel leads back to it. */
    node->before_query = node->state;
    /* PNP-01, PS-12: whether it can be done without. */
    NTSTATUS status = pnp_send_minor(node->pdo, IRP_MN_QUERY_REMOVE_DEVICE, NULL);
    if (!NT_SUCCESS(status))
        return status;
    node->state = PNP_REMOVE_PENDING;
    if (pnp_has_special_file(node))
        /* PH-14: whatever its drivers say. */
        return STATUS_PLUGPLAY_QUERY_VETOED;
    /* PS-21, PH-12: a file that is open is a veto, and from here on none is opened. */
    return io_stack_close(node->pdo, false) ? STATUS_SUCCESS : STATUS_PLUGPLAY_QUERY_VETOED;
}

/* The first `asked` nodes got the query. Parents before children, as they come back to life. */
static void cancel(struct pnp_removal *removal, unsigned asked)
{
    for (unsigned i = asked; i-- > 0;) {
        struct pnp_node *node = removal->nodes[i];
        if (!pnp_has_drivers(node) || node->state == PNP_SURPRISE_REMOVED)
            continue;
        /* PNP-03, PS-13, PH-16: also to a stack in which somebody refused. */
        pnp_send_minor(node->pdo, IRP_MN_CANCEL_REMOVE_DEVICE, NULL);
        /* PS-13: opens are welcome again. */
        io_stack_open(node->pdo);
        /* PS-13: what it was before. */
        node->state = node->before_query;
    }
    for (unsigned i = removal->count; i-- > 0;)
        /* PH-30: behind the IRPs. */
        pnp_tell(removal->nodes[i], offsetof(struct pnp_observer, remove_cancelled));
}

static NTSTATUS ask_registrants(struct pnp_removal *removal)
{
    for (unsigned i = 0; i < removal->count; i++) {
        /* PH-30: who has a file on it, before any driver is asked. */
        NTSTATUS status = pnp_ask(removal->nodes[i]);
        if (NT_SUCCESS(status))
            continue;
        while (i-- > 0)
            pnp_tell(removal->nodes[i], offsetof(struct pnp_observer, remove_cancelled));
        return status;
    }
    return STATUS_SUCCESS;
}

/* Rules: PNP-01, PNP-03, PS-12, PS-13, PS-21, PH-14, PH-16, PH-30. */
NTSTATUS pnp_removal_query(struct pnp_removal *removal)
{
    unsigned asked = 0;
    NTSTATUS status = ask_registrants(removal);
    if (!NT_SUCCESS(status))
        return status;
    while (asked < removal->count && NT_SUCCESS(status))
        status = query_one(removal->nodes[asked++]);
    if (!NT_SUCCESS(status))
        /* PH-16, PNP-03: to all who were asked. */
        cancel(removal, asked);
    return status;
}

void pnp_removal_cancel(struct pnp_removal *removal)
{
    cancel(removal, removal->count);
}

/* ---- removed ---- */

void pnp_remove_stack(struct pnp_node *node)
{
    /* PH-30: an orderly removal is told before its drivers go. */
    pnp_tell(node, offsetof(struct pnp_observer, before_remove));
    /* PNP-02, PH-17, DO-40, PW-21: the drivers let go of the device, without a D3 before; also of a PDO that
     * is on its way out. */
    pnp_send_minor(node->pdo, IRP_MN_REMOVE_DEVICE, NULL);
    pnp_release_resources(node);
    pnp_forget_power_relations(node);
    pnp_tell(node, offsetof(struct pnp_observer, removed));
}

/* Nobody lists them any more: their bus has no driver. */
static void drop_children(struct pnp_node *node)
{
    for (struct pnp_node *child; (child = pnp_next_child(node, NULL)) != NULL;) {
        drop_children(child);
        pnp_node_unlink(child);
        pnp_dereference(child);
    }
}

/* Rules: PS-14, PS-16. */
void pnp_drivers_gone(struct pnp_node *node)
{
    /* PS-14: the PDO stays while its bus lists it. */
    node->state = PNP_REMOVED;
    drop_children(node);
    if (!node->present && node->parent)
        /* PS-16: it is not there. */
        pnp_node_unlink(node);
}

void pnp_removal_commit(struct pnp_removal *removal)
{
    for (unsigned i = 0; i < removal->count; i++) {
        struct pnp_node *node = removal->nodes[i];
        if (!pnp_has_drivers(node))
            continue;
        /* PS-14: children first. */
        pnp_remove_stack(node);
        pnp_drivers_gone(node);
    }
}

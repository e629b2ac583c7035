/* SPDX-License-Identifier: MIT */
/* Ranks of devices for system transitions: a parent above its children, and what a device named as its power
 * relations above that device. A circle of such relations cannot be satisfied and ends where it began. */
#include "po/order.h"

static bool grow(struct po_plan *plan)
{
    unsigned room = plan->room ? plan->room * 2 : 32;
    struct po_stop *stops = mm_alloc(room * sizeof(*stops), PO_TAG);
    if (!stops)
        return false;
    if (plan->count)
        __builtin_memcpy(stops, plan->stops, plan->count * sizeof(*stops));
    mm_free(plan->stops);
    plan->stops = stops;
    plan->room = room;
    return true;
}

static void collect(struct pnp_node *node, void *context)
{
    struct po_plan *plan = context;
    if (!node->parent || !node->pdo)
        return; /* the root is no device */
    if (plan->failed || (plan->count == plan->room && !grow(plan))) {
        plan->failed = true;
        return;
    }
    pnp_reference(node);
    plan->stops[plan->count++] = (struct po_stop){.node = node, .started = node->state == PNP_STARTED};
}

static struct po_stop *stop_of(const struct po_plan *plan, const struct pnp_node *node)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->stops[i].node == node)
            return &plan->stops[i];
    return NULL;
}

/* True: it had to be raised. */
static bool raise_above(struct po_stop *upper, const struct po_stop *lower, unsigned limit)
{
    if (!upper || upper == lower || upper->rank > lower->rank || lower->rank >= limit)
        return false;
    upper->rank = lower->rank + 1;
    return true;
}

static bool raise_relations(struct po_plan *plan, const struct po_stop *stop)
{
    bool changed = false;
    for (unsigned i = 0; i < plan->count; i++)
        if (pnp_power_needs(stop->node, plan->stops[i].node))
            /* PNP-07e, PW-26: on before this device, off after it. */
            changed |= raise_above(&plan->stops[i], stop, plan->count);
    return changed;
}

static void rank(struct po_plan *plan)
{
    bool changed = true;
    for (unsigned round = 0; changed && round <= plan->count; round++) {
        changed = false;
        for (unsigned i = 0; i < plan->count; i++) {
            const struct po_stop *stop = &plan->stops[i];
            /* PW-26: a parent goes down after its children. */
            changed |= raise_above(stop_of(plan, stop->node->parent), stop, plan->count);
            changed |= raise_relations(plan, stop);
        }
    }
    for (unsigned i = 0; i < plan->count; i++)
        plan->ranks = MAX(plan->ranks, plan->stops[i].rank + 1);
}

NTSTATUS po_plan_make(struct po_plan *plan)
{
    *plan = (struct po_plan){0};
    pnp_for_each(collect, plan);
    if (plan->failed) {
        po_plan_free(plan);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    rank(plan);
    return STATUS_SUCCESS;
}

void po_plan_free(struct po_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++)
        pnp_dereference(plan->stops[i].node);
    mm_free(plan->stops);
    *plan = (struct po_plan){0};
}

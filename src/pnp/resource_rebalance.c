/* SPDX-License-Identifier: MIT */
/*
 * Rebalancing: a device wants what others have, and one of them, or all of
 * them, could do with something else. First it is worked out on the arbiter's
 * claims alone, so that nobody is stopped in vain; then those devices are asked
 * and stopped, and when the newcomer has what it wants, they start again with
 * what is left. One rebalance at a time: those who start again make no room.
 *
 * Rules: PS-08, PS-10, PS-11.
 */
#include "pnp/private.h"
#include "pnp/resource.h"

static bool busy; /* only the PnP thread looks */

/* ---- who is in the way ---- */

static bool may_move(const struct pnp_node *node)
{
    return node->state == PNP_STARTED && node->filtered && node->assigned;
}

struct search {
    const void *owner;
    struct pnp_node *found;
};

static void compare(struct pnp_node *node, void *context)
{
    struct search *search = context;
    if (node == search->owner && may_move(node) && !search->found) {
        pnp_reference(node);
        search->found = node;
    }
}

static void add(struct resource_victims *victims, const void *owner)
{
    struct search search = {.owner = owner};
    for (unsigned i = 0; i < victims->count; i++)
        if (victims->nodes[i] == owner)
            return;
    if (victims->count == countof(victims->nodes))
        return;
    pnp_for_each(compare, &search);
    if (search.found)
        victims->nodes[victims->count++] = search.found;
}

static void add_rivals(struct resource_victims *victims, const struct pnp_node *node,
                       const IO_RESOURCE_DESCRIPTOR *descriptor)
{
    struct resource_request request;
    const void *owner;
    if (!resource_request_of(descriptor, &request) || request.space == RESOURCE_NONE)
        return;
    for (unsigned i = 0; (owner = resource_rival(&request, i)) != NULL; i++)
        if (owner != node)
            add(victims, owner);
}

static void find_rivals(struct resource_victims *victims, const struct pnp_node *node,
                        const IO_RESOURCE_REQUIREMENTS_LIST *wanted)
{
    const IO_RESOURCE_LIST *list = wanted->List;
    for (ULONG i = 0; i < wanted->AlternativeLists; i++, list = resource_next_alternative(list))
        for (ULONG j = 0; j < list->Count; j++)
            add_rivals(victims, node, &list->Descriptors[j]);
}

static void forget(struct resource_victims *victims)
{
    for (unsigned i = 0; i < victims->count; i++)
        pnp_dereference(victims->nodes[i]);
    victims->count = 0;
}

/* ---- whether it would help ---- */

/* Locked, with the victims' claims out of the way. */
static bool all_fit(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                    const struct resource_victims *victims)
{
    struct resource_solution solutions[countof(victims->nodes) + 1] = {0};
    NTSTATUS status = resource_solve(wanted, node->boot, node, &solutions[0]);
    for (unsigned i = 0; i < victims->count && NT_SUCCESS(status); i++) {
        const struct pnp_node *victim = victims->nodes[i];
        status = resource_solve(victim->filtered, victim->raw_resources, victim, &solutions[i + 1]);
    }
    for (size_t i = 0; i < countof(solutions); i++)
        if (solutions[i].list)
            resource_discard(&solutions[i]);
    return NT_SUCCESS(status);
}

static bool would_help(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                       const struct resource_victims *victims)
{
    resource_lock_acquire();
    for (unsigned i = 0; i < victims->count; i++)
        resource_suspend(victims->nodes[i], true);
    bool help = all_fit(node, wanted, victims);
    for (unsigned i = 0; i < victims->count; i++)
        resource_suspend(victims->nodes[i], false);
    resource_lock_release();
    return help;
}

/* ---- doing it ---- */

void resource_settle(struct resource_victims *victims)
{
    for (unsigned i = 0; i < victims->count; i++)
        if (victims->nodes[i]->state == PNP_STOPPED)
            /* PS-11: with what it gets now. */
            pnp_start(victims->nodes[i]);
    forget(victims);
    busy = false;
}

/* All of them, or none stays stopped. */
static NTSTATUS stop_all(struct resource_victims *victims)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;
    /* PS-08, PS-10: their drivers may refuse. */
    status = pnp_stop_all(victims->nodes, victims->count);
    if (!NT_SUCCESS(status))
        resource_settle(victims);
    return status;
}

static NTSTATUS try(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                    const struct resource_victims *some, struct resource_victims *victims)
{
    if (!would_help(node, wanted, some))
        return STATUS_CONFLICTING_ADDRESSES;
    *victims = *some;
    for (unsigned i = 0; i < victims->count; i++)
        pnp_reference(victims->nodes[i]);
    busy = true;
    return stop_all(victims);
}

/* One alone if that is enough, else all. */
static NTSTATUS try_each(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                         const struct resource_victims *rivals, struct resource_victims *victims)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;
    for (unsigned i = 0; i < rivals->count && !NT_SUCCESS(status); i++) {
        struct resource_victims one = {.nodes = {rivals->nodes[i]}, .count = 1};
        status = try(node, wanted, &one, victims);
    }
    if (!NT_SUCCESS(status) && rivals->count > 1)
        status = try(node, wanted, rivals, victims);
    return status;
}

NTSTATUS resource_make_room(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted,
                            struct resource_victims *victims)
{
    struct resource_victims rivals = {.count = 0};
    if (busy)
        return STATUS_CONFLICTING_ADDRESSES;
    resource_lock_acquire();
    find_rivals(&rivals, node, wanted);
    resource_lock_release();
    NTSTATUS status = try_each(node, wanted, &rivals, victims);
    forget(&rivals);
    return status;
}

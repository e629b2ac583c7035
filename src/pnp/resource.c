/* SPDX-License-Identifier: MIT */
/*
 * Resources of device nodes: assigned before a device is started, kept while
 * it may be started again, given back when it is removed. A device that is
 * assigned again keeps what it has if the new requirements cannot be met.
 * Whatever the arbiter knows changes under resource_lock, a mutex, because
 * detected devices report theirs from their drivers' threads.
 *
 * Rules: PS-04, PH-27, PNP-0A, PNP-0B.
 */
#include "pnp/resource.h"

static FAST_MUTEX resource_lock;

/* ---- boot configurations ---- */

struct place {
    enum resource_space space;
    uint64_t first, last;
    const void *owner, *found;
    const struct pnp_node *node;
};

static void compare(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct place *place = context;
    struct resource_claim claim;
    if (resource_claim_of(descriptor, &claim) && claim.space == place->space && claim.first <= place->last &&
        place->first <= claim.last && !claim.shared)
        place->found = place->node;
}

/* A device that has resources of its own now does not need those of the boot any more. */
static void visit_node(struct pnp_node *node, void *context)
{
    struct place *place = context;
    if (node == place->owner || node->raw_resources || !node->boot)
        return;
    place->node = node;
    resource_for_each(node->boot, compare, place);
}

/* What the firmware gave a device stays its own until somebody has nothing else to take. */
static const void *boot_owner(enum resource_space space, uint64_t first, uint64_t last, const void *owner)
{
    struct place place = {.space = space, .first = first, .last = last, .owner = owner};
    pnp_for_each(visit_node, &place);
    return place.found;
}

/* ---- assigning ---- */

void pnp_resources_init(void)
{
    resource_arbiter_reset();
    resource_lock = (FAST_MUTEX){.Count = 1};
    KeInitializeEvent(&resource_lock.Event, SynchronizationEvent, FALSE);
    resource_boot_owner = boot_owner;
    io_device_ops.assigned_interrupt = resource_assigned_interrupt;
    io_device_ops.bus_dma_adapter = resource_bus_dma_adapter;
}

void resource_lock_acquire(void)
{
    ExAcquireFastMutex(&resource_lock);
}

void resource_lock_release(void)
{
    ExReleaseFastMutex(&resource_lock);
}

static void let_go_of(struct resource_solution *solution)
{
    for (unsigned i = 0; i < solution->claim_count; i++)
        resource_let_go(&solution->claims[i]);
}

static void hold_again(struct resource_solution *solution)
{
    for (unsigned i = 0; i < solution->claim_count; i++)
        resource_hold(&solution->claims[i]);
}

void resource_suspend(struct pnp_node *node, bool suspended)
{
    if (!node->assigned)
        return;
    if (suspended)
        let_go_of(node->assigned);
    else
        hold_again(node->assigned);
}

/* Among what is free, with the node's present resources counted as free; they stay its own on failure. */
static NTSTATUS solve_for(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *requirements,
                          struct resource_solution *solution)
{
    struct resource_solution *old = node->assigned;
    NTSTATUS status;
    resource_lock_acquire();
    if (old)
        let_go_of(old);
    status =
        resource_solve(requirements, node->raw_resources ? node->raw_resources : node->boot, node, solution);
    if (old)
        hold_again(old);
    resource_lock_release();
    return status;
}

static void drop(struct pnp_node *node)
{
    struct resource_solution *old = node->assigned;
    if (!old)
        return;
    resource_lock_acquire();
    resource_discard(old);
    resource_lock_release();
    mm_free(old);
    node->assigned = NULL;
    node->raw_resources = NULL;
    resource_free(node->translated_resources);
    node->translated_resources = NULL;
    node->raw_bytes = 0;
}

static NTSTATUS accept(struct pnp_node *node, struct resource_solution *solution)
{
    NTSTATUS status;
    PCM_RESOURCE_LIST translated = resource_translate(solution->list, &status);
    struct resource_solution *kept = mm_alloc(sizeof(*kept), RESOURCE_TAG);
    if (!translated || !kept) {
        resource_lock_acquire();
        resource_discard(solution);
        resource_lock_release();
        resource_free(translated);
        mm_free(kept);
        return translated ? STATUS_INSUFFICIENT_RESOURCES : status;
    }
    drop(node);
    let_go_of(solution);
    *kept = *solution;
    hold_again(kept);
    node->assigned = kept;
    node->raw_resources = kept->list;
    node->translated_resources = translated;
    node->raw_bytes = (ULONG)resource_list_bytes(kept->list);
    return STATUS_SUCCESS;
}

/* Nothing that is a resource: a device like that is started without lists. */
static bool asks_for_nothing(const IO_RESOURCE_REQUIREMENTS_LIST *requirements)
{
    const IO_RESOURCE_LIST *list = requirements->List;
    for (ULONG i = 0; i < requirements->AlternativeLists; i++, list = resource_next_alternative(list))
        for (ULONG j = 0; j < list->Count; j++)
            if (list->Descriptors[j].Type != CmResourceTypeConfigData &&
                list->Descriptors[j].Type != CmResourceTypeNull)
                return false;
    return true;
}

static NTSTATUS assign(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted)
{
    struct resource_solution solution = {0};
    NTSTATUS status = solve_for(node, wanted, &solution);
    return NT_SUCCESS(status) ? accept(node, &solution) : status;
}

/* What others have is asked for when nothing else will do. Rules: PS-08. */
static NTSTATUS assign_or_make_room(struct pnp_node *node, const IO_RESOURCE_REQUIREMENTS_LIST *wanted)
{
    struct resource_victims victims = {.count = 0};
    NTSTATUS status = assign(node, wanted);
    if (status != STATUS_CONFLICTING_ADDRESSES || !NT_SUCCESS(resource_make_room(node, wanted, &victims)))
        return status;
    status = assign(node, wanted);
    resource_settle(&victims);
    return status;
}

/* Rules: PS-04, PH-27. */
NTSTATUS pnp_assign_resources(struct pnp_node *node)
{
    PIO_RESOURCE_REQUIREMENTS_LIST own = node->filtered ? NULL : pnp_requirements_to_filter(node);
    const IO_RESOURCE_REQUIREMENTS_LIST *wanted = node->filtered ? node->filtered : own;
    NTSTATUS status = STATUS_SUCCESS;
    if (wanted && !resource_requirements_are_sound(wanted, wanted->ListSize))
        status = STATUS_INVALID_PARAMETER;
    else if (!wanted || asks_for_nothing(wanted))
        /* Then there are no lists. */
        drop(node);
    else
        status = assign_or_make_room(node, wanted);
    resource_free(own);
    return status;
}

void pnp_release_resources(struct pnp_node *node)
{
    drop(node);
}

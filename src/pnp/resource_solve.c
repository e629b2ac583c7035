/* SPDX-License-Identifier: MIT */
/*
 * From requirements to resources. An alternative list is a row of groups: a
 * descriptor and the alternatives that follow it; each group gets one of them
 * at one place. The solver takes the groups in order and goes back to the last
 * one that has another choice when it is stuck; a budget keeps it from trying
 * everything. Rules: PS-04.
 */
#include "pnp/resource.h"

#define BUDGET        4096   /* choices that are taken back, for one list */
#define PRIORITY_NONE 0x3000 /* of a list that names none: an ordinary configuration */

struct group {
    ULONG first, count; /* descriptors of the list */
    ULONG choice;       /* how many of its descriptors were tried before the current one */
    struct resource_cursor cursor;
    uint64_t at;
    struct resource_claim claim; /* held while `held` */
    bool held;
};

struct attempt {
    const IO_RESOURCE_LIST *list;
    struct resource_search search;
    struct group *groups;
    ULONG count;
};

/* ---- groups ---- */

/* Reserved for the system: says how much a list is wanted, and is no resource. */
static bool is_silent(const IO_RESOURCE_DESCRIPTOR *descriptor)
{
    return descriptor->Type == CmResourceTypeConfigData || descriptor->Type == CmResourceTypeNull;
}

static bool begins_group(const IO_RESOURCE_LIST *list, ULONG index, ULONG groups)
{
    return groups == 0 || !(list->Descriptors[index].Option & IO_RESOURCE_ALTERNATIVE);
}

static void find_groups(struct attempt *attempt)
{
    const IO_RESOURCE_LIST *list = attempt->list;
    for (ULONG i = 0; i < list->Count; i++) {
        if (is_silent(&list->Descriptors[i]))
            continue;
        if (begins_group(list, i, attempt->count))
            attempt->groups[attempt->count++] = (struct group){.first = i};
        attempt->groups[attempt->count - 1].count = i + 1 - attempt->groups[attempt->count - 1].first;
    }
}

static bool is_preferred(const IO_RESOURCE_DESCRIPTOR *descriptor)
{
    return (descriptor->Option & IO_RESOURCE_PREFERRED) != 0;
}

/* The choice-th descriptor of a group: the preferred ones first, in their order, then the others. */
static const IO_RESOURCE_DESCRIPTOR *choice_of(const struct attempt *attempt, const struct group *group,
                                               ULONG choice)
{
    for (int preferred = 1; preferred >= 0; preferred--)
        for (ULONG i = 0; i < group->count; i++) {
            const IO_RESOURCE_DESCRIPTOR *descriptor = &attempt->list->Descriptors[group->first + i];
            if (!is_silent(descriptor) && is_preferred(descriptor) == (preferred == 1) && choice-- == 0)
                return descriptor;
        }
    return NULL;
}

/* ---- one list ---- */

static void let_go(struct group *group)
{
    if (group->held)
        resource_let_go(&group->claim);
    group->held = false;
}

static void hold(struct attempt *attempt, struct group *group, const struct resource_request *request)
{
    group->claim = (struct resource_claim){.owner = attempt->search.owner,
                                           .space = request->space,
                                           .first = group->at,
                                           .last = group->at + request->length - 1,
                                           .shared = request->shared,
                                           .latched = request->latched};
    resource_hold(&group->claim);
    group->held = true;
}

/* The group's next possibility; false: it has none. */
static bool advance(struct attempt *attempt, struct group *group)
{
    const IO_RESOURCE_DESCRIPTOR *descriptor;
    struct resource_request request;
    let_go(group);
    for (; (descriptor = choice_of(attempt, group, group->choice)) != NULL;
         group->choice++, group->cursor = (struct resource_cursor){0}) {
        if (!resource_request_of(descriptor, &request))
            continue;
        if (request.space == RESOURCE_NONE) {
            if (group->cursor.phase++ == 0)
                return true;
        } else if (resource_next_place(&request, &attempt->search, &group->cursor, &group->at)) {
            hold(attempt, group, &request);
            return true;
        }
    }
    return false;
}

static void begin(struct group *group)
{
    group->choice = 0;
    group->cursor = (struct resource_cursor){0};
}

/* All groups placed, or none held. */
static bool place_all(struct attempt *attempt)
{
    ULONG at = 0, budget = BUDGET;
    while (at < attempt->count) {
        if (advance(attempt, &attempt->groups[at])) {
            if (++at < attempt->count)
                begin(&attempt->groups[at]);
        } else if (at == 0 || budget-- == 0) {
            for (ULONG i = 0; i < at; i++)
                let_go(&attempt->groups[i]);
            return false;
        } else {
            at--;
        }
    }
    return true;
}

static void describe(const struct attempt *attempt, const IO_RESOURCE_REQUIREMENTS_LIST *requirements,
                     CM_RESOURCE_LIST *list)
{
    CM_FULL_RESOURCE_DESCRIPTOR *full = &list->List[0];
    list->Count = 1;
    full->InterfaceType = requirements->InterfaceType;
    full->BusNumber = requirements->BusNumber;
    full->PartialResourceList.Version = full->PartialResourceList.Revision = 1;
    for (ULONG i = 0; i < attempt->count; i++) {
        const struct group *group = &attempt->groups[i];
        /* PS-04: one resource for each requirement, in their order. */
        resource_assigned(choice_of(attempt, group, group->choice), group->at,
                          &full->PartialResourceList.PartialDescriptors[full->PartialResourceList.Count++]);
    }
}

/* The claims move into an array of their own. */
static bool keep(struct attempt *attempt, const IO_RESOURCE_REQUIREMENTS_LIST *requirements,
                 struct resource_solution *solution)
{
    size_t bytes = offsetof(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
                   attempt->count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    solution->list = resource_allocate(bytes);
    solution->claims = mm_alloc(MAX(attempt->count, 1) * sizeof(*solution->claims), RESOURCE_TAG);
    solution->claim_count = 0;
    if (!solution->list || !solution->claims) {
        for (ULONG i = 0; i < attempt->count; i++)
            let_go(&attempt->groups[i]);
        resource_discard(solution);
        return false;
    }
    describe(attempt, requirements, solution->list);
    for (ULONG i = 0; i < attempt->count; i++) {
        struct group *group = &attempt->groups[i];
        if (!group->held)
            continue;
        let_go(group);
        solution->claims[solution->claim_count] = group->claim;
        resource_hold(&solution->claims[solution->claim_count++]);
    }
    return true;
}

static NTSTATUS solve_list(const IO_RESOURCE_REQUIREMENTS_LIST *requirements, const IO_RESOURCE_LIST *list,
                           const struct resource_search *search, struct resource_solution *solution)
{
    struct attempt attempt = {.list = list, .search = *search};
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;
    attempt.groups = mm_alloc(MAX(list->Count, 1) * sizeof(*attempt.groups), RESOURCE_TAG);
    if (!attempt.groups)
        return STATUS_INSUFFICIENT_RESOURCES;
    find_groups(&attempt);
    if (place_all(&attempt))
        status = keep(&attempt, requirements, solution) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    mm_free(attempt.groups);
    return status;
}

/* ---- all lists ---- */

static ULONG priority_of(const IO_RESOURCE_LIST *list)
{
    if (list->Count != 0 && list->Descriptors[0].Type == CmResourceTypeConfigData)
        return list->Descriptors[0].u.ConfigData.Priority;
    return PRIORITY_NONE;
}

/* The rank-th list: lower numbers of priority first, then the order in which they stand. */
static const IO_RESOURCE_LIST *list_of_rank(const IO_RESOURCE_REQUIREMENTS_LIST *requirements, ULONG rank)
{
    const IO_RESOURCE_LIST *list = requirements->List;
    for (ULONG i = 0; i < requirements->AlternativeLists; i++, list = resource_next_alternative(list)) {
        const IO_RESOURCE_LIST *other = requirements->List;
        ULONG before = 0;
        for (ULONG j = 0; j < requirements->AlternativeLists; j++, other = resource_next_alternative(other))
            before +=
                priority_of(other) < priority_of(list) || (priority_of(other) == priority_of(list) && j < i);
        if (before == rank)
            return list;
    }
    return NULL;
}

static NTSTATUS solve_in_order(const IO_RESOURCE_REQUIREMENTS_LIST *requirements,
                               const struct resource_search *search, struct resource_solution *solution)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;
    for (ULONG rank = 0; rank < requirements->AlternativeLists; rank++) {
        status = solve_list(requirements, list_of_rank(requirements, rank), search, solution);
        if (status != STATUS_CONFLICTING_ADDRESSES)
            break;
    }
    return status;
}

NTSTATUS resource_solve(const IO_RESOURCE_REQUIREMENTS_LIST *requirements, const CM_RESOURCE_LIST *boot,
                        const void *owner, struct resource_solution *solution)
{
    struct resource_search search = {.owner = owner, .respect_boot = true, .own = boot};
    NTSTATUS status = solve_in_order(requirements, &search, solution);
    search.respect_boot = false;
    if (status == STATUS_CONFLICTING_ADDRESSES)
        status = solve_in_order(requirements, &search, solution);
    return status;
}

void resource_discard(struct resource_solution *solution)
{
    for (unsigned i = 0; i < solution->claim_count; i++)
        resource_let_go(&solution->claims[i]);
    resource_free(solution->list);
    mm_free(solution->claims);
    *solution = (struct resource_solution){0};
}

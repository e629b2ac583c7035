/* SPDX-License-Identifier: MIT */
/*
 * From a known device to a started one: its stack, its resources, START_DEVICE
 * and the questions behind it (PS-03 to PS-07, PS-11, PS-17, PS-18). Runs on
 * the PnP thread; children are brought up one after the other, each before its
 * own children.
 */
#include "pnp/private.h"

/* ---- resources ---- */

/* Drivers may change the list, or replace it by another one in paged pool. Rules: PS-04. */
static void filter_requirements(struct pnp_node *node)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP,
                                  .MinorFunction = IRP_MN_FILTER_RESOURCE_REQUIREMENTS};
    PIO_RESOURCE_REQUIREMENTS_LIST list = pnp_requirements_to_filter(node);
    ULONG_PTR information = (ULONG_PTR)list;
    location.Parameters.FilterResourceRequirements.IoResourceRequirementList = list;
    /* PS-04, PNP-0D: the whole stack may change what is wanted. */
    pnp_send(node->pdo, &location, &information);
    /* PNP-0D: the same list, changed, or another one. */
    list = (PIO_RESOURCE_REQUIREMENTS_LIST)information;
    mm_free(node->filtered);
    node->filtered = list ? mm_alloc(list->ListSize, PNP_TAG) : NULL;
    if (node->filtered)
        __builtin_memcpy(node->filtered, list, list->ListSize);
    if (list)
        mm_pool_free(list, 0, filter_requirements);
}

static NTSTATUS assign(struct pnp_node *node)
{
    filter_requirements(node);
    /* PS-04: from what is free; none wanted, none given. */
    NTSTATUS status = pnp_assign_resources(node);
    if (NT_SUCCESS(status)) {
        node->state = PNP_ASSIGNED;
        return status;
    }
    pnp_set_problem(node,
                    status == STATUS_INSUFFICIENT_RESOURCES ? PNP_PROBLEM_OUT_OF_MEMORY
                                                            : PNP_PROBLEM_NORMAL_CONFLICT,
                    status);
    return status;
}

/* ---- START ---- */

static NTSTATUS send_start(struct pnp_node *node)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP, .MinorFunction = IRP_MN_START_DEVICE};
    /* PNP-00: as the device knows them, to program it. */
    location.Parameters.StartDevice.AllocatedResources = node->raw_resources;
    /* PNP-00: as the processor knows them, to use it. */
    location.Parameters.StartDevice.AllocatedResourcesTranslated = node->translated_resources;
    return pnp_send(node->pdo, &location, NULL);
}

static void ask_questions(struct pnp_node *node)
{
    DEVICE_CAPABILITIES capabilities;
    /* PS-06: a driver may know more of it, now that it runs. */
    if (NT_SUCCESS(pnp_query_capabilities(node, &capabilities)))
        /* PH-08: with what drivers changed on the way up. */
        node->capabilities = capabilities;
    pnp_ask_state(node);
}

NTSTATUS pnp_start_stack(struct pnp_node *node, bool questions)
{
    NTSTATUS status = assign(node);
    if (NT_SUCCESS(status) && !node->started_once)
        status = pnp_leave_boot_resources(node);
    if (!NT_SUCCESS(status))
        return status;
    /* PS-05, PS-11: to the whole stack. */
    status = send_start(node);
    if (!NT_SUCCESS(status)) {
        pnp_release_resources(node);
        pnp_set_problem(node, PNP_PROBLEM_FAILED_START, status);
        return status;
    }
    /* PS-05: it is in use from here on. */
    node->state = PNP_STARTED;
    node->started_once = true;
    pnp_set_problem(node, PNP_NO_PROBLEM, STATUS_SUCCESS);
    if (questions)
        /* PS-06: only behind a first start. */
        ask_questions(node);
    if (node->state == PNP_STARTED)
        pnp_tell(node, offsetof(struct pnp_observer, started));
    return STATUS_SUCCESS;
}

/* Rules: PS-11. The questions are for a first start only (PNP-14). */
NTSTATUS pnp_restart(struct pnp_node *node)
{
    NTSTATUS status = pnp_start_stack(node, false);
    if (!NT_SUCCESS(status))
        /* PS-11: a device that cannot go on is as good as gone. */
        pnp_device_failed(node, node->problem, status);
    return status;
}

/* Rules: PS-18. */
NTSTATUS pnp_reassign(struct pnp_node *node)
{
    pnp_query_requirements(node);
    return pnp_restart(node);
}

/* ---- all of it ---- */

/* Drivers that were added, or a START that failed: they go again. The problem stays. */
static void undo(struct pnp_node *node)
{
    /* PS-07, PNP-02: REMOVE, also to a stack that never started. */
    pnp_remove_stack(node);
    node->state = PNP_REMOVED;
}

static bool is_disabled(struct pnp_node *node)
{
    if (!pnp_enum_disabled(node))
        return false;
    pnp_set_problem(node, PNP_PROBLEM_DISABLED, STATUS_SUCCESS);
    return true;
}

/* From identified (or removed) to started. */
static NTSTATUS build_and_start(struct pnp_node *node)
{
    NTSTATUS status;
    bool again = node->state == PNP_REMOVED || node->problem != PNP_NO_PROBLEM;
    node->raw = false;
    pnp_set_problem(node, PNP_NO_PROBLEM, STATUS_SUCCESS);
    if (is_disabled(node))
        return STATUS_SUCCESS;
    status = pnp_find_service(node);
    if (!NT_SUCCESS(status) || pnp_waits_for_boot(node))
        return status;
    if (again)
        /* What was installed since may change what the bus asks for. */
        pnp_query_requirements(node);
    status = pnp_build_stack(node);
    if (NT_SUCCESS(status))
        status = pnp_start_stack(node, true);
    if (!NT_SUCCESS(status))
        undo(node);
    return status;
}

/* A device whose bus is asked again is not tried again while it has a problem that asking does not change. */
static bool worth_trying(const struct pnp_node *node)
{
    return node->present && (node->problem == PNP_NO_PROBLEM || pnp_waits_for_driver(node));
}

static NTSTATUS bring_up_one(struct pnp_node *node)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (node->state == PNP_ENUMERATED)
        status = pnp_identify(node);
    if (!NT_SUCCESS(status) || (node->state != PNP_IDENTIFIED && node->state != PNP_REMOVED))
        return status;
    if (node->state == PNP_REMOVED && node->problem && !pnp_waits_for_driver(node))
        return STATUS_SUCCESS; /* it waits for what ends its problem, or for a start by name */
    /* PS-17: a device whose drivers went, and that is still listed, gets them again. */
    return build_and_start(node);
}

/* The next of the subtree of `top` behind `node`, referenced: a child, a sibling, or an ancestor's. */
static struct pnp_node *next_in(struct pnp_node *top, struct pnp_node *node)
{
    struct pnp_node *next = pnp_next_child(node, NULL);
    while (!next && node != top && node->parent) {
        struct pnp_node *parent = node->parent;
        pnp_reference(node);
        next = pnp_next_child(parent, node);
        node = parent;
    }
    return next;
}

NTSTATUS pnp_bring_up(struct pnp_node *top)
{
    NTSTATUS first = bring_up_one(top);
    struct pnp_node *node = top, *next;
    pnp_reference(node);
    for (; node; node = next) {
        bool ran = node != top && node->state == PNP_STARTED;
        if (node != top && worth_trying(node))
            bring_up_one(node);
        if (node->state == PNP_STARTED && !ran)
            /* PS-06, SV-08: who is on its bus, once it runs itself. */
            pnp_enumerate(node);
        next = node->state == PNP_DELETED ? NULL : next_in(top, node);
        pnp_dereference(node);
    }
    return first;
}

/* ---- actions ---- */

/* Its bus may have been pulled out, and wait for the last handle below it to be closed. */
static bool is_bus_there(const struct pnp_node *node)
{
    return node->parent == NULL || node->parent->state == PNP_STARTED;
}

static NTSTATUS start(void *context)
{
    struct pnp_node *node = context;
    if (!is_bus_there(node))
        return STATUS_INVALID_DEVICE_STATE;
    if (node->state == PNP_STOPPED)
        return pnp_restart(node);
    if ((node->state != PNP_REMOVED && node->state != PNP_IDENTIFIED) || !node->present)
        return STATUS_INVALID_DEVICE_STATE;
    if (node->state == PNP_REMOVED)
        pnp_set_problem(node, PNP_NO_PROBLEM, STATUS_SUCCESS);
    return pnp_bring_up(node);
}

NTSTATUS pnp_start(struct pnp_node *node)
{
    return pnp_run(start, node);
}

struct adding {
    const WCHAR *hardware_id;
    struct pnp_node *node;
};

static NTSTATUS add(void *context)
{
    struct adding *adding = context;
    PDEVICE_OBJECT pdo = pnp_root_create_pdo(adding->hardware_id);
    if (!pdo)
        return STATUS_INSUFFICIENT_RESOURCES;
    struct pnp_node *node = pnp_node_create(pdo, pnp_root());
    if (!node) {
        IoDeleteDevice(pdo);
        ob_dereference(pdo);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    node->root_enumerated = true;
    pnp_reference(node);
    adding->node = node;
    NTSTATUS status = pnp_bring_up(node);
    return NT_SUCCESS(status) ? node->problem_status : status;
}

NTSTATUS pnp_add_root_device(const WCHAR *hardware_id, struct pnp_node **node)
{
    struct adding adding = {hardware_id, NULL};
    NTSTATUS status = pnp_run(add, &adding);
    *node = adding.node;
    return status;
}

bool pnp_waits_for_driver(const struct pnp_node *node)
{
    return node->problem == PNP_PROBLEM_FAILED_INSTALL || node->problem == PNP_PROBLEM_DRIVER_FAILED_LOAD ||
           node->problem == PNP_PROBLEM_NOT_CONFIGURED ||
           node->problem == PNP_PROBLEM_DRIVER_SERVICE_KEY_INVALID;
}

static void look_again(struct pnp_node *node, void *context)
{
    if (!is_bus_there(node))
        return;
    if (pnp_lost_driver_is_back(node)) {
        /* LC-11: it was unloaded, and one of its name is loaded again. */
        pnp_set_problem(node, PNP_NO_PROBLEM, STATUS_SUCCESS);
        pnp_bring_up(node);
        return;
    }
    if (node->present && pnp_waits_for_driver(node))
        pnp_bring_up(node);
}

static NTSTATUS look_at_all(void *context)
{
    pnp_for_each(look_again, NULL);
    return STATUS_SUCCESS;
}

void pnp_look_again(void)
{
    if (!list_empty(&pnp_root()->children))
        pnp_run(look_at_all, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Devices that go without being asked: their bus lists them no more, they
 * said that they failed, they could not be restarted, or somebody pulled them
 * out by command. IRP_MN_SURPRISE_REMOVAL goes out at once, REMOVE when the
 * last file on the stack is closed and nobody below waits any more; until then
 * the node stays in the tree. Runs on the PnP thread; no lock is held while a
 * driver is called.
 */
#include "pnp/change.h"

static void surprise_one(struct pnp_node *node)
{
    if (!pnp_has_drivers(node) || node->state == PNP_SURPRISE_REMOVED)
        return;
    /* PS-15, PH-13: nobody opens it any more. */
    io_stack_close(node->pdo, true);
    /* PNP-17, PS-15, PH-10: it is gone, whatever its drivers think of that. */
    pnp_send_minor(node->pdo, IRP_MN_SURPRISE_REMOVAL, NULL);
    node->state = PNP_SURPRISE_REMOVED;
    /* PS-15: others may have its resources. */
    pnp_release_resources(node);
    /* PH-30: behind the drivers. */
    pnp_tell(node, offsetof(struct pnp_observer, surprise_removed));
}

static bool child_waits(struct pnp_node *node)
{
    bool waits = false;
    for (struct pnp_node *child = pnp_next_child(node, NULL); child; child = pnp_next_child(node, child))
        waits |= child->state == PNP_SURPRISE_REMOVED;
    return waits;
}

static void finish_one(struct pnp_node *node)
{
    if (node->state != PNP_SURPRISE_REMOVED || child_waits(node))
        return;
    /* PS-16: not while a file is open. */
    if (io_stack_files(node->pdo))
        return;
    /* PS-16, PNP-02: nobody can reach it any more. */
    pnp_remove_stack(node);
    pnp_drivers_gone(node);
}

/* The device, whoever is below it, and the devices whose drivers go with its drivers. */
static void surprise(struct pnp_node *node)
{
    struct pnp_removal removal;
    if (!NT_SUCCESS(pnp_removal_begin(&removal))) {
        surprise_one(node); /* no memory for a list: at least its own drivers know */
        finish_one(node);
        return;
    }
    pnp_removal_collect(&removal, node, false);
    for (unsigned i = 0; i < removal.count; i++)
        /* PS-15: children first. */
        surprise_one(removal.nodes[i]);
    for (unsigned i = 0; i < removal.count; i++)
        finish_one(removal.nodes[i]);
    pnp_removal_end(&removal);
}

/* Rules: PS-15, PS-16, PS-20, PH-13, PH-18. */
void pnp_device_missing(struct pnp_node *node)
{
    node->present = false;
    if (pnp_has_drivers(node)) {
        /* PS-15, PS-20: in whatever state it was. */
        surprise(node);
        if (node->state == PNP_SURPRISE_REMOVED)
            pnp_set_problem(node, PNP_PROBLEM_NOT_THERE, STATUS_NO_SUCH_DEVICE);
        return;
    }
    /* PH-18, DO-40: the PDO that was kept: now its bus driver deletes it. */
    pnp_remove_stack(node);
    pnp_drivers_gone(node);
}

/* Rules: PS-11, PS-15, PH-29. */
void pnp_device_failed(struct pnp_node *node, ULONG problem, NTSTATUS status)
{
    surprise(node);
    pnp_set_problem(node, problem, status);
}

void pnp_remove_unasked(struct pnp_node *node)
{
    if (pnp_has_drivers(node))
        surprise(node);
}

/* ---- when files are closed ---- */

static void list_waiting(struct pnp_node *node, void *context)
{
    struct pnp_removal *waiting = context;
    if (node->state != PNP_SURPRISE_REMOVED || waiting->count == waiting->room)
        return;
    pnp_reference(node);
    waiting->nodes[waiting->count++] = node;
}

/* Rules: PS-16. */
void pnp_finish_surprises(void)
{
    struct pnp_removal waiting;
    if (!NT_SUCCESS(pnp_removal_begin(&waiting)))
        return;
    pnp_for_each(list_waiting, &waiting);
    for (unsigned i = waiting.count; i-- > 0;) /* they were listed parents first */
        finish_one(waiting.nodes[i]);
    pnp_removal_end(&waiting);
}

static bool look_posted; /* one look serves all who were closed before it */

static void look(void *context)
{
    __atomic_store_n(&look_posted, false, __ATOMIC_SEQ_CST);
    pnp_finish_surprises();
}

/* io_ops: up to DISPATCH_LEVEL, in whatever thread closed the file. */
static void stack_closed(void)
{
    if (__atomic_exchange_n(&look_posted, true, __ATOMIC_SEQ_CST))
        return;
    if (!pnp_post(look, NULL))
        __atomic_store_n(&look_posted, false, __ATOMIC_SEQ_CST);
}

void pnp_surprise_reset(void)
{
    look_posted = false;
    io_ops.stack_closed = stack_closed;
}

/* ---- the command ---- */

static NTSTATUS surprise_remove(void *context)
{
    struct pnp_node *node = context;
    if (!pnp_has_drivers(node) || !node->parent || node->state == PNP_SURPRISE_REMOVED)
        return STATUS_INVALID_DEVICE_STATE;
    pnp_device_failed(node, PNP_PROBLEM_NOT_THERE, STATUS_NO_SUCH_DEVICE);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_surprise_remove(struct pnp_node *node)
{
    return pnp_run(surprise_remove, node);
}

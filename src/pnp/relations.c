/* SPDX-License-Identifier: MIT */
/*
 * Relations: who is on a bus, asked when it has started and whenever its
 * driver says that this has changed; and the routines by which drivers say so.
 * No lock is held while a driver is asked.
 */
#include "pnp/private.h"

PDEVICE_RELATIONS pnp_query_relations(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type, PFILE_OBJECT file,
                                      NTSTATUS *status)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP,
                                  .MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS};
    ULONG_PTR information = 0;
    location.Parameters.QueryDeviceRelations.Type = type;
    location.FileObject = file;
    *status = pnp_send(device, &location, &information);
    return NT_SUCCESS(*status) ? (PDEVICE_RELATIONS)information : NULL;
}

/* ---- the answer ---- */

static void check_entry(const struct pnp_node *bus, const DEVICE_RELATIONS *relations, ULONG i)
{
    PDEVICE_OBJECT pdo = relations->Objects[i];
    if (!pdo)
        /* PH-20: an entry without a device. */
        pnp_fatal(8, bus->pdo, relations->Count, i,
                  "a bus driver answered BusRelations with a list that has a NULL entry");
    if (!io_is_device(pdo))
        /* PH-20: an entry that is none. */
        pnp_fatal(2, pdo, (ULONG_PTR)bus->pdo->DriverObject, 0,
                  "a bus driver answered BusRelations with something that is not a device object");
    if (io_lower_device(pdo) && pnp_ops.violation)
        /* PH-20: an entry that stands above another device is no PDO. */
        pnp_ops.violation(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x248, 0, 0, (ULONG_PTR)pdo,
                          "a bus driver answered BusRelations with a device object that is no PDO");
    if (io_device_deleted(pdo))
        /* PH-20: a device that its driver has deleted. */
        pnp_fatal(4, pdo, 0, 0, "a bus driver answered BusRelations with a PDO that it had deleted");
}

/* Whether a device of the list has been seen before; the driver's reference to it is given up then. */
static bool known_child(struct pnp_node *bus, PDEVICE_OBJECT pdo)
{
    struct pnp_node *node = pnp_node_of(pdo);
    if (!node)
        return false;
    if (node->parent == bus)
        /* PNP-07a: it is still there. */
        node->present = true;
    /* PNP-07a: one reference for each answer. */
    ob_dereference(pdo);
    return true;
}

static void merge(struct pnp_node *bus, const DEVICE_RELATIONS *relations)
{
    for (ULONG i = 0; i < relations->Count; i++)
        check_entry(bus, relations, i);
    list_for_each(it, &bus->children) container_of(it, struct pnp_node, sibling)->present = false;
    for (ULONG i = 0; i < relations->Count; i++)
        if (!known_child(bus, relations->Objects[i]) && !pnp_node_create(relations->Objects[i], bus))
            ob_dereference(relations->Objects[i]);
}

static void drop_missing(struct pnp_node *bus)
{
    for (struct pnp_node *child = pnp_next_child(bus, NULL), *next; child; child = next) {
        pnp_reference(child);
        next = pnp_next_child(bus, child);
        if (!child->present)
            /* PS-15: the bus lists it no more. */
            pnp_device_missing(child);
        pnp_dereference(child);
    }
}

/* Rules: PS-01, PS-06, PNP-07a, PH-20. */
void pnp_enumerate(struct pnp_node *node)
{
    NTSTATUS status;
    /* PS-01, PS-06: who is there now. */
    PDEVICE_RELATIONS relations = pnp_query_relations(node->pdo, BusRelations, NULL, &status);
    if (!relations)
        return;
    merge(node, relations);
    /* PH-20: the PnP manager frees the list. */
    mm_pool_free(relations, 0, pnp_enumerate);
    drop_missing(node);
}

/* ---- what drivers call ---- */

struct pnp_node *pnp_node_of_argument(PDEVICE_OBJECT pdo)
{
    struct pnp_node *node = pnp_node_of(pdo);
    if (!node)
        /* PH-21: no device object is a PDO before its node exists. */
        pnp_fatal(2, pdo, io_is_device(pdo) ? (ULONG_PTR)pdo->DriverObject : 0, 0,
                  "a routine that wants a PDO was called with something that is none, or not yet");
    pnp_reference(node);
    return node;
}

static NTSTATUS bus_changed(void *context)
{
    struct pnp_node *node = context;
    if (node->state != PNP_STARTED)
        return STATUS_INVALID_DEVICE_STATE;
    pnp_bring_up(node);
    return STATUS_SUCCESS;
}

/* Buses that changed while nobody could be asked; the PnP thread's. */
static unsigned waiting;

static bool is_paused(const struct pnp_node *node)
{
    return node->state == PNP_STOP_PENDING || node->state == PNP_STOPPED || node->state == PNP_REMOVE_PENDING;
}

static void bus_changed_later(void *context)
{
    struct pnp_node *node = context;
    /* Cleared first: a change from here on is asked about again. */
    __atomic_store_n(&node->enumerate_again, false, __ATOMIC_SEQ_CST);
    if (is_paused(node)) {
        node->changed_meanwhile = true;
        waiting++;
    } else {
        bus_changed(node);
    }
    pnp_dereference(node);
}

static void catch_up(struct pnp_node *node, void *context)
{
    if (!node->changed_meanwhile)
        return;
    if (is_paused(node)) {
        waiting++;
        return;
    }
    node->changed_meanwhile = false;
    /* PS-01: it runs again, and is asked what it could not say. */
    bus_changed(node);
}

void pnp_catch_up(void)
{
    if (!waiting)
        return;
    waiting = 0;
    pnp_for_each(catch_up, NULL);
}

static void power_relations_changed(void *context)
{
    struct pnp_node *node = context;
    if (node->state == PNP_STARTED)
        pnp_ask_power_relations(node);
    pnp_dereference(node);
}

/* The others are asked for when they are needed: at a removal or an ejection, for a registrant. */
static void (*later(struct pnp_node *node, DEVICE_RELATION_TYPE type))(void *)
{
    if (type == PowerRelations)
        /* PNP-07e: at once, too. */
        return power_relations_changed;
    if (type == BusRelations && !__atomic_exchange_n(&node->enumerate_again, true, __ATOMIC_SEQ_CST))
        return bus_changed_later;
    return NULL;
}

void pnp_invalidate_relations(PDEVICE_OBJECT pdo, DEVICE_RELATION_TYPE type)
{
    struct pnp_node *node = pnp_node_of_argument(pdo);
    void (*action)(void *) = later(node, type);
    if (action && pnp_post(action, node))
        return;
    if (action == bus_changed_later)
        __atomic_store_n(&node->enumerate_again, false, __ATOMIC_SEQ_CST);
    pnp_dereference(node);
}

/*
 * The device's relations have changed. Bus relations are asked for soon, on the PnP thread; the others when
 * they are needed. IRQL: <= DISPATCH_LEVEL. Rules: PS-01, PH-21.
 */
EXPORT(ntoskrnl, IoInvalidateDeviceRelations, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    /* PS-01, PNP-07a: the PnP manager asks again. */
    pnp_invalidate_relations(DeviceObject, Type);
}

/*
 * The same, and returns when the bus was asked and what it listed anew is started.
 * STATUS_INVALID_DEVICE_STATE: it is not started. IRQL: PASSIVE_LEVEL. Rules: PS-01, PH-21.
 */
EXPORT(ntoskrnl, IoSynchronousInvalidateDeviceRelations, PASSIVE_LEVEL, PASSIVE_LEVEL,
       X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoSynchronousInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    struct pnp_node *node = pnp_node_of_argument(DeviceObject);
    NTSTATUS status = STATUS_SUCCESS;
    if (Type == BusRelations)
        /* PS-01, PNP-07a: at once. */
        status = pnp_run(bus_changed, node);
    pnp_dereference(node);
    return status;
}

static void ask_state_later(void *context)
{
    struct pnp_node *node = context;
    if (node->state == PNP_STARTED)
        /* PNP-14: what has changed. */
        pnp_ask_state(node);
    pnp_dereference(node);
}

/*
 * The state that IRP_MN_QUERY_PNP_DEVICE_STATE asks for has changed. IRQL: <= DISPATCH_LEVEL. Rules: PNP-14.
 */
EXPORT(ntoskrnl, IoInvalidateDeviceState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoInvalidateDeviceState(PDEVICE_OBJECT PhysicalDeviceObject)
{
    struct pnp_node *node = pnp_node_of_argument(PhysicalDeviceObject);
    if (!pnp_post(ask_state_later, node))
        pnp_dereference(node);
}

/* SPDX-License-Identifier: MIT */
/*
 * Device interfaces: enabling and disabling them, and what becomes of them with
 * their device. An enabled one has a symbolic link to the PDO; those that
 * differ in the reference string alone share it. The lock is an event: waits
 * are allowed under it, calls of drivers are not.
 */
#include "pnp/notify_private.h"

static KEVENT interfaces_lock;

void pnp_interfaces_lock(void)
{
    KeWaitForSingleObject(&interfaces_lock, Executive, KernelMode, FALSE, NULL);
}

void pnp_interfaces_unlock(void)
{
    KeSetEvent(&interfaces_lock, IO_NO_INCREMENT, FALSE);
}

/* ---- what is told of them ---- */

struct change {
    GUID event, class;
    WCHAR name[];
};

static void tell_change(void *context)
{
    struct change *change = context;
    UNICODE_STRING link;
    rtl_init_string(&link, change->name);
    DEVICE_INTERFACE_CHANGE_NOTIFICATION notification = {1, sizeof(notification), change->event,
                                                         change->class, &link};
    struct pnp_delivery delivery = {
        .category = EventCategoryDeviceInterfaceChange, .class = &change->class, .structure = &notification};
    pnp_deliver(&delivery);
    mm_free(change);
}

/* To those registered for its class, later: the lock is held. */
static void post_change(const struct pnp_interface *interface, const GUID *event)
{
    size_t bytes = (rtl_wcslen(interface->name) + 1) * sizeof(WCHAR);
    struct change *change = mm_alloc(sizeof(*change) + bytes, PNP_TAG);
    if (!change)
        return;
    change->event = *event;
    change->class = interface->class;
    __builtin_memcpy(change->name, interface->name, bytes);
    if (!pnp_post(tell_change, change))
        mm_free(change);
}

/* Between the end of START and REMOVE. */
static bool is_running(const struct pnp_node *node)
{
    return node->state >= PNP_STARTED && node->state < PNP_REMOVED;
}

/* The lock is held. */
static void announce(struct pnp_interface *interface)
{
    if (!interface->enabled || interface->announced)
        return;
    interface->announced = true;
    /* DO-56: it can be used. */
    post_change(interface, &pnp_guid_interface_arrival);
}

/* ---- links ---- */

/* The link's name: without the reference string, which becomes the file's name. */
static void link_name(const struct pnp_interface *interface, UNICODE_STRING *name)
{
    struct pnp_link link;
    rtl_init_string(name, interface->name);
    if (pnp_link_parse(name, &link) && link.reference)
        name->Length = (USHORT)((char *)(link.reference - 1) - (char *)name->Buffer);
}

/* Another enabled one uses the same link. The lock is held. */
static bool is_linked_by_other(const struct pnp_interface *interface)
{
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        const struct pnp_interface *other = container_of(at, struct pnp_interface, link);
        if (other != interface && other->enabled && other->node == interface->node &&
            pnp_same_guid(&other->class, &interface->class))
            return true;
    }
    return false;
}

static NTSTATUS make_link(const struct pnp_interface *interface)
{
    WCHAR target[128];
    UNICODE_STRING name, device;
    ULONG bytes = ob_query_name(interface->node->pdo, target, sizeof(target));
    if (!bytes || bytes > sizeof(target))
        return STATUS_INVALID_DEVICE_REQUEST; /* a PDO without a name can be the target of no link */
    device = (UNICODE_STRING){(USHORT)bytes, (USHORT)bytes, target};
    link_name(interface, &name);
    return IoCreateSymbolicLink(&name, &device);
}

/* The lock is held. */
static NTSTATUS enable(struct pnp_interface *interface)
{
    if (interface->enabled)
        /* DO-56: nothing changed. */
        return STATUS_OBJECT_NAME_EXISTS;
    if (!is_linked_by_other(interface)) {
        /* DO-56, DO-58: from here on it can be opened. */
        NTSTATUS status = make_link(interface);
        if (!NT_SUCCESS(status))
            return status;
    }
    interface->enabled = true;
    if (is_running(interface->node))
        /* DO-57: during START it has to wait. */
        announce(interface);
    return STATUS_SUCCESS;
}

/* The lock is held. */
static NTSTATUS disable(struct pnp_interface *interface)
{
    UNICODE_STRING name;
    if (!interface->enabled)
        /* DO-56: once, in REMOVE or in SURPRISE_REMOVAL. */
        return STATUS_OBJECT_NAME_NOT_FOUND;
    interface->enabled = false;
    link_name(interface, &name);
    if (!is_linked_by_other(interface))
        /* DO-58: who opens it now finds nothing. */
        IoDeleteSymbolicLink(&name);
    if (interface->announced)
        /* DO-56: and those who heard of it hear this. */
        post_change(interface, &pnp_guid_interface_removal);
    interface->announced = false;
    return STATUS_SUCCESS;
}

/* ---- state ---- */

/*
 * Enables or disables an interface. STATUS_OBJECT_NAME_EXISTS (a success): it was enabled.
 * STATUS_OBJECT_NAME_NOT_FOUND: it was not, or no such interface is registered. IRQL: PASSIVE_LEVEL. Rules:
 * DO-56, DO-57, DO-58.
 */
EXPORT(ntoskrnl, IoSetDeviceInterfaceState, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    pnp_interfaces_lock();
    struct pnp_interface *interface = pnp_interface_find(SymbolicLinkName);
    if (!interface)
        interface = pnp_interface_find_registered(SymbolicLinkName);
    if (interface)
        status = Enable ? enable(interface) : disable(interface);
    pnp_interfaces_unlock();
    return status;
}

/* ---- the device's life ---- */

/* START completed. */
static void started(struct pnp_node *node)
{
    /* DO-57: nor could it be opened before. */
    io_set_device_starting(node->pdo, false);
    pnp_interfaces_lock();
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        if (interface->node == node)
            /* DO-57: what START enabled is told now. */
            announce(interface);
    }
    pnp_interfaces_unlock();
}

static void removed(struct pnp_node *node)
{
    io_set_device_starting(node->pdo, false);
    pnp_interfaces_lock();
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        if (interface->node == node && interface->enabled)
            /* DO-56: what the drivers left enabled. */
            disable(interface);
    }
    pnp_interfaces_unlock();
}

static void gone(struct pnp_node *node)
{
    removed(node);
    pnp_interfaces_lock();
    for (LIST_ENTRY *at = pnp_interfaces.Flink, *next; at != &pnp_interfaces; at = next) {
        struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        next = at->Flink;
        if (interface->node == node)
            pnp_interface_drop(interface);
    }
    pnp_interfaces_unlock();
}

static struct pnp_observer observer = {.started = started, .removed = removed, .gone = gone};

void pnp_interfaces_reset(void)
{
    KeInitializeEvent(&interfaces_lock, SynchronizationEvent, TRUE);
    list_init(&pnp_interfaces);
    pnp_observe(&observer);
}

void pnp_interfaces_fini(void)
{
    while (!list_empty(&pnp_interfaces))
        pnp_interface_drop(container_of(pnp_interfaces.Flink, struct pnp_interface, link));
}

/* SPDX-License-Identifier: MIT */
/*
 * Device interfaces: registering them, enabling and disabling them. What is
 * registered stands in the registry under DeviceClasses and stays; an instance
 * of a device that is there has a record here, from its registration or its
 * first change of state to the device's end. An enabled one has a symbolic
 * link to the PDO; those that differ in the reference string alone share it.
 * The lock is an event: waits are allowed under it, calls of drivers are not.
 */
#include "pnp/notify_private.h"

static KEVENT interfaces_lock;
LIST_ENTRY pnp_interfaces;

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

/* ---- records ---- */

/* The lock is held. */
struct pnp_interface *pnp_interface_find(const UNICODE_STRING *name)
{
    for (LIST_ENTRY *at = pnp_interfaces.Flink; at != &pnp_interfaces; at = at->Flink) {
        struct pnp_interface *interface = container_of(at, struct pnp_interface, link);
        UNICODE_STRING own, asked = *name;
        rtl_init_string(&own, interface->name);
        if (asked.Length < 4 * sizeof(WCHAR))
            return NULL;
        /* Behind the prefix, which has more than one spelling. */
        own = (UNICODE_STRING){own.Length - 8, own.Length - 8, own.Buffer + 4};
        asked = (UNICODE_STRING){asked.Length - 8, asked.Length - 8, asked.Buffer + 4};
        if (rtl_equal_nocase(&own, &asked))
            return interface;
    }
    return NULL;
}

/* Takes over the name. The lock is held. */
static struct pnp_interface *add(struct pnp_node *node, const GUID *class, WCHAR *name)
{
    struct pnp_interface *interface = mm_alloc(sizeof(*interface), PNP_TAG);
    if (!interface)
        return NULL;
    interface->node = node;
    interface->class = *class;
    interface->name = name;
    pnp_reference(node);
    list_insert_tail(&pnp_interfaces, &interface->link);
    return interface;
}

static void drop(struct pnp_interface *interface)
{
    list_remove(&interface->link);
    pnp_dereference(interface->node);
    mm_free(interface->name);
    mm_free(interface);
}

static NTSTATUS set_text(const WCHAR *key, const WCHAR *name, const WCHAR *text)
{
    return cm_set_value(key, name, REG_SZ, text, (ULONG)((rtl_wcslen(text) + 1) * sizeof(WCHAR)));
}

bool pnp_interface_known(const struct pnp_link *link)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    return pnp_link_key(link, true, NULL, path, countof(path)) && cm_key_exists(path);
}

/* Its keys. Rules: DO-56. */
static NTSTATUS write_registration(const struct pnp_node *node, const struct pnp_link *link, WCHAR *name)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    if (!pnp_link_key(link, false, NULL, path, countof(path)))
        return STATUS_NAME_TOO_LONG;
    NTSTATUS status = set_text(path, u"DeviceInstance", node->instance_path);
    if (!NT_SUCCESS(status) || !pnp_link_key(link, true, NULL, path, countof(path)))
        return NT_SUCCESS(status) ? STATUS_NAME_TOO_LONG : status;
    name[1] = '\\'; /* as user mode spells it */
    /* DO-56: it stays registered. */
    status = set_text(path, u"SymbolicLink", name);
    name[1] = '?';
    return status;
}

NTSTATUS pnp_interface_register(struct pnp_node *node, const GUID *class, const UNICODE_STRING *reference,
                                WCHAR **name)
{
    struct pnp_link link;
    UNICODE_STRING text;
    *name = pnp_link_make(node->instance_path, class, reference);
    if (!*name)
        return STATUS_INSUFFICIENT_RESOURCES;
    rtl_init_string(&text, *name);
    if (!pnp_link_parse(&text, &link))
        return STATUS_INVALID_DEVICE_REQUEST;
    /* DO-56: a name that is known already. */
    NTSTATUS status =
        pnp_interface_known(&link) ? STATUS_OBJECT_NAME_EXISTS : write_registration(node, &link, *name);
    pnp_interfaces_lock();
    if (NT_SUCCESS(status) && !pnp_interface_find(&text)) {
        WCHAR *own = pnp_copy_text(*name);
        if (!own || !add(node, class, own)) {
            mm_free(own);
            status = STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    pnp_interfaces_unlock();
    return status;
}

static bool has_separator(const UNICODE_STRING *text)
{
    for (USHORT i = 0; i < text->Length / sizeof(WCHAR); i++)
        if (text->Buffer[i] == '\\' || text->Buffer[i] == '/')
            return true;
    return false;
}

/*
 * Registers a class of interface for a device and gives the name of its link. STATUS_OBJECT_NAME_EXISTS (a
 * success): it was registered. STATUS_INVALID_DEVICE_REQUEST: no PDO, or a separator in the reference string.
 * Owns: the caller owns the buffer (RtlFreeUnicodeString). IRQL: PASSIVE_LEVEL. Rules: DO-56.
 */
EXPORT(ntoskrnl, IoRegisterDeviceInterface, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject, const GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString, PUNICODE_STRING SymbolicLinkName)
{
    struct pnp_node *node = pnp_node_of(PhysicalDeviceObject);
    WCHAR *name = NULL;
    if (!node || !node->instance_path || (ReferenceString && has_separator(ReferenceString)))
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = pnp_interface_register(node, InterfaceClassGuid, ReferenceString, &name);
    if (NT_SUCCESS(status)) {
        size_t bytes = (rtl_wcslen(name) + 1) * sizeof(WCHAR);
        WCHAR *given = mm_pool_allocate(PagedPool, bytes, PNP_TAG, false, __builtin_return_address(0));
        if (given)
            __builtin_memcpy(given, name, bytes);
        else
            status = STATUS_INSUFFICIENT_RESOURCES;
        if (given)
            rtl_init_string(SymbolicLinkName, given);
    }
    mm_free(name);
    return status;
}

/* ---- state ---- */

struct search {
    const WCHAR *instance;
    struct pnp_node *found;
};

static void match_instance(struct pnp_node *node, void *context)
{
    struct search *search = context;
    if (search->found || node->state == PNP_DELETED || !node->instance_path ||
        !pnp_same_text(node->instance_path, search->instance))
        return;
    pnp_reference(node);
    search->found = node;
}

/* A record for what an installation registered, if its device is there. The lock is held. */
static struct pnp_interface *find_registered(const UNICODE_STRING *name)
{
    WCHAR path[PNP_INTERFACE_CHARS], *own = NULL, *instance;
    struct pnp_link link;
    struct search search = {0};
    struct pnp_interface *interface = NULL;
    if (!pnp_link_parse(name, &link) || !pnp_interface_known(&link) ||
        !pnp_link_key(&link, false, NULL, path, countof(path)))
        return NULL;
    instance = pnp_read_list(path, u"DeviceInstance");
    search.instance = instance;
    if (instance)
        pnp_for_each(match_instance, &search);
    mm_free(instance);
    if (search.found) {
        UNICODE_STRING reference = {(USHORT)(link.reference_chars * 2), (USHORT)(link.reference_chars * 2),
                                    (WCHAR *)link.reference};
        own = pnp_link_make(search.found->instance_path, &link.class, &reference);
        interface = own ? add(search.found, &link.class, own) : NULL;
        if (!interface)
            mm_free(own);
        pnp_dereference(search.found);
    }
    return interface;
}

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
        interface = find_registered(SymbolicLinkName);
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
            drop(interface);
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
        drop(container_of(pnp_interfaces.Flink, struct pnp_interface, link));
}

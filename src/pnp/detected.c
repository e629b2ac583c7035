/* SPDX-License-Identifier: MIT */
/*
 * Devices that a legacy driver found: they become nodes below the root bus,
 * started as they are, with that driver for a function driver.
 */
#include "pnp/private.h"
#include "pnp/resource.h"

struct detected {
    PDRIVER_OBJECT driver;
    PCM_RESOURCE_LIST resources;
    PIO_RESOURCE_REQUIREMENTS_LIST requirements;
    bool assigned;
    PDEVICE_OBJECT pdo; /* in: the caller's, or NULL; out */
};

static const WCHAR *bus_name(INTERFACE_TYPE type)
{
    static const WCHAR *const names[] = {
        u"Internal",
        u"Isa",
        u"Eisa",
        u"MicroChannel",
        u"TurboChannel",
        u"PCIBus",
        u"VMEBus",
        u"NuBus",
        u"PCMCIABus",
        u"CBus",
        u"MPIBus",
        u"MPSABus",
        u"ProcessorInternal",
        u"InternalPowerBus",
        u"PNPISABus",
        u"PNPBus",
    };
    return (unsigned)type < countof(names) ? names[type] : names[0];
}

/* "Internal" if no bus is named. */
static const WCHAR *bus_of(const struct detected *d)
{
    return bus_name(d->resources && d->resources->Count ? d->resources->List[0].InterfaceType : Internal);
}

/* Two strings and the list's end. */
static WCHAR *compatible_ids(const struct detected *d, const WCHAR *service)
{
    WCHAR text[2 * PNP_ID_CHARS];
    const WCHAR *const first[] = {u"DETECTED", bus_of(d), u"\\", service}, *const second[] = {u"DETECTED\\",
                                                                                              service};
    if (!pnp_join(text, PNP_ID_CHARS, first, countof(first)))
        return NULL;
    size_t at = rtl_wcslen(text) + 1;
    if (!pnp_join(text + at, PNP_ID_CHARS, second, countof(second)))
        return NULL;
    at += rtl_wcslen(text + at) + 1;
    text[at++] = 0;
    WCHAR *list = mm_alloc(at * sizeof(WCHAR), PNP_TAG);
    if (list)
        __builtin_memcpy(list, text, at * sizeof(WCHAR));
    return list;
}

static NTSTATUS name_node(struct pnp_node *node, const struct detected *d)
{
    WCHAR service[PNP_ID_CHARS], id[PNP_ID_CHARS];
    const WCHAR *const parts[] = {u"ROOT\\", service};
    const char *name = io_driver_service(d->driver);
    rtl_wide_from_utf8(service, countof(service), name, __builtin_strlen(name));
    if (!pnp_join(id, countof(id), parts, countof(parts)))
        return STATUS_NAME_TOO_LONG;
    node->device_id = pnp_copy_text(id);
    node->service = pnp_copy_text(service);
    node->compatible_ids = compatible_ids(d, service);
    node->capabilities.Address = node->capabilities.UINumber = (ULONG)-1;
    node->container_id = pnp_root()->container_id;
    if (!node->device_id || !node->service || !node->compatible_ids)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = pnp_make_instance_path(node);
    if (!NT_SUCCESS(status))
        return status;
    pnp_registry_write(node);
    node->registry_ready = true;
    return pnp_enum_set(node, u"Service", REG_SZ, service,
                        (ULONG)((rtl_wcslen(service) + 1) * sizeof(WCHAR)));
}

static void *copy_of(const void *list, size_t bytes)
{
    void *copy = mm_alloc(bytes, PNP_TAG);
    if (copy)
        __builtin_memcpy(copy, list, bytes);
    return copy;
}

/* What the driver found it at; claimed for the device unless the driver has done that. */
static NTSTATUS take_resources(struct pnp_node *node, const struct detected *d)
{
    if (d->resources)
        node->boot = copy_of(d->resources, resource_list_bytes(d->resources));
    if (d->requirements)
        node->requirements = copy_of(d->requirements, d->requirements->ListSize);
    if ((d->resources && !node->boot) || (d->requirements && !node->requirements))
        return STATUS_INSUFFICIENT_RESOURCES;
    return d->assigned ? STATUS_SUCCESS : pnp_assign_resources(node);
}

static NTSTATUS set_up(struct pnp_node *node, const struct detected *d)
{
    NTSTATUS status = name_node(node, d);
    if (NT_SUCCESS(status))
        status = take_resources(node, d);
    if (!NT_SUCCESS(status))
        return status;
    /* It is started: nobody asks the driver to. */
    node->state = PNP_STARTED;
    node->started_once = true;
    pnp_tell(node, offsetof(struct pnp_observer, started));
    return status;
}

static NTSTATUS add_detected(void *context)
{
    struct detected *d = context;
    bool own = !d->pdo;
    PDEVICE_OBJECT pdo = own ? pnp_root_create_pdo(u"ROOT\\DETECTED") : d->pdo;
    if (!pdo)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!own)
        ob_reference(pdo);
    struct pnp_node *node = pnp_node_create(pdo, pnp_root());
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (node) {
        node->root_enumerated = node->reported = true;
        status = set_up(node, d);
    }
    if (NT_SUCCESS(status)) {
        d->pdo = pdo;
        return status;
    }
    if (own)
        IoDeleteDevice(pdo);
    if (node)
        pnp_node_unlink(node);
    else
        ob_dereference(pdo);
    return status;
}

/*
 * Reports a device that the driver detected; it becomes one of the root bus and is started. *DeviceObject: in
 * the caller's PDO, or NULL; out a PDO to attach to. STATUS_CONFLICTING_ADDRESSES: others have its resources.
 * STATUS_INVALID_PARAMETER: the PDO has a node. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoReportDetectedDevice, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoReportDetectedDevice(PDRIVER_OBJECT DriverObject, INTERFACE_TYPE LegacyBusType,
                                      ULONG BusNumber, ULONG SlotNumber, PCM_RESOURCE_LIST ResourceList,
                                      PIO_RESOURCE_REQUIREMENTS_LIST ResourceRequirements,
                                      BOOLEAN ResourceAssigned, PDEVICE_OBJECT *DeviceObject)
{
    struct detected d = {DriverObject, ResourceList, ResourceRequirements, ResourceAssigned, *DeviceObject};
    if (*DeviceObject && pnp_node_of(*DeviceObject))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = pnp_run(add_detected, &d);
    if (NT_SUCCESS(status))
        *DeviceObject = d.pdo;
    return status;
}

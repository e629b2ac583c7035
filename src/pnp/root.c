/* SPDX-License-Identifier: MIT */
/*
 * The root bus: \Driver\PnpManager, the system's driver of the PDOs that
 * nobody enumerates (`--device`, `add-device`, IoReportDetectedDevice), named
 * \Device\0000000n. A PDO's extension says what it answers.
 */
#include "pnp/notify_private.h"

struct root_pdo {
    WCHAR device_id[PNP_ID_CHARS];
    WCHAR hardware_ids[PNP_ID_CHARS + 1]; /* one, doubly terminated */
};

static PDRIVER_OBJECT manager;

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS answer(PIRP irp, const void *data, size_t bytes)
{
    void *copy = mm_pool_allocate(PagedPool, bytes, PNP_TAG, false, answer);
    if (!copy)
        return complete(irp, STATUS_INSUFFICIENT_RESOURCES);
    __builtin_memcpy(copy, data, bytes);
    irp->IoStatus.Information = (ULONG_PTR)copy;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS query_id(const struct root_pdo *pdo, PIRP irp, BUS_QUERY_ID_TYPE type)
{
    switch (type) {
    case BusQueryDeviceID:
        return answer(irp, pdo->device_id, (rtl_wcslen(pdo->device_id) + 1) * sizeof(WCHAR));
    case BusQueryHardwareIDs:
        return answer(irp, pdo->hardware_ids, pnp_multi_chars(pdo->hardware_ids) * sizeof(WCHAR));
    default:
        return complete(irp, irp->IoStatus.Status);
    }
}

static NTSTATUS query_capabilities(PIRP irp, PDEVICE_CAPABILITIES capabilities)
{
    /* PNP-09: all but Size and Version, which the sender has set. */
    capabilities->SurpriseRemovalOK = TRUE;
    capabilities->SilentInstall = TRUE;
    capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (unsigned s = PowerSystemSleeping1; s <= PowerSystemShutdown; s++)
        capabilities->DeviceState[s] = PowerDeviceD3;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS query_bus(PIRP irp)
{
    static const PNP_BUS_INFORMATION bus = {
        /* GUID_BUS_TYPE_INTERNAL */
        {0x1530EA73, 0x086B, 0x11D1, {0xA0, 0x9F, 0x00, 0xC0, 0x4F, 0xC3, 0x40, 0xB1}},
        PNPBus,
        0};
    return answer(irp, &bus, sizeof(bus));
}

static NTSTATUS query_target(PDEVICE_OBJECT device, PIRP irp)
{
    DEVICE_RELATIONS relations = {1, {device}};
    NTSTATUS status = answer(irp, &relations, sizeof(relations));
    if (NT_SUCCESS(status))
        ob_reference(device);
    return status;
}

/* PH-04: always completes; what is nobody's question keeps its status. */
static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);
    const struct root_pdo *pdo = device->DeviceExtension;
    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return query_id(pdo, irp, location->Parameters.QueryId.IdType);
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(irp, location->Parameters.DeviceCapabilities.Capabilities);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return query_bus(irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
            return complete(irp, irp->IoStatus.Status);
        return query_target(device, irp);
    case IRP_MN_START_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return complete(irp, STATUS_SUCCESS);
    default:
        /* PH-04: also what is the system's own. */
        return complete(irp, irp->IoStatus.Status);
    }
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    bool known = minor == IRP_MN_SET_POWER || minor == IRP_MN_QUERY_POWER;
    return complete(irp, known ? STATUS_SUCCESS : irp->IoStatus.Status);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, irp->IoStatus.Status);
}

static void set_up(PDRIVER_OBJECT driver)
{
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
}

static bool begins_with(const WCHAR *id, const WCHAR *enumerator)
{
    while (*enumerator && rtl_upcase(*id) == *enumerator) {
        id++;
        enumerator++;
    }
    return *enumerator == 0;
}

/* "ROOT\X" and, of devices on the system board, "ACPI\X" as they are; of other identifiers the whole, as one
 * component below ROOT. */
static void set_ids(struct root_pdo *pdo, const WCHAR *hardware_id)
{
    const WCHAR *enumerator = begins_with(hardware_id, u"ACPI\\") ? u"ACPI\\" : u"ROOT\\";
    size_t at = 5, from = begins_with(hardware_id, enumerator) ? 5 : 0;
    __builtin_memcpy(pdo->device_id, enumerator, 5 * sizeof(WCHAR));
    for (; hardware_id[from] && at + 1 < countof(pdo->device_id); from++, at++)
        pdo->device_id[at] = hardware_id[from] == '\\' ? '_' : hardware_id[from];
    for (at = 0; hardware_id[at] && at + 1 < PNP_ID_CHARS; at++)
        pdo->hardware_ids[at] = hardware_id[at];
}

PDEVICE_OBJECT pnp_root_create_pdo(const WCHAR *hardware_id)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(manager, sizeof(struct root_pdo), NULL, FILE_DEVICE_CONTROLLER,
                                     FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &device);
    if (!NT_SUCCESS(status))
        return NULL;
    set_ids(device->DeviceExtension, hardware_id);
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    ob_reference(device);
    return device;
}

static NTSTATUS name_root(struct pnp_node *root)
{
    static const GUID computer = {0, 0, 0, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
    root->device_id = pnp_copy_text(u"HTREE\\ROOT");
    root->instance_id = pnp_copy_text(u"0");
    root->instance_path = pnp_copy_text(u"HTREE\\ROOT\\0");
    root->container_id = computer;
    root->state = PNP_STARTED;
    return root->device_id && root->instance_id && root->instance_path ? STATUS_SUCCESS
                                                                       : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS root_init(void)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = io_create_system_driver("PnpManager", set_up, &manager);
    if (!NT_SUCCESS(status))
        return status;
    status =
        IoCreateDevice(manager, sizeof(struct root_pdo), NULL, FILE_DEVICE_CONTROLLER, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    ob_reference(device);
    io_number_devices_from_one(device);
    struct pnp_node *root = pnp_node_create(device, NULL);
    return root ? name_root(root) : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS pnp_init(void)
{
    pnp_node_reset();
    pnp_thread_reset();
    pnp_resources_init();
    pnp_surprise_reset();
    pnp_unload_reset();
    pnp_boot_reset();
    pnp_eject_init();
    pnp_usage_init();
    pnp_detection_reset();
    pnp_notify_reset();
    pnp_notify_target_reset();
    pnp_interfaces_reset();
    return root_init();
}

void pnp_fini(void)
{
    io_device_node_freed = NULL;
    pnp_notify_fini();
    pnp_interfaces_fini();
}

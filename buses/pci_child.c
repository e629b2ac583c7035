/* SPDX-License-Identifier: MIT */
/*
 * The PDO of a function: answers what the PnP manager asks of it, and does what
 * only the bus can do for it. Whatever it does not know it completes as it
 * came. It stays for as long as the function sits on the bus.
 */
#include "pci_bus.h"
#include "io/routines.h"
#include "po/routines.h"

NTSTATUS pci_complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* NULL: nothing to say, so the request stays as it is. */
static NTSTATUS answer(PIRP irp, void *data)
{
    if (!data)
        return pci_complete(irp, irp->IoStatus.Status);
    irp->IoStatus.Information = (ULONG_PTR)data;
    return pci_complete(irp, STATUS_SUCCESS);
}

static NTSTATUS query_bus(PIRP irp)
{
    static const PNP_BUS_INFORMATION bus = {
        /* GUID_BUS_TYPE_PCI */
        {0xC8EBDFB0, 0xB510, 0x11D0, {0x80, 0xE5, 0x00, 0xA0, 0xC9, 0x25, 0x42, 0xE3}},
        PCIBus,
        0};
    PPNP_BUS_INFORMATION copy = mm_pool_allocate(PagedPool, sizeof(bus), PCI_BUS_TAG, false, query_bus);
    if (!copy)
        return pci_complete(irp, STATUS_INSUFFICIENT_RESOURCES);
    *copy = bus;
    return answer(irp, copy);
}

static NTSTATUS query_target(struct pci_child *child, PIRP irp)
{
    PDEVICE_RELATIONS relations =
        mm_pool_allocate(PagedPool, sizeof(*relations), PCI_BUS_TAG, false, query_target);
    if (!relations)
        return pci_complete(irp, STATUS_INSUFFICIENT_RESOURCES);
    relations->Count = 1;
    relations->Objects[0] = child->self;
    ob_reference(child->self);
    return answer(irp, relations);
}

/* Rules: PNP-0F, PNP-10. */
static NTSTATUS access_config(const struct pci_child *child, PIRP irp, PIO_STACK_LOCATION location)
{
    ULONG offset = location->Parameters.ReadWriteConfig.Offset;
    ULONG length = location->Parameters.ReadWriteConfig.Length;
    PVOID buffer = location->Parameters.ReadWriteConfig.Buffer;
    if (location->Parameters.ReadWriteConfig.WhichSpace != PCI_WHICHSPACE_CONFIG)
        /* PNP-0F, PNP-10: another space than this bus has. */
        return pci_complete(irp, STATUS_INVALID_PARAMETER_1);
    if (location->MinorFunction == IRP_MN_READ_CONFIG)
        /* PNP-0F: how many bytes there were. */
        irp->IoStatus.Information = pci_read_buffer(child, offset, buffer, length);
    else
        /* PNP-10: how many took it. */
        irp->IoStatus.Information = pci_write_buffer(child, offset, buffer, length);
    return pci_complete(irp, STATUS_SUCCESS);
}

static NTSTATUS remove(struct pci_child *child, PIRP irp)
{
    pci_stop(child);
    if (!child->present)
        /* A PDO goes only when its device is not there any more. */
        pci_child_destroy(child);
    return pci_complete(irp, STATUS_SUCCESS);
}

static NTSTATUS simple(struct pci_child *child, PIRP irp, PIO_STACK_LOCATION location)
{
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return pci_complete(irp, pci_start(child, location->Parameters.StartDevice.AllocatedResources));
    case IRP_MN_STOP_DEVICE:
        pci_stop(child);
        return pci_complete(irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return pci_complete(irp, STATUS_SUCCESS);
    default:
        return pci_complete(irp, irp->IoStatus.Status);
    }
}

static NTSTATUS query(struct pci_child *child, PIRP irp, PIO_STACK_LOCATION location)
{
    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return answer(irp, pci_id(child, location->Parameters.QueryId.IdType));
    case IRP_MN_QUERY_DEVICE_TEXT:
        return answer(irp, pci_text(child, location->Parameters.QueryDeviceText.DeviceTextType));
    case IRP_MN_QUERY_CAPABILITIES:
        pci_capabilities(child, location->Parameters.DeviceCapabilities.Capabilities);
        return pci_complete(irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_RESOURCES:
        /* PNP-0A: where the firmware put it, or nothing. */
        return answer(irp, pci_boot_resources(child));
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        /* PNP-0B: where it could be. */
        return answer(irp, pci_requirements(child));
    case IRP_MN_QUERY_BUS_INFORMATION:
        return query_bus(irp);
    case IRP_MN_QUERY_INTERFACE: {
        NTSTATUS status = pci_query_interface(child, location);
        return pci_complete(irp, status == STATUS_NOT_SUPPORTED ? irp->IoStatus.Status : status);
    }
    default:
        return simple(child, irp, location);
    }
}

NTSTATUS pci_child_pnp(struct pci_child *child, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    switch (location->MinorFunction) {
    case IRP_MN_REMOVE_DEVICE:
        return remove(child, irp);
    case IRP_MN_READ_CONFIG:
    case IRP_MN_WRITE_CONFIG:
        return access_config(child, irp, location);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation)
            return query_target(child, irp);
        return pci_complete(irp, irp->IoStatus.Status);
    default:
        return query(child, irp, location);
    }
}

static void set_device_power(struct pci_child *child, DEVICE_POWER_STATE device)
{
    POWER_STATE state = {.DeviceState = device};
    pci_set_power(child, device);
    PoSetPowerState(child->self, DevicePowerState, state);
}

NTSTATUS pci_child_power(struct pci_child *child, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    if (location->MinorFunction != IRP_MN_SET_POWER && location->MinorFunction != IRP_MN_QUERY_POWER)
        return pci_complete(irp, irp->IoStatus.Status);
    if (location->MinorFunction == IRP_MN_SET_POWER && location->Parameters.Power.Type == DevicePowerState)
        set_device_power(child, location->Parameters.Power.State.DeviceState);
    return pci_complete(irp, STATUS_SUCCESS);
}

/* ---- coming and going ---- */

NTSTATUS pci_child_create(struct pci_bus *bus, const struct pci_child *description, struct pci_child **child)
{
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(pci_driver(), sizeof(**child), NULL, FILE_DEVICE_UNKNOWN,
                       FILE_AUTOGENERATED_DEVICE_NAME | FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    *child = device->DeviceExtension;
    **child = *description;
    (*child)->self = device;
    (*child)->bus = bus;
    pci_examine(*child);
    list_insert_tail(&bus->children, &(*child)->link);
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return status;
}

void pci_child_destroy(struct pci_child *child)
{
    list_remove(&child->link);
    pci_forget(child);
    IoDeleteDevice(child->self);
}

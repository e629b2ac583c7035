/* SPDX-License-Identifier: MIT */
/*
 * trio-bus: a bus driver. As a function driver it has the bus's own device
 * (FDO), to which slots are plugged and unplugged by two controls; for what is
 * in a slot it makes a device object (PDO, child.c) and tells the PnP manager
 * by IoInvalidateDeviceRelations, which then asks for the BusRelations.
 *
 * A child's PDO lives until the PnP manager has removed it and it is no longer in
 * its slot: then IRP_MN_REMOVE_DEVICE deletes it.
 */
#include "trio-bus.h"

/* ---- controls ---- */

static NTSTATUS control(struct bus *bus, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;
    PULONG buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG answers =
        code == IOCTL_TRIO_PLUG && location->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(ULONG);
    NTSTATUS status;

    if (code != IOCTL_TRIO_PLUG && code != IOCTL_TRIO_UNPLUG)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG) || *buffer >= TRIO_SLOTS)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    status = code == IOCTL_TRIO_PLUG ? plug(bus, *buffer, buffer) : unplug(bus, *buffer);
    if (NT_SUCCESS(status))
        IoInvalidateDeviceRelations(bus->pdo, BusRelations);
    return complete(Irp, status, NT_SUCCESS(status) && answers ? sizeof(ULONG) : 0);
}

static NTSTATUS NTAPI device_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct bus *bus = DeviceObject->DeviceExtension;
    NTSTATUS status;

    if (!bus->common.is_bus)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    status = IoAcquireRemoveLock(&bus->remove_lock, Irp);
    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    status = control(bus, Irp);
    IoReleaseRemoveLock(&bus->remove_lock, Irp);
    return status;
}

/* A child is opened through its function driver, not here. */
static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct common *common = DeviceObject->DeviceExtension;

    return complete(Irp, common->is_bus ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST, 0);
}

/* ---- the bus's own device ---- */

static NTSTATUS start(struct bus *bus, PIRP Irp)
{
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (IoForwardIrpSynchronously(bus->lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status))
        IoSetDeviceInterfaceState(&bus->link, TRUE);
    return complete(Irp, status, Irp->IoStatus.Information);
}

/* Whoever is inside still has the device; when they have left it goes. */
static NTSTATUS remove(struct bus *bus, PIRP Irp)
{
    PDEVICE_OBJECT self = bus->self, lower = bus->lower;
    NTSTATUS status;

    IoSetDeviceInterfaceState(&bus->link, FALSE);
    IoReleaseRemoveLockAndWait(&bus->remove_lock, Irp);
    delete_all(bus);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass_down(lower, Irp);
    IoDetachDevice(lower);
    RtlFreeUnicodeString(&bus->link);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS bus_pnp(struct bus *bus, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&bus->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = start(bus, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return remove(bus, Irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type == BusRelations) {
            status = report_children(bus, Irp);
            if (!NT_SUCCESS(status)) {
                complete(Irp, status, 0);
                break;
            }
        }
        status = pass_down(bus->lower, Irp);
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        IoSetDeviceInterfaceState(&bus->link, FALSE);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        /* fall through */
    default:
        status = pass_down(bus->lower, Irp);
    }
    IoReleaseRemoveLock(&bus->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct common *common = DeviceObject->DeviceExtension;

    return common->is_bus ? bus_pnp(DeviceObject->DeviceExtension, Irp)
                          : child_pnp(DeviceObject->DeviceExtension, Irp);
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct bus *bus = DeviceObject->DeviceExtension;
    NTSTATUS status;

    if (!bus->common.is_bus)
        return child_power(Irp, DeviceObject);
    status = IoAcquireRemoveLock(&bus->remove_lock, Irp);
    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return complete(Irp, status, 0);
    }
    status = pass_power_down(bus->lower, Irp);
    IoReleaseRemoveLock(&bus->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct bus *bus = DeviceObject->DeviceExtension;

    /* A PDO has no data blocks: the request goes back as it came. */
    if (!bus->common.is_bus)
        return complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
    return pass_down(bus->lower, Irp);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct bus *bus;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*bus), NULL, FILE_DEVICE_BUS_EXTENDER,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    bus = self->DeviceExtension;
    bus->common.is_bus = TRUE;
    bus->self = self;
    bus->pdo = PhysicalDeviceObject;
    IoInitializeRemoveLock(&bus->remove_lock, TRIO_TAG, 0, 0);
    ExInitializeFastMutex(&bus->lock);
    InitializeListHead(&bus->children);
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_TRIO_BUS, NULL, &bus->link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    bus->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (bus->lower == NULL) {
        RtlFreeUnicodeString(&bus->link);
        IoDeleteDevice(self);
        return STATUS_NO_SUCH_DEVICE;
    }
    self->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = device_control;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * What every filter driver has, wherever in a stack it stands: it lets all
 * requests through, follows the device's life, and gets out of the way of a
 * removal. The driver that includes this says beforehand what else it does:
 * filter_write and filter_pnp get a request that is about to be passed down.
 */
#ifndef TRIO_FILTER_H
#define TRIO_FILTER_H

#define FILTER_TAG 'tliF'

struct filter {
    PDEVICE_OBJECT self, lower;
    IO_REMOVE_LOCK remove_lock;
};

/* Each passes the request down itself; the remove lock is held until it returns. */
static NTSTATUS filter_write(struct filter *filter, PIRP Irp);
static NTSTATUS filter_pnp(struct filter *filter, PIRP Irp);

static NTSTATUS through(struct filter *filter, PIRP Irp, NTSTATUS (*pass)(struct filter *filter, PIRP Irp))
{
    NTSTATUS status = IoAcquireRemoveLock(&filter->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    status = pass(filter, Irp);
    IoReleaseRemoveLock(&filter->remove_lock, Irp);
    return status;
}

static NTSTATUS pass(struct filter *filter, PIRP Irp)
{
    return pass_down(filter->lower, Irp);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return through(DeviceObject->DeviceExtension, Irp, pass);
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return through(DeviceObject->DeviceExtension, Irp, filter_write);
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *filter = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&filter->remove_lock, Irp);

    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return complete(Irp, status, 0);
    }
    status = pass_power_down(filter->lower, Irp);
    IoReleaseRemoveLock(&filter->remove_lock, Irp);
    return status;
}

static NTSTATUS remove(struct filter *filter, PIRP Irp)
{
    PDEVICE_OBJECT self = filter->self, lower = filter->lower;
    NTSTATUS status;

    IoReleaseRemoveLockAndWait(&filter->remove_lock, Irp);
    status = pass_down(lower, Irp);
    IoDetachDevice(lower);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *filter = DeviceObject->DeviceExtension;
    NTSTATUS status;

    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction != IRP_MN_REMOVE_DEVICE)
        return through(filter, Irp, filter_pnp);
    status = IoAcquireRemoveLock(&filter->remove_lock, Irp);
    return NT_SUCCESS(status) ? remove(filter, Irp) : complete(Irp, status, 0);
}

/* As the device below looks, so does the filter's. */
static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct filter *filter;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*filter), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    filter = self->DeviceExtension;
    filter->self = self;
    IoInitializeRemoveLock(&filter->remove_lock, FILTER_TAG, 0, 0);
    filter->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (filter->lower == NULL) {
        IoDeleteDevice(self);
        return STATUS_NO_SUCH_DEVICE;
    }
    self->Flags |=
        filter->lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH);
    self->DeviceType = filter->lower->DeviceType;
    self->Characteristics = filter->lower->Characteristics;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    for (ULONG major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
        DriverObject->MajorFunction[major] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

#endif

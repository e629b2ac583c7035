/* SPDX-License-Identifier: MIT */
/*
 * shutdown-flush: a driver that keeps data back must hear of a shutdown.
 *
 * Writes go to a cache and are complete at once. What is in it reaches the
 * medium with IRP_MJ_FLUSH_BUFFERS, and with IRP_MJ_SHUTDOWN, which the I/O
 * manager sends to devices that registered for it. A second device registers
 * for the last chance: it hears of the shutdown when the file systems have
 * been flushed, so nothing is written any more and it can stop the medium.
 * Unload is never called at a shutdown. In Unload the registrations end first.
 */
#include <ntddk.h>

#define CACHE_BYTES 64

struct disk {
    FAST_MUTEX lock; /* guards what follows; requests come at PASSIVE_LEVEL */
    ULONG used;
    UCHAR cache[CACHE_BYTES];
    ULONG written; /* on the medium */
};

static PDEVICE_OBJECT disk_device, motor_device;

static ULONG write_back(struct disk *disk)
{
    ULONG bytes;

    ExAcquireFastMutex(&disk->lock);
    bytes = disk->used;
    disk->written += bytes;
    disk->used = 0;
    ExReleaseFastMutex(&disk->lock);
    return bytes;
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct disk *disk = DeviceObject->DeviceExtension;
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS status = STATUS_DISK_FULL;

    ExAcquireFastMutex(&disk->lock);
    if (length <= CACHE_BYTES - disk->used) {
        RtlCopyMemory(disk->cache + disk->used, Irp->AssociatedIrp.SystemBuffer, length);
        disk->used += length;
        status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&disk->lock);
    return complete(Irp, status, NT_SUCCESS(status) ? length : 0);
}

static NTSTATUS NTAPI flush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    DbgPrint("flush: %lu bytes to the medium\n", write_back(DeviceObject->DeviceExtension));
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI shutdown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct disk *disk = disk_device->DeviceExtension;

    if (DeviceObject == disk_device) /* may come more than once: the cache is empty then */
        DbgPrint("shutdown: %lu bytes to the medium\n", write_back(disk));
    else
        DbgPrint("last chance: the motor stops; %lu bytes are on the medium\n", disk->written);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoUnregisterShutdownNotification(motor_device);
    IoUnregisterShutdownNotification(disk_device);
    DbgPrint("unload: %lu bytes to the medium\n", write_back(disk_device->DeviceExtension));
    IoDeleteDevice(motor_device);
    IoDeleteDevice(disk_device);
}

static NTSTATUS register_devices(void)
{
    NTSTATUS status = IoRegisterShutdownNotification(disk_device);

    if (!NT_SUCCESS(status))
        return status;
    status = IoRegisterLastChanceShutdownNotification(motor_device);
    if (!NT_SUCCESS(status))
        IoUnregisterShutdownNotification(disk_device);
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Cached");
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = flush;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = shutdown;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct disk), &name, FILE_DEVICE_DISK,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &disk_device);
    if (!NT_SUCCESS(status))
        return status;
    disk_device->Flags |= DO_BUFFERED_IO;
    ExInitializeFastMutex(&((struct disk *)disk_device->DeviceExtension)->lock);
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &motor_device);
    if (!NT_SUCCESS(status))
        goto delete_disk;
    status = register_devices();
    if (NT_SUCCESS(status))
        return status;
    IoDeleteDevice(motor_device);
delete_disk:
    IoDeleteDevice(disk_device);
    return status;
}

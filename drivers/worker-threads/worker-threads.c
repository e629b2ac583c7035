/* SPDX-License-Identifier: MIT */
/*
 * worker-threads: work that must be done at PASSIVE_LEVEL, by the system's
 * worker threads.
 *
 * A write may come at DISPATCH_LEVEL from a driver above, and what it wants
 * (here: a value in the registry) needs PASSIVE_LEVEL. So requests are marked
 * pending and put on an interlocked list; the one work item of the device is
 * queued when the list was empty. The I/O manager takes the item out of its
 * queue before it calls the routine, so it may be queued again meanwhile: the
 * count of requests decides who queues it.
 */
#include <ntddk.h>

struct recorder {
    LIST_ENTRY requests;
    KSPIN_LOCK lock; /* of the interlocked list */
    LONG count;      /* requests that are not done */
    PIO_WORKITEM item;
};

static UNICODE_STRING key_path; /* a copy: DriverEntry's is gone when it returns */

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS record(PIRP irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;

    return RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, key_path.Buffer, L"Last", REG_BINARY,
                                 irp->AssociatedIrp.SystemBuffer, length);
}

static VOID NTAPI work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct recorder *recorder = DeviceObject->DeviceExtension;
    LONG left;

    do {
        PLIST_ENTRY entry = ExInterlockedRemoveHeadList(&recorder->requests, &recorder->lock);
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;
        NTSTATUS status = record(irp);

        DbgPrint("work item at IRQL %d: %lu bytes, status 0x%08lX\n", KeGetCurrentIrql(), length, status);
        complete(irp, status, NT_SUCCESS(status) ? length : 0);
        left = InterlockedDecrement(&recorder->count);
    } while (left != 0);
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct recorder *recorder = DeviceObject->DeviceExtension;

    IoMarkIrpPending(Irp);
    ExInterlockedInsertTailList(&recorder->requests, &Irp->Tail.Overlay.ListEntry, &recorder->lock);
    if (InterlockedIncrement(&recorder->count) == 1)
        IoQueueWorkItem(recorder->item, work, DelayedWorkQueue, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    struct recorder *recorder = DriverObject->DeviceObject->DeviceExtension;

    IoFreeWorkItem(recorder->item); /* not queued, not running: it would hold the device object */
    IoDeleteDevice(DriverObject->DeviceObject);
    ExFreePool(key_path.Buffer);
}

static NTSTATUS copy_path(PUNICODE_STRING path)
{
    key_path.MaximumLength = path->Length + sizeof(WCHAR);
    key_path.Buffer = ExAllocatePoolWithTag(PagedPool, key_path.MaximumLength, 'kroW');
    if (key_path.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyUnicodeString(&key_path, path);
    key_path.Buffer[path->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Recorder");
    PDEVICE_OBJECT device;
    struct recorder *recorder;
    NTSTATUS status = copy_path(RegistryPath);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(*recorder), &name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        goto free_path;
    device->Flags |= DO_BUFFERED_IO;
    recorder = device->DeviceExtension;
    InitializeListHead(&recorder->requests);
    KeInitializeSpinLock(&recorder->lock);
    recorder->item = IoAllocateWorkItem(device);
    if (recorder->item != NULL)
        return STATUS_SUCCESS;
    status = STATUS_INSUFFICIENT_RESOURCES;
    IoDeleteDevice(device);
free_path:
    ExFreePool(key_path.Buffer);
    return status;
}

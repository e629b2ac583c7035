/* SPDX-License-Identifier: MIT */
/*
 * csq-queue: a queue of the driver's own, safe against cancellation.
 *
 * A mailbox: reads wait until somebody writes; a write goes to the oldest read,
 * whoever sent it, and is refused if nobody waits. The driver has the list and
 * its lock. Six callbacks tell the IoCsq routines how to use them, and those see
 * to it that a request is either taken from the queue or canceled, never both.
 * The box has room for a few readers: the insert routine refuses the next one,
 * which is then neither queued nor pending. CLEANUP takes out what a closed handle left
 * behind: the peek routine finds the requests of one file object.
 */
#include <ntddk.h>

#define ROOM 64

struct box {
    IO_CSQ csq;
    KSPIN_LOCK lock; /* guards the list and the count */
    LIST_ENTRY readers;
    ULONG count;
};

static struct box *box_of(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, struct box, csq);
}

static NTSTATUS NTAPI insert(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    struct box *box = box_of(Csq);

    if (box->count == ROOM)
        return STATUS_DEVICE_BUSY;
    InsertTailList(&box->readers, &Irp->Tail.Overlay.ListEntry);
    box->count++;
    return STATUS_SUCCESS;
}

static VOID NTAPI remove_irp(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    box_of(Csq)->count--;
}

/* The one behind Irp, or the first; of that file object, or of any. */
static PIRP NTAPI peek_next(PIO_CSQ Csq, PIRP Irp, PVOID FileObject)
{
    struct box *box = box_of(Csq);
    PLIST_ENTRY entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : box->readers.Flink;

    for (; entry != &box->readers; entry = entry->Flink) {
        PIRP found = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (FileObject == NULL || IoGetCurrentIrpStackLocation(found)->FileObject == FileObject)
            return found;
    }
    return NULL;
}

static VOID NTAPI acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&box_of(Csq)->lock, Irql);
}

static VOID NTAPI release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&box_of(Csq)->lock, Irql);
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI complete_canceled(PIO_CSQ Csq, PIRP Irp)
{
    complete(Irp, STATUS_CANCELLED, 0);
}

/* The queue marks it pending; if it was canceled before, it is completed already. */
static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct box *box = DeviceObject->DeviceExtension;
    NTSTATUS status = IoCsqInsertIrpEx(&box->csq, Irp, NULL, NULL);

    return NT_SUCCESS(status) ? STATUS_PENDING : complete(Irp, status, 0);
}

static NTSTATUS NTAPI dispatch_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct box *box = DeviceObject->DeviceExtension;
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    PIRP reader = IoCsqRemoveNextIrp(&box->csq, NULL);

    if (reader == NULL)
        return complete(Irp, STATUS_DEVICE_NOT_READY, 0);
    length = min(length, IoGetCurrentIrpStackLocation(reader)->Parameters.Read.Length);
    if (length != 0) /* a request of no bytes has no buffer */
        RtlCopyMemory(reader->AssociatedIrp.SystemBuffer, Irp->AssociatedIrp.SystemBuffer, length);
    complete(reader, STATUS_SUCCESS, length);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch_cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct box *box = DeviceObject->DeviceExtension;
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP reader;

    while ((reader = IoCsqRemoveNextIrp(&box->csq, file)) != NULL) {
        DbgPrint("cleanup: a reader is left over\n");
        complete(reader, STATUS_CANCELLED, 0);
    }
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Mailbox");
    PDEVICE_OBJECT device;
    struct box *box;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_cleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_write;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(struct box), &name, FILE_DEVICE_MAILSLOT,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    box = device->DeviceExtension;
    KeInitializeSpinLock(&box->lock);
    InitializeListHead(&box->readers);
    status = IoCsqInitializeEx(&box->csq, insert, remove_irp, peek_next, acquire, release, complete_canceled);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags |= DO_BUFFERED_IO;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

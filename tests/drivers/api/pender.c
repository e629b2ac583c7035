/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the embedding API: reads stay pending in a cancel-safe queue
 * until a control code completes them; other codes echo, signal a user's event,
 * wait for ever, print, stop the machine.
 */
#include <ntddk.h>

#define PENDER(n)      CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define PENDER_RELEASE PENDER(0) /* completes one pending read; Information: how many were left */
#define PENDER_ECHO    PENDER(1)
#define PENDER_SIGNAL  PENDER(2) /* input: the handle of an event */
#define PENDER_BLOCK   PENDER(3) /* never returns by itself */
#define PENDER_STOP    PENDER(4)
#define PENDER_PRINT   PENDER(5) /* prints its input in two pieces */

static IO_CSQ csq;
static LIST_ENTRY queue;
static KSPIN_LOCK lock;
static LONG queued;

static VOID NTAPI insert_irp(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&queue, &Irp->Tail.Overlay.ListEntry);
    InterlockedIncrement(&queued);
}

static VOID NTAPI remove_irp(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    InterlockedDecrement(&queued);
}

static PIRP NTAPI peek_next(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY next = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : queue.Flink;

    for (; next != &queue; next = next->Flink) {
        PIRP found = CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(found)->FileObject == PeekContext)
            return found;
    }
    return NULL;
}

static VOID NTAPI acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&lock, Irql);
}

static VOID NTAPI release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&lock, Irql);
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

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP pending;

    while ((pending = IoCsqRemoveNextIrp(&csq, file)) != NULL)
        complete(pending, STATUS_CANCELLED, 0);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    IoCsqInsertIrp(&csq, Irp, NULL); /* marks it pending */
    return STATUS_PENDING;
}

static NTSTATUS release_one(PIRP Irp)
{
    PIRP pending = IoCsqRemoveNextIrp(&csq, NULL);

    if (pending == NULL)
        return complete(Irp, STATUS_NO_MORE_ENTRIES, 0);
    RtlFillMemory(pending->AssociatedIrp.SystemBuffer,
                  IoGetCurrentIrpStackLocation(pending)->Parameters.Read.Length, 'p');
    complete(pending, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(pending)->Parameters.Read.Length);
    return complete(Irp, STATUS_SUCCESS, queued);
}

static NTSTATUS signal(HANDLE handle)
{
    PKEVENT event;
    NTSTATUS status = ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, *ExEventObjectType, UserMode,
                                                (PVOID *)&event, NULL);

    if (NT_SUCCESS(status)) {
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
        ObDereferenceObject(event);
    }
    return status;
}

static NTSTATUS block(VOID)
{
    KEVENT never;

    KeInitializeEvent(&never, NotificationEvent, FALSE);
    return KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;

    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case PENDER_RELEASE:
        return release_one(Irp);
    case PENDER_ECHO:
        return complete(Irp, STATUS_SUCCESS, min(in, out));
    case PENDER_SIGNAL:
        return complete(Irp, in < sizeof(HANDLE) ? STATUS_INVALID_PARAMETER : signal(*(HANDLE *)buffer), 0);
    case PENDER_BLOCK:
        return complete(Irp, block(), 0);
    case PENDER_STOP:
        KeBugCheckEx(0xE2, 1, 2, 3, 4);
    case PENDER_PRINT:
        DbgPrint("print %.*s", (int)in, (char *)buffer);
        DbgPrint(" end\n");
        return complete(Irp, STATUS_SUCCESS, 0);
    }
    return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Pender");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    InitializeListHead(&queue);
    KeInitializeSpinLock(&lock);
    IoCsqInitialize(&csq, insert_irp, remove_irp, peek_next, acquire, release, complete_canceled);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_cleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                            &DeviceObject);
    if (NT_SUCCESS(status))
        DeviceObject->Flags |= DO_BUFFERED_IO;
    return status;
}

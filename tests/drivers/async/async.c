/* SPDX-License-Identifier: MIT */
/*
 * Requests that pend in a cancel-safe queue until a thread of the driver takes
 * them, for handles opened for asynchronous I/O: cancelled while they are
 * queued, completed while the requester is elsewhere, several at once. A write
 * makes the thread complete one read. The Unload routine signals and waits in
 * one step (KeReleaseSemaphore with Wait = TRUE).
 */
#include "rltest.h"

struct extension {
    IO_CSQ csq;
    LIST_ENTRY queue;
    KSPIN_LOCK lock;
    KSEMAPHORE work;
    PVOID thread;
    BOOLEAN stop;
    ULONG served;
};

static struct extension *extension;

static VOID NTAPI insert(PIO_CSQ csq, PIRP irp)
{
    InsertTailList(&extension->queue, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI remove_irp(PIO_CSQ csq, PIRP irp)
{
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI peek_next(PIO_CSQ csq, PIRP irp, PVOID context)
{
    PLIST_ENTRY next = irp ? irp->Tail.Overlay.ListEntry.Flink : extension->queue.Flink;
    return next == &extension->queue ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI acquire(PIO_CSQ csq, PKIRQL irql)
{
    KeAcquireSpinLock(&extension->lock, irql);
}

static VOID NTAPI release(PIO_CSQ csq, KIRQL irql)
{
    KeReleaseSpinLock(&extension->lock, irql);
}

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI canceled(PIO_CSQ csq, PIRP irp)
{
    CHECK("CSQ-08", irp->Cancel && irp->CancelRoutine == NULL && KeGetCurrentIrql() < DISPATCH_LEVEL);
    complete(irp, STATUS_CANCELLED, 0);
}

static VOID NTAPI serve(PVOID context)
{
    for (;;) {
        KeWaitForSingleObject(&extension->work, Executive, KernelMode, FALSE, NULL);
        if (extension->stop)
            PsTerminateSystemThread(STATUS_SUCCESS);
        PIRP irp = IoCsqRemoveNextIrp(&extension->csq, NULL);
        if (!irp)
            continue;
        *(ULONG *)irp->AssociatedIrp.SystemBuffer = ++extension->served;
        complete(irp, STATUS_SUCCESS, sizeof(ULONG));
    }
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT device, PIRP irp)
{
    if (IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length < sizeof(ULONG))
        return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    IoCsqInsertIrp(&extension->csq, irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;
    KeReleaseSemaphore(&extension->work, IO_NO_INCREMENT, (LONG)length, FALSE);
    return complete(irp, STATUS_SUCCESS, length);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    extension->stop = TRUE;
    KeReleaseSemaphore(&extension->work, IO_NO_INCREMENT, 1, TRUE);
    NTSTATUS status = KeWaitForSingleObject(extension->thread, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("KE-WAITNEXT", status, STATUS_SUCCESS);
    CHECK_EQ("KE-WAITNEXT", KeGetCurrentIrql(), PASSIVE_LEVEL);
    ObDereferenceObject(extension->thread);
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Async");
    PDEVICE_OBJECT device;
    HANDLE thread;
    NTSTATUS status =
        IoCreateDevice(driver, sizeof(struct extension), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    extension = device->DeviceExtension;
    InitializeListHead(&extension->queue);
    KeInitializeSpinLock(&extension->lock);
    KeInitializeSemaphore(&extension->work, 0, 1000);
    IoCsqInitialize(&extension->csq, insert, remove_irp, peek_next, acquire, release, canceled);
    status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, serve, NULL);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    ObReferenceObjectByHandle(thread, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &extension->thread, NULL);
    ZwClose(thread);
    device->Flags |= DO_BUFFERED_IO;
    driver->MajorFunction[IRP_MJ_CREATE] = create_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = create_close;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

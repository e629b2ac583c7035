/* SPDX-License-Identifier: MIT */
/*
 * threads: a system thread of the driver's own, and the dispatcher objects it
 * waits on.
 *
 * Writes put a byte count into a queue guarded by a spin lock and release a
 * semaphore; the thread waits for the semaphore or the stop event, works at
 * PASSIVE_LEVEL and ends when the driver unloads. Unload sets the event and
 * waits for the thread object: a driver's code must not go before its threads.
 */
#include <ntddk.h>

#define QUEUE_LENGTH 16

struct worker {
    KSPIN_LOCK lock; /* guards head, count and lengths */
    ULONG head, count;
    ULONG lengths[QUEUE_LENGTH];
    KSEMAPHORE work;
    KEVENT stop;
    PVOID thread;
};

static BOOLEAN push(struct worker *worker, ULONG length)
{
    BOOLEAN room;
    KIRQL irql;

    KeAcquireSpinLock(&worker->lock, &irql);
    room = worker->count < QUEUE_LENGTH;
    if (room)
        worker->lengths[(worker->head + worker->count++) % QUEUE_LENGTH] = length;
    KeReleaseSpinLock(&worker->lock, irql);
    return room;
}

static ULONG pop(struct worker *worker)
{
    ULONG length;
    KIRQL irql;

    KeAcquireSpinLock(&worker->lock, &irql);
    length = worker->lengths[worker->head];
    worker->head = (worker->head + 1) % QUEUE_LENGTH;
    worker->count--;
    KeReleaseSpinLock(&worker->lock, irql);
    return length;
}

static VOID NTAPI work(PVOID Context)
{
    struct worker *worker = Context;
    PVOID objects[] = {&worker->stop, &worker->work};

    for (;;) {
        NTSTATUS status =
            KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);

        if (status == STATUS_WAIT_0)
            break;
        DbgPrint("thread: %lu bytes of work\n", pop(worker));
    }
    DbgPrint("thread: ends\n");
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS start_thread(struct worker *worker)
{
    HANDLE handle;
    NTSTATUS status;

    KeInitializeSpinLock(&worker->lock);
    KeInitializeSemaphore(&worker->work, 0, QUEUE_LENGTH);
    KeInitializeEvent(&worker->stop, NotificationEvent, FALSE);
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, work, worker);
    if (!NT_SUCCESS(status))
        return status;
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &worker->thread,
                                       NULL);
    ZwClose(handle);
    return status;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct worker *worker = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;

    Irp->IoStatus.Information = 0;
    if (location->MajorFunction == IRP_MJ_WRITE) {
        if (push(worker, location->Parameters.Write.Length)) {
            Irp->IoStatus.Information = location->Parameters.Write.Length;
            KeReleaseSemaphore(&worker->work, IO_NO_INCREMENT, 1, FALSE);
        } else {
            status = STATUS_DEVICE_BUSY;
        }
    }
    Irp->IoStatus.Status = status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    struct worker *worker = DriverObject->DeviceObject->DeviceExtension;

    KeSetEvent(&worker->stop, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(worker->thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(worker->thread);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Threads");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct worker), &name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    DeviceObject->Flags |= DO_BUFFERED_IO;
    status = start_thread(DeviceObject->DeviceExtension);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    return status;
}

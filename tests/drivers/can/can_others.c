/* SPDX-License-Identifier: MIT */
/*
 * Requests that another thread sent are canceled: those of a file by
 * ZwCancelIoFileEx, all or one, and the one that a thread waits for by
 * ZwCancelSynchronousIoFile. Reads stay in a cancel-safe queue.
 */
#include "rltest.h"

/* The DDK's import library does not have them. */
typedef NTSTATUS(NTAPI *CANCEL)(HANDLE Handle, PIO_STATUS_BLOCK IoRequestToCancel,
                                PIO_STATUS_BLOCK IoStatusBlock);
static CANCEL cancel_file, cancel_synchronous_of;

#define OTHERS_ASYNCHRONOUS RL_IOCTL(0)
#define OTHERS_SYNCHRONOUS  RL_IOCTL(1)

static UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\CanOthers");
static IO_CSQ csq;
static LIST_ENTRY queue;
static KSPIN_LOCK lock;
static PKTHREAD canceler;
static KEVENT waiting, finish; /* a read is queued; the thread may end */
static IO_STATUS_BLOCK results[3];
static NTSTATUS status_of_wait;
static UCHAR buffer[4];

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI csq_insert(PIO_CSQ c, PIRP irp)
{
    InsertTailList(&queue, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ c, PIRP irp)
{
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI csq_peek(PIO_CSQ c, PIRP irp, PVOID context)
{
    PLIST_ENTRY at = irp != NULL ? irp->Tail.Overlay.ListEntry.Flink : queue.Flink;

    return at != &queue ? CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry) : NULL;
}

static VOID NTAPI csq_acquire(PIO_CSQ c, PKIRQL irql)
{
    KeAcquireSpinLock(&lock, irql);
}

static VOID NTAPI csq_release(PIO_CSQ c, KIRQL irql)
{
    KeReleaseSpinLock(&lock, irql);
}

static VOID NTAPI csq_canceled(PIO_CSQ c, PIRP irp)
{
    canceler = KeGetCurrentThread();
    complete(irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT device, PIRP irp)
{
    IoCsqInsertIrp(&csq, irp, NULL);
    KeSetEvent(&waiting, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static NTSTATUS open_own(HANDLE *file, ULONG options)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(file, FILE_READ_DATA | SYNCHRONIZE, &attributes, &iosb, NULL, 0, 7, FILE_OPEN,
                        options, NULL, 0);
}

static NTSTATUS read_from(HANDLE file, PIO_STATUS_BLOCK result)
{
    LARGE_INTEGER zero = {0};

    result->Status = STATUS_PENDING;
    return ZwReadFile(file, NULL, NULL, NULL, result, buffer, sizeof(buffer), &zero, NULL);
}

static PKTHREAD start(PKSTART_ROUTINE routine, PVOID context, HANDLE *handle)
{
    PVOID thread;

    KeInitializeEvent(&waiting, SynchronizationEvent, FALSE);
    KeInitializeEvent(&finish, NotificationEvent, FALSE);
    PsCreateSystemThread(handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context);
    ObReferenceObjectByHandle(*handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    return thread;
}

static VOID end(PKTHREAD thread, HANDLE handle)
{
    KeSetEvent(&finish, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

/* ---- two files; three reads by another thread ---- */

static HANDLE files[2];
static KEVENT sent;

static VOID NTAPI send_three(PVOID context)
{
    CHECK_STATUS("CAN-05", read_from(files[0], &results[0]), STATUS_PENDING);
    CHECK_STATUS("CAN-05", read_from(files[0], &results[1]), STATUS_PENDING);
    CHECK_STATUS("CAN-05", read_from(files[1], &results[2]), STATUS_PENDING);
    KeSetEvent(&sent, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&finish, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID let_it_end(VOID)
{
    LARGE_INTEGER moment = {.QuadPart = -100000};

    KeDelayExecutionThread(KernelMode, FALSE, &moment);
}

static VOID NTAPI cancel_asynchronous(PVOID context)
{
    IO_STATUS_BLOCK iosb;
    PKTHREAD thread;
    HANDLE handle;

    KeInitializeEvent(&sent, NotificationEvent, FALSE);
    CHECK_STATUS("CAN-05", open_own(&files[0], 0), STATUS_SUCCESS);
    CHECK_STATUS("CAN-05", open_own(&files[1], 0), STATUS_SUCCESS);
    thread = start(send_three, NULL, &handle);
    KeWaitForSingleObject(&sent, Executive, KernelMode, FALSE, NULL);
    /* CancelIo is about the caller's own requests. */
    CHECK_STATUS("CAN-05", cancel_file(files[0], &iosb, &iosb), STATUS_NOT_FOUND);
    CHECK_STATUS("CAN-05", iosb.Status, STATUS_NOT_FOUND);
    CHECK_STATUS("CAN-05", cancel_file(files[0], &results[1], &iosb), STATUS_SUCCESS);
    let_it_end();
    CHECK("CAN-05", results[0].Status == STATUS_PENDING && results[1].Status == STATUS_CANCELLED);
    CHECK("CAN-05", canceler == thread);
    CHECK_STATUS("CAN-05", cancel_file(files[0], NULL, &iosb), STATUS_SUCCESS);
    CHECK_STATUS("CAN-05", iosb.Status, STATUS_SUCCESS);
    let_it_end();
    CHECK("CAN-05", results[0].Status == STATUS_CANCELLED && results[2].Status == STATUS_PENDING);
    CHECK_STATUS("CAN-05", cancel_file(files[0], NULL, &iosb), STATUS_NOT_FOUND);
    /* Asynchronous requests are not what a thread waits for. */
    CHECK_STATUS("CAN-05", cancel_synchronous_of(handle, NULL, &iosb), STATUS_NOT_FOUND);
    CHECK_STATUS("CAN-05", cancel_file(files[1], NULL, &iosb), STATUS_SUCCESS);
    CHECK_STATUS("CAN-05", cancel_file(handle, NULL, &iosb), STATUS_OBJECT_TYPE_MISMATCH);
    end(thread, handle);
    ZwClose(files[0]);
    ZwClose(files[1]);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Of one process's threads: those that send are System's. */
static VOID run_in_system(PKSTART_ROUTINE routine)
{
    HANDLE handle;
    PVOID thread;

    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, NULL);
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

/* ---- a thread that waits in ZwReadFile ---- */

static VOID NTAPI wait_for_read(PVOID context)
{
    status_of_wait = read_from(files[0], &results[0]);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID cancel_synchronous(VOID)
{
    IO_STATUS_BLOCK iosb;
    PKTHREAD thread;
    HANDLE handle;

    CHECK_STATUS("CAN-05", open_own(&files[0], FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
    thread = start(wait_for_read, NULL, &handle);
    KeWaitForSingleObject(&waiting, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("CAN-05", cancel_synchronous_of(handle, &iosb, &iosb), STATUS_NOT_FOUND);
    CHECK_STATUS("CAN-05", cancel_synchronous_of(handle, NULL, &iosb), STATUS_SUCCESS);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("CAN-05", status_of_wait, STATUS_CANCELLED);
    CHECK_STATUS("CAN-05", results[0].Status, STATUS_CANCELLED);
    CHECK_STATUS("CAN-05", cancel_synchronous_of(handle, NULL, &iosb), STATUS_NOT_FOUND); /* it has ended */
    CHECK_STATUS("CAN-05", cancel_synchronous_of(files[0], NULL, &iosb), STATUS_OBJECT_TYPE_MISMATCH);
    end(thread, handle);
    ZwClose(files[0]);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp)
{
    if (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode == OTHERS_SYNCHRONOUS)
        cancel_synchronous();
    else
        run_in_system(cancel_asynchronous);
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    UNICODE_STRING file = RTL_CONSTANT_STRING(L"ZwCancelIoFileEx");
    UNICODE_STRING synchronous = RTL_CONSTANT_STRING(L"ZwCancelSynchronousIoFile");
    PDEVICE_OBJECT device;

    cancel_file = (CANCEL)(ULONG_PTR)MmGetSystemRoutineAddress(&file);
    cancel_synchronous_of = (CANCEL)(ULONG_PTR)MmGetSystemRoutineAddress(&synchronous);
    CHECK("CAN-05", cancel_file != NULL && cancel_synchronous_of != NULL);
    InitializeListHead(&queue);
    KeInitializeSpinLock(&lock);
    KeInitializeEvent(&waiting, SynchronizationEvent, FALSE);
    IoCsqInitialize(&csq, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_canceled);
    driver->MajorFunction[IRP_MJ_CREATE] = create_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = create_close;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->DriverUnload = unload;
    return IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

/* SPDX-License-Identifier: MIT */
/*
 * Who cancels: a thread that ends, CancelIo on a handle, and CLEANUP when the
 * last handle is closed. Reads stay in a queue; a control code completes the
 * oldest, others make a thread that leaves requests behind.
 */
#include "rltest.h"

NTSYSAPI NTSTATUS NTAPI ZwCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);

#define EXIT_FINISH RL_IOCTL(0) /* completes the oldest read; the answer: how many are left */
#define EXIT_THREAD RL_IOCTL(1) /* a thread ends with two reads of its own outstanding */
#define EXIT_STUCK  RL_IOCTL(2) /* the same, and they cannot be canceled */
#define EXIT_COUNT  RL_IOCTL(3)
#define EXIT_CANCEL RL_IOCTL(4) /* ZwCancelIoFile: only the caller's own requests */

static UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\CanExit");
static LIST_ENTRY queue;
static KSPIN_LOCK lock;
static BOOLEAN stuck;
static PKTHREAD canceler;
static KIRQL canceled_at;
static ULONG canceled;
static IO_STATUS_BLOCK results[2];
static HANDLE opened;

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;

    canceler = KeGetCurrentThread();
    canceled_at = irp->CancelIrql;
    canceled++;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;

    IoMarkIrpPending(irp);
    KeAcquireSpinLock(&lock, &irql);
    if (!stuck)
        IoSetCancelRoutine(irp, cancel);
    if (irp->Cancel && (stuck || IoSetCancelRoutine(irp, NULL) != NULL)) {
        KeReleaseSpinLock(&lock, irql);
        complete(irp, STATUS_CANCELLED, 0);
        return STATUS_PENDING;
    }
    InsertTailList(&queue, &irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    return STATUS_PENDING;
}

/* The oldest of that file, or of any; not one whose cancel routine is on its way. */
static PIRP take(PFILE_OBJECT file)
{
    PIRP found = NULL;
    PLIST_ENTRY entry, next;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    for (entry = queue.Flink; found == NULL && entry != &queue; entry = next) {
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        next = entry->Flink;
        if (file != NULL && IoGetCurrentIrpStackLocation(irp)->FileObject != file)
            continue;
        RemoveEntryList(entry);
        if (IoSetCancelRoutine(irp, NULL) != NULL || stuck)
            found = irp;
        else
            InitializeListHead(entry);
    }
    KeReleaseSpinLock(&lock, irql);
    return found;
}

static NTSTATUS NTAPI cleanup(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP pending;

    while ((pending = take(IoGetCurrentIrpStackLocation(irp)->FileObject)) != NULL)
        complete(pending, STATUS_CANCELLED, 0);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static ULONG count(VOID)
{
    PLIST_ENTRY entry;
    ULONG number = 0;

    for (entry = queue.Flink; entry != &queue; entry = entry->Flink)
        number++;
    return number;
}

static UCHAR buffer[4];

static VOID ask(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER zero = {0};
    ULONG i;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("IRP-10",
                 ZwCreateFile(&opened, FILE_READ_DATA, &attributes, &iosb, NULL, 0, 7, FILE_OPEN, 0, NULL, 0),
                 STATUS_SUCCESS);
    for (i = 0; i < 2; i++) {
        results[i].Status = STATUS_PENDING;
        CHECK_STATUS("IRP-10",
                     ZwReadFile(opened, NULL, NULL, NULL, &results[i], buffer, sizeof(buffer), &zero, NULL),
                     STATUS_PENDING);
    }
}

static VOID NTAPI asker(PVOID context)
{
    ask();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Runs the thread; the answer: how long its end took. */
static ULONGLONG ask_and_end(VOID)
{
    HANDLE handle;
    PVOID thread;
    ULONGLONG before = KeQueryInterruptTime();

    canceled = 0;
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, asker, NULL);
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK("CAN-14", stuck || canceler == (PKTHREAD)thread);
    ObDereferenceObject(thread);
    ZwClose(handle);
    return KeQueryInterruptTime() - before;
}

static VOID thread_ends(VOID)
{
    ULONG others = count();
    ULONGLONG took = ask_and_end();

    CHECK("IRP-10", canceled == 2 && count() == others);
    CHECK_STATUS("IRP-10", results[0].Status, STATUS_CANCELLED);
    CHECK_STATUS("IRP-10", results[1].Status, STATUS_CANCELLED);
    CHECK("CAN-14", canceled_at <= APC_LEVEL && took < 10000000);
    ZwClose(opened);
}

/* After five minutes they are nobody's: completed at last, they tell nobody. */
static VOID thread_gives_up(VOID)
{
    PIRP first, second;
    ULONGLONG took;

    stuck = TRUE;
    took = ask_and_end();
    CHECK("CAN-14", took >= 3000000000ull && took < 3100000000ull);
    CHECK("CAN-14", canceled == 0 && count() == 2);
    first = take(NULL);
    second = take(NULL);
    CHECK("IRP-10", first->Cancel && first->Tail.Overlay.Thread == NULL);
    CHECK("IRP-10", second->Cancel && second->Tail.Overlay.Thread == NULL);
    complete(first, STATUS_SUCCESS, 4);
    complete(second, STATUS_CANCELLED, 0);
    CHECK("IRP-10", results[0].Status == STATUS_PENDING && results[1].Status == STATUS_PENDING);
    stuck = FALSE;
    ZwClose(opened);
}

/* Of the requests in the queue only those that this thread sent to that file are canceled. */
static VOID cancel_own(VOID)
{
    IO_STATUS_BLOCK iosb = {0};
    ULONG others = count();

    ask();
    canceled = 0;
    CHECK_STATUS("CAN-05", ZwCancelIoFile(opened, &iosb), STATUS_SUCCESS);
    CHECK("CAN-05", canceled == 2 && count() == others && canceler == KeGetCurrentThread());
    CHECK("CAN-05", results[0].Status == STATUS_CANCELLED && results[1].Status == STATUS_CANCELLED);
    CHECK_STATUS("CAN-05", ZwCancelIoFile(opened, &iosb), STATUS_SUCCESS); /* nothing left: no error */
    ZwClose(opened);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP oldest;

    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case EXIT_FINISH:
        oldest = take(NULL);
        if (oldest != NULL)
            complete(oldest, STATUS_SUCCESS, 0);
        break;
    case EXIT_THREAD:
        thread_ends();
        break;
    case EXIT_STUCK:
        thread_gives_up();
        break;
    case EXIT_CANCEL:
        cancel_own();
        break;
    }
    return complete(irp, STATUS_SUCCESS, count());
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    InitializeListHead(&queue);
    KeInitializeSpinLock(&lock);
    device->Flags |= DO_DIRECT_IO;
    driver->MajorFunction[IRP_MJ_CREATE] = create_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = create_close;
    driver->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

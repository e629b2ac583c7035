/* SPDX-License-Identifier: MIT */
/*
 * Cancellation in a driver with a queue of its own: who takes the cancel routine
 * out of the IRP has the IRP. The requests that this driver makes for its own
 * devices are sq.h's; 'a' in the log is the completion of the first, and so on.
 */
#include "../sq/sq.h"

static PDEVICE_OBJECT upper, lower; /* the upper one holds requests, and passes them on when told to */
static LIST_ENTRY queue;
static KSPIN_LOCK lock;
static BOOLEAN steal; /* the cancel routine meets somebody who takes requests out of the queue */
static BOOLEAN late;  /* a request is canceled just before its cancel routine is set */
static PIRP stolen;
static PDEVICE_OBJECT canceled_for;
static KIRQL level, cancel_level;

/* A request that is not canceled, out of the queue; its cancel routine is out of it. */
static PIRP take(VOID)
{
    PIRP found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    while (found == NULL && !IsListEmpty(&queue)) {
        PLIST_ENTRY entry = RemoveHeadList(&queue);
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (IoSetCancelRoutine(irp, NULL) != NULL)
            found = irp;
        else
            InitializeListHead(entry); /* its cancel routine is on its way, and will take it "out" */
    }
    KeReleaseSpinLock(&lock, irql);
    return found;
}

static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;

    level = KeGetCurrentIrql();
    canceled_for = device;
    cancel_level = irp->CancelIrql;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    CHECK_EQ("CAN-01", KeGetCurrentIrql(), cancel_level);
    if (steal)
        stolen = take();
    KeAcquireSpinLock(&lock, &irql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    sq_complete(irp, STATUS_CANCELLED);
}

/* Mark, set the routine, look whether it came too late; only then queue. */
static NTSTATUS hold(PIRP irp)
{
    KIRQL irql;

    IoMarkIrpPending(irp);
    KeAcquireSpinLock(&lock, &irql);
    if (late)
        CHECK("CAN-08", !IoCancelIrp(irp)); /* there is no routine to call */
    IoSetCancelRoutine(irp, cancel);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
        KeReleaseSpinLock(&lock, irql);
        sq_complete(irp, STATUS_CANCELLED);
        return STATUS_PENDING;
    }
    InsertTailList(&queue, &irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT device, PIRP irp)
{
    CHECK("CAN-11", irp->CancelRoutine == NULL);
    return hold(irp);
}

static NTSTATUS pass_on(PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(lower, irp);
}

static VOID held(VOID)
{
    KIRQL irql;

    sq_send(upper, 0, 0);
    sq_send(upper, 1, 0);
    CHECK_LOG("CAN-01", "");
    CHECK("CAN-01", IoCancelIrp(sq_irps[1]) && sq_status[1] == STATUS_CANCELLED);
    CHECK("CAN-01", level == DISPATCH_LEVEL && cancel_level == PASSIVE_LEVEL && canceled_for == upper);
    CHECK("CAN-01", sq_irps[1]->Cancel && sq_irps[1]->CancelRoutine == NULL);
    CHECK("CAN-01", !IoCancelIrp(sq_irps[1])); /* a second time: nothing to call */
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK("CAN-01", IoCancelIrp(sq_irps[0]) && cancel_level == DISPATCH_LEVEL);
    KeLowerIrql(irql);
    CHECK_LOG("CAN-01", "ba");
    sq_free(2);
}

static VOID exchanges(VOID)
{
    PIRP irp = sq_make(upper, 0, 0);

    CHECK("CAN-06", IoSetCancelRoutine(irp, cancel) == NULL);
    CHECK("CAN-06", IoSetCancelRoutine(irp, NULL) == cancel && irp->CancelRoutine == NULL);
    CHECK("CAN-06", IoSetCancelRoutine(irp, NULL) == NULL);
    IoFreeIrp(irp);
    sq_send(upper, 0, 0);
    sq_send(upper, 1, 0);
    steal = TRUE; /* meets the canceled one first, leaves it alone, takes the other */
    CHECK("CAN-06", IoCancelIrp(sq_irps[0]) && stolen == sq_irps[1]);
    CHECK("CAN-06", sq_status[0] == STATUS_CANCELLED && sq_status[1] == STATUS_PENDING);
    steal = FALSE;
    CHECK("CAN-09",
          !IoCancelIrp(stolen) && stolen->Cancel); /* being processed: marked, and left to its holder */
    sq_complete(stolen, STATUS_SUCCESS);
    CHECK("CAN-05", sq_status[1] == STATUS_SUCCESS && sq_irps[1]->Cancel); /* canceled, and yet it was done */
    CHECK_LOG("CAN-06", "ab");
    sq_free(2);
}

static VOID too_early(VOID)
{
    late = TRUE;
    CHECK_STATUS("CAN-08", sq_send(upper, 0, 0), STATUS_PENDING);
    late = FALSE;
    CHECK("CAN-08", sq_status[0] == STATUS_CANCELLED && IsListEmpty(&queue));
    CHECK_LOG("CAN-08", "a");
    sq_free(1);
}

/* The lower driver sets a routine of its own; it is called with the lower device. */
static VOID passed_on(VOID)
{
    PIRP irp;

    sq_send(upper, 0, 0);
    irp = take();
    CHECK("CAN-11", irp == sq_irps[0] && irp->CancelRoutine == NULL);
    CHECK_STATUS("CAN-11", pass_on(irp), STATUS_PENDING);
    CHECK("CAN-11", irp->CancelRoutine == cancel);
    CHECK("CAN-03", IoCancelIrp(irp) && canceled_for == lower);
    CHECK_LOG("CAN-03", "a");
    sq_free(1);
}

static PIRP parts[2];

static VOID NTAPI cancel_master(PDEVICE_OBJECT device, PIRP irp)
{
    IoReleaseCancelSpinLock(irp->CancelIrql);
    CHECK("CAN-12", IoCancelIrp(parts[0]));
    CHECK("CAN-12", sq_status[25] == STATUS_PENDING); /* the master waits for the other part */
    CHECK("CAN-12", IoCancelIrp(parts[1]));
}

static NTSTATUS NTAPI master_completed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    sq_status[25] = irp->IoStatus.Status;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Nobody but the master's cancel routine cancels its associated IRPs; the last one completes the master. */
static VOID associated(VOID)
{
    PIRP master = IoAllocateIrp(1, FALSE);
    ULONG i;

    IoSetCompletionRoutine(master, master_completed, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(master);
    IoGetCurrentIrpStackLocation(master)->DeviceObject = upper;
    sq_status[25] = STATUS_PENDING;
    master->AssociatedIrp.IrpCount = 2;
    for (i = 0; i < 2; i++) {
        parts[i] = IoMakeAssociatedIrp(master, lower->StackSize);
        IoGetNextIrpStackLocation(parts[i])->MajorFunction = IRP_MJ_WRITE;
        IoCallDriver(lower, parts[i]);
    }
    IoMarkIrpPending(master);
    master->IoStatus.Status = STATUS_CANCELLED;
    IoSetCancelRoutine(master, cancel_master);
    CHECK("CAN-12", IoCancelIrp(master) && sq_status[25] == STATUS_CANCELLED && IsListEmpty(&queue));
    IoFreeIrp(master);
}

/* One lock for the whole system: while one processor has it, another cannot begin to cancel. */
static LONG holding;
static PIRP contested;

static VOID NTAPI holder(PVOID context)
{
    KIRQL irql;
    ULONG i;

    IoAcquireCancelSpinLock(&irql);
    CHECK("CAN-15", irql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    InterlockedExchange(&holding, 1);
    for (i = 0; i < 200 && !contested->Cancel; i++)
        KeStallExecutionProcessor(50);
    CHECK("CAN-07", !contested->Cancel && contested->CancelRoutine == cancel);
    InterlockedExchange(&holding, 2);
    IoReleaseCancelSpinLock(irql);
    CHECK("CAN-15", KeGetCurrentIrql() == PASSIVE_LEVEL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID one_lock(VOID)
{
    LARGE_INTEGER interval = {.QuadPart = -1000};
    KIRQL outer, irql;
    HANDLE thread;
    PVOID object;

    KeRaiseIrql(DISPATCH_LEVEL, &outer);
    IoAcquireCancelSpinLock(&irql);
    CHECK("CAN-15", irql == DISPATCH_LEVEL);
    IoReleaseCancelSpinLock(irql);
    CHECK("CAN-15", KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(outer);
    sq_send(upper, 0, 0);
    contested = sq_irps[0];
    PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, holder, NULL);
    ObReferenceObjectByHandle(thread, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &object, NULL);
    while (!*(volatile LONG *)&holding)
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    CHECK("CAN-15", IoCancelIrp(contested));
    CHECK("CAN-15", holding == 2);
    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(object);
    ZwClose(thread);
    CHECK_LOG("CAN-15", "a");
    sq_free(1);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql, again;

    IoAcquireCancelSpinLock(&irql);
    IoAcquireCancelSpinLock(&again); /* never comes back */
    return sq_open_close(device, irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Can");
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower);

    driver->MajorFunction[IRP_MJ_CREATE] = sq_open_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = sq_open_close;
    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->DriverUnload = sq_unload;
    if (NT_SUCCESS(status))
        status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &upper);
    if (!NT_SUCCESS(status)) {
        sq_unload(driver);
        return status;
    }
    upper->StackSize = lower->StackSize + 1;
    InitializeListHead(&queue);
    KeInitializeSpinLock(&lock);
    held();
    exchanges();
    too_early();
    passed_on();
    associated();
    one_lock();
    return STATUS_SUCCESS;
}

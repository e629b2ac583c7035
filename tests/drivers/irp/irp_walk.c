/* SPDX-License-Identifier: MIT */
/* Sending, and the completion walk: IRP-20, 22..28, 30, 41, 60..78. Runs in DriverEntry against a stack of
 * three devices. */
#include "stack.h"

static KEVENT done;
static ULONG order[16], order_count;
static struct {
    PDEVICE_OBJECT device;
    BOOLEAN pending;
    NTSTATUS status;
    CCHAR location;
    UCHAR left_major, left_minor, left_flags, left_control;
    PVOID left_device, left_file, left_context;
    PIO_COMPLETION_ROUTINE left_routine;
    ULONG_PTR left_argument[4];
    KIRQL irql;
} seen[LAYERS];

/* The location that the walk has just left lies below the current one in memory. */
static VOID look(ULONG layer, PDEVICE_OBJECT device, PIRP Irp)
{
    PIO_STACK_LOCATION left = IoGetCurrentIrpStackLocation(Irp) - 1;

    order[order_count++ % 16] = layer;
    seen[layer].device = device;
    seen[layer].pending = Irp->PendingReturned;
    seen[layer].status = Irp->IoStatus.Status;
    seen[layer].location = Irp->CurrentLocation;
    seen[layer].left_major = left->MajorFunction;
    seen[layer].left_minor = left->MinorFunction;
    seen[layer].left_flags = left->Flags;
    seen[layer].left_control = left->Control;
    seen[layer].left_device = left->DeviceObject;
    seen[layer].left_file = left->FileObject;
    seen[layer].left_routine = left->CompletionRoutine;
    seen[layer].left_context = left->Context;
    RtlCopyMemory(seen[layer].left_argument, &left->Parameters, sizeof(seen[layer].left_argument));
    seen[layer].irql = KeGetCurrentIrql();
}

static NTSTATUS NTAPI watch_middle(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    look(MIDDLE, DeviceObject, Irp);
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI watch_top(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    look(TOP, DeviceObject, Irp);
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI creator_routine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    CHECK("IRP-67", DeviceObject == NULL); /* the creator has no location of its own */
    order[order_count++ % 16] = 9;
    *(BOOLEAN *)Context = Irp->PendingReturned;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static UCHAR middle_control;

static NTSTATUS pass_middle(PDEVICE_OBJECT device, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, watch_middle, (PVOID)0x1234, (middle_control & SL_INVOKE_ON_SUCCESS) != 0,
                           (middle_control & SL_INVOKE_ON_ERROR) != 0,
                           (middle_control & SL_INVOKE_ON_CANCEL) != 0);
    return IoCallDriver(layer_of(device)->lower, Irp);
}

static NTSTATUS pass_top(PDEVICE_OBJECT device, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, watch_top, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(layer_of(device)->lower, Irp);
}

static NTSTATUS bottom_status;
static BOOLEAN bottom_pends;

static NTSTATUS bottom(PDEVICE_OBJECT device, PIRP Irp)
{
    if (bottom_pends)
        IoMarkIrpPending(Irp);
    complete_with(Irp, bottom_status, 5);
    return bottom_pends ? STATUS_PENDING : bottom_status;
}

static BOOLEAN creator_pending;

static PIRP prepare(UCHAR major)
{
    PIRP Irp = IoAllocateIrp(stack[TOP]->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);

    stack_reset();
    RtlZeroMemory(seen, sizeof(seen));
    order_count = 0;
    bottom_status = STATUS_SUCCESS;
    bottom_pends = FALSE;
    middle_control = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
    layer_of(stack[TOP])->handler = pass_top;
    layer_of(stack[MIDDLE])->handler = pass_middle;
    layer_of(stack[BOTTOM])->handler = bottom;
    next->MajorFunction = major;
    next->MinorFunction = 3;
    next->Flags = 0x40;
    next->Parameters.Others.Argument1 = (PVOID)0x11;
    next->Parameters.Others.Argument2 = (PVOID)0x22;
    next->Parameters.Others.Argument3 = (PVOID)0x33;
    next->Parameters.Others.Argument4 = (PVOID)0x44;
    IoSetCompletionRoutine(Irp, creator_routine, &creator_pending, TRUE, TRUE, TRUE);
    return Irp;
}

static NTSTATUS note_location(PDEVICE_OBJECT device, PIRP Irp)
{
    CHECK("IRP-20", IoGetCurrentIrpStackLocation(Irp)->DeviceObject == device);
    CHECK_EQ("IRP-20", Irp->CurrentLocation, 1);
    return complete_with(Irp, 0x40000123, 0); /* an unusual status must come back unchanged */
}

static VOID test_send(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    layer_of(stack[BOTTOM])->handler = note_location;
    CHECK_EQ("IRP-20", stack[TOP]->StackSize, 3);
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-20", status, 0x40000123);
    CHECK_EQ("IRP-20", layer_of(stack[TOP])->last_location, 3);
    CHECK_EQ("IRP-20", layer_of(stack[MIDDLE])->last_location, 2);
    CHECK_EQ("IRP-20", layer_of(stack[BOTTOM])->last_location, 1);
    CHECK_EQ("IRP-20", layer_of(stack[BOTTOM])->last_major, IRP_MJ_READ);
    CHECK_EQ("IRP-30",
             layer_of(stack[TOP])->calls + layer_of(stack[MIDDLE])->calls + layer_of(stack[BOTTOM])->calls,
             3);
    IoFreeIrp(Irp);

    /* IRP-22: allowed at DISPATCH_LEVEL. */
    Irp = prepare(IRP_MJ_READ);
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_EQ("IRP-22", KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(irql);
    CHECK_STATUS("IRP-22", status, STATUS_SUCCESS);
    CHECK_EQ("IRP-74", seen[TOP].irql, DISPATCH_LEVEL); /* routines run at the completer's IRQL */
    IoFreeIrp(Irp);
}

static UCHAR below_control;
static PIO_COMPLETION_ROUTINE below_routine;
static PVOID below_context;
static ULONG_PTR below_argument2;

static NTSTATUS look_below(PDEVICE_OBJECT device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    below_control = location->Control;
    below_routine = location->CompletionRoutine;
    below_context = location->Context;
    below_argument2 = (ULONG_PTR)location->Parameters.Others.Argument2;
    return complete_with(Irp, STATUS_SUCCESS, 0);
}

static VOID test_copy_and_skip(void)
{
    PIRP Irp = prepare(IRP_MJ_WRITE);

    /* IRP-23: copy takes all but the routine, its context and Control. */
    layer_of(stack[TOP])->handler = copy_down;
    layer_of(stack[MIDDLE])->handler = copy_down;
    layer_of(stack[BOTTOM])->handler = look_below;
    IoCallDriver(stack[TOP], Irp);
    CHECK_EQ("IRP-23", below_control, 0);
    CHECK("IRP-23", below_routine == NULL && below_context == NULL);
    CHECK_EQ("IRP-23", below_argument2, 0x22);
    IoFreeIrp(Irp);

    /* Skip: the lower driver uses our location; the creator's routine in it is still the one called. */
    Irp = prepare(IRP_MJ_WRITE);
    layer_of(stack[TOP])->handler = skip_down;
    layer_of(stack[MIDDLE])->handler = skip_down;
    layer_of(stack[BOTTOM])->handler = look_below;
    IoCallDriver(stack[TOP], Irp);
    CHECK_EQ("IRP-23", layer_of(stack[BOTTOM])->last_location, 3);
    CHECK("IRP-24", below_routine == creator_routine && below_context == &creator_pending);
    CHECK_EQ("IRP-26", below_argument2, 0x22);
    CHECK_EQ("IRP-25", below_control & SL_PENDING_RETURNED, 0);
    CHECK_EQ("IRP-24", order_count, 1);
    IoFreeIrp(Irp);
}

static VOID test_walk(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);

    IoCallDriver(stack[TOP], Irp);
    CHECK("IRP-62", order_count == 3 && order[0] == MIDDLE && order[1] == TOP && order[2] == 9);
    CHECK_EQ("IRP-62", seen[MIDDLE].location, 2); /* advanced before the routine is called */
    CHECK_EQ("IRP-62", seen[TOP].location, 3);
    CHECK("IRP-67", seen[MIDDLE].device == stack[MIDDLE]);
    CHECK("IRP-67", seen[TOP].device == stack[TOP]);
    CHECK_EQ("IRP-63", seen[MIDDLE].pending, FALSE);
    /* IRP-66: the location left is wiped but for the major code, the device, the routine and its context. */
    CHECK_EQ("IRP-66", seen[MIDDLE].left_major, IRP_MJ_READ);
    CHECK_EQ("IRP-66", seen[MIDDLE].left_minor, 0);
    CHECK_EQ("IRP-66", seen[MIDDLE].left_flags, 0);
    CHECK_EQ("IRP-66", seen[MIDDLE].left_control, 0);
    CHECK("IRP-66", seen[MIDDLE].left_file == NULL);
    CHECK("IRP-66", seen[MIDDLE].left_device == stack[BOTTOM]);
    CHECK("IRP-66", seen[MIDDLE].left_routine == watch_middle && seen[MIDDLE].left_context == (PVOID)0x1234);
    CHECK("IRP-66", seen[MIDDLE].left_argument[0] == 0 && seen[MIDDLE].left_argument[1] == 0 &&
                        seen[MIDDLE].left_argument[2] == 0);
    /* IRP-70: the creator's routine stopped the walk: nothing was touched afterwards, it is ours. */
    CHECK_EQ("IRP-70", Irp->CurrentLocation, 4);
    CHECK_EQ("IRP-70", Irp->IoStatus.Information, 5);
    IoFreeIrp(Irp);

    Irp = prepare(IRP_MJ_READ);
    bottom_status = STATUS_DEVICE_NOT_READY;
    IoCallDriver(stack[TOP], Irp);
    CHECK_EQ("IRP-66", seen[MIDDLE].left_control, SL_ERROR_RETURNED);
    CHECK_STATUS("IRP-66", (NTSTATUS)seen[MIDDLE].left_argument[3], STATUS_DEVICE_NOT_READY);
    IoFreeIrp(Irp);
}

static VOID test_pending(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    bottom_pends = TRUE;
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-41", status, STATUS_PENDING);
    CHECK_EQ("IRP-41", seen[MIDDLE].pending, TRUE); /* the mark of the location it was made in */
    CHECK_EQ("IRP-69", seen[TOP].pending, TRUE);    /* carried up by the middle's routine */
    CHECK_EQ("IRP-69", creator_pending, TRUE);
    IoFreeIrp(Irp);

    /* IRP-68: the middle's routine is not called (only on cancel): the I/O manager carries the mark up
     * itself. */
    Irp = prepare(IRP_MJ_READ);
    bottom_pends = TRUE;
    middle_control = SL_INVOKE_ON_CANCEL;
    IoCallDriver(stack[TOP], Irp);
    CHECK("IRP-68", order_count == 2 && order[0] == TOP);
    CHECK_EQ("IRP-68", seen[TOP].pending, TRUE);
    IoFreeIrp(Irp);
}

/* Which of the three conditions calls the middle's routine. */
static BOOLEAN middle_called(UCHAR control, NTSTATUS status, BOOLEAN cancel)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    BOOLEAN called;

    middle_control = control;
    bottom_status = status;
    Irp->Cancel = cancel;
    IoCallDriver(stack[TOP], Irp);
    called = order_count == 3;
    IoFreeIrp(Irp);
    return called;
}

static VOID test_conditions(void)
{
    CHECK("IRP-64", middle_called(SL_INVOKE_ON_SUCCESS, STATUS_SUCCESS, FALSE));
    CHECK("IRP-64", !middle_called(SL_INVOKE_ON_SUCCESS, STATUS_UNSUCCESSFUL, FALSE));
    CHECK("IRP-64", middle_called(SL_INVOKE_ON_ERROR, STATUS_UNSUCCESSFUL, FALSE));
    CHECK("IRP-64", !middle_called(SL_INVOKE_ON_ERROR, STATUS_SUCCESS, FALSE));
    CHECK("IRP-64", middle_called(SL_INVOKE_ON_CANCEL, STATUS_SUCCESS, TRUE));
    CHECK("IRP-64",
          !middle_called(SL_INVOKE_ON_CANCEL, STATUS_CANCELLED, FALSE)); /* the Boolean, not the status */
    CHECK("IRP-64", !middle_called(SL_INVOKE_ON_CANCEL, STATUS_UNSUCCESSFUL, FALSE));
    CHECK("IRP-64", middle_called(SL_INVOKE_ON_CANCEL, STATUS_UNSUCCESSFUL, TRUE));
    CHECK("IRP-65", middle_called(SL_INVOKE_ON_SUCCESS, STATUS_OBJECT_NAME_EXISTS, FALSE));
    CHECK("IRP-65", !middle_called(SL_INVOKE_ON_SUCCESS, STATUS_BUFFER_OVERFLOW, FALSE));
    CHECK("IRP-65", middle_called(SL_INVOKE_ON_ERROR, STATUS_BUFFER_OVERFLOW, FALSE));
}

static NTSTATUS NTAPI stop_in_middle(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    look(MIDDLE, DeviceObject, Irp);
    KeSetEvent(&done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Forward and wait: the middle stops the completion, takes the IRP back and completes it itself. */
static NTSTATUS forward_and_wait(PDEVICE_OBJECT device, PIRP Irp)
{
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, stop_in_middle, NULL, TRUE, TRUE, TRUE);
    status = IoCallDriver(layer_of(device)->lower, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    CHECK_EQ("IRP-70", order_count, 1); /* IoCompleteRequest went no further */
    CHECK_EQ("IRP-70", Irp->CurrentLocation, 2);
    CHECK("IRP-70", IoGetCurrentIrpStackLocation(Irp)->DeviceObject == device);
    CHECK_EQ("IRP-46", IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED, 0);
    return complete_with(Irp, status, 77);
}

static VOID test_stop_and_resume(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    layer_of(stack[MIDDLE])->handler = forward_and_wait;
    bottom_pends = TRUE;
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-46", status, STATUS_SUCCESS);
    CHECK("IRP-71",
          order_count == 3 && order[1] == TOP && order[2] == 9); /* resumed above the routine that stopped */
    CHECK_EQ("IRP-71", Irp->IoStatus.Information, 77);
    CHECK_EQ("IRP-46", creator_pending, FALSE);
    IoFreeIrp(Irp);
}

/* IRP-49: mark, forward, complete with another status later; STATUS_PENDING whatever came back. */
static NTSTATUS NTAPI change_status(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    Irp->IoStatus.Status = STATUS_NO_SUCH_DEVICE;
    return STATUS_SUCCESS;
}

static NTSTATUS mark_and_forward(PDEVICE_OBJECT device, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, change_status, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(layer_of(device)->lower, Irp);
    return STATUS_PENDING;
}

static VOID test_mark_and_forward(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    layer_of(stack[MIDDLE])->handler = mark_and_forward;
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-49", status, STATUS_PENDING);
    CHECK_STATUS("IRP-49", seen[TOP].status, STATUS_NO_SUCH_DEVICE);
    CHECK_EQ("IRP-49", seen[TOP].pending, TRUE);
    CHECK_EQ("IRP-43", creator_pending, TRUE);
    IoFreeIrp(Irp);
}

/* IRP-48: a watching routine leaves status and synchronicity alone: the lower driver's status is the
 * dispatch's. */
static VOID test_lower_status(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    bottom_status = STATUS_END_OF_FILE;
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-48", status, STATUS_END_OF_FILE);
    CHECK_STATUS("IRP-48", seen[TOP].status, STATUS_END_OF_FILE);
    CHECK_STATUS("IRP-44", Irp->IoStatus.Status, status);
    CHECK_EQ("IRP-40", creator_pending, FALSE);
    IoFreeIrp(Irp);
}

static ULONG masters_completed;
static NTSTATUS NTAPI master_done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    masters_completed++;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI stop_associated(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Associated IRPs: the master completes when the last of them reaches its top. */
static VOID test_associated(void)
{
    PIRP master = IoAllocateIrp(2, FALSE), child[3];
    ULONG i;

    stack_reset();
    masters_completed = 0;
    IoSetNextIrpStackLocation(master); /* a location, for somebody above */
    IoGetCurrentIrpStackLocation(master)->DeviceObject = stack[TOP];
    IoSetCompletionRoutine(master, NULL, NULL, FALSE, FALSE, FALSE);
    IoGetCurrentIrpStackLocation(master)->CompletionRoutine = master_done;
    IoGetCurrentIrpStackLocation(master)->Control = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR;
    master->IoStatus.Status = STATUS_SUCCESS;
    for (i = 0; i < 3; i++) {
        child[i] = IoMakeAssociatedIrp(master, 1);
        CHECK("IRP-05", child[i] != NULL && child[i]->AssociatedIrp.MasterIrp == master);
        CHECK("IRP-05", (child[i]->Flags & IRP_ASSOCIATED_IRP) != 0);
        IoGetNextIrpStackLocation(child[i])->MajorFunction = IRP_MJ_READ;
    }
    CHECK_EQ("IRP-05", master->AssociatedIrp.IrpCount, 0); /* the creator counts */
    master->AssociatedIrp.IrpCount = 3;
    IoCallDriver(stack[BOTTOM], child[0]);
    CHECK_EQ("IRP-75", master->AssociatedIrp.IrpCount, 2);
    CHECK_EQ("IRP-75", masters_completed, 0);
    /* IRP-76: a routine stops this one: it does not count until it is completed again. */
    IoSetCompletionRoutine(child[1], stop_associated, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(stack[BOTTOM], child[1]);
    CHECK_EQ("IRP-76", master->AssociatedIrp.IrpCount, 2);
    IoCallDriver(stack[BOTTOM], child[2]);
    CHECK_EQ("IRP-75", master->AssociatedIrp.IrpCount, 1);
    CHECK_EQ("IRP-76", masters_completed, 0);
    IoFreeIrp(child[1]);
    master->AssociatedIrp.IrpCount = 1;
    child[0] = IoMakeAssociatedIrp(master, 1);
    IoGetNextIrpStackLocation(child[0])->MajorFunction = IRP_MJ_READ;
    IoCallDriver(stack[BOTTOM], child[0]);
    CHECK_EQ("IRP-75", masters_completed, 1);
    IoFreeIrp(master);
}

/* IRP-75: an associated IRP's MDLs go with it: more of them than the machine has memory for, one after the
 * other. */
static VOID test_associated_mdls(void)
{
    PIRP master = IoAllocateIrp(1, FALSE), child;
    ULONG i;

    stack_reset();
    for (i = 0; i < 1024; i++) {
        child = IoMakeAssociatedIrp(master, 1);
        if (IoAllocateMdl((PVOID)0x10000, 64 << 20, FALSE, FALSE, child) == NULL)
            break;
        IoGetNextIrpStackLocation(child)->MajorFunction = IRP_MJ_READ;
        master->AssociatedIrp.IrpCount = 2; /* never the last */
        IoCallDriver(stack[BOTTOM], child);
    }
    CHECK_EQ("IRP-75", i, 1024);
    IoFreeIrp(master);
}

/* IRP-28: the caller loses the IRP; its own routine may look again, and it alone. Completion from another
 * thread. */
static PIRP held;
static NTSTATUS hold(PDEVICE_OBJECT device, PIRP Irp)
{
    IoMarkIrpPending(Irp); /* IRP-42: before anybody else can complete it */
    held = Irp;
    return STATUS_PENDING;
}

static VOID test_completed_elsewhere(void)
{
    PIRP Irp = prepare(IRP_MJ_READ);
    NTSTATUS status;

    layer_of(stack[BOTTOM])->handler = hold;
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-42", status, STATUS_PENDING);
    CHECK_EQ("IRP-28", order_count, 0);
    CHECK_EQ("IRP-28", held->CurrentLocation, 1);
    complete_with(held, STATUS_SUCCESS, 1);
    CHECK_EQ("IRP-42", seen[MIDDLE].pending, TRUE);
    CHECK_EQ("IRP-28", order_count, 3);
    IoFreeIrp(Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = stack_create(DriverObject);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = stack_unload;
    test_send();
    test_copy_and_skip();
    test_walk();
    test_pending();
    test_conditions();
    test_stop_and_resume();
    test_mark_and_forward();
    test_lower_status();
    test_associated();
    test_associated_mdls();
    test_completed_elsewhere();
    return STATUS_SUCCESS;
}

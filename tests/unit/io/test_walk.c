/* SPDX-License-Identifier: MIT */
/* Sending and the walk up: three drivers in a stack, what each routine sees, pending, stopping, masters,
 * cancellation. */
#include "io_test.h"
#include "io/routines.h"

static PDEVICE_OBJECT top, middle, bottom;
static NTSTATUS bottom_status;
static bool bottom_pends;
static PIRP held;

static NTSTATUS NTAPI bottom_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    io_log("bottom");
    CHECK(device == bottom && IoGetCurrentIrpStackLocation(irp)->DeviceObject == bottom);
    if (bottom_pends) {
        IoMarkIrpPending(irp);
        held = irp;
        return STATUS_PENDING;
    }
    NTSTATUS status = bottom_status;
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 7;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI skip_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    io_log("skip");
    IoSkipCurrentIrpStackLocation(irp);
    return IofCallDriver(device == top ? middle : bottom, irp);
}

static struct seen {
    PDEVICE_OBJECT device;
    BOOLEAN pending;
    IO_STACK_LOCATION left; /* the location that was just left, as the routine finds it */
} seen;
static NTSTATUS routine_result;

static NTSTATUS NTAPI routine(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    io_log("routine(%s)", (const char *)context);
    seen.device = device;
    seen.pending = irp->PendingReturned;
    seen.left = *(irp->Tail.Overlay.CurrentStackLocation - 1);
    if (irp->PendingReturned && device)
        IoMarkIrpPending(irp);
    return routine_result;
}

static UCHAR invoke = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;

static NTSTATUS NTAPI copy_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    io_log("copy");
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, routine, (PVOID) "copy", (invoke & SL_INVOKE_ON_SUCCESS) != 0,
                           (invoke & SL_INVOKE_ON_ERROR) != 0, (invoke & SL_INVOKE_ON_CANCEL) != 0);
    return IofCallDriver(device == top ? middle : bottom, irp);
}

static void make_stack(PDRIVER_DISPATCH for_middle)
{
    PDRIVER_OBJECT lower = io_test_driver("lower"), filter = io_test_driver("filter");
    bottom = io_test_device(lower, NULL, 0);
    middle = io_test_device(filter, NULL, 0);
    CHECK(IoAttachDeviceToDeviceStack(middle, bottom) == bottom);
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        lower->MajorFunction[i] = bottom_dispatch;
        filter->MajorFunction[i] = for_middle;
    }
    top = NULL;
    bottom_status = STATUS_SUCCESS;
    bottom_pends = false;
    routine_result = STATUS_SUCCESS;
    invoke = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
    seen = (struct seen){0};
}

static NTSTATUS NTAPI stop(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    io_log("stop");
    *(PDEVICE_OBJECT *)context = device;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of the test's own, with a routine that stops it at the top. */
static PIRP make_irp(UCHAR major, PDEVICE_OBJECT *owner)
{
    PIRP irp = IoAllocateIrp(middle->StackSize, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = major;
    IoSetCompletionRoutine(irp, stop, owner, TRUE, TRUE, TRUE);
    return irp;
}

NT_TEST(down_and_up)
{
    PDEVICE_OBJECT owner = bottom;
    make_stack(copy_dispatch);
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    CHECK(middle->StackSize == 2 && irp->StackCount == 2);
    CHECK_STATUS(IofCallDriver(middle, irp), STATUS_SUCCESS);
    CHECK(io_logged("copy bottom routine(copy) stop"));
    CHECK(seen.device == middle && !seen.pending);
    CHECK(owner == NULL); /* IRP-67: nobody above the test's own first location */
    CHECK(irp->CurrentLocation == 3 && irp->IoStatus.Information == 7);
    IoFreeIrp(irp);
}

NT_TEST(location_is_cleared)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    PIRP irp = make_irp(IRP_MJ_DEVICE_CONTROL, &owner);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = 9;
    next->Flags = 3;
    next->FileObject = (PFILE_OBJECT)next;
    next->Parameters.Others.Argument1 = next->Parameters.Others.Argument2 =
        next->Parameters.Others.Argument3 = next->Parameters.Others.Argument4 = irp;
    IofCallDriver(middle, irp);
    CHECK(seen.left.MajorFunction == IRP_MJ_DEVICE_CONTROL && seen.left.DeviceObject == bottom);
    CHECK(seen.left.CompletionRoutine == routine && seen.left.Context != NULL);
    CHECK(!seen.left.MinorFunction && !seen.left.Flags && !seen.left.Control && !seen.left.FileObject);
    CHECK(!seen.left.Parameters.Others.Argument1 && !seen.left.Parameters.Others.Argument2 &&
          !seen.left.Parameters.Others.Argument3);
    CHECK(seen.left.Parameters.Others.Argument4 == irp);
    IoFreeIrp(irp);
    irp = make_irp(IRP_MJ_DEVICE_CONTROL, &owner);
    bottom_status = STATUS_UNSUCCESSFUL;
    IofCallDriver(middle, irp);
    CHECK(seen.left.Control == SL_ERROR_RETURNED);
    CHECK(seen.left.Parameters.Others.Argument4 == (PVOID)(ULONG_PTR)(ULONG)STATUS_UNSUCCESSFUL);
    IoFreeIrp(irp);
}

static bool called(UCHAR when, NTSTATUS status, BOOLEAN cancel)
{
    PDEVICE_OBJECT owner;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    invoke = when;
    bottom_status = status;
    irp->Cancel = cancel;
    seen.device = NULL;
    IofCallDriver(middle, irp);
    IoFreeIrp(irp);
    return seen.device != NULL;
}

NT_TEST(when_routines_are_called)
{
    make_stack(copy_dispatch);
    CHECK(called(SL_INVOKE_ON_SUCCESS, STATUS_SUCCESS, FALSE));
    CHECK(called(SL_INVOKE_ON_SUCCESS, STATUS_OBJECT_NAME_EXISTS, FALSE));
    CHECK(!called(SL_INVOKE_ON_SUCCESS, STATUS_BUFFER_OVERFLOW, FALSE));
    CHECK(!called(SL_INVOKE_ON_SUCCESS, STATUS_UNSUCCESSFUL, FALSE));
    CHECK(called(SL_INVOKE_ON_ERROR, STATUS_BUFFER_OVERFLOW, FALSE));
    CHECK(called(SL_INVOKE_ON_ERROR, STATUS_UNSUCCESSFUL, FALSE));
    CHECK(!called(SL_INVOKE_ON_ERROR, STATUS_SUCCESS, FALSE));
    CHECK(!called(SL_INVOKE_ON_CANCEL, STATUS_CANCELLED, FALSE));
    CHECK(called(SL_INVOKE_ON_CANCEL, STATUS_SUCCESS, TRUE));
    CHECK(called(SL_INVOKE_ON_CANCEL, STATUS_CANCELLED, TRUE));
}

NT_TEST(pending_is_carried_where_no_routine_runs)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    invoke = SL_INVOKE_ON_ERROR;
    bottom_pends = true;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    CHECK_STATUS(IofCallDriver(middle, irp), STATUS_PENDING);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IofCompleteRequest(held, IO_NO_INCREMENT);
    CHECK(irp->PendingReturned); /* as the top routine saw it: the middle location was marked for it */
    CHECK(io_logged("copy bottom stop"));
    IoFreeIrp(irp);
}

NT_TEST(a_routine_stops_and_the_walk_resumes)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    routine_result = STATUS_MORE_PROCESSING_REQUIRED;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IofCallDriver(middle, irp);
    CHECK(io_logged("copy bottom routine(copy)"));
    CHECK(irp->CurrentLocation == 2 && IoGetCurrentIrpStackLocation(irp)->DeviceObject == middle);
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    CHECK(io_logged("stop"));
    IoFreeIrp(irp);
}

/* IRP-50: only STATUS_MORE_PROCESSING_REQUIRED stops the walk. */
NT_TEST(a_routine_that_returns_pending_does_not_stop)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    routine_result = STATUS_PENDING;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IofCallDriver(middle, irp);
    CHECK(io_logged("copy bottom routine(copy) stop"));
    IoFreeIrp(irp);
}

/* IRP-73: the mark of the top location goes nowhere: what lies behind the IRP stays as it is. */
NT_TEST(no_mark_behind_the_top)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    bottom_pends = true;
    PIRP irp = IoAllocateIrp(1, FALSE);
    PIO_STACK_LOCATION behind = (PIO_STACK_LOCATION)(irp + 1) + 1;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, stop, &owner, FALSE, FALSE, TRUE);
    irp->Tail.Overlay.Thread = NULL;
    irp->Cancel = FALSE;
    behind->Control = 0;
    CHECK_STATUS(IofCallDriver(bottom, irp), STATUS_PENDING);
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->Flags = IRP_CLOSE_OPERATION; /* ends at the top without a thread */
    irp->UserIosb = &iosb;
    irp->UserEvent = &event;
    irp->IoStatus.Status = STATUS_SUCCESS;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    CHECK(KeReadStateEvent(&event) && behind->Control == 0);
    IoFreeIrp(irp);
}

static ULONG violations[8];
static unsigned violation_count;
static void NTAPI note_violation(ULONG code, ULONG subcode, const void *irp, const char *sentence)
{
    (void)irp;
    CHECK(code == DRIVER_VERIFIER_IOMANAGER_VIOLATION && sentence != NULL);
    violations[violation_count++ & 7] = subcode;
}

NT_TEST(violations_are_told)
{
    static const struct vf_ops ops = {.irp_violation = note_violation};
    PDEVICE_OBJECT owner;
    static FILE_OBJECT closed = {.Flags = FO_CLEANUP_COMPLETE};
    make_stack(copy_dispatch);
    seam_vf = &ops;
    violation_count = 0;
    bottom_status = STATUS_PENDING; /* IRP-61 */
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IofCallDriver(bottom, irp);
    CHECK(violation_count == 1 && violations[0] == 6);
    bottom_status = (NTSTATUS)0xFFFFFFFF;
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoSetCompletionRoutine(irp, stop, &owner, TRUE, TRUE, TRUE);
    IofCallDriver(bottom, irp);
    CHECK(violation_count == 2 && violations[1] == 6);
    bottom_status = STATUS_SUCCESS;
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoSetCompletionRoutine(irp, stop, &owner, TRUE, TRUE, TRUE);
    IoSetCancelRoutine(irp, (PDRIVER_CANCEL)(PVOID)stop);
    IofCallDriver(bottom, irp);
    CHECK(violation_count == 3 && violations[2] == 7);
    IoSetCancelRoutine(irp, NULL);
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoSetCompletionRoutine(irp, stop, &owner, TRUE, TRUE, TRUE);
    IoGetNextIrpStackLocation(irp)->FileObject = &closed; /* IRP-31 */
    IofCallDriver(bottom, irp);
    CHECK(violation_count == 4 && violations[3] == 0x0F);
    io_queue_irp_to_thread(irp);
    IoFreeIrp(irp); /* IRP-08: still in the thread's list */
    CHECK(violation_count == 5 && violations[4] == 2);
    list_init(&ps_current()->irps);
    seam_vf = NULL;
}

NT_TEST(skipping_shares_the_location)
{
    PDEVICE_OBJECT owner;
    make_stack(skip_dispatch);
    PIRP irp = make_irp(IRP_MJ_WRITE, &owner);
    CHECK_STATUS(IofCallDriver(middle, irp), STATUS_SUCCESS);
    CHECK(io_logged("skip bottom stop"));
    IoFreeIrp(irp);
}

NT_TEST(unset_slots_refuse)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    PDRIVER_OBJECT plain = io_test_driver("plain");
    PDEVICE_OBJECT device = io_test_device(plain, NULL, 0);
    for (unsigned major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++) {
        PIRP irp = make_irp((UCHAR)major, &owner);
        irp->IoStatus.Information = 3;
        CHECK_STATUS(IofCallDriver(device, irp), STATUS_INVALID_DEVICE_REQUEST);
        CHECK(irp->IoStatus.Status == STATUS_INVALID_DEVICE_REQUEST && irp->IoStatus.Information == 0);
        IoFreeIrp(irp);
    }
}

NT_BUGCHECK_TEST(no_location_left, NO_MORE_IRP_STACK_LOCATIONS)
{
    make_stack(copy_dispatch);
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(irp);
    IofCallDriver(middle, irp);
}

NT_BUGCHECK_TEST(completed_beyond_the_top, IRQL_NOT_LESS_OR_EQUAL)
{
    make_stack(copy_dispatch);
    PIRP irp = IoAllocateIrp(2, FALSE);
    IofCallDriver(middle, irp); /* nobody stops it, and it has no thread */
}

static void complete_held(void *context)
{
    LARGE_INTEGER interval = {.QuadPart = -100000};
    (void)context;
    while (!held)
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    held->IoStatus.Status = STATUS_SUCCESS;
    held->IoStatus.Information = 9;
    IofCompleteRequest(held, IO_NO_INCREMENT);
    ke_thread_exit(STATUS_SUCCESS);
}

NT_TEST(forward_and_wait_for_another_thread)
{
    PDEVICE_OBJECT owner;
    struct ps_thread *thread;
    make_stack(copy_dispatch);
    bottom_pends = true;
    held = NULL;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IoSetNextIrpStackLocation(irp);
    CHECK_STATUS(ps_create_system_thread(&thread, complete_held, NULL, "completer"), STATUS_SUCCESS);
    CHECK(IoForwardIrpSynchronously(bottom, irp));
    CHECK(irp->IoStatus.Information == 9 && irp->CurrentLocation == 2);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ob_dereference(thread);
    IoFreeIrp(irp);
}

NT_TEST(forward_and_wait)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->DeviceObject = middle;
    CHECK(IoForwardIrpSynchronously(bottom, irp));
    CHECK(irp->IoStatus.Information == 7 && irp->CurrentLocation == 2);
    irp->CurrentLocation = 1;
    CHECK(!IoForwardIrpSynchronously(bottom, irp));
    IoFreeIrp(irp);
}

NT_TEST(masters_count_down)
{
    PDEVICE_OBJECT owner = NULL;
    make_stack(copy_dispatch);
    PIRP master = make_irp(IRP_MJ_READ, &owner), parts[2];
    IoSetNextIrpStackLocation(master);
    master->IoStatus.Status = STATUS_SUCCESS;
    master->AssociatedIrp.IrpCount = 2;
    for (unsigned i = 0; i < 2; i++) {
        parts[i] = IoMakeAssociatedIrp(master, 1);
        CHECK(parts[i]->Flags & IRP_ASSOCIATED_IRP && parts[i]->AssociatedIrp.MasterIrp == master);
        IoGetNextIrpStackLocation(parts[i])->MajorFunction = IRP_MJ_READ;
    }
    static char data[64];
    PVOID block;
    size_t size;
    ULONG tag;
    PMDL mdl = IoAllocateMdl(data, sizeof(data), FALSE, FALSE, parts[0]);
    CHECK(parts[0]->MdlAddress == mdl && mm_pool_block_of(mdl, &block, &size, &tag));
    IofCallDriver(bottom, parts[0]);
    CHECK(!mm_pool_block_of(mdl, &block, &size, &tag)); /* the part's MDL goes with it */
    CHECK(io_logged("bottom") && master->AssociatedIrp.IrpCount == 1);
    IofCallDriver(bottom, parts[1]);
    CHECK(io_logged("bottom stop"));
    IoFreeIrp(master);
}

static PDEVICE_OBJECT canceled_for;

static VOID NTAPI cancel_routine(PDEVICE_OBJECT device, PIRP irp)
{
    canceled_for = device;
    CHECK(ke_irql() == DISPATCH_LEVEL && irp->CancelIrql == APC_LEVEL && irp->Cancel);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    CHECK(ke_irql() == APC_LEVEL);
    irp->IoStatus.Status = STATUS_CANCELLED;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
}

NT_TEST(canceling)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    bottom_pends = true;
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IofCallDriver(middle, irp);
    CHECK(!IoCancelIrp(irp) && irp->Cancel);
    IoSetCancelRoutine(irp, cancel_routine);
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    CHECK(IoCancelIrp(irp));
    ke_lower_irql(irql);
    CHECK(canceled_for == bottom && irp->CancelRoutine == NULL);
    IoFreeIrp(irp);
}

static VOID NTAPI bad_cancel_routine(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device, (void)irp;
}

NT_BUGCHECK_TEST(cancel_lock_kept, DRIVER_RETURNED_HOLDING_CANCEL_LOCK)
{
    PDEVICE_OBJECT owner;
    make_stack(copy_dispatch);
    PIRP irp = make_irp(IRP_MJ_READ, &owner);
    IoSetCancelRoutine(irp, bad_cancel_routine);
    IoCancelIrp(irp);
}

NT_BUGCHECK_TEST(canceled_when_completed, CANCEL_STATE_IN_COMPLETED_IRP)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    irp->CurrentLocation = 3;
    IoSetCancelRoutine(irp, cancel_routine);
    IoCancelIrp(irp);
}

NT_TEST(unload_safe_routine)
{
    make_stack(skip_dispatch);
    PDEVICE_OBJECT owner = bottom;
    PIRP irp = IoAllocateIrp(2, FALSE);
    LONG before = ob_pointer_count(middle);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    CHECK_STATUS(IoSetCompletionRoutineEx(middle, irp, stop, &owner, TRUE, TRUE, TRUE), STATUS_SUCCESS);
    CHECK(ob_pointer_count(middle) == before + 1);
    IofCallDriver(bottom, irp);
    CHECK(io_logged("bottom stop") && ob_pointer_count(middle) == before);
    IoFreeIrp(irp);
}

int run_walk_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(down_and_up),
        IO_TEST(location_is_cleared),
        IO_TEST(when_routines_are_called),
        IO_TEST(pending_is_carried_where_no_routine_runs),
        IO_TEST(a_routine_stops_and_the_walk_resumes),
        IO_TEST(a_routine_that_returns_pending_does_not_stop),
        IO_TEST(no_mark_behind_the_top),
        IO_TEST(violations_are_told),
        IO_TEST(skipping_shares_the_location),
        IO_TEST(unset_slots_refuse),
        IO_TEST(no_location_left),
        IO_TEST(completed_beyond_the_top),
        IO_TEST(forward_and_wait),
        IO_TEST(forward_and_wait_for_another_thread),
        IO_TEST(masters_count_down),
        IO_TEST(canceling),
        IO_TEST(cancel_lock_kept),
        IO_TEST(canceled_when_completed),
        IO_TEST(unload_safe_routine),
    };
    return cmocka_run_group_tests_name("io: the walk", tests, NULL, NULL);
}

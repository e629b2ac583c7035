/* SPDX-License-Identifier: MIT */
/*
 * IoCompleteRequest: the walk up the stack locations. The IRP belongs to the
 * completer until a completion routine stops the walk (then it is that
 * routine's driver's, and is not touched again) or the top is reached (then it
 * is irp_final.c's). No lock is held; routines run at the completer's IRQL.
 */
#include "io/private.h"

/* The location that is current after the last driver's: nobody's. */
static bool beyond_top(const IRP *irp)
{
    return irp->CurrentLocation == irp->StackCount + 1;
}

static bool walked(const IRP *irp)
{
    return irp->CurrentLocation > irp->StackCount + 1;
}

static void check_not_completed_twice(PIRP irp)
{
    struct io_irp *slot = io_irp_of(irp);
    /* IRP-60, IRP-78: freed or fully walked. */
    if (unlikely(walked(irp) || (slot && slot->state != IO_IRP_LIVE)))
        io_irp_bugcheck(MULTIPLE_IRP_COMPLETE_REQUESTS, irp, NULL, 0, 0, 0,
                        "a driver completed an IRP that was completed before");
}

static bool was_set_in_vain(const IRP *irp);

static void check_completable(PIRP irp)
{
    if (unlikely(irp->Type != IO_TYPE_IRP))
        io_irp_bugcheck(MULTIPLE_IRP_COMPLETE_REQUESTS, irp, NULL, 0, 0, 0,
                        "IoCompleteRequest was called with something that is not an IRP");
    /* IRP-61: a status that says the request is not finished. */
    if (unlikely(irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == (NTSTATUS)0xFFFFFFFF))
        io_irp_violation(0x06, irp, "IoCompleteRequest was called with STATUS_PENDING or -1 in the IRP");
    /* IRP-61: who may still be canceled is not complete. */
    if (unlikely(irp->CancelRoutine != NULL))
        io_irp_violation(0x07, irp, "IoCompleteRequest was called with a cancel routine still set");
    if (unlikely(seam_vf != NULL && was_set_in_vain(irp)) && seam_vf->irp_violation)
        seam_vf->irp_violation(
            DRIVER_VERIFIER_DETECTED_VIOLATION, 0x4100F, irp,
            "IoCompleteRequest was called after IoSetCompletionRoutineEx: only IoCallDriver "
            "gives back what that allocated");
}

/* What goes to the requester from the buffer of a buffered control is at most what he has room for. */
static void check_information(PIRP irp)
{
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);
    if (irp->CurrentLocation > irp->StackCount || location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return;
    if (!(irp->Flags & IRP_BUFFERED_IO) || !(irp->Flags & IRP_INPUT_OPERATION) ||
        NT_ERROR(irp->IoStatus.Status))
        return;
    /* IOC-5: the rest would be copied out of memory that is not the buffer's. */
    if (unlikely(irp->IoStatus.Information > location->Parameters.DeviceIoControl.OutputBufferLength))
        io_irp_violation(0x312, irp,
                         "a device control was completed with IoStatus.Information larger than the output "
                         "buffer");
}

/* Moves up by one and returns the location just left. */
static PIO_STACK_LOCATION leave_location(PIRP irp)
{
    /* IRP-62, IRP-71: advance first, then look at the location just left. */
    irp->CurrentLocation++;
    /* IRP-62: the pointer goes with the number. */
    return irp->Tail.Overlay.CurrentStackLocation++;
}

static void note_error(PIRP irp, PIO_STACK_LOCATION left)
{
    if (NT_SUCCESS(irp->IoStatus.Status))
        return;
    PIO_STACK_LOCATION bottom = (PIO_STACK_LOCATION)(irp + 1);
    /* IRP-66: the location remembers that it returned an error. */
    left->Control |= SL_ERROR_RETURNED;
    /* IRP-66: and the bottom one, which. */
    bottom->Parameters.Others.Argument4 = (PVOID)(ULONG_PTR)(ULONG)irp->IoStatus.Status;
}

static bool wants_routine(PIRP irp, PIO_STACK_LOCATION left)
{
    if (NT_SUCCESS(irp->IoStatus.Status)) {
        /* IRP-64: informational codes are success too (IRP-65). */
        if (left->Control & SL_INVOKE_ON_SUCCESS)
            return true;
    } else {
        /* IRP-65: warnings and errors. */
        if (left->Control & SL_INVOKE_ON_ERROR)
            return true;
    }
    /* IRP-64: canceled is what the IRP says, not its status. */
    return irp->Cancel && left->Control & SL_INVOKE_ON_CANCEL;
}

/* MajorFunction, DeviceObject, CompletionRoutine, Context and the fourth argument survive (IRP-66). */
static void clear_location(PIO_STACK_LOCATION left)
{
    left->MinorFunction = 0;
    left->Flags = 0;
    /* IRP-66: of Control only the error bit is left. */
    left->Control &= SL_ERROR_RETURNED;
    left->Parameters.Others.Argument1 = NULL;
    left->Parameters.Others.Argument2 = NULL;
    left->Parameters.Others.Argument3 = NULL;
    /* IRP-66: the routine finds no file object there. */
    left->FileObject = NULL;
}

/* Apart, for the report is large and the walk is short. */
static __attribute__((noinline, cold)) void NTAPI report_mark_behind(const PIRP irp,
                                                                     PIO_COMPLETION_ROUTINE routine)
{
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
        .p = {0x200, (ULONG_PTR)routine, (ULONG_PTR)irp, 0},
        .sentence =
            "a completion routine called IoMarkIrpPending for an IRP in which its driver has no location: "
            "it wrote behind the IRP",
        .verifier = true,
        .raise_address = (ULONG_PTR)routine,
    });
}

/* A routine of a driver that allocated the IRP without a location for itself has nothing to mark. */
static void check_nothing_marked(const PIRP irp, const UCHAR *control, PIO_COMPLETION_ROUTINE routine)
{
    /* IRP-73: what lies behind the IRP was written to. */
    if (unlikely(*control & SL_PENDING_RETURNED))
        report_mark_behind(irp, routine);
}

/* For the verifier: the Control of the location above the top, which is not there; wiped. NULL: there is one
 * above, or the IRP's memory is the driver's. */
static UCHAR *control_above_top(PIRP irp)
{
    if (likely(!seam_vf) || !beyond_top(irp) || !io_irp_of(irp))
        return NULL;
    UCHAR *control = &irp->Tail.Overlay.CurrentStackLocation->Control;
    *control = 0;
    return control;
}

static NTSTATUS call_completion_routine(PIRP irp, PIO_STACK_LOCATION left)
{
    PIO_COMPLETION_ROUTINE routine = left->CompletionRoutine;
    PVOID context = left->Context;
    PDEVICE_OBJECT device = NULL;
    /* IRP-67: the device of the driver that set the routine; none if it allocated the IRP without a location.
     */
    if (!beyond_top(irp))
        device = irp->Tail.Overlay.CurrentStackLocation->DeviceObject;
    clear_location(left);
    bool pended = irp->PendingReturned;
    UCHAR *above = control_above_top(irp);
    ULONG number = unlikely(seam_vf != NULL) ? io_irp_number(irp) : 0;
    TRACE(TRACE_IRP_COMPLETION_ROUTINE, irp, .a = (ULONG_PTR)device, .b = (ULONG_PTR)routine);
    struct ke_request below = ke_request_begin(irp, device);
    uint64_t cookie = ke_callout_enter("completion", routine);
    /* SR-27: at the completer's IRQL, in its thread. */
    /* IRP-69, IRP-74: at the completer's IRQL; whether the mark goes up is the routine's business. */
    NTSTATUS status = routine(device, irp, context);
    ke_callout_leave("completion", routine, cookie);
    ke_request_end(below);
    if (above && io_irp_number(irp) == number) /* freed perhaps, but not allocated again */
        check_nothing_marked(irp, above, routine);
    if (unlikely(seam_vf != NULL) && seam_vf->irp_passed && status != STATUS_MORE_PROCESSING_REQUIRED)
        seam_vf->irp_passed(irp, number, (const void *)routine, pended);
    TRACE(TRACE_IRP_COMPLETION_RETURN, irp, .a = (ULONG64)(LONG64)status);
    return status;
}

static void carry_pending_up(PIRP irp)
{
    /* IRP-68, IRP-73: nobody else does it where no routine runs; the top's mark goes nowhere. */
    if (irp->PendingReturned && !beyond_top(irp))
        IoMarkIrpPending(irp);
}

/* False: a routine stopped it, and the IRP is not ours any more. */
static bool walk_up(PIRP irp)
{
    for (;;) {
        PIO_STACK_LOCATION left = leave_location(irp);
        if (walked(irp))
            return true;
        /* IRP-41, IRP-42, IRP-43, IRP-63, SQ-25: the mark that this driver left behind. */
        irp->PendingReturned = (left->Control & SL_PENDING_RETURNED) != 0;
        if (unlikely(seam_vf != NULL) && seam_vf->irp_left)
            seam_vf->irp_left(irp, left, irp->PendingReturned);
        note_error(irp, left);
        if (!wants_routine(irp, left)) {
            carry_pending_up(irp);
            clear_location(left);
        } else {
            NTSTATUS wanted = call_completion_routine(irp, left);
            /* REQ-16, IRP-46, IRP-50, IRP-70, IRP-76: this value alone stops, and then nothing more is
             * touched. */
            if (wanted == STATUS_MORE_PROCESSING_REQUIRED)
                return false;
        }
    }
}

/* Whoever wrote beyond the system buffer is still on the stack, as a rule. */
static __attribute__((noinline)) void NTAPI check_system_buffer(PIRP irp)
{
    if (irp->Flags & IRP_DEALLOCATE_BUFFER)
        mm_pool_check(irp->AssociatedIrp.SystemBuffer);
}

/*
 * Completes the request: walks from the completer's location upward, calling the completion routines that
 * want to know, and finishes the IRP at the top. Calling it again after a routine stopped the walk goes on
 * above that routine (IRP-71). Owns: consumes the IRP. IRQL: <= DISPATCH_LEVEL. Rules: IRP-60..IRP-78.
 */
EXPORT(ntoskrnl, IofCompleteRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    check_not_completed_twice(Irp);
    check_completable(Irp);
    check_information(Irp);
    if (unlikely(seam_vf != NULL))
        check_system_buffer(Irp);
    TRACE(TRACE_IRP_COMPLETE, Irp, .a = (ULONG64)(LONG64)Irp->IoStatus.Status,
          .b = Irp->IoStatus.Information);
    if (walk_up(Irp))
        io_finish_irp(Irp, PriorityBoost);
}

/* Older drivers import it under this name. */
EXPORT(ntoskrnl, IoCompleteRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    IofCompleteRequest(Irp, PriorityBoost);
}

struct unload_safe {
    PDEVICE_OBJECT device;
    PIO_COMPLETION_ROUTINE routine;
    PVOID context;
    IO_STACK_LOCATION wants; /* its Control, as IoSetCompletionRoutine would have set it */
};

static NTSTATUS NTAPI unload_safe_completion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct unload_safe safe = *(struct unload_safe *)Context;
    mm_free(Context);
    NTSTATUS status = STATUS_SUCCESS;
    if (wants_routine(Irp, &safe.wants))
        status = safe.routine(DeviceObject, Irp, safe.context);
    else
        carry_pending_up(Irp);
    /* LC-16: now the driver may go. */
    ob_dereference(safe.device);
    return status;
}

/* For the verifier: the routine below was set for a driver that this completion has not gone through. */
static bool was_set_in_vain(const IRP *irp)
{
    const IO_STACK_LOCATION *next = irp->Tail.Overlay.CurrentStackLocation - 1;
    return irp->CurrentLocation >= 2 && irp->CurrentLocation <= irp->StackCount &&
           next->CompletionRoutine == unload_safe_completion && next->Control & SL_INVOKE_ON_SUCCESS;
}

/*
 * IoSetCompletionRoutine whose driver stays in memory until the routine has returned.
 * IRQL: <= DISPATCH_LEVEL. Rules: LC-16.
 */
EXPORT(ntoskrnl, IoSetCompletionRoutineEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                        PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                        BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                        BOOLEAN InvokeOnCancel)
{
    struct unload_safe *safe = mm_alloc(sizeof(*safe), IO_STATE_TAG);
    if (!safe)
        return STATUS_INSUFFICIENT_RESOURCES;
    IoSetCompletionRoutine(Irp, CompletionRoutine, Context, InvokeOnSuccess, InvokeOnError, InvokeOnCancel);
    safe->device = DeviceObject;
    safe->routine = CompletionRoutine;
    safe->context = Context;
    safe->wants.Control = IoGetNextIrpStackLocation(Irp)->Control;
    /* LC-16: keeps the device, and so its driver, in memory. */
    ob_reference(DeviceObject);
    IoSetCompletionRoutine(Irp, unload_safe_completion, safe, TRUE, TRUE, TRUE);
    return STATUS_SUCCESS;
}

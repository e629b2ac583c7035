/* SPDX-License-Identifier: MIT */
/*
 * The final stage of an IRP that was walked to its top: pages unlocked at
 * once, the rest in the requester's thread (a special kernel APC, or inline by
 * the service that issued it): answer copied out, status block written, events
 * set, APC or packet delivered, storage freed. No lock.
 */
#include "io/private.h"

/* An associated IRP counts its master down (IRP-75). */
static void finish_associated(PIRP irp, CCHAR boost)
{
    PIRP master = irp->AssociatedIrp.MasterIrp;
    /* IRP-75: the last one completes the master (count first: the master may be gone right after). */
    LONG left = __atomic_sub_fetch(&master->AssociatedIrp.IrpCount, 1, __ATOMIC_SEQ_CST);
    mm_unlock_mdl_chain(irp->MdlAddress);
    /* IRP-75: its MDLs go with it. */
    mm_free_mdl_chain(irp->MdlAddress);
    IoFreeIrp(irp);
    /* CAN-12: canceled parts count like others. */
    if (left == 0)
        /* IRP-75: with the same boost. */
        IofCompleteRequest(master, boost);
}

/* No APC; the issuer waits on the event, or gave only a status block (IRP-81). */
static void finish_paging_or_close(PIRP irp, CCHAR boost)
{
    ULONG flags = irp->Flags;
    PKEVENT event = irp->UserEvent;
    /* IRP-81: from the completing context. */
    *irp->UserIosb = irp->IoStatus;
    /* IRP-81: a synchronous paging IRP ends here, a close IRP is its issuer's. */
    if (flags & IRP_PAGING_IO && flags & IRP_SYNCHRONOUS_PAGING_IO)
        IoFreeIrp(irp);
    if (event)
        /* IRP-77, IRP-81: last, since the issuer may go on, with the completer's boost. */
        KeSetEvent(event, boost, FALSE);
}

/* What a driver or service hung on the IRP for its own lifetime. */
static void drop_auxiliary(PIRP irp)
{
    struct io_irp *slot = io_irp_of(irp);
    PVOID auxiliary = irp->Tail.Overlay.AuxiliaryBuffer;
    if (!auxiliary)
        return;
    irp->Tail.Overlay.AuxiliaryBuffer = NULL;
    if (irp->IoStatus.Status == STATUS_REPARSE && irp->Flags & IRP_CREATE_OPERATION && slot)
        /* IRP-93: the name goes to whoever restarts the open. */
        slot->auxiliary = auxiliary;
    else
        mm_pool_free(auxiliary, 0, drop_auxiliary);
}

static VOID NTAPI run_in_thread(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    io_final_stage(container_of(Apc, IRP, Tail.Apc), *SystemArgument1);
}

/* Whether the IRP itself holds its file: a create's reference is the handle's, a waiting service's its own.
 */
static bool owns_file(const IRP *irp)
{
    const struct io_irp *slot = io_irp_of(irp);
    return !(irp->Flags & IRP_CREATE_OPERATION) && !(slot && slot->borrowed);
}

/* The thread ended before the APC could run: nobody is there to be told. */
static void abandon(PIRP irp, PFILE_OBJECT file)
{
    io_dequeue_irp(irp);
    if (irp->Flags & IRP_DEALLOCATE_BUFFER && irp->Flags & IRP_BUFFERED_IO)
        mm_pool_free(irp->AssociatedIrp.SystemBuffer, 0, abandon);
    mm_free_mdl_chain(irp->MdlAddress);
    if (irp->UserEvent && file && !(irp->Flags & IRP_SYNCHRONOUS_API))
        ob_dereference(irp->UserEvent);
    if (file && owns_file(irp))
        ob_dereference(file);
    IoFreeIrp(irp);
}

static VOID NTAPI rundown(PKAPC Apc)
{
    abandon(container_of(Apc, IRP, Tail.Apc), Apc->SystemArgument1);
}

static void queue_to_thread(PIRP irp, CCHAR boost)
{
    PKTHREAD thread = (PKTHREAD)irp->Tail.Overlay.Thread;
    PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
    if (!thread) {
        if (!irp->Cancel)
            /* IRP-72: no thread, no status block: the routine that should have stopped it is missing
             * (REQ-16). */
            io_irp_bugcheck(
                IRQL_NOT_LESS_OR_EQUAL, irp, NULL, ke_irql(), 0, (ULONG_PTR)queue_to_thread,
                "an IRP that a driver allocated was completed to its top: its completion routine must return "
                "STATUS_MORE_PROCESSING_REQUIRED");
        /* IRP-83: its thread has ended. */
        abandon(irp, file);
        return;
    }
    KeInitializeApc(&irp->Tail.Apc, thread, irp->ApcEnvironment, run_in_thread, rundown, NULL, KernelMode,
                    NULL);
    /* IRP-83: the rest runs in the requester's thread, unless that ended meanwhile. */
    if (!KeInsertQueueApc(&irp->Tail.Apc, file, NULL, boost))
        abandon(irp, file);
}

void NTAPI io_finish_irp(PIRP irp, CCHAR boost)
{
    struct io_irp *slot = io_irp_of(irp);
    if (irp->Flags & IRP_ASSOCIATED_IRP) {
        finish_associated(irp, boost);
        return;
    }
    /* IRP-80: at the completer's IRQL; the MDLs themselves wait. */
    mm_unlock_mdl_chain(irp->MdlAddress);
    drop_auxiliary(irp);
    if (irp->Flags & (IRP_PAGING_IO | IRP_CLOSE_OPERATION)) {
        finish_paging_or_close(irp, boost);
        return;
    }
    if (irp->Flags & IRP_DEFER_IO_COMPLETION && !irp->PendingReturned && slot) {
        /* IRP-82: the service is still in IoCallDriver and goes on itself. */
        slot->deferred = TRUE;
        return;
    }
    queue_to_thread(irp, boost);
}

/* Rules: IRP-84. A fault is swallowed and becomes the status, which is returned then. */
static NTSTATUS copy_out(PIRP irp)
{
    NTSTATUS status = irp->IoStatus.Status;
    /* IRP-84: warnings such as STATUS_BUFFER_OVERFLOW do copy. */
    if (!(irp->Flags & IRP_INPUT_OPERATION) || status == STATUS_VERIFY_REQUIRED || NT_ERROR(status))
        return STATUS_SUCCESS;
    if (!irp->IoStatus.Information || !irp->AssociatedIrp.SystemBuffer)
        return STATUS_SUCCESS;
    NTSTATUS fault =
        arch_copy_guarded(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, irp->IoStatus.Information);
    if (!NT_SUCCESS(fault))
        /* IRP-84: the requester learns that his buffer was bad. */
        irp->IoStatus.Status = fault;
    return fault;
}

static NTSTATUS release_buffers(PIRP irp)
{
    NTSTATUS fault = STATUS_SUCCESS;
    if (irp->Flags & IRP_BUFFERED_IO) {
        fault = copy_out(irp);
        if (irp->Flags & IRP_DEALLOCATE_BUFFER && irp->AssociatedIrp.SystemBuffer)
            /* IRP-85: whoever made it asked for that. */
            mm_pool_free(irp->AssociatedIrp.SystemBuffer, 0, release_buffers);
    }
    irp->Flags &= ~(ULONG)(IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER);
    if (irp->MdlAddress)
        /* IRP-80: unlocked since the walk. */
        mm_free_mdl_chain(irp->MdlAddress);
    irp->MdlAddress = NULL;
    return fault;
}

static bool waits_in_service(const IRP *irp, const FILE_OBJECT *file)
{
    return irp->Flags & IRP_SYNCHRONOUS_API || (file && file->Flags & FO_SYNCHRONOUS_IO);
}

static void write_iosb(PIRP irp)
{
    if (!irp->UserIosb)
        return;
    /* IRP-86: the requester's memory may have gone meanwhile. */
    arch_copy_guarded(irp->UserIosb, &irp->IoStatus, sizeof(irp->IoStatus));
}

/* The buffer of a reparse goes with the result of the create (IRP-93). */
static void hand_over_auxiliary(PIRP irp)
{
    struct io_irp *slot = io_irp_of(irp);
    if (slot && slot->auxiliary)
        container_of(irp->UserIosb, struct io_create_result, iosb)->auxiliary = slot->auxiliary;
}

static void set_file_event(PIRP irp, PFILE_OBJECT file)
{
    /* IRP-86: who waits on the file reads this. */
    file->FinalStatus = irp->IoStatus.Status;
    /* IRP-86: the file object is signaled. */
    KeSetEvent(&file->Event, IO_NO_INCREMENT, FALSE);
}

static void signal_events(PIRP irp, PFILE_OBJECT file)
{
    if (irp->UserEvent) {
        /* IRP-14, IRP-86: the event of the request, which began non-signaled. */
        KeSetEvent(irp->UserEvent, IO_NO_INCREMENT, FALSE);
        if (file && file->Flags & FO_SYNCHRONOUS_IO)
            set_file_event(irp, file);
    } else if (file && !(irp->Flags & IRP_CREATE_OPERATION)) {
        if (!(file->Flags & FO_SKIP_SET_EVENT) || file->Flags & FO_SYNCHRONOUS_IO)
            set_file_event(irp, file);
        else
            file->FinalStatus = irp->IoStatus.Status;
    }
}

static VOID NTAPI free_after_apc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                 PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    /* IRP-90: the kernel routine runs before the user's. */
    IoFreeIrp(container_of(Apc, IRP, Tail.Apc));
}

static VOID NTAPI free_at_rundown(PKAPC Apc)
{
    IoFreeIrp(container_of(Apc, IRP, Tail.Apc));
}

static void queue_user_apc(PIRP irp, PKTHREAD thread)
{
    PVOID routine = irp->Overlay.AsynchronousParameters.UserApcRoutine;
    PVOID context = irp->Overlay.AsynchronousParameters.UserApcContext;
    PIO_STATUS_BLOCK iosb = irp->UserIosb;
    KPROCESSOR_MODE mode = irp->RequestorMode;
    KeInitializeApc(&irp->Tail.Apc, thread, irp->ApcEnvironment, free_after_apc, free_at_rundown,
                    (PKNORMAL_ROUTINE)routine, mode, context);
    /* IRP-90: called with (ApcContext, IOSB, 0). */
    KeInsertQueueApc(&irp->Tail.Apc, iosb, NULL, 2);
}

/* Rules: IRP-89. */
static bool wants_packet(const IRP *irp, const FILE_OBJECT *file)
{
    if (!file || !file->CompletionContext || !irp->Overlay.AsynchronousParameters.UserApcContext)
        return false;
    if (irp->Flags & (IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API))
        return false;
    /* IRP-89: a request that succeeded at once is not reported twice, if the owner asked for that. */
    return !(file->Flags & FO_SKIP_COMPLETION_PORT && !irp->PendingReturned &&
             NT_SUCCESS(irp->IoStatus.Status));
}

/* Delivers the last message and disposes of the IRP. */
static void deliver(PIRP irp, PFILE_OBJECT file, PKTHREAD thread)
{
    bool create = irp->Flags & IRP_CREATE_OPERATION;
    if (!create && irp->Overlay.AsynchronousParameters.UserApcRoutine) {
        queue_user_apc(irp, thread);
    } else if (!create && wants_packet(irp, file)) {
        PIO_COMPLETION_CONTEXT to = file->CompletionContext;
        irp->Tail.CompletionKey = to->Key;
        /* IRP-89: the IRP is the packet. */
        io_port_queue(to->Port, irp);
    } else {
        /* IRP-86: nobody needs it any more. */
        IoFreeIrp(irp);
    }
}

/* Success, warning, or an error that came after STATUS_PENDING on an asynchronous request. */
static void tell_requester(PIRP irp, PFILE_OBJECT file, PKTHREAD thread)
{
    PKEVENT event = irp->Flags & IRP_SYNCHRONOUS_API || !file ? NULL : irp->UserEvent;
    write_iosb(irp);
    if (irp->Flags & IRP_CREATE_OPERATION)
        hand_over_auxiliary(irp);
    signal_events(irp, file);
    deliver(irp, file, thread);
    if (event)
        /* IRP-91: the service that waits itself owns its event. */
        ob_dereference(event);
}

/* An error. What the requester sees of it is the service's return value, unless it was told to wait. */
static void tell_error(PIRP irp, PFILE_OBJECT file)
{
    PKEVENT event = irp->UserEvent;
    bool own_event = irp->Flags & IRP_SYNCHRONOUS_API || !file;
    /* IRP-87: not pended: neither the status block nor the event is touched. */
    if (irp->PendingReturned) {
        /* IRP-88: the service, or who waits on a synchronous file, was told to wait. */
        write_iosb(irp);
        if (file && !(irp->Flags & IRP_SYNCHRONOUS_API))
            set_file_event(irp, file);
        else if (event)
            /* IRP-88: the service waits on its event. */
            KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    }
    IoFreeIrp(irp);
    if (event && !own_event)
        ob_dereference(event);
}

static void check_not_finished_twice(PIRP irp)
{
    struct io_irp *slot = io_irp_of(irp);
    if (unlikely(slot && slot->state != IO_IRP_LIVE))
        io_irp_bugcheck(
            MULTIPLE_IRP_COMPLETE_REQUESTS, irp, NULL, 0, 0, 0,
            "the final stage of an IRP ran twice: its driver returned a status, but had marked it pending");
}

/*
 * The last stage, in the requester's context. An error: the answer could not be copied out.
 * Owns: consumes the IRP and its reference to the file. IRQL: <= APC_LEVEL. Rules: IRP-80, IRP-84..IRP-94.
 */
NTSTATUS io_final_stage(PIRP irp, PFILE_OBJECT file)
{
    check_not_finished_twice(irp);
    PKTHREAD thread = (PKTHREAD)ke_thread();
    bool owner = owns_file(irp);
    if (unlikely(seam_vf != NULL) && seam_vf->irp_finishing)
        seam_vf->irp_finishing(irp);
    io_dequeue_irp(irp);
    NTSTATUS fault = release_buffers(irp);
    io_count_transfer(irp->Flags, irp->IoStatus.Information);
    TRACE(TRACE_IRP_FINISHED, irp, .a = (ULONG64)(LONG64)irp->IoStatus.Status,
          .b = irp->IoStatus.Information);
    NTSTATUS status = irp->IoStatus.Status;
    if (!NT_ERROR(status) || (irp->PendingReturned && !waits_in_service(irp, file)))
        tell_requester(irp, file, thread);
    else
        tell_error(irp, file);
    if (file && owner)
        /* IRP-86: the request's reference. */
        ob_dereference(file);
    return fault;
}

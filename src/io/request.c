/* SPDX-License-Identifier: MIT */
/*
 * What every system service on a file does: take the file, make an IRP for the
 * top of its device stack, send it, and finish or wait as the file and the
 * service ask. A synchronous file's services take turns by the file's lock.
 */
#include "io/private.h"

/* Rules: IRP-92. An alertable file's turn may be given up (STATUS_ALERTED, STATUS_USER_APC). */
NTSTATUS io_lock_file(PFILE_OBJECT file, KPROCESSOR_MODE mode)
{
    /* IRP-92: one service at a time. */
    if (likely(!__atomic_exchange_n(&file->Busy, TRUE, __ATOMIC_ACQUIRE)))
        return STATUS_SUCCESS;
    NTSTATUS status = STATUS_SUCCESS;
    __atomic_add_fetch(&file->Waiters, 1, __ATOMIC_SEQ_CST);
    while (__atomic_exchange_n(&file->Busy, TRUE, __ATOMIC_SEQ_CST)) {
        status =
            KeWaitForSingleObject(&file->Lock, Executive, mode, (file->Flags & FO_ALERTABLE_IO) != 0, NULL);
        if (status != STATUS_SUCCESS)
            break;
    }
    __atomic_sub_fetch(&file->Waiters, 1, __ATOMIC_SEQ_CST);
    return status;
}

void io_unlock_file(PFILE_OBJECT file)
{
    /* IRP-92: the next one's turn. */
    __atomic_store_n(&file->Busy, FALSE, __ATOMIC_SEQ_CST);
    if (unlikely(__atomic_load_n(&file->Waiters, __ATOMIC_SEQ_CST)))
        KeSetEvent(&file->Lock, IO_NO_INCREMENT, FALSE);
}

void io_request_unlock(struct io_request *r)
{
    if (r->synchronous)
        io_unlock_file(r->file);
}

static void drop_references(struct io_request *r)
{
    if (r->event)
        ob_dereference(r->event);
    ob_dereference(r->file);
}

static NTSTATUS take_event(struct io_request *r, HANDLE event)
{
    if (!event)
        return STATUS_SUCCESS;
    NTSTATUS status =
        ob_reference_by_handle(event, EVENT_MODIFY_STATE, ob_event_type, r->mode, (void **)&r->event, NULL);
    if (NT_SUCCESS(status))
        KeClearEvent(r->event);
    return status;
}

/*
 * Takes the file of a service and, if it is synchronous, its turn. Nothing is held on failure.
 * The mode of the caller decides about probing and access.
 */
NTSTATUS io_request_open(struct io_request *r, HANDLE handle, ACCESS_MASK access, HANDLE event,
                         PIO_APC_ROUTINE apc, PVOID apc_context, PIO_STATUS_BLOCK iosb)
{
    r->handle = handle;
    r->mode = ke_previous_mode();
    r->event = NULL;
    r->apc = apc;
    r->apc_context = apc_context;
    r->iosb = iosb;
    r->irp = NULL;
    r->wait = r->synchronous = r->positioned = false;
    NTSTATUS status = io_probe_write(iosb, sizeof(*iosb), sizeof(ULONG), r->mode);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_reference_by_handle(handle, access, io_file_type, r->mode, (void **)&r->file, &r->granted);
    if (!NT_SUCCESS(status))
        return status;
    if (apc && r->file->CompletionContext)
        status = STATUS_INVALID_PARAMETER; /* a completion port and an APC exclude each other */
    else
        status = take_event(r, event);
    if (NT_SUCCESS(status) && r->file->Flags & FO_SYNCHRONOUS_IO) {
        status = io_lock_file(r->file, r->mode);
        r->synchronous = status == STATUS_SUCCESS;
    }
    if (status != STATUS_SUCCESS) {
        drop_references(r);
        return status;
    }
    KeClearEvent(&r->file->Event);
    r->device = IoGetRelatedDeviceObject(r->file);
    return STATUS_SUCCESS;
}

NTSTATUS io_request_allocate(struct io_request *r, UCHAR major)
{
    PIRP irp = IoAllocateIrp(r->device->StackSize, !r->synchronous);
    if (!irp)
        return io_request_abandon(r, STATUS_INSUFFICIENT_RESOURCES);
    r->irp = irp;
    r->next = IoGetNextIrpStackLocation(irp);
    irp->Tail.Overlay.OriginalFileObject = r->file;
    /* DR-09: who asks. */
    irp->RequestorMode = r->mode;
    irp->UserEvent = r->event;
    irp->UserIosb = r->iosb;
    irp->Overlay.AsynchronousParameters.UserApcRoutine = r->apc;
    irp->Overlay.AsynchronousParameters.UserApcContext = r->apc_context;
    if (r->wait && !r->synchronous) {
        KeInitializeEvent(&r->own_event, NotificationEvent, FALSE);
        /* IRP-91: the service waits on an event of its own. */
        irp->UserEvent = &r->own_event;
        irp->UserIosb = &r->own_iosb;
        /* IRP-91: which nobody dereferences. */
        irp->Flags |= IRP_SYNCHRONOUS_API;
    }
    r->next->MajorFunction = major;
    r->next->FileObject = r->file;
    return STATUS_SUCCESS;
}

NTSTATUS io_request_abandon(struct io_request *r, NTSTATUS status)
{
    PIRP irp = r->irp;
    if (irp) {
        if (irp->Flags & IRP_DEALLOCATE_BUFFER && irp->AssociatedIrp.SystemBuffer)
            mm_pool_free(irp->AssociatedIrp.SystemBuffer, 0, io_request_abandon);
        if (irp->Tail.Overlay.AuxiliaryBuffer)
            mm_pool_free(irp->Tail.Overlay.AuxiliaryBuffer, 0, io_request_abandon);
        mm_unlock_mdl_chain(irp->MdlAddress);
        mm_free_mdl_chain(irp->MdlAddress);
        IoFreeIrp(irp);
        r->irp = NULL;
    }
    io_request_unlock(r);
    drop_references(r);
    return status;
}

/* The driver is done with it before it returned (IRP-82). Gives the service's status. */
static NTSTATUS finish_inline(struct io_request *r, struct io_irp *slot, ULONG number, NTSTATUS returned)
{
    if (slot->state != IO_IRP_LIVE || slot->number != number)
        io_irp_bugcheck(MULTIPLE_IRP_COMPLETE_REQUESTS, r->irp, r->device, 0, 0, 0,
                        "a dispatch routine marked an IRP pending but did not return STATUS_PENDING: the I/O "
                        "manager would finish it twice");
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    /* IRP-82: what the APC would have done. */
    NTSTATUS fault = io_final_stage(r->irp, r->file);
    ke_lower_irql(irql);
    /* IRP-84: the caller learns that his buffer was bad. */
    return NT_SUCCESS(fault) ? returned : fault;
}

static bool finished(struct io_request *r, const KEVENT *event)
{
    return event->Header.SignalState != 0;
}

static void wait_until_finished(struct io_request *r, PKEVENT event)
{
    BOOLEAN alertable = r->synchronous && r->file->Flags & FO_ALERTABLE_IO;
    if (KeWaitForSingleObject(event, Executive, alertable ? r->mode : KernelMode, alertable, NULL) ==
        STATUS_SUCCESS)
        return;
    /* Alerted: cancel, and wait for the end of it. The final stage runs in this thread, so the IRP is there
     * until then. */
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    bool gone = finished(r, event);
    if (!gone)
        IoCancelIrp(r->irp);
    ke_lower_irql(irql);
    if (!gone)
        KeWaitForSingleObject(event, Executive, KernelMode, FALSE, NULL);
}

/* Unless the driver, as file systems do, moved the position itself (IRP-92). */
static void advance_position(struct io_request *r, NTSTATUS status, LARGE_INTEGER before)
{
    IO_STATUS_BLOCK result;
    if (!r->positioned || NT_ERROR(status) || r->file->CurrentByteOffset.QuadPart != before.QuadPart)
        return;
    if (NT_SUCCESS(arch_copy_guarded(&result, r->iosb, sizeof(result))))
        /* IRP-92: by what was transferred. */
        r->file->CurrentByteOffset.QuadPart = r->offset.QuadPart + (LONGLONG)result.Information;
}

static NTSTATUS end_of_waiting(struct io_request *r, NTSTATUS status, LARGE_INTEGER before)
{
    if (r->synchronous) {
        advance_position(r, status, before);
        io_unlock_file(r->file);
    } else if (!NT_ERROR(status) || r->own_event.Header.SignalState) {
        /* IRP-91: the caller's block from the service's own. */
        arch_copy_guarded(r->iosb, &r->own_iosb, sizeof(r->own_iosb));
    }
    ob_dereference(r->file);
    return status;
}

/*
 * Sends the prepared IRP. Returns the dispatch routine's status; for a synchronous file or a waiting service
 * the final one. Owns: consumes the request's references and the file's turn. Rules: IRP-82, IRP-86..IRP-92.
 */
NTSTATUS io_request_send(struct io_request *r)
{
    PIRP irp = r->irp;
    PFILE_OBJECT file = r->file;
    bool waits = r->synchronous || r->wait;
    struct io_irp *slot = io_irp_of(irp);
    ULONG number = slot->number;
    LARGE_INTEGER before = file->CurrentByteOffset;
    if (r->wait && !r->synchronous && r->event) { /* its own event serves */
        ob_dereference(r->event);
        r->event = NULL;
    }
    slot->borrowed = waits; /* the one reference outlives the IRP, whose end is waited for */
    /* IRP-82: no APC when the driver is done before it returns. */
    irp->Flags |= IRP_DEFER_IO_COMPLETION;
    io_queue_irp_to_thread(irp);
    NTSTATUS status = IofCallDriver(r->device, irp);
    if (status != STATUS_PENDING) {
        status = finish_inline(r, slot, number, status);
    } else if (r->synchronous) {
        wait_until_finished(r, &file->Event);
        /* IRP-86: what the final stage left there. */
        status = file->FinalStatus;
    } else if (waits) {
        wait_until_finished(r, &r->own_event);
        status = r->own_iosb.Status;
    }
    return waits ? end_of_waiting(r, status, before) : status;
}

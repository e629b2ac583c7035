/* SPDX-License-Identifier: MIT */
/*
 * A thread ends in the middle of a driver's routine, with its process
 * (NtTerminateProcess on the current one). The frames above the call never go
 * on, so what only they had must be taken back, for nobody else will end it:
 * waiting for it, as for other requests of a thread that ends, would be in vain.
 *
 * That is an IRP of the thread whose current location is not marked pending
 * and which has no cancel routine: a driver that hands an IRP to somebody else
 * marks it first. It is completed as canceled, in the place of the driver that
 * has it; completion routines run, the frames that they refer to are still
 * there. One that was completed already waits for the service that sent it:
 * what that would have done is done here.
 */
#include "io/private.h"

static bool is_held(const IRP *irp)
{
    const struct io_irp *slot = io_irp_of(irp);
    if (!slot || slot->state != IO_IRP_LIVE)
        return false;
    if (slot->deferred)
        return true;
    if (irp->CurrentLocation > irp->StackCount || irp->CancelRoutine)
        return false; /* never sent or through, or somebody waits to cancel it */
    return !(IoGetCurrentIrpStackLocation((PIRP)irp)->Control & SL_PENDING_RETURNED);
}

/* No APC runs, for a final stage takes an IRP out of the list. */
static PIRP next_held(struct ps_thread *thread)
{
    PIRP found = NULL;
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    list_for_each(it, &thread->irps)
    {
        PIRP irp = container_of(it, IRP, ThreadListEntry);
        if (!found && is_held(irp))
            found = irp;
    }
    ke_lower_irql(irql);
    return found;
}

/* Nobody was opened: as in open.c. */
static void forget_file(PFILE_OBJECT file)
{
    PDEVICE_OBJECT device = file->DeviceObject;
    file->DeviceObject = NULL;
    ob_dereference(file);
    io_device_dereference(device);
}

/* The services that wait for their IRPs hold the file: from now on the IRP does. They give back their turns.
 */
static void take_over_files(struct ps_thread *thread)
{
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    list_for_each(it, &thread->irps)
    {
        PIRP irp = container_of(it, IRP, ThreadListEntry);
        struct io_irp *slot = io_irp_of(irp);
        PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
        if (!slot || !slot->borrowed)
            continue;
        slot->borrowed = FALSE;
        if (file->Flags & FO_SYNCHRONOUS_IO && !(irp->Flags & IRP_SYNCHRONOUS_API))
            io_unlock_file(file);
    }
    ke_lower_irql(irql);
}

/* What the service would have done that sent it. */
static void finish(PIRP irp)
{
    PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
    bool failed_create = irp->Flags & IRP_CREATE_OPERATION && !NT_SUCCESS(irp->IoStatus.Status);
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    io_final_stage(irp, file);
    ke_lower_irql(irql);
    if (failed_create)
        forget_file(file);
}

/* A CLEANUP or CLOSE is its issuer's to free. */
static void complete(PIRP irp)
{
    bool close = irp->Flags & IRP_CLOSE_OPERATION;
    irp->Cancel = TRUE;
    irp->IoStatus = (IO_STATUS_BLOCK){.Status = STATUS_CANCELLED};
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    if (close && irp->CurrentLocation > irp->StackCount) {
        io_dequeue_irp(irp);
        IoFreeIrp(irp);
    }
}

/* On the ending thread, on top of the frames that are abandoned. IRQL: PASSIVE_LEVEL. */
void io_frames_abandoned(struct ps_thread *thread)
{
    PIRP irp;
    take_over_files(thread);
    while ((irp = next_held(thread)) != NULL) {
        if (io_irp_of(irp)->deferred)
            finish(irp);
        else
            complete(irp);
    }
}

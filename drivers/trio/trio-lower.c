/* SPDX-License-Identifier: MIT */
/*
 * trio-lower: a lower filter, between trio-line and the bus. It sees what the
 * function driver asks of the bus, and what the bus answers on its way up: to
 * the device's capabilities it adds that pulling it out is no surprise.
 */
#include <ntddk.h>
#include "trio.h"
#include "trio-filter.h"

static NTSTATUS filter_write(struct filter *filter, PIRP Irp)
{
    return pass_down(filter->lower, Irp);
}

static NTSTATUS NTAPI add_capability(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct filter *filter = Context;

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceCapabilities.Capabilities->SurpriseRemovalOK =
            TRUE;
        DbgPrint("the device may be pulled out\n");
    }
    IoReleaseRemoveLock(&filter->remove_lock, add_capability);
    return STATUS_CONTINUE_COMPLETION;
}

/* The completion routine may run when this has returned: it has the remove lock for itself. */
static NTSTATUS filter_pnp(struct filter *filter, PIRP Irp)
{
    NTSTATUS status;

    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction != IRP_MN_QUERY_CAPABILITIES)
        return pass_down(filter->lower, Irp);
    status = IoAcquireRemoveLock(&filter->remove_lock, add_capability);
    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, add_capability, filter, TRUE, TRUE, TRUE);
    return IoCallDriver(filter->lower, Irp);
}

/* SPDX-License-Identifier: MIT */
/*
 * mark-own-irp: a mistake on purpose. The completion routine of an IRP that the driver allocated, without a
 * location for itself, passes the pending mark on as if it were another driver's request.
 */
#include "../broken.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp); /* the mistake: there is no location to mark */
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID send_own(CCHAR locations)
{
    PIRP Irp = IoAllocateIrp(locations, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(Irp, done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(device, Irp);
    IoFreeIrp(Irp);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    switch (major_of(Irp)) {
    case IRP_MJ_FLUSH_BUFFERS:
        IoMarkIrpPending(Irp);
        finish(Irp, STATUS_SUCCESS, 0);
        return STATUS_PENDING;
    case IRP_MJ_WRITE:
        send_own(2);
        break;
    case IRP_MJ_READ:
        send_own(1);
        break;
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

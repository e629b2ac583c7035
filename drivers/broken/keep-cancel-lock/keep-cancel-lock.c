/* SPDX-License-Identifier: MIT */
/* keep-cancel-lock: a mistake on purpose. The cancel routine does not release the cancel spin lock. */
#include "../broken.h"

static PIRP canceled;

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    canceled = Irp; /* the mistake: IoReleaseCancelSpinLock(Irp->CancelIrql) is missing */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_READ)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, cancel);
    return STATUS_PENDING;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

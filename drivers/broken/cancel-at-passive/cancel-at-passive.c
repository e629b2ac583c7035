/* SPDX-License-Identifier: MIT */
/*
 * cancel-at-passive: a mistake on purpose. The cancel routine believes that whoever cancels is at
 * PASSIVE_LEVEL.
 */
#include "../broken.h"

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(PASSIVE_LEVEL); /* the mistake: Irp->CancelIrql */
    finish(Irp, STATUS_CANCELLED, 0);
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

/* SPDX-License-Identifier: MIT */
/* complete-cancelable: a mistake on purpose. The cancel routine is still set when the IRP is completed. */
#include "../broken.h"

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    finish(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoSetCancelRoutine(Irp, cancel);
    return finish(Irp, STATUS_SUCCESS, 0); /* the mistake: IoSetCancelRoutine(Irp, NULL) is missing */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/*
 * cancel-completed: a mistake on purpose. A read is completed with its cancel routine still set, and is then
 * canceled: its routine would be called for a request that is over. Without the verifier, which says so at
 * once.
 */
#include "../broken.h"

static PIRP pending;

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL irql;

    if (major_of(Irp) == IRP_MJ_READ) {
        IoMarkIrpPending(Irp);
        IoSetCancelRoutine(Irp, cancel);
        pending = Irp;
        return STATUS_PENDING;
    }
    if (major_of(Irp) == IRP_MJ_WRITE) {
        KeRaiseIrql(APC_LEVEL, &irql);      /* the requester's final stage has to wait */
        finish(pending, STATUS_SUCCESS, 0); /* the mistake: IoSetCancelRoutine(pending, NULL) is missing */
        IoCancelIrp(pending);
        KeLowerIrql(irql);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* timer-lock: a mistake on purpose. An IoTimer routine takes its spin lock and returns. */
#include "../broken.h"

static KSPIN_LOCK lock;

static VOID NTAPI tick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KeAcquireSpinLockAtDpcLevel(&lock); /* the mistake: no release */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        IoInitializeTimer(DeviceObject, tick, NULL);
        IoStartTimer(DeviceObject);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

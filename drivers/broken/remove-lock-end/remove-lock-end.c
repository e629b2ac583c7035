/* SPDX-License-Identifier: MIT */
/* remove-lock-end: a mistake on purpose. The last release is not of an acquisition of the caller. */
#include "../broken.h"

static IO_REMOVE_LOCK lock;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        IoAcquireRemoveLock(&lock, Irp);
        IoReleaseRemoveLockAndWait(&lock, DeviceObject); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    IoInitializeRemoveLock(&lock, 'Bkcl', 0, 0);
    return make_broken(DriverObject, dispatch, &device);
}

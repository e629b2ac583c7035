/* SPDX-License-Identifier: MIT */
/* remove-lock-tag: a mistake on purpose. A remove lock is released with another tag than it was acquired
 * with. */
#include "../broken.h"

static IO_REMOVE_LOCK lock;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        IoAcquireRemoveLock(&lock, Irp);
        IoReleaseRemoveLock(&lock, DeviceObject); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    IoInitializeRemoveLock(&lock, 'Bkcl', 0, 0);
    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* complete-locked: a mistake on purpose. The write routine completes its IRP and releases its spin lock
 * afterwards.
 */
#include "../broken.h"

static KSPIN_LOCK lock;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    NTSTATUS status;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    status = finish(Irp, STATUS_SUCCESS, 0); /* the mistake */
    KeReleaseSpinLock(&lock, irql);
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

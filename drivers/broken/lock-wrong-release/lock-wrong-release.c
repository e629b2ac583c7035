/* SPDX-License-Identifier: MIT */
/* lock-wrong-release: a mistake on purpose. The write routine acquires a queued spin lock and releases it
 * as an ordinary one.
 */
#include "../broken.h"

static KSPIN_LOCK lock;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        KLOCK_QUEUE_HANDLE handle;

        KeAcquireInStackQueuedSpinLock(&lock, &handle);
        KeReleaseSpinLock(&lock, handle.OldIrql); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

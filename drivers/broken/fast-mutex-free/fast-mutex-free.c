/* SPDX-License-Identifier: MIT */
/* fast-mutex-free: a mistake on purpose. The write routine releases a fast mutex twice. */
#include "../broken.h"

static FAST_MUTEX fast;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        ExInitializeFastMutex(&fast);
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(&fast);
        ExReleaseFastMutexUnsafe(&fast);
        ExReleaseFastMutexUnsafe(&fast); /* the mistake */
        KeLeaveCriticalRegion();
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

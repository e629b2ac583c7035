/* SPDX-License-Identifier: MIT */
/* fast-mutex-twice: a mistake on purpose. The write routine acquires its fast mutex twice. */
#include "../broken.h"

static FAST_MUTEX fast;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        ExInitializeFastMutex(&fast);
        ExAcquireFastMutex(&fast);
        ExAcquireFastMutex(&fast); /* the mistake */
        ExReleaseFastMutex(&fast);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

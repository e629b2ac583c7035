/* SPDX-License-Identifier: MIT */
/* fast-mutex-foreign: a mistake on purpose. A thread releases the fast mutex that another one has. */
#include "../broken.h"

static FAST_MUTEX fast;

static VOID NTAPI release(PVOID Context)
{
    KeEnterCriticalRegion();
    ExReleaseFastMutexUnsafe(&fast); /* the mistake */
    KeLeaveCriticalRegion();
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        HANDLE thread;

        ExInitializeFastMutex(&fast);
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(&fast);
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, release, NULL);
        ZwWaitForSingleObject(thread, FALSE, NULL);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

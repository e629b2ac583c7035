/* SPDX-License-Identifier: MIT */
/* fast-mutex-kept: a mistake on purpose. A thread ends with a fast mutex. */
#include "../broken.h"

static FAST_MUTEX fast;

static VOID NTAPI run(PVOID Context)
{
    ExAcquireFastMutexUnsafe(&fast); /* the mistake: no release */
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI start(PVOID Context)
{
    KeEnterCriticalRegion();
    run(Context);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        HANDLE thread;

        ExInitializeFastMutex(&fast);
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, start, NULL);
        ZwWaitForSingleObject(thread, FALSE, NULL);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

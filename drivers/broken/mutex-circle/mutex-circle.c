/* SPDX-License-Identifier: MIT */
/* mutex-circle: a mistake on purpose. Writing takes a mutex inside a fast mutex, flushing a fast mutex
 * inside the mutex.
 */
#include "../broken.h"

static FAST_MUTEX fast;
static KMUTEX mutex;

static VOID take_mutex(void)
{
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_CREATE) {
        ExInitializeFastMutex(&fast);
        KeInitializeMutex(&mutex, 0);
    }
    if (major == IRP_MJ_WRITE) {
        ExAcquireFastMutex(&fast);
        take_mutex();
        KeReleaseMutex(&mutex, FALSE);
        ExReleaseFastMutex(&fast);
    }
    if (major == IRP_MJ_FLUSH_BUFFERS) {
        take_mutex();
        ExAcquireFastMutex(&fast); /* the mistake */
        ExReleaseFastMutex(&fast);
        KeReleaseMutex(&mutex, FALSE);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

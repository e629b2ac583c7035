/* SPDX-License-Identifier: MIT */
/* fast-mutex-unmade: a mistake on purpose. The write routine acquires a fast mutex that was never
 * initialized.
 */
#include "../broken.h"

static FAST_MUTEX fast;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        ExAcquireFastMutex(&fast); /* the mistake: no ExInitializeFastMutex */
        ExReleaseFastMutex(&fast);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

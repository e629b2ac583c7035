/* SPDX-License-Identifier: MIT */
/* resource-no-region: a mistake on purpose. The write routine acquires a resource with APCs enabled. */
#include "../broken.h"

static ERESOURCE resource;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        ExInitializeResourceLite(&resource);
        ExAcquireResourceSharedLite(&resource, TRUE); /* the mistake: no KeEnterCriticalRegion */
        ExReleaseResourceLite(&resource);
        ExDeleteResourceLite(&resource);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

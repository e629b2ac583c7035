/* SPDX-License-Identifier: MIT */
/* resource-upgrade: a mistake on purpose. The write routine asks for a resource exclusively that it has
 * shared.
 */
#include "../broken.h"

static ERESOURCE resource;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        ExInitializeResourceLite(&resource);
        KeEnterCriticalRegion();
        ExAcquireResourceSharedLite(&resource, TRUE);
        ExAcquireResourceExclusiveLite(&resource, TRUE); /* the mistake */
        KeLeaveCriticalRegion();
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* return-other-status: a mistake on purpose. The write routine completes with one status and returns
 * another.
 */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    finish(Irp, STATUS_SUCCESS, 0);
    return STATUS_DISK_FULL; /* the mistake */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

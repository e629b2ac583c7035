/* SPDX-License-Identifier: MIT */
/* mark-without-pending: a mistake on purpose. The IRP is marked pending, completed, and its status is
 * returned. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoMarkIrpPending(Irp);
    return finish(Irp, STATUS_SUCCESS, 0); /* the mistake: after the mark, STATUS_PENDING must be returned */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

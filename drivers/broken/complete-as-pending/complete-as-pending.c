/* SPDX-License-Identifier: MIT */
/* complete-as-pending: a mistake on purpose. The IRP is completed with the status that the dispatch routine
 * means to return. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    return finish(Irp, STATUS_PENDING, 0); /* the mistake: not a final status */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

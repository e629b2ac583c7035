/* SPDX-License-Identifier: MIT */
/* mark-unreturned: a mistake on purpose. The write routine marks its IRP pending, keeps it and returns
 * success.
 */
#include "../broken.h"

static PIRP kept;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    kept = Irp;
    return STATUS_SUCCESS; /* the mistake */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

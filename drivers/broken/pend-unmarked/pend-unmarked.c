/* SPDX-License-Identifier: MIT */
/* pend-unmarked: a mistake on purpose. The write routine keeps its IRP and returns STATUS_PENDING, but
 * does not mark it.
 */
#include "../broken.h"

static PIRP kept;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    kept = Irp;
    return STATUS_PENDING; /* the mistake: no IoMarkIrpPending */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* forget-irp: a mistake on purpose. The write routine returns success and forgets the IRP. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return STATUS_SUCCESS; /* the mistake: no IoCompleteRequest */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

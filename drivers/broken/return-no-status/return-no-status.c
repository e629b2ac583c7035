/* SPDX-License-Identifier: MIT */
/* return-no-status: a mistake on purpose. The write routine returns what happened to be on its stack. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    finish(Irp, STATUS_SUCCESS, 0);
    return (NTSTATUS)0xDEADBEEF; /* the mistake */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

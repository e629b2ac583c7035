/* SPDX-License-Identifier: MIT */
/* too-much-information: a mistake on purpose. A control says that it answers with more than the caller has
 * room for. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return finish(Irp, STATUS_SUCCESS, 0);
    if (location->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(ULONG))
        *(ULONG *)Irp->AssociatedIrp.SystemBuffer = 0x11223344;
    return finish(Irp, STATUS_SUCCESS, 2 * sizeof(ULONG)); /* the mistake */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* copy-location: a mistake on purpose. A driver copies its whole stack location for the driver below, the
 * completion routine of the driver above included.
 */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    *IoGetNextIrpStackLocation(Irp) = *IoGetCurrentIrpStackLocation(Irp); /* the mistake */
    return IoCallDriver(lower, Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT upper;
    NTSTATUS status = make_broken(DriverObject, dispatch, &upper);

    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &lower);
    if (NT_SUCCESS(status))
        upper->StackSize = lower->StackSize + 1;
    return status;
}

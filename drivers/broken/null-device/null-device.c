/* SPDX-License-Identifier: MIT */
/* null-device: a mistake on purpose. A driver passes a request to a device that it never found. */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return IoCallDriver(NULL, Irp); /* the mistake */
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

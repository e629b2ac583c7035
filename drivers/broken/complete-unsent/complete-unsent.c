/* SPDX-License-Identifier: MIT */
/* complete-unsent: a mistake on purpose. A driver sets a completion routine by IoSetCompletionRoutineEx
 * and completes the request itself.
 */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutineEx(DeviceObject, Irp, done, NULL, TRUE, TRUE, TRUE);
    return finish(Irp, STATUS_SUCCESS, 0); /* the mistake: what it allocated stays, and the device with it */
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

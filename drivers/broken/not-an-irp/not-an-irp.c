/* SPDX-License-Identifier: MIT */
/* not-an-irp: a mistake on purpose. A driver sends memory that it did not make an IRP of. */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    PIRP own = ExAllocatePoolWithTag(NonPagedPool, IoSizeOfIrp(1), 'korB');
    RtlZeroMemory(own, IoSizeOfIrp(1)); /* the mistake: IoInitializeIrp is missing */
    IoCallDriver(lower, own);
    return finish(Irp, STATUS_SUCCESS, 0);
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

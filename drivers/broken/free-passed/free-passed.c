/* SPDX-License-Identifier: MIT */
/* free-passed: a mistake on purpose. A completion routine frees its IRP and lets the completion go on. */
#include "../broken.h"

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return STATUS_SUCCESS; /* the mistake: STATUS_MORE_PROCESSING_REQUIRED */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == lower || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    PIRP own = IoAllocateIrp(lower->StackSize, FALSE);
    IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(own, done, NULL, TRUE, TRUE, TRUE);
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

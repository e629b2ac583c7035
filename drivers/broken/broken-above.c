/* SPDX-License-Identifier: MIT */
/*
 * broken-above: no mistake. A filter over \Device\Broken that passes everything
 * down with a completion routine, as a filter does.
 */
#include <ntddk.h>

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, done, DeviceObject, TRUE, TRUE, TRUE);
    return IoCallDriver(lower, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(lower);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Broken");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                            &DeviceObject);
    if (NT_SUCCESS(status)) {
        status = IoAttachDevice(DeviceObject, &name, &lower);
        if (!NT_SUCCESS(status))
            IoDeleteDevice(DeviceObject);
    }
    return status;
}

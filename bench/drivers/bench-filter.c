/* SPDX-License-Identifier: MIT */
/*
 * The upper driver of the benchmark: passes every request down to
 * \Device\BenchTarget with a completion routine of its own.
 */
#include <ntddk.h>

static PDEVICE_OBJECT lower;

static NTSTATUS NTAPI on_the_way_up(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI pass_down(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, on_the_way_up, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(lower, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(lower);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\BenchTarget");
    PDEVICE_OBJECT DeviceObject, top;
    PFILE_OBJECT file;
    NTSTATUS status;
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = pass_down;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &top);
    if (NT_SUCCESS(status)) {
        lower = IoAttachDeviceToDeviceStack(DeviceObject, top);
        ObDereferenceObject(file);
        status = lower != NULL ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
    }
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    else
        DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

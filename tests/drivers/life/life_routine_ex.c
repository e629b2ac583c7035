/* SPDX-License-Identifier: MIT */
/* LC-16: IoSetCompletionRoutineEx keeps the driver until its routine has run. Sends a request that the lower
 * driver holds. */
#include "rltest.h"

static PDEVICE_OBJECT device, lower;
static PFILE_OBJECT file;

static NTSTATUS NTAPI routine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    DbgPrint("the completion routine runs\n");
    CHECK("LC-16", Context == (PVOID)0x77);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        PIRP own = IoAllocateIrp(lower->StackSize, FALSE);
        IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        CHECK_STATUS("LC-16", IoSetCompletionRoutineEx(device, own, routine, (PVOID)0x77, TRUE, TRUE, TRUE),
                     STATUS_SUCCESS);
        CHECK_STATUS("LC-16", IoCallDriver(lower, own), STATUS_PENDING);
        ObDereferenceObject(file);
        file = NULL;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("Unload of the sender\n");
    if (file != NULL)
        ObDereferenceObject(file);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeEx");
    UNICODE_STRING target = RTL_CONSTANT_STRING(L"\\Device\\LifeLower");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    if (!NT_SUCCESS(IoGetDeviceObjectPointer(&target, FILE_READ_DATA, &file, &lower)))
        return STATUS_UNSUCCESSFUL;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

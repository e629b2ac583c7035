/* SPDX-License-Identifier: MIT */
/*
 * LC-06, LC-13: tells whether the image of another driver is still mapped. That driver's DriverEntry sends
 * the address of its code; the first answer is an error, so that its DriverEntry fails, the later ones are
 * not.
 */
#include <ntifs.h>
#include "life_watch.h"

static PVOID watched;
static ULONG answers;

static NTSTATUS answer(PIRP Irp, ULONG code)
{
    if (code == IOCTL_WATCH) {
        watched = *(PVOID *)Irp->AssociatedIrp.SystemBuffer;
        return answers++ == 0 ? STATUS_DEVICE_NOT_READY : STATUS_SUCCESS;
    }
    return MmIsAddressValid(watched) ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        status = answer(Irp, location->Parameters.DeviceIoControl.IoControlCode);
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeWatch");
    PDEVICE_OBJECT device;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

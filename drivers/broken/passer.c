/* SPDX-License-Identifier: MIT */
/*
 * passer: no mistake of its own kind. For a write it sends one to \\Device\\Broken and does not wait for it,
 * keeping neither a handle nor a reference there: so the driver can go while it has the request.
 */
#include "broken.h"

static PDEVICE_OBJECT target;

static NTSTATUS NTAPI came_back(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIRP own;

    if (major_of(Irp) == IRP_MJ_WRITE) {
        own = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, target, NULL, 0, NULL, NULL);
        IoSetCompletionRoutine(own, came_back, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(target, own);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Passer"),
                   broken = RTL_CONSTANT_STRING(L"\\Device\\Broken");
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;
    NTSTATUS status = IoGetDeviceObjectPointer(&broken, FILE_READ_DATA, &file, &target);
    ULONG i;

    if (!NT_SUCCESS(status))
        return status;
    ObDereferenceObject(file);
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = delete_devices;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &device);
}

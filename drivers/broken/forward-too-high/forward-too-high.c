/* SPDX-License-Identifier: MIT */
/* forward-too-high: a mistake on purpose. A filter passes a flush down at DISPATCH_LEVEL. */
#include "../broken.h"

static PDEVICE_OBJECT lower, filter;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS status;
    KIRQL irql;

    if (DeviceObject != filter)
        return finish(Irp, STATUS_SUCCESS, 0);
    if (major_of(Irp) != IRP_MJ_FLUSH_BUFFERS && major_of(Irp) != IRP_MJ_WRITE) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(lower, Irp);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = IoCallDriver(lower, Irp); /* the mistake, for a flush; a write may be sent at DISPATCH_LEVEL */
    KeLowerIrql(irql);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(lower);
    delete_devices(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = make_broken(DriverObject, dispatch, &lower);

    DriverObject->DriverUnload = unload;
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &filter);
    if (NT_SUCCESS(status)) {
        lower->Flags &= ~DO_DEVICE_INITIALIZING;
        IoAttachDeviceToDeviceStack(filter, lower);
    }
    return status;
}

/* SPDX-License-Identifier: MIT */
/* What every broken driver needs besides its mistake: one named device and the right way to complete a
 * request. */
#ifndef BROKEN_H
#define BROKEN_H

#include <ntifs.h>

#define IOCTL_DO_IT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static inline NTSTATUS finish(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static inline UCHAR major_of(PIRP Irp)
{
    return IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
}

static inline VOID NTAPI delete_devices(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

/* All requests go to one routine; the device is \Device\Broken. */
static inline NTSTATUS make_broken(PDRIVER_OBJECT DriverObject, PDRIVER_DISPATCH dispatch,
                                   PDEVICE_OBJECT *device)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Broken");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = delete_devices;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          device);
}

#endif

/* SPDX-License-Identifier: MIT */
/* control-without-buffer: a mistake on purpose. IoBuildDeviceIoControlRequest gets an address where nothing
 * is. */
#include "../broken.h"

#define IOCTL_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IO_STATUS_BLOCK iosb;
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoBuildDeviceIoControlRequest(IOCTL_DIRECT, DeviceObject, NULL, 0, (PVOID)0x5000, 16, FALSE, &event,
                                      &iosb);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

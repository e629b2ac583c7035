/* SPDX-License-Identifier: MIT */
/* leave-built: a mistake on purpose. A request of IoBuildDeviceIoControlRequest is made and never sent. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static IO_STATUS_BLOCK iosb;
    static KEVENT event;

    if (major_of(Irp) == IRP_MJ_WRITE) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        IoBuildDeviceIoControlRequest(IOCTL_DO_IT, DeviceObject, NULL, 0, NULL, 0, FALSE, &event, &iosb);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

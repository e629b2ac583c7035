/* SPDX-License-Identifier: MIT */
/* reuse-built: a mistake on purpose. The write routine makes a request of IoBuildDeviceIoControlRequest
 * fit for another use.
 */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP own;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    own = IoBuildDeviceIoControlRequest(IOCTL_DO_IT, DeviceObject, NULL, 0, NULL, 0, FALSE, &event, &iosb);
    IoReuseIrp(own, STATUS_SUCCESS); /* the mistake */
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

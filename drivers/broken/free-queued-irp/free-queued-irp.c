/* SPDX-License-Identifier: MIT */
/* free-queued-irp: a mistake on purpose. A synchronous builder's IRP belongs to the thread; the driver frees
 * it. */
#include "../broken.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IO_STATUS_BLOCK iosb;
    KEVENT event;

    if (major_of(Irp) == IRP_MJ_WRITE) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        IoFreeIrp(IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, device, NULL, 0, NULL, &event,
                                               &iosb)); /* the mistake */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

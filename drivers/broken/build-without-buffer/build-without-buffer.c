/* SPDX-License-Identifier: MIT */
/* build-without-buffer: a mistake on purpose. IoBuildSynchronousFsdRequest gets an address where nothing is.
 */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER offset = {.QuadPart = 0};
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoBuildSynchronousFsdRequest(IRP_MJ_READ, DeviceObject, (PVOID)0x5000, 16, &offset, &event, &iosb);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (NT_SUCCESS(status))
        device->Flags |= DO_DIRECT_IO;
    return status;
}

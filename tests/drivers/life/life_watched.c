/* SPDX-License-Identifier: MIT */
/* The driver that life_watch watches: DriverEntry returns what the watcher answers. */
#include <ntifs.h>
#include "life_watch.h"

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("the watched driver's Unload\n");
}

static NTSTATUS tell(PVOID address)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeWatch");
    IO_STATUS_BLOCK iosb;
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;
    KEVENT event;
    PIRP Irp;
    NTSTATUS status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device);

    if (!NT_SUCCESS(status))
        return status;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_WATCH, device, &address, sizeof(address), NULL, 0, FALSE,
                                        &event, &iosb);
    status = IoCallDriver(device, Irp);
    ObDereferenceObject(file);
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    return tell((PVOID)unload);
}

/* SPDX-License-Identifier: MIT */
/*
 * keeper: no mistake. The device below a broken driver: it keeps the writes it
 * gets until a flush or a cleanup comes, and then completes them.
 */
#include <ntddk.h>

#define ROOM 8

static PIRP kept[ROOM];
static ULONG count;

static NTSTATUS finish(PIRP Irp, NTSTATUS status)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID finish_kept(void)
{
    while (count != 0)
        finish(kept[--count], STATUS_SUCCESS);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if (major == IRP_MJ_WRITE && count < ROOM) {
        IoMarkIrpPending(Irp);
        kept[count++] = Irp;
        return STATUS_PENDING;
    }
    if (major == IRP_MJ_FLUSH_BUFFERS || major == IRP_MJ_CLEANUP)
        finish_kept();
    return finish(Irp, STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Keeper");
    PDEVICE_OBJECT DeviceObject;
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &DeviceObject);
}

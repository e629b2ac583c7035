/* SPDX-License-Identifier: MIT */
/*
 * DPC-13: a DpcForIsr whose context is in the device extension. StartIo of the
 * next request runs inside IoStartNextPacket and overwrites that context, so
 * what the DPC needs of it is taken before, and the call comes just before the
 * request is completed.
 */
#include "../rltest.h"

struct extension {
    PIRP current; /* the request the device works on: StartIo's and the DPC's */
    LONG started, completed;
};

static struct extension *e;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_READ) {
        IoMarkIrpPending(Irp);
        IoStartPacket(DeviceObject, Irp, NULL, NULL);
        return STATUS_PENDING;
    }
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE)
        IoRequestDpc(DeviceObject, NULL, NULL); /* the device is ready */
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    e->current = Irp;
    e->started++;
}

static VOID NTAPI dpc_for_isr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIRP mine = e->current;
    LONG started = e->started;
    IoStartNextPacket(DeviceObject, FALSE);
    if (e->completed == 0) /* another one waits: its StartIo has run by now */
        CHECK("DPC-13",
              e->started == started + 1 && e->current != mine && e->current == DeviceObject->CurrentIrp);
    else
        CHECK("DPC-13", e->started == started && DeviceObject->CurrentIrp == NULL);
    e->completed++;
    mine->IoStatus.Status = STATUS_SUCCESS;
    mine->IoStatus.Information = (ULONG_PTR)e->completed;
    IoCompleteRequest(mine, IO_NO_INCREMENT);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DpcNext");
    PDEVICE_OBJECT device;
    NTSTATUS status;
    for (ULONG i = 0; i <= IRP_MJ_WRITE; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(*e), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    e = device->DeviceExtension;
    IoInitializeDpcRequest(device, dpc_for_isr);
    return STATUS_SUCCESS;
}

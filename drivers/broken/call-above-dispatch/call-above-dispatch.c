/* SPDX-License-Identifier: MIT */
/* call-above-dispatch: a mistake on purpose. An IRP of the driver's own is sent at a device's IRQL. */
#include "../broken.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI stop(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID send_high(void)
{
    PIRP Irp = IoAllocateIrp(device->StackSize, FALSE);
    KIRQL irql;

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(Irp, stop, NULL, TRUE, TRUE, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    IoCallDriver(device, Irp); /* the mistake */
    KeLowerIrql(irql);
    IoFreeIrp(Irp);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        send_high();
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

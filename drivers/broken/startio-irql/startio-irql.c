/* SPDX-License-Identifier: MIT */
/* startio-irql: a mistake on purpose. StartIo raises the IRQL and returns. */
#include "../broken.h"

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL irql;

    finish(Irp, STATUS_SUCCESS, 0);
    KeRaiseIrql(CLOCK_LEVEL, &irql); /* the mistake: no KeLowerIrql */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    DriverObject->DriverStartIo = start_io;
    return make_broken(DriverObject, dispatch, &device);
}

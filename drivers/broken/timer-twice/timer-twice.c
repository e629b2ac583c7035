/* SPDX-License-Identifier: MIT */
/* timer-twice: a mistake on purpose. The device gets a second timer; it has one already. */
#include "../broken.h"

static VOID NTAPI tick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    DbgPrint("tick\n");
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        IoInitializeTimer(DeviceObject, tick, NULL); /* the mistake */
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    return NT_SUCCESS(status) ? IoInitializeTimer(device, tick, NULL) : status;
}

/* SPDX-License-Identifier: MIT */
/* leave-dpc: a mistake on purpose. A DPC for another processor is still queued when Unload returns. */
#include "../broken.h"

static KDPC dpc;

static VOID NTAPI late(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    delete_devices(DriverObject);
    KeInsertQueueDpc(&dpc, NULL, NULL);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = unload;
    KeInitializeDpc(&dpc, late, NULL);
    KeSetImportanceDpc(&dpc, LowImportance);
    KeSetTargetProcessorDpc(&dpc, 1);
    return STATUS_SUCCESS;
}

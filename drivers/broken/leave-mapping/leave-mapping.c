/* SPDX-License-Identifier: MIT */
/* leave-mapping: a mistake on purpose. An MDL is freed; its mapping is not undone. */
#include "../broken.h"

static PMDL mdl;
static PVOID block, mapped;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoFreeMdl(mdl);
    ExFreePoolWithTag(block, 'ppaM');
    delete_devices(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = unload;
    block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'ppaM');
    mdl = IoAllocateMdl(block, 64, FALSE, FALSE, NULL);
    if (block == NULL || mdl == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    mapped = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* leave-list: a mistake on purpose. A scatter/gather list is not put. */
#include "../broken.h"

static PVOID buffer;
static PMDL mdl;

static VOID NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST List, PVOID Context)
{
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoFreeMdl(mdl);
    ExFreePool(buffer);
    delete_devices(DriverObject);
}

static void get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    operations->GetScatterGatherList(adapter, device, mdl, buffer, PAGE_SIZE, control, NULL, TRUE);
    KeLowerIrql(irql);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DEVICE_DESCRIPTION description = {.Version = 2,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .Dma32BitAddresses = TRUE,
                                      .MaximumLength = 4 * PAGE_SIZE};
    PDEVICE_OBJECT device;
    ULONG registers;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = unload;
    buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 'korB');
    mdl = IoAllocateMdl(buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    get_list((PDMA_ADAPTER)HalGetAdapter(&description, &registers), device);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * DMA against a device that really moves bytes (the model dma-engine). The
 * buffers lie above 16 MiB where a transfer must bounce for a device with 24
 * address lines, and below where it must not. A write of N bytes runs the
 * N-th group of tests.
 */
#include "dma_test.h"

PDEVICE_OBJECT device, other_device;
ULONG engine_port = 0x300;

static PULONG reg(ULONG number)
{
    return (PULONG)(ULONG_PTR)(engine_port + 4 * number);
}

void engine_start(ULONG control, PHYSICAL_ADDRESS address, ULONG length, ULONG offset)
{
    WRITE_PORT_ULONG(reg(REG_ADDRESS), address.LowPart);
    WRITE_PORT_ULONG(reg(REG_HIGH), (ULONG)address.HighPart);
    WRITE_PORT_ULONG(reg(REG_LENGTH), length);
    WRITE_PORT_ULONG(reg(REG_OFFSET), offset);
    WRITE_PORT_ULONG(reg(REG_CONTROL), control | RUN);
}

ULONG engine_wait(void)
{
    ULONG status = 1;

    for (ULONG i = 0; i < 10000 && (status & 1); i++) {
        KeStallExecutionProcessor(10);
        status = READ_PORT_ULONG(reg(REG_STATUS));
    }
    WRITE_PORT_ULONG(reg(REG_STATUS), 6);
    return status;
}

ULONG engine_run(ULONG control, PHYSICAL_ADDRESS address, ULONG length, ULONG offset)
{
    engine_start(control, address, length, offset);
    return engine_wait();
}

ULONG engine_count(void)
{
    return READ_PORT_ULONG(reg(REG_COUNT));
}

PVOID buffer_at(BOOLEAN low, SIZE_T bytes, UCHAR value)
{
    PHYSICAL_ADDRESS from = {.QuadPart = low ? 0 : ISA_END};
    PHYSICAL_ADDRESS to = {.QuadPart = low ? ISA_END - 1 : 0x7FFFFFFFFFFF};
    PHYSICAL_ADDRESS any = {.QuadPart = 0};
    PVOID buffer = MmAllocateContiguousMemorySpecifyCache(bytes, from, to, any, MmCached);

    RtlFillMemory(buffer, bytes, value);
    return buffer;
}

PMDL mdl_for(PVOID buffer, ULONG bytes)
{
    PMDL mdl = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(mdl);
    return mdl;
}

BOOLEAN all_are(const UCHAR *bytes, ULONG count, UCHAR value)
{
    for (ULONG i = 0; i < count; i++)
        if (bytes[i] != value)
            return FALSE;
    return TRUE;
}

DEVICE_DESCRIPTION describe(ULONG version, ULONG maximum_length)
{
    DEVICE_DESCRIPTION description = {.Version = version, .Master = TRUE, .MaximumLength = maximum_length};

    description.InterfaceType = Isa;
    return description;
}

PDMA_ADAPTER adapter_for(DEVICE_DESCRIPTION *description, PULONG registers)
{
    return IoGetDmaAdapter(NULL, description, registers);
}

KIRQL raise(void)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    return irql;
}

IO_ALLOCATION_ACTION NTAPI note_control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                        PVOID Context)
{
    struct control_call *call = Context;

    call->calls++;
    call->irql = KeGetCurrentIrql();
    call->irp = Irp;
    call->base = MapRegisterBase;
    call->device = DeviceObject;
    return call->action;
}

VOID NTAPI note_list(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST ScatterGather, PVOID Context)
{
    struct list_call *call = Context;

    call->calls++;
    call->irql = KeGetCurrentIrql();
    call->irp = Irp;
    call->list = ScatterGather;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static void (*const tests[])(void) = {test_adapters, test_channels, test_transfers, test_system,
                                          test_buffers,  test_lists,    test_version3};
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_WRITE)
        tests[location->Parameters.Write.Length - 1]();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
    IoDeleteDevice(other_device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DmaTest");
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &other_device);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}

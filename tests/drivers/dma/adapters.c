/* SPDX-License-Identifier: MIT */
/* What descriptions become: versions of the operations, map registers; the channel and who waits for it. */
#include "dma_test.h"

static void check_table(ULONG version, ULONG entries)
{
    DEVICE_DESCRIPTION plain = describe(version, 65536);
    struct description3 description = {.common = plain, .DmaAddressWidth = 32};
    ULONG registers = 0, missing = 0;
    PDMA_ADAPTER adapter = adapter_for(&description.common, &registers);
    const ULONG_PTR *table = (const ULONG_PTR *)adapter->DmaOperations;

    CHECK_EQ("DMA-02", adapter->Version, 1);
    CHECK_EQ("DMA-02", adapter->DmaOperations->Size, (entries + 1) * sizeof(PVOID));
    for (ULONG i = 1; i <= entries; i++)
        missing += table[i] == 0;
    CHECK_EQ("DMA-04", missing, 0);
    CHECK_EQ("DMA-03", registers, 17);
    adapter->DmaOperations->PutDmaAdapter(adapter);
}

static BOOLEAN is_import(PCWSTR text)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name) != NULL;
}

void test_adapters(void)
{
    DEVICE_DESCRIPTION description = describe(4, 65536), master = describe(1, 0x1000000),
                       named = describe(1, 4096);
    ULONG registers = 0;
    PDMA_ADAPTER adapter;

    check_table(0, 12);
    check_table(1, 12);
    check_table(2, 15);
    check_table(3, 39);
    CHECK("DMA-02", adapter_for(&description, &registers) == NULL);
    CHECK("DMA-04", !is_import(L"AllocateAdapterChannel") && !is_import(L"MapTransfer") &&
                        !is_import(L"GetScatterGatherList") && !is_import(L"FreeMapRegisters"));
    CHECK("DMA-04", is_import(L"IoGetDmaAdapter") && is_import(L"HalGetAdapter"));
    /* A device of 24 address lines cannot have as many as 16 MiB would need. */
    adapter = adapter_for(&master, &registers);
    CHECK("DMA-03", registers >= 16 && registers < 4097);
    adapter->DmaOperations->PutDmaAdapter(adapter);
    adapter = (PDMA_ADAPTER)HalGetAdapter(&named, &registers);
    CHECK("DMA-03", adapter != NULL && registers == 2);
    /* The system's channels: 4 is not one, and 5 moves words. */
    description = describe(2, 65536);
    description.Master = FALSE;
    description.DmaChannel = 4;
    CHECK("DMA-02", adapter_for(&description, &registers) == NULL);
    description.DmaChannel = 5;
    CHECK("DMA-02", adapter_for(&description, &registers) == NULL);
    description.DmaWidth = Width16Bits;
    adapter = adapter_for(&description, &registers);
    CHECK("DMA-02",
          adapter != NULL && registers == 17 && adapter->DmaOperations->GetDmaAlignment(adapter) == 2);
    adapter->DmaOperations->PutDmaAdapter(adapter);
}

static void check_limit(PDMA_ADAPTER adapter, ULONG registers)
{
    struct control_call call = {.action = DeallocateObject};

    CHECK_STATUS(
        "DMA-05",
        adapter->DmaOperations->AllocateAdapterChannel(adapter, device, registers + 1, note_control, &call),
        STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("DMA-05", call.calls, 0);
    CHECK_STATUS(
        "DMA-05",
        adapter->DmaOperations->AllocateAdapterChannel(adapter, device, registers, note_control, &call),
        STATUS_SUCCESS);
    CHECK("DMA-05", call.calls == 1 && call.irql == DISPATCH_LEVEL && call.device == device);
    CHECK("SR-17", call.calls == 1 && call.irql == DISPATCH_LEVEL && call.device == device);
}

static void check_keep(PDMA_ADAPTER adapter, ULONG registers)
{
    struct control_call first = {.action = KeepObject}, second = {.action = DeallocateObject};
    PDMA_OPERATIONS operations = adapter->DmaOperations;

    device->CurrentIrp = (PIRP)(ULONG_PTR)0x1000;
    operations->AllocateAdapterChannel(adapter, device, registers, note_control, &first);
    CHECK("DMA-07", first.calls == 1 && first.irp == device->CurrentIrp);
    other_device->CurrentIrp = (PIRP)(ULONG_PTR)0x2000;
    CHECK_STATUS("DMA-05",
                 operations->AllocateAdapterChannel(adapter, other_device, registers, note_control, &second),
                 STATUS_SUCCESS);
    CHECK_EQ("DMA-08", second.calls, 0);
    CHECK_EQ("DPC-07", second.calls, 0);
    other_device->CurrentIrp = NULL;
    operations->FreeAdapterChannel(adapter);
    CHECK_EQ("DMA-10", second.calls, 1);
    CHECK_EQ("DPC-07", second.calls, 1);
    CHECK_EQ("DMA-07", (ULONG_PTR)second.irp, 0x2000);
    /* Nothing is left behind: all registers are to be had, at once. */
    first.action = DeallocateObject;
    operations->AllocateAdapterChannel(adapter, device, registers, note_control, &first);
    CHECK("DMA-08", first.calls == 2 && first.base != NULL);
    CHECK_EQ("DMA-09", second.calls, 1);
    device->CurrentIrp = NULL;
}

static void check_keep_registers(PDMA_ADAPTER adapter, ULONG registers)
{
    struct control_call first = {.action = DeallocateObjectKeepRegisters},
                        second = {.action = DeallocateObjectKeepRegisters},
                        third = {.action = DeallocateObject};
    PDMA_OPERATIONS operations = adapter->DmaOperations;

    operations->AllocateAdapterChannel(adapter, device, 1, note_control, &first);
    /* The channel is free, a register is not. */
    operations->AllocateAdapterChannel(adapter, device, registers, note_control, &second);
    CHECK("DMA-08", first.calls == 1 && second.calls == 0);
    /* Who comes later does not overtake, though there would be room. */
    operations->AllocateAdapterChannel(adapter, other_device, 1, note_control, &third);
    CHECK_EQ("DMA-05", third.calls, 0);
    operations->FreeMapRegisters(adapter, first.base, 1);
    CHECK("DMA-10", second.calls == 1 && third.calls == 0);
    operations->FreeMapRegisters(adapter, second.base, registers);
    CHECK_EQ("DMA-10", third.calls, 1);
}

void test_channels(void)
{
    DEVICE_DESCRIPTION description = describe(2, 0x1000000);
    ULONG registers;
    PDMA_ADAPTER adapter = adapter_for(&description, &registers);
    KIRQL irql = raise();

    check_limit(adapter, registers);
    check_keep(adapter, registers);
    check_keep_registers(adapter, registers);
    KeLowerIrql(irql);
    adapter->DmaOperations->PutDmaAdapter(adapter);
}

/* SPDX-License-Identifier: MIT */
/* MapTransfer and FlushAdapterBuffers: what bounces, when data moves; the system's controller; common
 * buffers. */
#include "dma_test.h"

#define BYTES 0x3000

static PVOID allocate(PDMA_ADAPTER adapter, ULONG registers, IO_ALLOCATION_ACTION action)
{
    struct control_call call = {.action = action};

    adapter->DmaOperations->AllocateAdapterChannel(adapter, device, registers, note_control, &call);
    return call.base;
}

static void check_bounce(PDMA_ADAPTER adapter)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    PUCHAR buffer = buffer_at(FALSE, BYTES, 0x11);
    PMDL mdl = mdl_for(buffer + 0x80, BYTES - 0x100);
    ULONG length = BYTES - 0x100;
    PVOID va = MmGetMdlVirtualAddress(mdl);
    PVOID base = allocate(adapter, 3, DeallocateObjectKeepRegisters);
    PHYSICAL_ADDRESS logical;

    KeFlushIoBuffers(mdl, FALSE, TRUE);
    logical = operations->MapTransfer(adapter, mdl, base, va, &length, TRUE);
    CHECK("DMA-12", logical.QuadPart < ISA_END && length == BYTES - 0x100);
    CHECK_EQ("DMA-20", engine_run(TO_DEVICE, logical, length, 0), 2);
    CHECK_EQ("DMA-11", operations->FlushAdapterBuffers(adapter, mdl, base, va, length, TRUE), TRUE);
    /* Back, into a buffer that has other bytes meanwhile. */
    RtlFillMemory(buffer, BYTES, 0x22);
    logical = operations->MapTransfer(adapter, mdl, base, va, &length, FALSE);
    CHECK_EQ("DMA-12", engine_run(0, logical, length, 0), 2);
    CHECK("DMA-11", all_are(buffer, BYTES, 0x22));
    CHECK_EQ("DMA-11", operations->FlushAdapterBuffers(adapter, mdl, base, va, length, FALSE), TRUE);
    CHECK("DMA-11", all_are(buffer + 0x80, length, 0x11));
    CHECK("DMA-11", all_are(buffer, 0x80, 0x22) && all_are(buffer + BYTES - 0x80, 0x80, 0x22));
    operations->FreeMapRegisters(adapter, base, 3);
    CHECK_EQ("DMA-11", operations->FlushAdapterBuffers(adapter, mdl, base, va, length, FALSE), FALSE);
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(buffer);
}

/* Parts of one request, each mapped and flushed by itself: AdapterControl ran once. */
static void check_parts(PDMA_ADAPTER adapter)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    PUCHAR buffer = buffer_at(FALSE, BYTES, 0x33);
    PMDL mdl = mdl_for(buffer, BYTES);
    struct control_call call = {.action = DeallocateObjectKeepRegisters};

    operations->AllocateAdapterChannel(adapter, device, 1, note_control, &call);
    for (ULONG done = 0; done < BYTES; done += PAGE_SIZE) {
        PVOID va = (PUCHAR)MmGetMdlVirtualAddress(mdl) + done;
        ULONG length = PAGE_SIZE;
        PHYSICAL_ADDRESS logical;

        RtlFillMemory(buffer + done, PAGE_SIZE, (UCHAR)(0x40 + done / PAGE_SIZE));
        logical = operations->MapTransfer(adapter, mdl, call.base, va, &length, TRUE);
        engine_run(TO_DEVICE, logical, length, done);
        operations->FlushAdapterBuffers(adapter, mdl, call.base, va, length, TRUE);
    }
    operations->FreeMapRegisters(adapter, call.base, 1);
    CHECK_EQ("DMA-09", call.calls, 1);
    engine_run(0, MmGetPhysicalAddress(buffer), BYTES, 0);
    CHECK("DMA-09", all_are(buffer, PAGE_SIZE, 0x40) && all_are(buffer + 0x2000, PAGE_SIZE, 0x42));
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(buffer);
}

/* Pages that nobody has mapped, behind an MDL whose address says nothing. */
static void check_index(PDMA_ADAPTER adapter)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    PHYSICAL_ADDRESS low = {.QuadPart = ISA_END}, high = {.QuadPart = ~0ull >> 1}, skip = {.QuadPart = 0};
    PMDL mdl = MmAllocatePagesForMdl(low, high, skip, 2 * PAGE_SIZE);
    PVOID va = (PUCHAR)MmGetMdlVirtualAddress(mdl) + PAGE_SIZE + 16, base;
    ULONG length = 32;
    PUCHAR bytes;
    KIRQL irql = raise();

    base = allocate(adapter, 2, KeepObject);
    engine_run(0, operations->MapTransfer(adapter, mdl, base, va, &length, FALSE), 32, 0x1000);
    operations->FlushAdapterBuffers(adapter, mdl, base, va, length, FALSE);
    operations->FreeAdapterChannel(adapter);
    KeLowerIrql(irql);
    bytes = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    CHECK("DMA-13", all_are(bytes + PAGE_SIZE, 16, 0) && all_are(bytes + PAGE_SIZE + 16, 32, 0x41) &&
                        bytes[PAGE_SIZE + 48] == 0);
    MmUnmapLockedPages(bytes, mdl);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

/* Reachable memory is used as it is; and with scatter/gather only what is in one piece. */
static void check_direct(PDMA_ADAPTER adapter, PDMA_ADAPTER pieces)
{
    PUCHAR low = buffer_at(TRUE, BYTES, 0x55), high = buffer_at(FALSE, BYTES, 0x66);
    PMDL mdl = mdl_for(low, BYTES);
    PVOID base = allocate(adapter, 4, KeepObject);
    ULONG length = BYTES;
    PHYSICAL_ADDRESS logical = adapter->DmaOperations->MapTransfer(adapter, mdl, base, low, &length, TRUE);

    CHECK("DMA-12", logical.QuadPart == MmGetPhysicalAddress(low).QuadPart && length == BYTES);
    adapter->DmaOperations->FreeAdapterChannel(adapter);
    /* Two pages that are not neighbours. */
    MmGetMdlPfnArray(mdl)[1] = (PFN_NUMBER)(MmGetPhysicalAddress(high).QuadPart >> PAGE_SHIFT);
    base = allocate(pieces, 3, DeallocateObjectKeepRegisters);
    logical = pieces->DmaOperations->MapTransfer(pieces, mdl, base, low, &length, TRUE);
    CHECK("DMA-12", logical.QuadPart == MmGetPhysicalAddress(low).QuadPart && length == PAGE_SIZE);
    length = BYTES - PAGE_SIZE;
    logical = pieces->DmaOperations->MapTransfer(pieces, mdl, base, low + PAGE_SIZE, &length, TRUE);
    CHECK("DMA-12", logical.QuadPart == MmGetPhysicalAddress(high).QuadPart && length == PAGE_SIZE);
    pieces->DmaOperations->FreeMapRegisters(pieces, base, 3);
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(low);
    MmFreeContiguousMemory(high);
}

void test_transfers(void)
{
    DEVICE_DESCRIPTION one = describe(1, 0x10000), many = describe(2, 0x10000);
    ULONG registers;
    PDMA_ADAPTER adapter = adapter_for(&one, &registers), pieces;
    KIRQL irql;

    many.ScatterGather = many.Dma64BitAddresses = TRUE;
    pieces = adapter_for(&many, &registers);
    irql = raise();
    check_bounce(adapter);
    check_parts(adapter);
    check_direct(adapter, pieces);
    KeLowerIrql(irql);
    check_index(adapter);
    adapter->DmaOperations->PutDmaAdapter(adapter);
    pieces->DmaOperations->PutDmaAdapter(pieces);
}

/* ---- the system's controller ---- */

static void check_channel(PDMA_ADAPTER adapter, PDMA_ADAPTER master)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    PUCHAR buffer = buffer_at(FALSE, 0x1000, 0x77);
    PMDL mdl = mdl_for(buffer, 0x1000);
    PVOID base = allocate(adapter, 2, KeepObject);
    PHYSICAL_ADDRESS none = {.QuadPart = 0};
    ULONG length = 0x1000;

    operations->MapTransfer(adapter, mdl, base, buffer, &length, TRUE);
    CHECK_EQ("DMA-23", operations->ReadDmaCounter(adapter), 0x1000);
    CHECK_EQ("DMA-23", engine_run(SLAVE | TO_DEVICE, none, 0x600, 0x2000), 2);
    CHECK_EQ("DMA-23", operations->ReadDmaCounter(adapter), 0xA00);
    CHECK_EQ("DMA-23", engine_run(SLAVE | TO_DEVICE, none, 0xA00, 0x2600), 2);
    CHECK_EQ("DMA-23", operations->ReadDmaCounter(adapter), 0);
    /* The count has run out: the controller serves no more. */
    CHECK_EQ("DMA-23", engine_run(SLAVE | TO_DEVICE, none, 16, 0x2000), 6);
    operations->FlushAdapterBuffers(adapter, mdl, base, buffer, length, TRUE);
    CHECK_EQ("DMA-23", master->DmaOperations->ReadDmaCounter(master), 0);

    RtlZeroMemory(buffer, 0x1000);
    operations->MapTransfer(adapter, mdl, base, buffer, &length, FALSE);
    engine_run(SLAVE, none, 0x1000, 0x2000);
    CHECK("DMA-11", all_are(buffer, 0x1000, 0));
    operations->FlushAdapterBuffers(adapter, mdl, base, buffer, length, FALSE);
    CHECK("DMA-11", all_are(buffer, 0x1000, 0x77));
    operations->FreeAdapterChannel(adapter);
    CHECK_EQ("DMA-08", engine_run(SLAVE, none, 16, 0x2000), 6);
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(buffer);
}

static void check_auto_initialize(PDMA_ADAPTER adapter)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    PHYSICAL_ADDRESS logical, none = {.QuadPart = 0};
    PUCHAR ring = operations->AllocateCommonBuffer(adapter, 0x400, &logical, TRUE);
    PMDL mdl = mdl_for(ring, 0x400);
    ULONG length = 0x400;
    KIRQL irql = raise();
    PVOID base = allocate(adapter, 1, KeepObject);

    operations->MapTransfer(adapter, mdl, base, ring, &length, FALSE);
    /* Twice around and a half; the driver sees the ring change with no flush. */
    CHECK_EQ("DMA-18", engine_run(SLAVE, none, 0xA00, 0x2000), 2);
    CHECK("DMA-18", all_are(ring, 0x400, 0x77));
    CHECK_EQ("DMA-23", operations->ReadDmaCounter(adapter), 0x200);
    operations->FlushAdapterBuffers(adapter, mdl, base, ring, length, FALSE);
    operations->FreeAdapterChannel(adapter);
    KeLowerIrql(irql);
    IoFreeMdl(mdl);
    operations->FreeCommonBuffer(adapter, 0x400, logical, ring, TRUE);
}

void test_system(void)
{
    DEVICE_DESCRIPTION channel = describe(2, 0x10000), bus = describe(1, 4096);
    PDMA_ADAPTER adapter, master, same;
    struct control_call waits = {.action = DeallocateObject};
    ULONG registers;
    KIRQL irql;

    channel.Master = FALSE;
    channel.DmaChannel = 1;
    adapter = adapter_for(&channel, &registers);
    same = adapter_for(&channel, &registers);
    CHECK_EQ("DMA-03", registers, 16);
    master = adapter_for(&bus, &registers);
    irql = raise();
    check_channel(adapter, master);
    /* Two adapters, one channel. */
    allocate(adapter, 1, KeepObject);
    same->DmaOperations->AllocateAdapterChannel(same, other_device, 1, note_control, &waits);
    CHECK_EQ("DMA-05", waits.calls, 0);
    adapter->DmaOperations->FreeAdapterChannel(adapter);
    CHECK_EQ("DMA-05", waits.calls, 1);
    KeLowerIrql(irql);
    adapter->DmaOperations->PutDmaAdapter(adapter);
    channel.AutoInitialize = channel.DemandMode = TRUE;
    adapter = adapter_for(&channel, &registers);
    check_auto_initialize(adapter);
    adapter->DmaOperations->PutDmaAdapter(adapter);
    same->DmaOperations->PutDmaAdapter(same);
    master->DmaOperations->PutDmaAdapter(master);
}

/* ---- common buffers ---- */

void test_buffers(void)
{
    DEVICE_DESCRIPTION description = describe(1, 4096);
    PHYSICAL_ADDRESS first_logical, second_logical;
    PUCHAR first, second;
    ULONG registers;
    PDMA_ADAPTER adapter = adapter_for(&description, &registers);
    PDMA_OPERATIONS operations = adapter->DmaOperations;

    first = operations->AllocateCommonBuffer(adapter, 100, &first_logical, TRUE);
    second = operations->AllocateCommonBuffer(adapter, 3 * PAGE_SIZE + 1, &second_logical, FALSE);
    CHECK("DMA-18", BYTE_OFFSET(first) == 0 &&
                        MmGetPhysicalAddress(first + 0xFFF).QuadPart == first_logical.QuadPart + 0xFFF);
    CHECK("DMA-18", first_logical.QuadPart < ISA_END && second_logical.QuadPart + 4 * PAGE_SIZE <= ISA_END);
    CHECK("DMA-18", MmGetPhysicalAddress(second + 4 * PAGE_SIZE - 1).QuadPart ==
                        second_logical.QuadPart + 4 * PAGE_SIZE - 1);
    RtlFillMemory(first, 100, 0x88);
    engine_run(TO_DEVICE, first_logical, 100, 0x4000);
    engine_run(0, second_logical, 100, 0x4000);
    CHECK("DMA-18", all_are(second, 100, 0x88));
    CHECK("DMA-18", operations->AllocateCommonBuffer(adapter, 0x2000000, &first_logical, TRUE) == NULL);
    operations->FreeCommonBuffer(adapter, 3 * PAGE_SIZE + 1, second_logical, second, FALSE);
    first_logical = MmGetPhysicalAddress(first);
    operations->FreeCommonBuffer(adapter, 100, first_logical, first, TRUE);
    operations->PutDmaAdapter(adapter);
}

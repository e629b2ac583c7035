/* SPDX-License-Identifier: MIT */
/* Scatter/gather lists: when they come, what is in them, what PutScatterGatherList does. */
#include "dma_test.h"

#define BYTES 0x3000

struct descriptor {
    ULONGLONG address;
    ULONG length, reserved;
};

/* A buffer above 16 MiB whose MDL has, in the middle, a page from below. */
struct mixed {
    PUCHAR high, low;
    PMDL mdl;
};

static struct mixed make_mixed(void)
{
    struct mixed mixed = {.high = buffer_at(FALSE, BYTES, 0x21), .low = buffer_at(TRUE, PAGE_SIZE, 0x43)};

    mixed.mdl = mdl_for(mixed.high, BYTES);
    MmGetMdlPfnArray(mixed.mdl)[1] = (PFN_NUMBER)(MmGetPhysicalAddress(mixed.low).QuadPart >> PAGE_SHIFT);
    return mixed;
}

static void free_mixed(struct mixed *mixed)
{
    IoFreeMdl(mixed->mdl);
    MmFreeContiguousMemory(mixed->high);
    MmFreeContiguousMemory(mixed->low);
}

static ULONG total(const SCATTER_GATHER_LIST *list)
{
    ULONG bytes = 0;

    for (ULONG i = 0; i < list->NumberOfElements; i++)
        bytes += list->Elements[i].Length;
    return bytes;
}

/* Through a table of descriptors in a common buffer. */
static ULONG run_list(PDMA_ADAPTER adapter, const SCATTER_GATHER_LIST *list, ULONG control,
                      struct descriptor *table, PHYSICAL_ADDRESS where)
{
    for (ULONG i = 0; i < list->NumberOfElements; i++) {
        table[i].address = (ULONGLONG)list->Elements[i].Address.QuadPart;
        table[i].length = list->Elements[i].Length;
    }
    return engine_run(control | TABLE, where, list->NumberOfElements, 0);
}

static void check_pieces(PDMA_ADAPTER adapter, struct descriptor *table, PHYSICAL_ADDRESS where)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    struct mixed mixed = make_mixed();
    PVOID va = MmGetMdlVirtualAddress(mixed.mdl);
    struct list_call call = {0};

    struct control_call channel = {.action = DeallocateObject};

    device->CurrentIrp = (PIRP)(ULONG_PTR)0x3000;
    CHECK_STATUS(
        "DMA-14",
        operations->GetScatterGatherList(adapter, device, mixed.mdl, va, BYTES, note_list, &call, TRUE),
        STATUS_SUCCESS);
    CHECK("DMA-14", call.calls == 1 && call.irql == DISPATCH_LEVEL && call.irp == device->CurrentIrp);
    CHECK("SR-18", call.calls == 1 && call.irql == DISPATCH_LEVEL);
    CHECK("DMA-14", call.list->NumberOfElements == 3 && total(call.list) == BYTES);
    CHECK("DMA-14", call.list->Elements[1].Address.QuadPart == MmGetPhysicalAddress(mixed.low).QuadPart);
    CHECK("DMA-14", call.list->Elements[0].Address.QuadPart < ISA_END &&
                        call.list->Elements[2].Address.QuadPart < ISA_END);
    /* The registers are kept, the adapter is not. */
    operations->AllocateAdapterChannel(adapter, other_device, 1, note_control, &channel);
    CHECK_EQ("DMA-14", channel.calls, 1);
    CHECK_EQ("DMA-14", run_list(adapter, call.list, TO_DEVICE, table, where), 2);
    operations->PutScatterGatherList(adapter, call.list, TRUE);
    /* The way back: the device wrote, but the buffer has it only when the list was put. */
    RtlFillMemory(mixed.high, BYTES, 0);
    RtlFillMemory(mixed.low, PAGE_SIZE, 0);
    operations->GetScatterGatherList(adapter, device, mixed.mdl, va, BYTES, note_list, &call, FALSE);
    CHECK("DMA-14", call.calls == 2 && engine_count() == BYTES);
    CHECK_EQ("DMA-16", run_list(adapter, call.list, 0, table, where), 2);
    CHECK("DMA-16", all_are(mixed.high, BYTES, 0));
    operations->PutScatterGatherList(adapter, call.list, FALSE);
    CHECK("DMA-16", all_are(mixed.high, PAGE_SIZE, 0x21) &&
                        all_are(mixed.high + 2 * PAGE_SIZE, PAGE_SIZE, 0x21) &&
                        all_are(mixed.low, PAGE_SIZE, 0x43));
    CHECK_STATUS(
        "DMA-14",
        operations->GetScatterGatherList(adapter, device, mixed.mdl, va, BYTES + 1, note_list, &call, TRUE),
        STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("DMA-14", call.calls, 2);
    device->CurrentIrp = NULL;
    free_mixed(&mixed);
}

/* Several requests of one device wait for registers, a chain among them; none needs the other's end to be
 * asked for. */
static void check_several(PDMA_ADAPTER adapter, ULONG registers)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    ULONG bytes = registers * PAGE_SIZE, half = registers / 2 * PAGE_SIZE;
    PUCHAR first = buffer_at(FALSE, bytes, 1), second = buffer_at(FALSE, PAGE_SIZE, 2);
    PMDL whole = mdl_for(first, bytes), chained = mdl_for(first, half);
    struct list_call calls[3] = {{0}};

    chained->Next = mdl_for(second, PAGE_SIZE);
    CHECK_STATUS(
        "DMA-15",
        operations->GetScatterGatherList(adapter, device, whole, first, bytes, note_list, &calls[0], TRUE),
        STATUS_SUCCESS);
    CHECK_STATUS(
        "DMA-15",
        operations->GetScatterGatherList(adapter, device, whole, first, bytes, note_list, &calls[1], TRUE),
        STATUS_SUCCESS);
    CHECK_STATUS("DMA-15",
                 operations->GetScatterGatherList(adapter, device, chained, first, half + PAGE_SIZE,
                                                  note_list, &calls[2], TRUE),
                 STATUS_SUCCESS);
    CHECK("DMA-15", calls[0].calls == 1 && calls[1].calls == 0 && calls[2].calls == 0);
    operations->PutScatterGatherList(adapter, calls[0].list, TRUE);
    CHECK("DMA-16", calls[1].calls == 1 && calls[2].calls == 0);
    operations->PutScatterGatherList(adapter, calls[1].list, TRUE);
    CHECK("DMA-15", calls[2].calls == 1 && total(calls[2].list) == half + PAGE_SIZE);
    operations->PutScatterGatherList(adapter, calls[2].list, TRUE);
    /* More than there are, in the chain's MDLs together. */
    whole->Next = chained->Next;
    CHECK_STATUS("DMA-15",
                 operations->GetScatterGatherList(adapter, device, whole, first, bytes + PAGE_SIZE, note_list,
                                                  &calls[0], TRUE),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("DMA-15", calls[0].calls, 1);
    IoFreeMdl(chained->Next);
    IoFreeMdl(chained);
    IoFreeMdl(whole);
    MmFreeContiguousMemory(first);
    MmFreeContiguousMemory(second);
}

static void fill_other_engine(UCHAR value)
{
    PUCHAR bytes = buffer_at(FALSE, BYTES, value);

    engine_port = 0x320;
    engine_run(TO_DEVICE, MmGetPhysicalAddress(bytes), BYTES, 0);
    engine_port = 0x300;
    MmFreeContiguousMemory(bytes);
}

/* A device that takes one piece gets one, whatever the buffer is. */
static void check_one(PDMA_ADAPTER adapter, PDMA_ADAPTER wide)
{
    struct mixed mixed = make_mixed();
    PVOID va = MmGetMdlVirtualAddress(mixed.mdl);
    struct list_call call = {0};

    adapter->DmaOperations->GetScatterGatherList(adapter, device, mixed.mdl, va, BYTES, note_list, &call,
                                                 TRUE);
    CHECK("DMA-17", call.list->NumberOfElements == 1 && call.list->Elements[0].Length == BYTES);
    CHECK_EQ("DMA-17", engine_run(TO_DEVICE, call.list->Elements[0].Address, BYTES, 0), 2);
    adapter->DmaOperations->PutScatterGatherList(adapter, call.list, TRUE);
    /* Far reach, but one piece: the other engine, whose memory is filled first. */
    fill_other_engine(0xE0);
    wide->DmaOperations->GetScatterGatherList(wide, device, mixed.mdl, va, BYTES, note_list, &call, FALSE);
    CHECK_EQ("DMA-17", call.list->NumberOfElements, 1);
    RtlFillMemory(mixed.high, BYTES, 0);
    engine_port = 0x320;
    engine_run(0, call.list->Elements[0].Address, BYTES, 0);
    engine_port = 0x300;
    wide->DmaOperations->PutScatterGatherList(wide, call.list, FALSE);
    CHECK("DMA-17", all_are(mixed.high, PAGE_SIZE, 0xE0) && all_are(mixed.low, PAGE_SIZE, 0xE0));
    free_mixed(&mixed);
}

/* In the driver's memory; and MDLs over what the device sees. */
static void check_build(PDMA_ADAPTER adapter)
{
    PDMA_OPERATIONS operations = adapter->DmaOperations;
    struct mixed mixed = make_mixed();
    PVOID va = MmGetMdlVirtualAddress(mixed.mdl);
    struct list_call call = {0};
    ULONG size, most, registers;
    PVOID memory;
    PMDL target;
    PUCHAR seen;

    CHECK_STATUS("DMA-14",
                 operations->CalculateScatterGatherList(adapter, mixed.mdl, va, BYTES, &size, &registers),
                 STATUS_SUCCESS);
    CHECK("DMA-14",
          registers == 3 && size >= sizeof(SCATTER_GATHER_LIST) + 2 * sizeof(SCATTER_GATHER_ELEMENT));
    CHECK_STATUS("DMA-14", operations->CalculateScatterGatherList(adapter, NULL, va, BYTES, &most, NULL),
                 STATUS_SUCCESS);
    CHECK("DMA-14", most >= size);
    memory = ExAllocatePoolWithTag(NonPagedPool, size, 'amDT');
    CHECK_STATUS("DMA-14",
                 operations->BuildScatterGatherList(adapter, device, mixed.mdl, va, BYTES, note_list, &call,
                                                    TRUE, memory, size - 1),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK_STATUS("DMA-14",
                 operations->BuildScatterGatherList(adapter, device, mixed.mdl, va, BYTES, note_list, &call,
                                                    TRUE, memory, size),
                 STATUS_SUCCESS);
    CHECK("DMA-14", call.calls == 1 && (PVOID)call.list == memory);
    CHECK_STATUS("DMA-16", operations->BuildMdlFromScatterGatherList(adapter, call.list, NULL, &target),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-16", operations->BuildMdlFromScatterGatherList(adapter, call.list, mixed.mdl, &target),
                 STATUS_SUCCESS);
    CHECK("DMA-16", target != mixed.mdl && MmGetMdlByteCount(target) == BYTES);
    CHECK("DMA-16",
          (LONGLONG)MmGetMdlPfnArray(target)[0] == call.list->Elements[0].Address.QuadPart >> PAGE_SHIFT &&
              MmGetMdlPfnArray(target)[1] == MmGetMdlPfnArray(mixed.mdl)[1]);
    seen = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
    CHECK("DMA-16", all_are(seen, PAGE_SIZE, 0x21) && all_are(seen + PAGE_SIZE, PAGE_SIZE, 0x43));
    CHECK_STATUS("DMA-16", operations->BuildMdlFromScatterGatherList(adapter, call.list, mixed.mdl, &target),
                 STATUS_NONE_MAPPED);
    operations->PutScatterGatherList(adapter, call.list, TRUE);
    ExFreePoolWithTag(memory, 'amDT');
    free_mixed(&mixed);
}

void test_lists(void)
{
    DEVICE_DESCRIPTION many = describe(2, 0x1000000), one = describe(2, 0x10000), far = describe(2, 0x10000);
    PDMA_ADAPTER pieces, single, wide;
    PHYSICAL_ADDRESS where;
    struct descriptor *table;
    ULONG registers, few;
    KIRQL irql;

    many.ScatterGather = TRUE;
    pieces = adapter_for(&many, &registers);
    single = adapter_for(&one, &few);
    far.Dma64BitAddresses = TRUE;
    wide = adapter_for(&far, &few);
    table = pieces->DmaOperations->AllocateCommonBuffer(pieces, PAGE_SIZE, &where, TRUE);
    irql = raise();
    check_pieces(pieces, table, where);
    check_several(pieces, registers);
    check_one(single, wide);
    check_build(pieces);
    KeLowerIrql(irql);
    pieces->DmaOperations->FreeCommonBuffer(pieces, PAGE_SIZE, where, table, TRUE);
    pieces->DmaOperations->PutDmaAdapter(pieces);
    single->DmaOperations->PutDmaAdapter(single);
    wide->DmaOperations->PutDmaAdapter(wide);
}

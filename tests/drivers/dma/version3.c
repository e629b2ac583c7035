/* SPDX-License-Identifier: MIT */
/* Version 3: calls that must not wait, contexts that cancel, whole chains in one call, completion routines.
 */
#include "dma_test.h"

#define BYTES 0x3000

static PDMA_ADAPTER adapter;
static struct operations3 *operations;
static ULONG registers;
static UCHAR contexts[4][DMA_TRANSFER_CONTEXT_SIZE_V1];

static PVOID fresh(ULONG number)
{
    CHECK_STATUS("DMA-22", operations->InitializeDmaTransferContext(adapter, contexts[number]),
                 STATUS_SUCCESS);
    return contexts[number];
}

static NTSTATUS allocate(ULONG number, ULONG count, ULONG flags, struct control_call *call, PVOID *base)
{
    return operations->AllocateAdapterChannelEx(adapter, device, contexts[number], count, flags,
                                                call != NULL ? note_control : NULL, call, base);
}

static void check_synchronous(void)
{
    struct control_call call = {.action = DeallocateObject};
    PVOID base = NULL;

    fresh(0);
    fresh(1);
    CHECK_STATUS("DMA-21", allocate(0, 1, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-21", allocate(0, 1, 0, &call, &base), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-21", allocate(0, 1, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-21", allocate(0, registers + 1, DMA_SYNCHRONOUS_CALLBACK, &call, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("DMA-21", call.calls, 0);
    CHECK_STATUS("DMA-21", allocate(0, 2, DMA_SYNCHRONOUS_CALLBACK, &call, NULL), STATUS_SUCCESS);
    CHECK_EQ("DMA-21", call.calls, 1);
    /* Without a routine: the caller has it all. */
    CHECK_STATUS("DMA-21", allocate(0, 2, DMA_SYNCHRONOUS_CALLBACK, NULL, &base), STATUS_SUCCESS);
    CHECK("DMA-21", base != NULL);
    CHECK_STATUS("DMA-21", allocate(1, 1, DMA_SYNCHRONOUS_CALLBACK, &call, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("DMA-21", call.calls, 1);
    operations->FreeAdapterObject(adapter, KeepObject);
    CHECK_STATUS("DMA-21", allocate(1, 1, DMA_SYNCHRONOUS_CALLBACK, &call, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    operations->FreeAdapterObject(adapter, DeallocateObjectKeepRegisters);
    CHECK_STATUS("DMA-21", allocate(1, registers, DMA_SYNCHRONOUS_CALLBACK, &call, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("DMA-21", allocate(1, 1, DMA_SYNCHRONOUS_CALLBACK, &call, NULL), STATUS_SUCCESS);
    operations->common.FreeMapRegisters(adapter, base, 2);
    CHECK_STATUS("DMA-21", allocate(1, registers, DMA_SYNCHRONOUS_CALLBACK, &call, NULL), STATUS_SUCCESS);
}

static void check_contexts(void)
{
    struct control_call call = {.action = DeallocateObject}, other = {.action = DeallocateObject};
    PVOID base;

    RtlZeroMemory(contexts, sizeof(contexts));
    CHECK_STATUS("DMA-22", allocate(0, 1, 0, &call, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-22", operations->InitializeDmaTransferContext(adapter, NULL), STATUS_INVALID_PARAMETER);
    for (ULONG i = 0; i < 4; i++)
        fresh(i);
    allocate(0, 1, DMA_SYNCHRONOUS_CALLBACK, NULL, &base);
    CHECK_STATUS("DMA-22", allocate(1, 1, 0, &call, NULL), STATUS_SUCCESS);
    CHECK_STATUS("DMA-22", allocate(2, 1, 0, &other, NULL), STATUS_SUCCESS);
    CHECK("DMA-22", call.calls == 0 && other.calls == 0);
    /* One context, one request. */
    CHECK_STATUS("DMA-22", allocate(1, 1, 0, &call, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-22", operations->InitializeDmaTransferContext(adapter, contexts[1]),
                 STATUS_INVALID_PARAMETER);
    CHECK_EQ("DMA-22", operations->CancelAdapterChannel(adapter, device, contexts[0]), FALSE);
    CHECK_EQ("DMA-22", operations->CancelAdapterChannel(adapter, device, contexts[1]), TRUE);
    operations->FreeAdapterObject(adapter, DeallocateObject);
    CHECK("DMA-22", call.calls == 0 && other.calls == 1);
    /* Before it is asked for. */
    CHECK_EQ("DMA-22", operations->CancelAdapterChannel(adapter, device, contexts[3]), TRUE);
    CHECK_STATUS("DMA-22", allocate(3, 1, 0, &call, NULL), STATUS_CANCELLED);
    fresh(3);
    CHECK_STATUS("DMA-22", allocate(3, 1, 0, &call, NULL), STATUS_SUCCESS);
    CHECK_EQ("DMA-22", call.calls, 1);
}

/* A chain, from somewhere in its first MDL, as far as the list has room. */
static void check_map(void)
{
    PUCHAR high = buffer_at(FALSE, BYTES, 0x5A), low = buffer_at(TRUE, PAGE_SIZE, 0xA5);
    PMDL mdl = mdl_for(high, BYTES);
    UCHAR memory[sizeof(SCATTER_GATHER_LIST) + 4 * sizeof(SCATTER_GATHER_ELEMENT)];
    PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)memory;
    struct transfer_info info = {.Version = 2};
    ULONG length = BYTES + PAGE_SIZE - 0x100,
          one = FIELD_OFFSET(SCATTER_GATHER_LIST, Elements) + sizeof(SCATTER_GATHER_ELEMENT);
    PVOID base;

    mdl->Next = mdl_for(low, PAGE_SIZE);
    CHECK_STATUS("DMA-21", operations->GetDmaTransferInfo(adapter, mdl, 0x100, length, TRUE, &info),
                 STATUS_SUCCESS);
    CHECK("DMA-21",
          info.MapRegisterCount == 4 && info.ScatterGatherElementCount == 2 && info.LogicalPageCount == 4);
    info.Version = 9;
    CHECK_STATUS("DMA-21", operations->GetDmaTransferInfo(adapter, mdl, 0, length, TRUE, &info),
                 STATUS_NOT_SUPPORTED);
    fresh(0);
    allocate(0, 4, DMA_SYNCHRONOUS_CALLBACK, NULL, &base);
    CHECK_STATUS("DMA-12",
                 operations->MapTransferEx(adapter, mdl, base, 0x100, 0, &length, TRUE, NULL, 0, NULL, NULL),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(
        "DMA-12",
        operations->MapTransferEx(adapter, mdl, base, 0x100, 0, &length, TRUE, list, one - 1, NULL, NULL),
        STATUS_INVALID_PARAMETER);
    CHECK_STATUS(
        "DMA-12",
        operations->MapTransferEx(adapter, mdl, base, 0x100, 0, &length, TRUE, list, one, NULL, NULL),
        STATUS_SUCCESS);
    CHECK("DMA-12",
          length == BYTES - 0x100 && list->NumberOfElements == 1 && list->Elements[0].Length == length);
    engine_run(TO_DEVICE, list->Elements[0].Address, length, 0);
    CHECK_STATUS("DMA-11", operations->FlushAdapterBuffersEx(adapter, mdl, base, 0x100, length, TRUE),
                 STATUS_SUCCESS);
    length = PAGE_SIZE;
    CHECK_STATUS("DMA-12",
                 operations->MapTransferEx(adapter, mdl, base, BYTES, 0, &length, TRUE, list, sizeof(memory),
                                           NULL, NULL),
                 STATUS_SUCCESS);
    CHECK("DMA-12",
          length == PAGE_SIZE && list->Elements[0].Address.QuadPart == MmGetPhysicalAddress(low).QuadPart);
    operations->FlushAdapterBuffersEx(adapter, mdl, base, BYTES, length, TRUE);
    length = BYTES;
    operations->MapTransferEx(adapter, mdl, base, 0, 0, &length, FALSE, list, sizeof(memory), NULL, NULL);
    RtlZeroMemory(high, BYTES);
    engine_run(0, list->Elements[0].Address, 0x100, 0);
    CHECK("DMA-11", all_are(high, BYTES, 0));
    operations->FlushAdapterBuffersEx(adapter, mdl, base, 0, length, FALSE);
    CHECK("DMA-11", all_are(high, 0x100, 0x5A));
    CHECK_STATUS("DMA-11", operations->FlushAdapterBuffersEx(adapter, mdl, NULL, 0, length, FALSE),
                 STATUS_INVALID_PARAMETER);
    operations->FreeAdapterObject(adapter, DeallocateObject);
    IoFreeMdl(mdl->Next);
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(high);
    MmFreeContiguousMemory(low);
}

static void check_lists(void)
{
    PUCHAR high = buffer_at(FALSE, BYTES, 0x6B);
    PMDL mdl = mdl_for(high, BYTES);
    struct list_call call = {0};
    struct transfer_info info = {.Version = 1};
    PSCATTER_GATHER_LIST list = NULL;
    PVOID memory;

    fresh(0);
    CHECK_STATUS("DMA-21",
                 operations->GetScatterGatherListEx(adapter, device, contexts[0], mdl, 0x10, BYTES - 0x10, 0,
                                                    NULL, NULL, TRUE, NULL, NULL, &list),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("DMA-21",
                 operations->GetScatterGatherListEx(adapter, device, contexts[0], mdl, 0x10, BYTES - 0x10,
                                                    DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, TRUE, NULL, NULL,
                                                    &list),
                 STATUS_SUCCESS);
    CHECK("DMA-21", list != NULL && list->NumberOfElements == 1 && list->Elements[0].Length == BYTES - 0x10);
    operations->FreeAdapterObject(adapter, DeallocateObjectKeepRegisters);
    operations->common.PutScatterGatherList(adapter, list, TRUE);
    operations->GetDmaTransferInfo(adapter, mdl, 0, BYTES, TRUE, &info);
    memory = ExAllocatePoolWithTag(NonPagedPool, info.ScatterGatherListSize, 'amDT');
    CHECK_STATUS("DMA-14",
                 operations->BuildScatterGatherListEx(adapter, device, contexts[0], mdl, 0, BYTES, 0,
                                                      note_list, &call, TRUE, memory,
                                                      info.ScatterGatherListSize, NULL, NULL, &list),
                 STATUS_SUCCESS);
    CHECK("DMA-14", call.calls == 1 && (PVOID)list == memory && call.list == list);
    operations->common.PutScatterGatherList(adapter, list, TRUE);
    ExFreePoolWithTag(memory, 'amDT');
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(high);
}

static void check_buffers(void)
{
    PHYSICAL_ADDRESS logical, low = {.QuadPart = 0x400000}, high = {.QuadPart = 0x7FFFFF},
                              tiny = {.QuadPart = 0xFFF};
    MEMORY_CACHING_TYPE caching = MmNonCached, wrong = MmWriteCombined;
    PVOID buffer, vector, va;
    PMDL mdl;

    buffer = operations->AllocateCommonBufferWithBounds(adapter, &low, &high, 100, 0, &caching, 0, &logical);
    CHECK("DMA-18", buffer != NULL && logical.QuadPart >= 0x400000 && logical.QuadPart < 0x800000);
    operations->common.FreeCommonBuffer(adapter, 100, logical, buffer, FALSE);
    CHECK("DMA-18", operations->AllocateCommonBufferWithBounds(adapter, NULL, NULL, 100, 0, &wrong, 0,
                                                               &logical) == NULL);
    CHECK("DMA-18",
          operations->AllocateCommonBufferEx(adapter, &tiny, 2 * PAGE_SIZE, &logical, TRUE, 0) == NULL);
    buffer = operations->AllocateCommonBufferEx(adapter, &high, 100, &logical, TRUE, 0);
    CHECK("DMA-18", buffer != NULL && logical.QuadPart + 100 <= 0x800000);
    operations->common.FreeCommonBuffer(adapter, 100, logical, buffer, TRUE);
    CHECK_STATUS("DMA-18",
                 operations->AllocateCommonBufferVector(adapter, low, high, MmCached, 0, 0, 3, 5000, &vector),
                 STATUS_SUCCESS);
    operations->GetCommonBufferFromVectorByIndex(adapter, vector, 2, &va, &logical);
    CHECK("DMA-18",
          logical.QuadPart >= low.QuadPart && MmGetPhysicalAddress(va).QuadPart == logical.QuadPart);
    operations->FreeCommonBufferFromVector(adapter, vector, 2);
    operations->GetCommonBufferFromVectorByIndex(adapter, vector, 2, &va, &logical);
    CHECK("DMA-18", va == NULL);
    operations->FreeCommonBufferVector(adapter, vector);
    buffer = buffer_at(TRUE, PAGE_SIZE, 0);
    mdl = mdl_for(buffer, PAGE_SIZE);
    CHECK_STATUS("DMA-18", operations->CreateCommonBufferFromMdl(adapter, mdl, NULL, 0, &logical),
                 STATUS_SUCCESS);
    CHECK_EQ("DMA-18", logical.QuadPart, MmGetPhysicalAddress(buffer).QuadPart);
    operations->common.FreeCommonBuffer(adapter, PAGE_SIZE, logical, buffer, TRUE);
    IoFreeMdl(mdl);
    mdl = mdl_for((PUCHAR)buffer + 1, PAGE_SIZE - 1);
    CHECK_STATUS("DMA-18", operations->CreateCommonBufferFromMdl(adapter, mdl, NULL, 0, &logical),
                 STATUS_INVALID_PARAMETER);
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(buffer);
}

static void check_absent(void)
{
    struct adapter_info info = {.Version = 1};
    PHYSICAL_ADDRESS logical;
    PVOID va;

    CHECK_STATUS("DMA-04", operations->GetDmaAdapterInfo(adapter, &info), STATUS_SUCCESS);
    CHECK("DMA-04",
          info.DmaAddressWidth == 24 && info.ReadDmaCounterAvailable == 0 && info.ScatterGatherLimit > 16);
    info.Version = 7;
    CHECK_STATUS("DMA-04", operations->GetDmaAdapterInfo(adapter, &info), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("DMA-04", operations->ConfigureAdapterChannel(adapter, 1, NULL), STATUS_NOT_IMPLEMENTED);
    CHECK("DMA-04", operations->GetDmaDomain(adapter) == NULL);
    CHECK_STATUS("DMA-04", operations->JoinDmaDomain(adapter, NULL), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("DMA-04", operations->LeaveDmaDomain(adapter), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("DMA-04",
                 operations->AllocateDomainCommonBuffer(adapter, NULL, NULL, 4096, 0, NULL, 0, &logical, &va),
                 STATUS_NOT_SUPPORTED);
}

/* ---- the system's controller with a completion routine ---- */

static struct {
    ULONG calls;
    int status;
    KIRQL irql;
    ULONG length;
} done;

static VOID NTAPI complete(PDMA_ADAPTER by, PDEVICE_OBJECT DeviceObject, PVOID context, int status)
{
    done.calls++;
    done.status = status;
    done.irql = KeGetCurrentIrql();
    done.length = *(PULONG)context;
}

static BOOLEAN completes(void)
{
    LARGE_INTEGER moment = {.QuadPart = -10000};

    for (ULONG i = 0; i < 1000 && done.calls == 0; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &moment);
    return done.calls == 1;
}

static void check_completion(void)
{
    struct description3 description = {.common = describe(3, 0x10000)};
    PHYSICAL_ADDRESS none = {.QuadPart = 0};
    PUCHAR buffer = buffer_at(FALSE, PAGE_SIZE, 0x7C);
    PMDL mdl = mdl_for(buffer, PAGE_SIZE);
    ULONG length = PAGE_SIZE, few;
    PDMA_ADAPTER master = adapter;
    PVOID base;
    KIRQL irql;

    description.common.Master = FALSE;
    description.common.DmaChannel = description.DmaRequestLine = 1;
    adapter = adapter_for(&description.common, &few);
    irql = raise();
    fresh(0);
    allocate(0, 2, DMA_SYNCHRONOUS_CALLBACK, NULL, &base);
    KeLowerIrql(irql);
    CHECK_STATUS(
        "DMA-12",
        operations->MapTransferEx(adapter, mdl, base, 0, 0, &length, TRUE, NULL, 0, complete, &length),
        STATUS_SUCCESS);
    engine_start(SLAVE | TO_DEVICE, none, PAGE_SIZE, 0);
    CHECK("DMA-12",
          completes() && done.status == 0 && done.irql == DISPATCH_LEVEL && done.length == PAGE_SIZE);
    CHECK("SR-19", done.calls == 1 && done.irql == DISPATCH_LEVEL);
    engine_wait();
    operations->FlushAdapterBuffersEx(adapter, mdl, base, 0, length, TRUE);
    done.calls = 0;
    operations->MapTransferEx(adapter, mdl, base, 0, 0, &length, TRUE, NULL, 0, complete, &length);
    CHECK_STATUS("DMA-22", operations->CancelMappedTransfer(adapter, contexts[0]), STATUS_SUCCESS);
    CHECK("DMA-22", completes() && done.status == 3);
    CHECK_EQ("DMA-22", engine_run(SLAVE | TO_DEVICE, none, 16, 0), 6);
    operations->FlushAdapterBuffersEx(adapter, mdl, base, 0, length, TRUE);
    CHECK_STATUS(
        "DMA-22",
        operations->MapTransferEx(adapter, mdl, base, 0, 0, &length, TRUE, NULL, 0, complete, &length),
        STATUS_CANCELLED);
    irql = raise();
    operations->common.FreeAdapterChannel(adapter);
    KeLowerIrql(irql);
    operations->common.PutDmaAdapter(adapter);
    adapter = master;
    IoFreeMdl(mdl);
    MmFreeContiguousMemory(buffer);
}

void test_version3(void)
{
    struct description3 description = {.common = describe(3, 0x1000000), .DmaAddressWidth = 24};
    KIRQL irql;

    description.common.ScatterGather = TRUE;
    adapter = adapter_for(&description.common, &registers);
    operations = operations3(adapter);
    irql = raise();
    check_synchronous();
    check_contexts();
    check_map();
    check_lists();
    KeLowerIrql(irql);
    check_buffers();
    check_absent();
    check_completion();
    operations->common.PutDmaAdapter(adapter);
}

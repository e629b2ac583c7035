/* SPDX-License-Identifier: MIT */
/*
 * From a device description to an adapter: how far its addresses reach, how
 * many map registers it may use at once, whether it needs any at all.
 */
#include "hal/dma.h"
#include "hal/exports.h"
#include "host/memory.h"
#include "mm/mm.h"

#define SYSTEM_WIDTH 24 /* the system controller's address and page registers together */
#define SYSTEM_BYTES 0x10000u
#define CASCADE      4 /* the channel through which the first chip asks the second */

rl_lock dma_lock;
LIST_ENTRY dma_adapters = {&dma_adapters, &dma_adapters};

_Noreturn void dma_violation(ULONG kind, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = DRIVER_VERIFIER_DMA_VIOLATION,
                                    .p = {kind, p2, p3, p4},
                                    .sentence = sentence,
                                    .verifier = true};
    ke_bugcheck(&info);
}

void dma_init(void)
{
    dma_lock = (rl_lock){0};
    list_init(&dma_adapters);
    dma_channels_reset();
    dma_pool_reset();
    dma_operations_reset();
    dma_system_init();
}

void dma_fini(void)
{
    dma_system_fini();
    list_init(&dma_adapters);
}

struct dma_adapter *dma_adapter_of(PDMA_ADAPTER adapter)
{
    struct dma_adapter *found = NULL;

    if (adapter == NULL)
        dma_violation(0x19, 0, 0, 0, "a DMA routine was called with a NULL adapter");
    rl_lock_acquire(&dma_lock);
    list_for_each(it, &dma_adapters)
    {
        struct dma_adapter *candidate = container_of(it, struct dma_adapter, link);
        if (&candidate->public == adapter)
            found = candidate;
    }
    rl_lock_release(&dma_lock);
    if (found == NULL)
        dma_violation(0x18, (ULONG_PTR)adapter, 0, 0,
                      "a DMA routine was called with an adapter that was released or never was one");
    return found;
}

/* ---- descriptions ---- */

/* 0: the description is none of a bus master. */
static ULONG width_of_master(const DEVICE_DESCRIPTION *description)
{
    if (description->Version == DEVICE_DESCRIPTION_VERSION3)
        return description->DmaAddressWidth <= 64 ? description->DmaAddressWidth : 0;
    if (description->Dma64BitAddresses)
        return 64;
    if (description->Dma32BitAddresses ||
        (description->ScatterGather && description->InterfaceType == PCIBus))
        return 32;
    return SYSTEM_WIDTH;
}

/* The channels 0..3 move bytes, 5..7 words. */
static bool describe_system(struct dma_adapter *adapter, const DEVICE_DESCRIPTION *description)
{
    ULONG channel = description->DmaChannel;

    if (channel > 7 || channel == CASCADE ||
        description->DmaWidth != (channel < CASCADE ? Width8Bits : Width16Bits))
        return false;
    adapter->number = (UCHAR)channel;
    adapter->unit = channel < CASCADE ? 1 : 2;
    adapter->width = SYSTEM_WIDTH;
    adapter->boundary = SYSTEM_BYTES * adapter->unit;
    adapter->auto_initialize = description->AutoInitialize;
    adapter->demand = description->Version == DEVICE_DESCRIPTION_VERSION2 && description->DemandMode;
    adapter->channel = dma_system_channel(channel);
    return true;
}

static bool describe_master(struct dma_adapter *adapter, const DEVICE_DESCRIPTION *description)
{
    adapter->unit = 1;
    adapter->width = width_of_master(description);
    adapter->scatter_gather = description->ScatterGather;
    adapter->channel = &adapter->own;
    list_init(&adapter->own.waiting);
    return adapter->width != 0;
}

static bool describe(struct dma_adapter *adapter, const DEVICE_DESCRIPTION *description)
{
    adapter->master = description->Master;
    adapter->version = MAX(description->Version, 1);
    if (!(adapter->master ? describe_master(adapter, description) : describe_system(adapter, description)))
        return false;
    adapter->limit = adapter->width == 64 ? ~0ull : (1ull << adapter->width) - 1;
    return true;
}

/* A device that takes its buffer in pieces and reaches all of RAM never needs a register, however many it
 * asks for. */
static bool reaches_all(const struct dma_adapter *adapter)
{
    return adapter->scatter_gather && adapter->limit >= hmem_ram_bytes() - 1;
}

static ULONG most_registers(const struct dma_adapter *adapter)
{
    if (adapter->pool == NULL)
        return ~0u;
    return adapter->boundary != 0 ? MIN(adapter->pool->count, adapter->boundary / PAGE_SIZE)
                                  : adapter->pool->count;
}

/* One more than MaximumLength fills, for a buffer that does not begin at a page's edge. */
static ULONG wanted_registers(const DEVICE_DESCRIPTION *description)
{
    return (ULONG)(((uint64_t)description->MaximumLength + PAGE_SIZE - 1) / PAGE_SIZE) + 1;
}

/*
 * NULL: the description's version is unknown, it describes no device that can be here, or there is no memory.
 * Owns: the caller (PutDmaAdapter). IRQL: PASSIVE_LEVEL. Rules: DMA-02, DMA-03.
 */
PDMA_ADAPTER hal_get_adapter(const DEVICE_DESCRIPTION *description, PULONG registers, bool permanent,
                             const void *caller)
{
    struct dma_adapter *adapter;

    /* DMA-02: what is newer is not supported. */
    if (description->Version > DEVICE_DESCRIPTION_VERSION3)
        return NULL;
    adapter = mm_alloc(sizeof(*adapter), DMA_TAG);
    if (adapter == NULL || !describe(adapter, description))
        goto fail;
    if (!reaches_all(adapter) && (adapter->pool = dma_pool_below(adapter->limit)) == NULL)
        goto fail;
    /* DMA-02: 1, whatever the operations' version. */
    adapter->public.Version = 1;
    adapter->public.Size = sizeof(DMA_ADAPTER);
    /* DMA-02: the version of the description chooses the operations. */
    adapter->public.DmaOperations = dma_operations(adapter->version);
    if (adapter->public.DmaOperations == NULL)
        goto fail;
    /* DMA-03: as many as MaximumLength needs, if there are as many. */
    adapter->registers = MIN(wanted_registers(description), most_registers(adapter));
    *registers = adapter->registers;
    adapter->caller = caller;
    adapter->permanent = permanent;
    list_init(&adapter->requests);
    list_init(&adapter->buffers);
    rl_lock_acquire(&dma_lock);
    list_insert_tail(&dma_adapters, &adapter->link);
    rl_lock_release(&dma_lock);
    return &adapter->public;

fail:
    mm_free(adapter);
    return NULL;
}

void hal_set_adapter_caller(PDMA_ADAPTER adapter, const void *caller)
{
    rl_lock_acquire(&dma_lock);
    list_for_each(it, &dma_adapters)
    {
        struct dma_adapter *candidate = container_of(it, struct dma_adapter, link);
        if (&candidate->public == adapter)
            candidate->caller = caller;
    }
    rl_lock_release(&dma_lock);
}

static void check_idle(const struct dma_adapter *adapter)
{
    ULONG_PTR address = (ULONG_PTR)&adapter->public;

    if (!list_empty(&adapter->buffers))
        /* DMA-19: the adapter goes last. */
        dma_violation(0x07, address, 1, 0, "an adapter was released before its common buffers were freed");
    list_for_each(it, &adapter->requests)
    {
        const struct dma_request *request = container_of(it, struct dma_request, link);

        if (request->list != NULL)
            dma_violation(0x0A, address, 1, 0,
                          "an adapter was released before its scatter/gather lists were put");
        if (request->has_channel)
            dma_violation(0x08, address, 1, 0, "an adapter was released before its channel was freed");
        dma_violation(0x09, address, request->count, 0,
                      "an adapter was released before its map registers were freed");
    }
}

/* Frees the adapter; its common buffers, registers and lists are gone already: else bug check 0xE6/7..A.
 * IRQL: <= DISPATCH_LEVEL. */
VOID NTAPI dma_put_adapter(PDMA_ADAPTER DmaAdapter)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);

    /* DMA-19: with nothing left of what it gave. */
    check_idle(adapter);
    rl_lock_acquire(&dma_lock);
    list_remove(&adapter->link);
    rl_lock_release(&dma_lock);
    mm_free(adapter);
}

/* ---- what drivers hold ---- */

/* The lock is held: visit must not allocate. */
void hal_for_each_adapter(void (*visit)(const struct hal_adapter_info *info, void *context), void *context)
{
    rl_lock_acquire(&dma_lock);
    list_for_each(it, &dma_adapters)
    {
        const struct dma_adapter *adapter = container_of(it, struct dma_adapter, link);
        struct hal_adapter_info info = {
            .adapter = &adapter->public, .caller = adapter->caller, .permanent = adapter->permanent};
        visit(&info, context);
    }
    rl_lock_release(&dma_lock);
}

static struct hal_request_info describe_request(const struct dma_request *request)
{
    struct hal_request_info info = {.adapter = &request->adapter->public,
                                    .handle = request,
                                    .caller = request->caller,
                                    .waits = request->state != DMA_HELD,
                                    .list = request->list != NULL,
                                    .channel = request->has_channel};

    if (info.list)
        info.handle = request->list;
    if (!info.waits)
        info.routine = dma_system_expected(request->adapter);
    else if (info.list)
        info.routine = (const void *)request->list_control;
    else
        info.routine = (const void *)request->control;
    return info;
}

/* A request of BuildScatterGatherList lies in memory of the driver, who may have freed it. */
static bool is_there(const struct dma_adapter *adapter, const LIST_ENTRY *link)
{
    struct dma_request *request = container_of(link, struct dma_request, link);

    return MmIsAddressValid(request) && MmIsAddressValid((char *)(request + 1) - 1) &&
           request->adapter == adapter;
}

/* What lay in memory that is freed is the adapter's maker's, and nothing behind it can be found. */
static void see_requests(const struct dma_adapter *adapter,
                         void (*visit)(const struct hal_request_info *info, void *context), void *context)
{
    for (const LIST_ENTRY *it = adapter->requests.Flink; it != &adapter->requests; it = it->Flink) {
        struct hal_request_info info = {
            .adapter = &adapter->public, .handle = it, .caller = adapter->caller, .list = true};
        bool there = is_there(adapter, it);

        if (there)
            info = describe_request(container_of(it, struct dma_request, link));
        visit(&info, context);
        if (!there)
            return;
    }
}

/* Those that wait and those that have something. */
void hal_for_each_dma_request(void (*visit)(const struct hal_request_info *info, void *context),
                              void *context)
{
    rl_lock_acquire(&dma_lock);
    list_for_each(it, &dma_adapters)
    {
        see_requests(container_of(it, struct dma_adapter, link), visit, context);
    }
    rl_lock_release(&dma_lock);
}

/* The form of Windows NT: no PDO, and the adapter stays for as long as the system runs. NULL as above. IRQL:
 * PASSIVE_LEVEL. */
EXPORT(hal, HalGetAdapter, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PADAPTER_OBJECT NTAPI HalGetAdapter(PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
    return (PADAPTER_OBJECT)hal_get_adapter(DeviceDescription, NumberOfMapRegisters, true,
                                            mm_caller(__builtin_return_address(0)));
}

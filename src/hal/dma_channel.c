/* SPDX-License-Identifier: MIT */
/*
 * Who has a channel and map registers, and who waits. A request gets the
 * channel first, in turn, and keeps it while it waits for registers. When it
 * has both, its routine is called at DISPATCH_LEVEL by whoever made that
 * possible: the one that asked, or the one that gave something back.
 */
#include "hal/dma.h"
#include "ke/held.h"
#include "mm/mm.h"

#define SYSTEM_CHANNELS 8

static struct dma_channel system_channels[SYSTEM_CHANNELS];

struct dma_channel *dma_system_channel(ULONG number)
{
    return &system_channels[number];
}

void dma_channels_reset(void)
{
    for (unsigned i = 0; i < SYSTEM_CHANNELS; i++) {
        system_channels[i].owner = NULL;
        list_init(&system_channels[i].waiting);
    }
}

/* NULL: no memory. IRQL: <= DISPATCH_LEVEL. */
struct dma_request *dma_request_create(struct dma_adapter *adapter, PDEVICE_OBJECT device, ULONG registers)
{
    ULONG room = adapter->pool != NULL ? registers : 0;
    struct dma_request *request = mm_alloc(sizeof(*request) + room * sizeof(struct dma_bounce), DMA_TAG);

    if (request == NULL)
        return NULL;
    request->adapter = adapter;
    request->device = device;
    request->caller = ke_driver_caller();
    request->irp = device != NULL ? device->CurrentIrp : NULL;
    request->count = request->taken = registers;
    request->bounce_room = room;
    request->bounces = (struct dma_bounce *)(request + 1);
    request->storage = request;
    return request;
}

static void destroy(struct dma_request *request)
{
    mm_free(request->storage);
}

/* ---- locked ---- */

static void want_registers(struct dma_request *request, LIST_ENTRY *ready)
{
    LIST_ENTRY *queue = ready;

    request->state = DMA_READY;
    if (!dma_pool_take(request)) {
        request->state = DMA_WAITS_FOR_REGISTERS;
        queue = &request->adapter->pool->waiting;
    }
    list_insert_tail(queue, &request->queue);
}

static void pass_channel(struct dma_channel *channel, LIST_ENTRY *ready)
{
    channel->owner = NULL;
    if (list_empty(&channel->waiting))
        return;
    channel->owner = container_of(list_remove_head(&channel->waiting), struct dma_request, queue);
    channel->owner->has_channel = true;
    want_registers(channel->owner, ready);
}

static void serve_pool(struct dma_pool *pool, LIST_ENTRY *ready)
{
    while (!list_empty(&pool->waiting)) {
        struct dma_request *first = container_of(pool->waiting.Flink, struct dma_request, queue);
        if (!dma_pool_take(first))
            return;
        list_remove(&first->queue);
        first->state = DMA_READY;
        list_insert_tail(ready, &first->queue);
    }
}

static void let_go(struct dma_request *request, bool channel, bool registers, LIST_ENTRY *ready)
{
    struct dma_adapter *adapter = request->adapter;

    if (channel && request->has_channel) {
        request->has_channel = false;
        pass_channel(adapter->channel, ready);
    }
    if (registers && request->has_registers) {
        dma_pool_give(request);
        if (adapter->pool != NULL)
            serve_pool(adapter->pool, ready);
    }
}

/* With nothing left the request ends; whoever runs its routine must not look at it again. */
static bool ends(struct dma_request *request)
{
    if (request->has_channel || request->has_registers)
        return false;
    if (request->gone != NULL)
        *request->gone = true;
    list_remove(&request->link);
    return true;
}

/* ---- calls into the driver ---- */

/* Around a routine of the driver. The request may be gone when the routine has returned. */
struct call {
    const char *role;
    const void *routine;
    PDEVICE_OBJECT device;
    struct ke_request starter;
    uint64_t cookie;
};

static struct call call_begin(const struct dma_request *request, const char *role, const void *routine)
{
    struct call call = {.role = role, .routine = routine, .device = request->device};

    call.starter = ke_request_begin(request->irp, request->device);
    call.cookie = ke_callout_enter(role, routine);
    TRACE(TRACE_CONTROL, call.device, .b = (uintptr_t)routine, .text = role);
    return call;
}

static void call_end(const struct call *call, unsigned action)
{
    TRACE(TRACE_CONTROL_RETURN, call->device, .a = action, .b = (uintptr_t)call->routine, .text = call->role);
    ke_callout_leave(call->role, call->routine, call->cookie);
    ke_request_end(call->starter);
}

static IO_ALLOCATION_ACTION call_control(struct dma_request *request)
{
    PVOID base = request->count != 0 ? request : NULL;
    struct call call = call_begin(request, "AdapterControl", request->control);
    /* DMA-09, SR-17: once, when the channel and the registers are the request's. */
    IO_ALLOCATION_ACTION action =
        request->control(request->device, request->irp, base, request->driver_context);

    call_end(&call, action);
    return action;
}

static IO_ALLOCATION_ACTION call_list_control(struct dma_request *request)
{
    PDRIVER_LIST_CONTROL routine = request->list_control;
    bool master = request->adapter->master;
    struct call call = call_begin(request, "AdapterListControl", routine);

    /* DMA-14, SR-18: no value comes back; the list is the third argument. */
    routine(request->device, request->irp, request->list, request->driver_context);
    call_end(&call, 0);
    /* DMA-14: the adapter is free on return and the registers stay; the system's controller is busy with the
     * transfer until the list is put. */
    return master ? DeallocateObjectKeepRegisters : KeepObject;
}

static IO_ALLOCATION_ACTION call_routine(struct dma_request *request)
{
    if (request->list != NULL)
        dma_list_fill(request);
    if (request->list_control != NULL)
        return call_list_control(request);
    return request->control != NULL ? call_control(request) : KeepObject;
}

/* Registers that nobody counts and no list: there would be no handle to give back. */
static bool keeps_nothing(const struct dma_request *request)
{
    return request->count == 0 && request->list == NULL;
}

/* What the routine wants kept. Another processor may have ended the request meanwhile. */
static void finish_routine(struct dma_request *request, IO_ALLOCATION_ACTION action, const bool *gone,
                           LIST_ENTRY *ready)
{
    bool over = false;

    rl_lock_acquire(&dma_lock);
    if (!*gone) {
        request->state = DMA_HELD;
        request->gone = NULL;
        /* DMA-08: DeallocateObject keeps nothing. */
        bool registers = action == DeallocateObject;
        /* DMA-08: KeepObject keeps both, DeallocateObjectKeepRegisters only the registers. */
        bool channel = registers || action == DeallocateObjectKeepRegisters;
        let_go(request, channel, registers || (channel && keeps_nothing(request)), ready);
        over = ends(request);
    }
    rl_lock_release(&dma_lock);
    if (over)
        destroy(request);
}

/* Calls the routines of all that have what they asked for; what these give back may make others ready. */
static void run_ready(LIST_ENTRY *ready)
{
    KIRQL irql;

    if (list_empty(ready))
        return;
    irql = ke_raise_irql(DISPATCH_LEVEL);
    while (!list_empty(ready)) {
        struct dma_request *request = container_of(list_remove_head(ready), struct dma_request, queue);
        bool gone = false;

        request->gone = &gone;
        request->state = DMA_RUNNING;
        finish_routine(request, call_routine(request), &gone, ready);
    }
    ke_lower_irql(irql);
}

/* ---- asking and giving back ---- */

/* Locked. */
static bool at_once(struct dma_request *request)
{
    struct dma_channel *channel = request->adapter->channel;

    if (channel->owner != NULL || !list_empty(&channel->waiting))
        return false;
    return dma_pool_take(request);
}

/* Locked. */
static NTSTATUS enqueue(struct dma_request *request, bool wait, LIST_ENTRY *ready)
{
    struct dma_channel *channel = request->adapter->channel;

    if (!wait && !at_once(request))
        /* DMA-21: what is not there now is not waited for. */
        return STATUS_INSUFFICIENT_RESOURCES;
    list_insert_tail(&request->adapter->requests, &request->link);
    /* DPC-07: one has the adapter's channel, who comes later waits. */
    if (channel->owner != NULL) {
        request->state = DMA_WAITS_FOR_CHANNEL;
        list_insert_tail(&channel->waiting, &request->queue);
        return STATUS_SUCCESS;
    }
    channel->owner = request;
    request->has_channel = true;
    if (request->has_registers) {
        request->state = DMA_READY;
        list_insert_tail(ready, &request->queue);
    } else {
        want_registers(request, ready);
    }
    return STATUS_SUCCESS;
}

NTSTATUS dma_request_submit(struct dma_request *request, bool wait)
{
    LIST_ENTRY ready = {&ready, &ready};
    NTSTATUS status;

    rl_lock_acquire(&dma_lock);
    status = enqueue(request, wait, &ready);
    rl_lock_release(&dma_lock);
    if (!NT_SUCCESS(status))
        destroy(request);
    run_ready(&ready);
    return status;
}

void dma_request_release(struct dma_request *request, bool channel, bool registers)
{
    LIST_ENTRY ready = {&ready, &ready};
    bool over;

    if (!request->adapter->master && registers)
        dma_system_stop(request);
    rl_lock_acquire(&dma_lock);
    let_go(request, channel, registers, &ready);
    over = ends(request);
    rl_lock_release(&dma_lock);
    if (over)
        destroy(request);
    run_ready(&ready);
}

bool dma_request_cancel(struct dma_request *request)
{
    LIST_ENTRY ready = {&ready, &ready};
    bool waits;

    rl_lock_acquire(&dma_lock);
    waits = request->state == DMA_WAITS_FOR_CHANNEL || request->state == DMA_WAITS_FOR_REGISTERS;
    if (waits) {
        list_remove(&request->queue);
        list_remove(&request->link);
        let_go(request, true, false, &ready);
        if (request->adapter->pool != NULL)
            serve_pool(request->adapter->pool, &ready);
    }
    rl_lock_release(&dma_lock);
    if (waits)
        destroy(request);
    run_ready(&ready);
    return waits;
}

/* ---- what the driver's handles mean ---- */

struct dma_request *dma_request_of(struct dma_adapter *adapter, PVOID map_register_base)
{
    struct dma_request *found = NULL;

    rl_lock_acquire(&dma_lock);
    list_for_each(it, &adapter->requests)
    {
        struct dma_request *request = container_of(it, struct dma_request, link);
        if (request == map_register_base && request->has_registers)
            found = request;
    }
    rl_lock_release(&dma_lock);
    return found;
}

struct dma_request *dma_request_by_list(struct dma_adapter *adapter, const SCATTER_GATHER_LIST *list)
{
    struct dma_request *found = NULL;

    rl_lock_acquire(&dma_lock);
    list_for_each(it, &adapter->requests)
    {
        struct dma_request *request = container_of(it, struct dma_request, link);
        if (request->list == list && request->state >= DMA_RUNNING)
            found = request;
    }
    rl_lock_release(&dma_lock);
    return found;
}

static struct dma_request *with_context(struct dma_adapter *adapter, const void *transfer_context)
{
    list_for_each(it, &adapter->requests)
    {
        struct dma_request *request = container_of(it, struct dma_request, link);
        if (request->transfer_context == transfer_context)
            return request;
    }
    return NULL;
}

struct dma_request *dma_request_by_context(const void *transfer_context)
{
    list_for_each(it, &dma_adapters)
    {
        struct dma_request *request =
            with_context(container_of(it, struct dma_adapter, link), transfer_context);
        if (request != NULL)
            return request;
    }
    return NULL;
}

/* The request that keeps this adapter's channel; NULL: none of it does. */
struct dma_request *dma_channel_owner(struct dma_adapter *adapter)
{
    struct dma_request *owner;

    rl_lock_acquire(&dma_lock);
    owner = adapter->channel->owner;
    if (owner != NULL && (owner->adapter != adapter || owner->state < DMA_RUNNING))
        owner = NULL;
    rl_lock_release(&dma_lock);
    return owner;
}

/* Is there a request of this device object whose routine has not come to its end? */
static bool is_pending(struct dma_adapter *adapter, PDEVICE_OBJECT device)
{
    bool found = false;

    rl_lock_acquire(&dma_lock);
    list_for_each(it, &adapter->requests)
    {
        struct dma_request *request = container_of(it, struct dma_request, link);
        found |= request->classic && request->device == device && request->state != DMA_HELD;
    }
    rl_lock_release(&dma_lock);
    return found;
}

/* ---- the operations ---- */

/* The request of AllocateAdapterChannel, for an IRP. Rules: DMA-05, DMA-06, DPC-07. */
NTSTATUS dma_allocate_channel_for(struct dma_adapter *adapter, PDEVICE_OBJECT device, PIRP irp,
                                  ULONG registers, PDRIVER_CONTROL routine, PVOID context)
{
    struct dma_request *request;

    /* DMA-05: never more than the adapter was given. */
    if (registers > adapter->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* DMA-06 and DPC-07: the device object waits once, and its routine does not ask again. */
    if (is_pending(adapter, device))
        dma_violation(
            0x0B, 2, (ULONG_PTR)device, 0,
            "AllocateAdapterChannel was called for a device object before the AdapterControl routine "
            "of its last call had returned");
    request = dma_request_create(adapter, device, registers);
    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->classic = true;
    request->irp = irp;
    request->control = routine;
    request->driver_context = context;
    /* DMA-05: success, whether the routine has run or will. */
    return dma_request_submit(request, true);
}

/*
 * Calls AdapterControl as soon as the channel is free and the map registers are there, now or later.
 * STATUS_INSUFFICIENT_RESOURCES: more registers than the adapter has, and the routine is not called. One
 * request of a device object at a time: bug check 0xE6/B. IRQL: DISPATCH_LEVEL. Rules: DMA-05..DMA-09,
 * DPC-07.
 */
NTSTATUS NTAPI dma_allocate_adapter_channel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                            ULONG NumberOfMapRegisters, PDRIVER_CONTROL ExecutionRoutine,
                                            PVOID Context)
{
    /* DMA-07: the IRP that is current now, whatever will be when the routine is called. */
    PIRP irp = DeviceObject->CurrentIrp;

    return dma_allocate_channel_for(dma_adapter_of(DmaAdapter), DeviceObject, irp, NumberOfMapRegisters,
                                    ExecutionRoutine, Context);
}

/* Gives back the channel that KeepObject kept, and its map registers. Bug check 0xE6/4 if the adapter has
 * none. IRQL: DISPATCH_LEVEL. Rules: DMA-10. */
VOID NTAPI dma_free_adapter_channel(PDMA_ADAPTER DmaAdapter)
{
    struct dma_request *owner = dma_channel_owner(dma_adapter_of(DmaAdapter));

    if (owner == NULL)
        dma_violation(4, 1, 0, 0,
                      "FreeAdapterChannel was called for an adapter whose channel is not allocated");
    /* DMA-10: the registers with it. */
    dma_request_release(owner, true, true);
}

/* Gives back the map registers that DeallocateObjectKeepRegisters kept. Bug check 0xE6/5 for more than there
 * are. IRQL: DISPATCH_LEVEL. Rules: DMA-10. */
VOID NTAPI dma_free_map_registers(PDMA_ADAPTER DmaAdapter, PVOID MapRegisterBase, ULONG NumberOfMapRegisters)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request;

    if (NumberOfMapRegisters == 0)
        return;
    request = dma_request_of(adapter, MapRegisterBase);
    /* DMA-10: the same count. */
    if (request == NULL || NumberOfMapRegisters != request->count)
        dma_violation(5, NumberOfMapRegisters - (request != NULL ? request->count : 0), 0, 0,
                      request == NULL
                          ? "FreeMapRegisters was called for map registers that are not allocated"
                          : "FreeMapRegisters was called with another number of map registers than "
                            "AllocateAdapterChannel");
    /* DMA-10: they are there for who waits. */
    dma_request_release(request, false, true);
}

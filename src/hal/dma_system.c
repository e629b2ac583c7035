/* SPDX-License-Identifier: MIT */
/*
 * The system controller's channels, as adapters use them: programmed when a
 * transfer is mapped, masked when it is flushed. When a channel's count runs
 * out the controller interrupts, and a DPC calls the completion routine that
 * MapTransferEx was given.
 */
#include "hal/dma.h"

#define CHANNELS          8
#define COMPLETION_VECTOR 0x2F
#define COMPLETION_IRQL   3

static struct completion {
    PDMA_COMPLETION_ROUTINE routine; /* NULL: nobody waits for the end */
    PVOID context;
    PDMA_ADAPTER adapter;
    PDEVICE_OBJECT device;
    DMA_COMPLETION_STATUS status;
    KDPC dpc;
} completions[CHANNELS];

static VOID NTAPI completed(PKDPC dpc, PVOID context, PVOID first, PVOID second)
{
    struct completion *completion = context, call;

    rl_lock_acquire(&dma_lock);
    call = *completion;
    completion->routine = NULL;
    rl_lock_release(&dma_lock);
    if (call.routine == NULL)
        return;
    uint64_t cookie = ke_callout_enter("DmaCompletion", call.routine);
    /* SR-19: in a DPC of the controller's interrupt. */
    call.routine(call.adapter, call.device, call.context, call.status);
    ke_callout_leave("DmaCompletion", call.routine, cookie);
}

/* At the controller's IRQL. */
static void interrupted(void *context)
{
    struct completion *completion = context;

    KeInsertQueueDpc(&completion->dpc, NULL, NULL);
}

static void end(struct completion *completion, DMA_COMPLETION_STATUS status)
{
    bool expected;

    rl_lock_acquire(&dma_lock);
    expected = completion->routine != NULL;
    completion->status = status;
    rl_lock_release(&dma_lock);
    if (expected)
        ke_request_interrupt(~(KAFFINITY)0, COMPLETION_IRQL, COMPLETION_VECTOR, interrupted, completion);
}

/* The count has run out. In any thread. */
void dma_system_terminal(ULONG channel)
{
    end(&completions[channel], DmaComplete);
}

void dma_system_init(void)
{
    __builtin_memset(completions, 0, sizeof(completions));
    for (unsigned i = 0; i < CHANNELS; i++)
        KeInitializeDpc(&completions[i].dpc, completed, &completions[i]);
    dma8237_init();
}

void dma_system_fini(void)
{
    dma8237_fini();
}

static struct completion *completion_of(const struct dma_request *request)
{
    return &completions[request->adapter->number];
}

/* Before the transfer starts. NULL: nobody is to be called. */
void dma_system_expect(struct dma_request *request, PDMA_COMPLETION_ROUTINE routine, PVOID context)
{
    struct completion *completion = completion_of(request);

    rl_lock_acquire(&dma_lock);
    completion->routine = routine;
    completion->context = context;
    completion->adapter = &request->adapter->public;
    completion->device = request->device;
    rl_lock_release(&dma_lock);
}

const void *dma_system_expected(const struct dma_adapter *adapter)
{
    return adapter->master ? NULL : (const void *)completions[adapter->number].routine;
}

void dma_system_start(struct dma_request *request, uint64_t pa, ULONG length, bool write)
{
    const struct dma_adapter *adapter = request->adapter;
    UCHAR mode = adapter->demand ? DMA8237_DEMAND : DMA8237_SINGLE;

    mode |= write ? DMA8237_FROM_MEMORY : DMA8237_TO_MEMORY;
    if (adapter->auto_initialize)
        mode |= DMA8237_AUTO_INITIALIZE;
    dma8237_program(adapter->number, pa, length, mode);
}

/* With nobody to call at the end: also not who was to be called for a transfer before. */
void dma_system_start_alone(struct dma_request *request, uint64_t pa, ULONG length, bool write)
{
    dma_system_expect(request, NULL, NULL);
    dma_system_start(request, pa, length, write);
}

void dma_system_stop(struct dma_request *request)
{
    dma8237_mask(request->adapter->number);
}

void dma_system_cancel(struct dma_request *request)
{
    dma_system_stop(request);
    end(completion_of(request), DmaCancelled);
}

ULONG dma_system_left(const struct dma_adapter *adapter)
{
    return dma8237_left(adapter->number);
}

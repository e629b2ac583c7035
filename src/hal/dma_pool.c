/* SPDX-License-Identifier: MIT */
/*
 * Pools of map registers: pages that devices with few address lines reach,
 * contiguous, so that a run of registers is one piece of memory to a device.
 * One pool serves all adapters that reach it; who asks for more than is free
 * waits, and nobody who comes later is served before him.
 */
#include "hal/dma.h"
#include "host/memory.h"
#include "mm/mm.h"

#define LOW_REGISTERS  64  /* for devices that do not reach 4 GiB: 256 KiB, aligned as much */
#define HIGH_REGISTERS 256 /* 1 MiB */

static LIST_ENTRY pools = {&pools, &pools};

void dma_pool_reset(void)
{
    list_init(&pools);
}

/* As many pages as there are to be had, up to count. */
static uint64_t allocate_pages(uint64_t limit, ULONG *count)
{
    for (; *count != 0; *count /= 2) {
        uint64_t pfn = hmem_alloc_contiguous(*count, 0, limit, (uint64_t)*count * PAGE_SIZE);
        if (pfn != HMEM_NO_PFN)
            return pfn << PAGE_SHIFT;
    }
    return 0;
}

static struct dma_pool *create_pool(uint64_t limit)
{
    ULONG count = limit < 0xFFFFFFFF ? LOW_REGISTERS : HIGH_REGISTERS;
    struct dma_pool *pool = mm_alloc(sizeof(*pool) + count, DMA_TAG);

    if (pool == NULL)
        return NULL;
    pool->limit = limit;
    pool->pa = allocate_pages(limit, &count);
    pool->count = count;
    list_init(&pool->waiting);
    if (count != 0)
        return pool;
    mm_free(pool);
    return NULL;
}

/* Locked. */
static struct dma_pool *find_pool(uint64_t limit)
{
    list_for_each(it, &pools)
    {
        struct dma_pool *pool = container_of(it, struct dma_pool, link);
        if (pool->limit == limit)
            return pool;
    }
    return NULL;
}

/* The pool of all devices that reach as far. NULL: there is no memory there. IRQL: <= DISPATCH_LEVEL. */
struct dma_pool *dma_pool_below(uint64_t limit)
{
    rl_lock_acquire(&dma_lock);
    struct dma_pool *pool = find_pool(limit);
    if (pool == NULL) {
        pool = create_pool(limit);
        if (pool != NULL)
            list_insert_tail(&pools, &pool->link);
    }
    rl_lock_release(&dma_lock);
    return pool;
}

static bool is_free(const struct dma_pool *pool, ULONG first, ULONG count)
{
    for (ULONG i = first; i < first + count; i++)
        if (pool->taken[i])
            return false;
    return true;
}

static bool crosses(const struct dma_adapter *adapter, ULONG first, ULONG count)
{
    uint64_t pa = adapter->pool->pa + (uint64_t)first * PAGE_SIZE;

    return adapter->boundary != 0 &&
           pa / adapter->boundary != (pa + count * PAGE_SIZE - 1) / adapter->boundary;
}

/* Whoever waits comes first, also before a request that would fit. */
bool dma_pool_take(struct dma_request *request)
{
    struct dma_pool *pool = request->adapter->pool;

    if (pool == NULL || request->taken == 0) {
        request->has_registers = true;
        return true;
    }
    if (!list_empty(&pool->waiting) && pool->waiting.Flink != &request->queue)
        return false;
    for (ULONG first = 0; first + request->taken <= pool->count; first++) {
        if (!is_free(pool, first, request->taken) || crosses(request->adapter, first, request->taken))
            continue;
        __builtin_memset(pool->taken + first, 1, request->taken);
        request->first = first;
        request->has_registers = true;
        return true;
    }
    return false;
}

void dma_pool_give(struct dma_request *request)
{
    struct dma_pool *pool = request->adapter->pool;

    if (request->has_registers && pool != NULL)
        __builtin_memset(pool->taken + request->first, 0, request->taken);
    request->has_registers = false;
    request->used = request->bounce_count = 0;
}

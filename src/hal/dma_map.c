/* SPDX-License-Identifier: MIT */
/*
 * From buffers to logical addresses. A buffer that the device reaches in one
 * piece is used as it is; any other part bounces through the request's map
 * registers: copied there before a transfer to the device, copied back by the
 * flush after one from it. So who forgets the flush reads what was in the
 * buffer before, and who maps again without one has lost what was mapped.
 */
#include "hal/dma.h"
#include "host/memory.h"

static const struct dma_bounce *last_bounce(const struct dma_request *request)
{
    return request->bounce_count != 0 ? &request->bounces[request->bounce_count - 1] : NULL;
}

/* Copies a part of what bounces; from is counted in the bounce. */
static void copy_part(const struct dma_bounce *bounce, ULONG from, ULONG length, bool to_device)
{
    struct dma_cursor at = dma_seek(bounce->mdl, bounce->offset + from);

    while (length != 0) {
        ULONG chunk = dma_chunk(&at, length);
        void *buffer = hmem_physical(dma_address(&at)), *page = hmem_physical(bounce->pa + from);

        /* Memory of another device has no copy of its own. */
        if (buffer != NULL && to_device)
            __builtin_memcpy(page, buffer, chunk);
        else if (buffer != NULL)
            __builtin_memcpy(buffer, page, chunk);
        from += chunk;
        length -= chunk;
        dma_advance(&at, chunk);
    }
}

/* Data keeps its place in the page, but for the system's controller, whose largest transfer fills its
 * registers. */
static ULONG place_in_page(const struct dma_request *request, uint64_t pa)
{
    return request->adapter->master ? (ULONG)BYTE_OFFSET(pa) : 0;
}

ULONG dma_room(const struct dma_request *request, uint64_t pa)
{
    ULONG pages = request->taken - request->used, place = place_in_page(request, pa);

    return pages != 0 && request->bounce_count < request->bounce_room ? pages * PAGE_SIZE - place : 0;
}

/* The part that goes on where the last one ended stays with it, in the rest of its last page first. */
static ULONG grow_last(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG length, uint64_t *pa)
{
    struct dma_bounce *last = (struct dma_bounce *)last_bounce(request);
    ULONG place, room;

    if (last == NULL || last->mdl != mdl || last->offset + last->length != offset)
        return 0;
    place = (ULONG)BYTE_OFFSET(last->pa);
    room = (last->pages + request->taken - request->used) * PAGE_SIZE - place - last->length;
    length = MIN(length, room);
    *pa = last->pa + last->length;
    request->used -= last->pages;
    last->length += length;
    last->pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(place, last->length);
    request->used += last->pages;
    return length;
}

static ULONG take_new(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG length, uint64_t from,
                      uint64_t *pa)
{
    ULONG place = place_in_page(request, from);
    struct dma_bounce *bounce = &request->bounces[request->bounce_count];

    length = MIN(length, dma_room(request, from));
    if (length == 0)
        return 0;
    *bounce = (struct dma_bounce){.mdl = mdl, .offset = offset, .length = length, .first = request->used};
    bounce->pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(place, length);
    bounce->pa = request->adapter->pool->pa + (uint64_t)(request->first + request->used) * PAGE_SIZE + place;
    request->bounce_count++;
    request->used += bounce->pages;
    *pa = bounce->pa;
    return length;
}

/* Bytes that found registers; 0: none is left. */
static ULONG bounce_part(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG length, bool write,
                         uint64_t *pa)
{
    struct dma_cursor at = dma_seek(mdl, offset);
    ULONG taken;

    if (request->adapter->pool == NULL)
        return 0;
    taken = grow_last(request, mdl, offset, length, pa);
    if (taken == 0)
        taken = take_new(request, mdl, offset, length, dma_address(&at), pa);
    if (taken != 0 && write) {
        const struct dma_bounce *last = last_bounce(request);
        /* DMA-20: what the processor wrote last, whether the driver has flushed its caches or not. */
        copy_part(last, (ULONG)(offset - last->offset), taken, true);
    }
    return taken;
}

static _Noreturn void out_of_registers(const struct dma_request *request, ULONG length)
{
    dma_violation(0, 2, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0, length), request->taken - request->used,
                  "a transfer needs more map registers than were allocated for it");
}

uint64_t dma_map_piece(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG *length, bool write)
{
    struct dma_cursor at = dma_seek(mdl, offset);
    uint64_t limit = request->adapter->limit, pa = dma_address(&at);
    ULONG direct = dma_run(&at, *length, limit, true);

    if (direct != 0) {
        *length = direct;
        return pa;
    }
    ULONG wanted = dma_run(&at, *length, limit, false);
    *length = bounce_part(request, mdl, offset, wanted, write, &pa);
    if (*length == 0)
        out_of_registers(request, wanted);
    return pa;
}

static bool crosses(const struct dma_adapter *adapter, uint64_t pa, ULONG length)
{
    return adapter->boundary != 0 && pa / adapter->boundary != (pa + length - 1) / adapter->boundary;
}

/* Will the device take the buffer as it is? */
bool dma_needs_bounce(const struct dma_adapter *adapter, PMDL mdl, uint64_t offset, ULONG length)
{
    struct dma_cursor at = dma_seek(mdl, offset);

    return dma_run(&at, length, adapter->limit, true) < length ||
           crosses(adapter, dma_address(&at), length) || dma_address(&at) % adapter->unit != 0;
}

uint64_t dma_map_whole(struct dma_request *request, PMDL mdl, uint64_t offset, ULONG length, bool write)
{
    struct dma_cursor at = dma_seek(mdl, offset);
    uint64_t pa = dma_address(&at);

    if (!dma_needs_bounce(request->adapter, mdl, offset, length))
        return pa;
    if (request->bounce_count != 0 && dma_room(request, pa) < length)
        request->used = request->bounce_count = 0; /* the registers start anew */
    if (bounce_part(request, mdl, offset, length, write, &pa) < length)
        out_of_registers(request, length);
    return pa;
}

static void sync_bounce(const struct dma_bounce *bounce, uint64_t offset, uint64_t length, bool write)
{
    uint64_t from = MAX(offset, bounce->offset);
    uint64_t to = MIN(offset + length, bounce->offset + bounce->length);

    if (from < to)
        copy_part(bounce, (ULONG)(from - bounce->offset), (ULONG)(to - from), write);
}

/* Copies what bounces of the range, in the transfer's direction, and leaves it mapped. */
void dma_sync(struct dma_request *request, PMDL mdl, uint64_t offset, uint64_t length, bool write)
{
    for (ULONG i = 0; i < request->bounce_count; i++)
        if (request->bounces[i].mdl == mdl)
            sync_bounce(&request->bounces[i], offset, length, write);
}

static bool overlaps(const struct dma_bounce *bounce, PMDL mdl, uint64_t offset, uint64_t length)
{
    return bounce->mdl == mdl && offset < bounce->offset + bounce->length && bounce->offset < offset + length;
}

/* The transfer of the range is over: data from the device reaches the buffer, and the registers are free for
 * the request's next one. */
void dma_flush(struct dma_request *request, PMDL mdl, uint64_t offset, uint64_t length, bool write)
{
    ULONG kept = 0, used = 0;

    if (!write)
        /* DMA-11: what the device wrote is in the buffer from here on. */
        dma_sync(request, mdl, offset, length, false);
    for (ULONG i = 0; i < request->bounce_count; i++) {
        if (overlaps(&request->bounces[i], mdl, offset, length))
            continue;
        request->bounces[kept] = request->bounces[i];
        used = MAX(used, request->bounces[kept].first + request->bounces[kept].pages);
        kept++;
    }
    request->bounce_count = kept;
    request->used = used;
}

/* SPDX-License-Identifier: MIT */
/*
 * Blocks of ordinary pool under the verifier: what special pool has no place
 * for, and what the runtime gives to drivers (system buffers, MDLs of requests).
 * A pattern follows each, and precedes it where that costs no alignment. A freed
 * block is filled and kept for a while, so that writing to it is noticed too.
 */
#include "base/sanitizer.h"
#include "ke/held.h"
#include "mm/special.h"

#define BEFORE_AND_BEHIND 0xBA
#define FREED             0xDB

const char *pool_find_damage(const char *low, const char *high, UCHAR pattern)
{
    const uint64_t word = 0x0101010101010101ull * pattern;
    for (uint64_t found; low + sizeof found <= high; low += sizeof found) {
        __builtin_memcpy(&found, low, sizeof found);
        if (found != word)
            break;
    }
    while (low < high && (UCHAR)*low == pattern)
        low++;
    return low < high ? low : NULL;
}

/* Large blocks and cache lines keep their alignment: they have no pattern before them. */
static size_t head_of(const struct pool_request *request)
{
    return request->aligned || request->size + 2 * POOL_HEAD_BYTES >= PAGE_SIZE ? 0 : POOL_HEAD_BYTES;
}

/* A small block may not cross a page, so it has only the rest of its page behind it. */
static size_t room_of(const struct pool_request *request, size_t head)
{
    size_t room = head + request->size + POOL_HEAD_BYTES;
    return request->size < PAGE_SIZE ? MIN(room, PAGE_SIZE - 1) : room;
}

static char *end_of(const struct pool_page *page, struct pool_slot slot, size_t size)
{
    size_t bytes = page->kind == POOL_PAGE_LARGE ? page->pages * PAGE_SIZE : pool_class_bytes(page->class);
    return MIN((char *)slot.address + bytes, pool_block_address(slot) + size + POOL_HEAD_BYTES);
}

void *canary_allocate(const struct pool_request *request)
{
    struct pool_page *page;
    struct pool_slot slot;
    size_t head = head_of(request);
    char *raw =
        pool_allocate_plain(request, head ? POOL_CANARY | POOL_HEAD : POOL_CANARY, room_of(request, head));
    if (raw == NULL)
        return NULL;
    pool_find(raw, &page, &slot);
    char *address = raw + head, *behind = address + request->size, *end = end_of(page, slot, request->size);
    sanitizer_unpoison(raw, (size_t)(end - raw));
    __builtin_memset(raw, BEFORE_AND_BEHIND, head);
    __builtin_memset(behind, BEFORE_AND_BEHIND, (size_t)(end - behind));
    return request->zero ? __builtin_memset(address, 0, request->size) : address;
}

static void check(const struct pool_page *page, struct pool_slot slot)
{
    char *address = pool_block_address(slot);
    size_t size = pool_block_size(page, slot.block);
    const char *bad = pool_find_damage(slot.address, address, BEFORE_AND_BEHIND);
    if (bad != NULL)
        pool_damaged(address, bad, false);
    bad = pool_find_damage(address + size, end_of(page, slot, size), BEFORE_AND_BEHIND);
    if (bad != NULL)
        pool_damaged(address, bad, true);
}

void mm_pool_check(const void *block)
{
    struct pool_page *page;
    struct pool_slot slot;
    if (pool_find(block, &page, &slot) &&
        (slot.block->flags & (POOL_LIVE | POOL_CANARY)) == (POOL_LIVE | POOL_CANARY))
        check(page, slot);
}

static void release_delayed(struct pool_slot slot)
{
    struct pool_page *page = pool_page_of(slot.address);
    char *address = pool_block_address(slot);
    const char *bad = pool_find_damage(address, address + slot.block->size, FREED);
    if (bad != NULL)
        pool_written_after_free(address, bad);
    slot.block->flags |= POOL_RUNTIME; /* it was counted when its owner freed it */
    pool_free_plain(page, slot);
}

/* Out comes the one that has been in it longest. */
static bool exchange_delayed(struct pool_slot slot, struct pool_slot *out)
{
    bool locked;
    struct pool_delay *delay = &pool_cache_enter(&locked)->delay;
    bool full = delay->count == POOL_DELAYED;
    *out = delay->slot[delay->oldest];
    delay->slot[full ? delay->oldest : delay->count] = slot;
    if (full)
        delay->oldest = (delay->oldest + 1) % POOL_DELAYED;
    else
        delay->count++;
    pool_cache_leave(locked);
    return full;
}

void canary_free(struct pool_page *page, struct pool_slot slot)
{
    struct pool_slot out;
    check(page, slot);
    if (arch_image_find((uintptr_t)slot.block->caller) != NULL)
        ke_check_pool_free(pool_block_address(slot), pool_block_size(page, slot.block),
                           slot.block->flags & POOL_PAGED ? PagedPool : NonPagedPool);
    if (page->kind == POOL_PAGE_LARGE) {
        pool_free_plain(page, slot);
        return;
    }
    slot.block->flags &= (UCHAR)~POOL_LIVE;
    pool_count_free(slot.block->flags, slot.block->size);
    __builtin_memset(pool_block_address(slot), FREED, slot.block->size);
    if (exchange_delayed(slot, &out))
        release_delayed(out);
}

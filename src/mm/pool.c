/* SPDX-License-Identifier: MIT */
/*
 * Allocating and freeing. The usual case takes a block from the VP's cache or
 * puts one there, with no lock and no atomic: only code on the VP touches its
 * cache, and code of the runtime is not switched out in the middle. Everything
 * else, and whoever has no VP, goes under pool.lock. Taken at DISPATCH_LEVEL
 * and below; below it in rank is only the lock of host/memory.h. Under
 * AddressSanitizer, what is not part of a live block is poisoned: free blocks,
 * and the slack behind what was asked for.
 */
#include "base/sanitizer.h"
#include "mm/special.h"

struct pool_state pool;

NTSTATUS mm_pool_init(void)
{
    pool = (struct pool_state){0};
    pool.cache = hmem_private((POOL_VPS + 1) * sizeof *pool.cache);
    NTSTATUS status = pool.cache ? pool_pages_init() : STATUS_INSUFFICIENT_RESOURCES;
    return NT_SUCCESS(status) ? pool_slab_init() : status;
}

void mm_pool_fini(void)
{
    special_fini();
    sanitizer_unpoison(pool.base, pool.pages_seen * PAGE_SIZE); /* whatever is mapped there next */
    pool_slab_fini();
    pool_pages_fini();
    hmem_private_free(pool.cache, (POOL_VPS + 1) * sizeof *pool.cache);
    pool = (struct pool_state){0};
}

/* The VP's cache; without a VP the shared one, with the lock taken. */
struct pool_cache *pool_cache_enter(bool *locked)
{
    *locked = !ke_on_vp();
    if (likely(!*locked))
        return &pool.cache[ke_vp()->number];
    rl_lock_acquire(&pool.lock);
    return &pool.cache[POOL_VPS];
}

void pool_cache_leave(bool locked)
{
    if (locked)
        rl_lock_release(&pool.lock);
}

/* Fills half of the empty cache, so that neighbours in time are neighbours in memory and frees have room.
 */
static bool refill(struct pool_cache *cache, enum pool_arena arena, unsigned class, bool locked)
{
    if (!locked)
        rl_lock_acquire(&pool.lock);
    ULONG count = 0;
    while (count < POOL_CACHE_SLOTS / 2 &&
           pool_slab_take(arena, class, &cache->free[arena][class].slot[count]))
        count++;
    for (ULONG i = 0; i < count / 2; i++) { /* the lowest address is given out first */
        struct pool_slot swap = cache->free[arena][class].slot[i];
        cache->free[arena][class].slot[i] = cache->free[arena][class].slot[count - 1 - i];
        cache->free[arena][class].slot[count - 1 - i] = swap;
    }
    cache->free[arena][class].count = count;
    if (!locked)
        rl_lock_release(&pool.lock);
    return count != 0;
}

static void drain_half(struct pool_cache *cache, enum pool_arena arena, unsigned class, bool locked)
{
    ULONG keep = POOL_CACHE_SLOTS / 2, count = cache->free[arena][class].count;
    struct pool_slot *slot = cache->free[arena][class].slot;
    if (!locked)
        rl_lock_acquire(&pool.lock);
    for (ULONG i = 0; i < count - keep; i++)
        pool_slab_give(slot[i]);
    if (!locked)
        rl_lock_release(&pool.lock);
    for (ULONG i = 0; i < keep; i++)
        slot[i] = slot[count - keep + i];
    cache->free[arena][class].count = keep;
}

/* The counter of a tag's allocations in a cache; when all places near its own are taken, the last one looked
 * at. */
static void count_tag(struct pool_cache *cache, ULONG tag, bool paged)
{
    uint64_t key = 1ull << 63 | (uint64_t)paged << 32 | tag;
    ULONG at = (tag * 0x9E3779B1u) >> 24;
    for (int probe = 0; probe < POOL_TAG_SLOTS; probe++, at++) {
        struct pool_tag_count *entry = &cache->tags[at % POOL_TAG_SLOTS];
        if (entry->key == 0)
            entry->key = key;
        if (entry->key == key) {
            entry->allocations++;
            return;
        }
    }
}

static void fill_record(struct pool_block *block, UCHAR flags, ULONG tag, USHORT size, const void *caller)
{
    block->caller = caller;
    block->tag = tag;
    block->size = size;
    block->flags = POOL_LIVE | flags;
}

static void account(struct pool_cache *cache, UCHAR flags, ULONG tag, size_t size)
{
    if (flags & POOL_RUNTIME)
        return;
    cache->blocks++;
    cache->bytes += (int64_t)size;
    count_tag(cache, tag, flags & POOL_PAGED);
}

void pool_count_allocation(UCHAR flags, ULONG tag, size_t size)
{
    bool locked;
    account(pool_cache_enter(&locked), flags, tag, size);
    pool_cache_leave(locked);
}

void pool_count_free(UCHAR flags, size_t size)
{
    bool locked;
    struct pool_cache *cache = pool_cache_enter(&locked);
    cache->blocks--;
    cache->bytes -= (int64_t)size;
    pool_cache_leave(locked);
}

static void *allocate_small(enum pool_arena arena, UCHAR flags, unsigned class, size_t size, size_t room,
                            ULONG tag, const void *caller)
{
    bool locked;
    struct pool_cache *cache = pool_cache_enter(&locked);
    void *address = NULL;
    if (likely(cache->free[arena][class].count != 0) || refill(cache, arena, class, locked)) {
        struct pool_slot *slot = &cache->free[arena][class].slot[--cache->free[arena][class].count];
        address = slot->address;
        fill_record(slot->block, flags, tag, (USHORT)size, caller);
        sanitizer_unpoison(address, room);
        account(cache, flags, tag, size);
    }
    pool_cache_leave(locked);
    return address;
}

static void mark_large(struct pool_page *page, enum pool_arena arena, size_t pages, struct pool_block *block)
{
    for (size_t i = 1; i < pages; i++)
        page[i] = (struct pool_page){.kind = POOL_PAGE_LARGE_REST, .class = POOL_NO_CLASS, .pages = (ULONG)i};
    *page = (struct pool_page){.kind = POOL_PAGE_LARGE,
                               .class = POOL_LARGE,
                               .arena = (UCHAR)arena,
                               .pages = (ULONG)pages,
                               .blocks = block};
}

static void *allocate_large(enum pool_arena arena, UCHAR flags, size_t size, size_t room, ULONG tag,
                            const void *caller)
{
    if (room > pool.bytes)
        return NULL;
    size_t pages = (room + PAGE_SIZE - 1) / PAGE_SIZE;
    bool locked = true;
    struct pool_cache *cache = pool_cache_enter(&locked);
    if (!locked)
        rl_lock_acquire(&pool.lock);
    struct pool_block *block = pool_block_records(POOL_LARGE);
    char *address = block ? pool_pages_take(arena, pages) : NULL;
    if (address != NULL) {
        fill_record(block, flags, tag, (USHORT)(pages * PAGE_SIZE - size), caller);
        sanitizer_poison(address, pages * PAGE_SIZE);
        sanitizer_unpoison(address, room);
        mark_large(pool_page_of(address), arena, pages, block);
        account(cache, flags, tag, size);
    } else if (block != NULL) {
        pool_block_records_free(POOL_LARGE, block);
    }
    rl_lock_release(&pool.lock);
    return address;
}

static inline void *allocate(enum pool_arena arena, UCHAR flags, size_t size, size_t room, ULONG tag,
                             bool aligned, const void *caller)
{
    if (likely(room < PAGE_SIZE))
        return allocate_small(arena, flags, pool_class_of(room, aligned), size, room, tag, caller);
    return allocate_large(arena, flags, size, room, tag, caller);
}

void *mm_alloc(size_t size, ULONG tag)
{
    void *p = allocate(POOL_NX, POOL_RUNTIME, size, size, tag, false, __builtin_return_address(0));
    return p ? __builtin_memset(p, 0, size) : NULL;
}

void *mm_alloc_lines(size_t size, ULONG tag)
{
    size_t room = ALIGN_UP(size, 64);
    void *p = allocate(POOL_NX, POOL_RUNTIME, room, room, tag, true, __builtin_return_address(0));
    return p ? __builtin_memset(p, 0, size) : NULL;
}

void *pool_allocate_plain(const struct pool_request *request, UCHAR flags, size_t room)
{
    return allocate(request->arena, request->flags | flags, request->size, room, request->tag,
                    request->aligned, request->caller);
}

/* What a driver asks for is guarded, what the runtime gives to drivers of its own accord has a pattern around
 * it.
 */
static __attribute__((noinline)) void *allocate_checked(const struct pool_request *request)
{
    /* DV-02: a driver's blocks have pages of their own. */
    void *p = hmem_is_system(request->caller) ? special_allocate(request) : NULL;
    if (p != NULL)
        pool_count_allocation(request->flags, request->tag, request->size);
    return p != NULL ? p : canary_allocate(request);
}

void *pool_allocate(const struct pool_request *request)
{
    if (unlikely(mm_special_on()))
        return allocate_checked(request);
    void *p = pool_allocate_plain(request, 0, request->size);
    return p && request->zero ? __builtin_memset(p, 0, request->size) : p;
}

struct pool_request pool_request_of(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller)
{
    bool paged = type & PagedPool;
    return (struct pool_request){.size = size,
                                 .tag = tag,
                                 .flags = paged ? POOL_PAGED : 0,
                                 .arena = paged || type & NonPagedPoolNx ? POOL_NX : POOL_EXECUTABLE,
                                 .aligned = type & NonPagedPoolCacheAligned,
                                 .zero = zero,
                                 .caller = mm_caller(caller)};
}

void *mm_pool_allocate(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller)
{
    struct pool_request request = pool_request_of(type, size, tag, zero, caller);
    return pool_allocate(&request);
}

static void free_small(struct pool_page *page, struct pool_slot slot)
{
    bool locked;
    struct pool_cache *cache = pool_cache_enter(&locked);
    unsigned arena = page->arena, class = page->class;
    if (!(slot.block->flags & POOL_RUNTIME)) {
        cache->blocks--;
        cache->bytes -= slot.block->size;
    }
    slot.block->flags &= (UCHAR)~POOL_LIVE;
    sanitizer_poison(slot.address, pool_class_bytes(class));
    if (unlikely(cache->free[arena][class].count == POOL_CACHE_SLOTS))
        drain_half(cache, arena, class, locked);
    cache->free[arena][class].slot[cache->free[arena][class].count++] = slot;
    pool_cache_leave(locked);
}

static void free_large(struct pool_page *page, struct pool_slot slot)
{
    bool locked;
    struct pool_cache *cache = pool_cache_enter(&locked);
    if (!locked)
        rl_lock_acquire(&pool.lock);
    size_t pages = page->pages;
    if (!(slot.block->flags & POOL_RUNTIME)) {
        cache->blocks--;
        cache->bytes -= (int64_t)pool_block_size(page, slot.block);
    }
    slot.block->flags = 0;
    pool_block_records_free(POOL_LARGE, slot.block);
    for (size_t i = 0; i < pages; i++)
        page[i].kind = POOL_PAGE_FREED;
    sanitizer_poison(slot.address, pages * PAGE_SIZE);
    pool_pages_give(slot.address, pages);
    rl_lock_release(&pool.lock);
}

void pool_free_plain(struct pool_page *page, struct pool_slot slot)
{
    if (likely(page->kind == POOL_PAGE_SLAB))
        free_small(page, slot);
    else
        free_large(page, slot);
}

void mm_free(void *p)
{
    struct pool_page *page;
    struct pool_slot slot;
    if (p == NULL)
        return;
    if (unlikely(!pool_find(p, &page, &slot) || slot.address != p || !(slot.block->flags & POOL_LIVE)))
        pool_bad_free(p); /* a driver may have given it, for a work item or the like */
    pool_free_plain(page, slot);
}

void mm_pool_free(void *p, ULONG tag, const void *caller)
{
    struct pool_page *page;
    struct pool_slot slot;
    if (unlikely(special_holds(p))) {
        special_free(p, tag);
        return;
    }
    if (unlikely(!pool_find(p, &page, &slot) || pool_block_address(slot) != p ||
                 !(slot.block->flags & POOL_LIVE)))
        pool_bad_free(p);
    if (unlikely(slot.block->tag != tag && (tag != 0 || slot.block->tag & PROTECTED_POOL)))
        pool_wrong_tag(p, slot.block->tag, tag);
    if (unlikely(slot.block->flags & POOL_CANARY))
        canary_free(page, slot);
    else
        pool_free_plain(page, slot);
}

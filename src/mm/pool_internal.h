/* SPDX-License-Identifier: MIT */
/*
 * The pool's parts. Pages: runs of pages of the pool zone, in two arenas
 * (never executable; executable, for NonPagedPoolExecute). Slabs: a page cut
 * into blocks of one size class, so that no block smaller than a page crosses
 * one. What is known of a block is kept beside the pool and not in it: a
 * driver's overrun cannot reach it. Caches: per VP, free blocks of each class.
 */
#ifndef POOL_INTERNAL_H
#define POOL_INTERNAL_H

#include "base/lock.h"
#include "mm/mm.h"

#define POOL_CLASSES     31
#define POOL_LARGE       0xFF /* as a class: whole pages */
#define POOL_NO_CLASS    0xFE
#define POOL_CACHE_SLOTS 31
#define POOL_TAG_SLOTS   256
#define POOL_VPS         64

enum pool_arena { POOL_NX, POOL_EXECUTABLE, POOL_ARENAS };
enum pool_page_kind {
    POOL_PAGE_NEVER,
    POOL_PAGE_SLAB,
    POOL_PAGE_LARGE,
    POOL_PAGE_LARGE_REST,
    POOL_PAGE_FREED
};
enum pool_block_flags {
    POOL_LIVE = 1,
    POOL_PAGED = 2,
    POOL_RUNTIME = 4,
    POOL_CANARY = 8, /* a pattern follows it */
    POOL_HEAD = 16   /* and precedes it, in POOL_HEAD_BYTES */
};
#define POOL_HEAD_BYTES 16

enum pool_guard { POOL_GUARD_USUAL, POOL_GUARD_AFTER, POOL_GUARD_BEFORE };

/* What a driver, or the runtime for a driver, asks for. */
struct pool_request {
    size_t size;
    ULONG tag;
    UCHAR flags; /* POOL_PAGED */
    enum pool_arena arena;
    bool aligned, zero; /* to a cache line */
    enum pool_guard guard;
    const void *caller;
};

struct pool_block {
    const void *caller;
    ULONG tag;
    USHORT
    size; /* slab: requested; large: bytes of the last page that were not; free: index of the next + 1 */
    UCHAR flags;
};

struct pool_page {
    UCHAR kind, class, arena;
    USHORT used, free_head; /* slab: blocks given out (caches included), first free index + 1 */
    ULONG pages;            /* large: their number; rest: distance from the first */
    struct pool_block *blocks;
    LIST_ENTRY link; /* slab with free blocks: in its class's list */
};

struct pool_slot { /* a free block in a cache, or one found from an address */
    void *address;
    struct pool_block *block;
};

struct pool_tag_count {
    uint64_t key; /* 0: free */
    uint64_t allocations;
};

/* Blocks with a pattern that were freed: filled with another one and kept for a while. */
#define POOL_DELAYED 128
struct pool_delay {
    ULONG count, oldest;
    struct pool_slot slot[POOL_DELAYED];
};

struct pool_cache { /* one per VP: only code that runs on it touches it, and none of it is interrupted there
                     */
    struct {
        ULONG count;
        struct pool_slot slot[POOL_CACHE_SLOTS];
    } free[POOL_ARENAS][POOL_CLASSES];
    int64_t blocks, bytes; /* drivers' allocations less frees made here */
    struct pool_tag_count tags[POOL_TAG_SLOTS];
    struct pool_delay delay;
};

struct pool_state {
    rl_lock lock;
    char *base; /* of the pool zone */
    size_t bytes;
    struct pool_page *page; /* one per page of the zone */
    size_t pages_seen;      /* no page above was ever used */
    LIST_ENTRY partial[POOL_ARENAS][POOL_CLASSES];
    struct pool_cache *cache; /* POOL_VPS, and one for code without a VP, used under the lock */
};
extern struct pool_state pool;

/* Pages (pool_pages.c). With the lock held. NULL when RAM is exhausted. */
NTSTATUS pool_pages_init(void);
void pool_pages_fini(void);
char *pool_pages_take(enum pool_arena arena, size_t pages);
void pool_pages_give(char *first, size_t pages);

/* Slabs (pool_slab.c). */
NTSTATUS pool_slab_init(void);
void pool_slab_fini(void);
unsigned pool_class_of(size_t size, bool cache_aligned);                            /* size <= PAGE_SIZE */
bool pool_slab_take(enum pool_arena arena, unsigned class, struct pool_slot *slot); /* lock held */
void pool_slab_give(struct pool_slot slot);                                         /* lock held */
size_t pool_class_bytes(unsigned class);
struct pool_block *pool_block_records(unsigned class); /* lock held; NULL when out of memory */
void pool_block_records_free(unsigned class, struct pool_block *records);
/* The block that holds the address, live or not; false: no slab or large block there. */
bool pool_find(const void *address, struct pool_page **page, struct pool_slot *slot);

/* Allocating and freeing (pool.c). */
void *pool_allocate(const struct pool_request *request);
struct pool_request pool_request_of(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller);
/* Ordinary pool: `room` bytes, recorded as of the request's size. Neither filled nor zeroed. */
void *pool_allocate_plain(const struct pool_request *request, UCHAR flags, size_t room);
void pool_free_plain(struct pool_page *page, struct pool_slot slot);
struct pool_cache *pool_cache_enter(bool *locked); /* the VP's, or the shared one with the lock held */
void pool_cache_leave(bool locked);
void pool_count_allocation(UCHAR flags, ULONG tag, size_t size);
void pool_count_free(UCHAR flags, size_t size);

/* Patterns around blocks (pool_canary.c). */
void *canary_allocate(const struct pool_request *request);
void canary_free(struct pool_page *page, struct pool_slot slot);
/* The first byte in [low, high) that is not the pattern; NULL: none. */
const char *pool_find_damage(const char *low, const char *high, UCHAR pattern);

/* A driver's mistakes (pool_bugcheck.c). */
_Noreturn void pool_damaged(void *p, const void *where, bool behind);
_Noreturn void pool_written_after_free(void *p, const void *where);
_Noreturn void pool_never_allocated(void *p);
_Noreturn void pool_freed_before(void *p, ULONG tag);
_Noreturn void pool_not_the_start(void *p, void *block, size_t size);
_Noreturn void pool_bad_free(void *p);
_Noreturn void pool_wrong_tag(void *p, ULONG allocated, ULONG given);
_Noreturn void pool_must_succeed(POOL_TYPE type, size_t size, ULONG tag);

static inline struct pool_page *pool_page_of(const void *address)
{
    size_t offset = (size_t)((const char *)address - pool.base);
    return offset < pool.bytes ? &pool.page[offset / PAGE_SIZE] : NULL;
}

static inline char *pool_page_address(const struct pool_page *page)
{
    return pool.base + (size_t)(page - pool.page) * PAGE_SIZE;
}

/* Where the block begins for its owner. */
static inline char *pool_block_address(struct pool_slot slot)
{
    return (char *)slot.address + (slot.block->flags & POOL_HEAD ? POOL_HEAD_BYTES : 0);
}

/* The requested size of a block. */
static inline size_t pool_block_size(const struct pool_page *page, const struct pool_block *block)
{
    return page->kind == POOL_PAGE_LARGE ? (size_t)page->pages * PAGE_SIZE - block->size : block->size;
}

#endif

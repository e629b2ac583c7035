/* SPDX-License-Identifier: MIT */
/*
 * Runs of pages for the pool. Most come from segments: 64 pages committed
 * together, with a word that says which are free. Longer runs, and any when no
 * whole segment can be had, are reserved and committed by themselves.
 */
#include "mm/pool_internal.h"

#define SEGMENT_PAGES 64
#define SEGMENT_BYTES (SEGMENT_PAGES * PAGE_SIZE)

struct segment {
    uint64_t free; /* bit per page */
    UCHAR arena;
    bool in_use;
};

static struct segment *segments; /* one for each aligned place in the zone */
static size_t segment_count, segments_seen;
static size_t lowest[POOL_ARENAS];       /* no segment of the arena below it has a free page */
static unsigned whole_free[POOL_ARENAS]; /* segments of the arena that are free altogether */

NTSTATUS pool_pages_init(void)
{
    void *base;
    hmem_zone_range(HMEM_POOL, &base, &pool.bytes);
    pool.base = base;
    segment_count = pool.bytes / SEGMENT_BYTES;
    segments_seen = 0;
    __builtin_memset(lowest, 0, sizeof lowest);
    __builtin_memset(whole_free, 0, sizeof whole_free);
    segments = hmem_private(segment_count * sizeof *segments);
    pool.page = hmem_private(pool.bytes / PAGE_SIZE * sizeof *pool.page);
    return segments && pool.page ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void pool_pages_fini(void)
{
    hmem_private_free(segments, segment_count * sizeof *segments);
    hmem_private_free(pool.page, pool.bytes / PAGE_SIZE * sizeof *pool.page);
    segments = NULL;
}

static enum hmem_protection protection_of(enum pool_arena arena)
{
    return arena == POOL_EXECUTABLE ? HMEM_RWX : HMEM_RW;
}

static char *commit_new(enum pool_arena arena, size_t pages, size_t align)
{
    char *first = hmem_reserve(HMEM_POOL, pages, align, 0);
    if (first == NULL)
        return NULL;
    if (!NT_SUCCESS(hmem_commit(first, pages, protection_of(arena)))) {
        hmem_release(first, pages);
        return NULL;
    }
    pool.pages_seen = MAX(pool.pages_seen, (size_t)(first - pool.base) / PAGE_SIZE + pages);
    return first;
}

/* Bits of `free` at which `pages` set bits begin. */
static uint64_t run_starts(uint64_t free, size_t pages)
{
    size_t have = 1;
    while (have < pages && free != 0) {
        size_t step = MIN(have, pages - have);
        free &= free >> step;
        have += step;
    }
    return free;
}

static uint64_t run_mask(size_t first, size_t pages)
{
    return (pages == 64 ? ~0ull : (1ull << pages) - 1) << first;
}

static char *take_from(struct segment *segment, size_t pages)
{
    uint64_t starts = run_starts(segment->free, pages);
    if (starts == 0)
        return NULL;
    size_t first = (size_t)__builtin_ctzll(starts);
    whole_free[segment->arena] -= segment->free == ~0ull;
    segment->free &= ~run_mask(first, pages);
    return pool.base + (size_t)(segment - segments) * SEGMENT_BYTES + first * PAGE_SIZE;
}

static char *take_from_any(enum pool_arena arena, size_t pages)
{
    bool full_below = true;
    for (size_t i = lowest[arena]; i < segments_seen; i++) {
        if (!segments[i].in_use || segments[i].arena != arena || segments[i].free == 0)
            continue;
        if (full_below)
            lowest[arena] = i;
        full_below = false;
        char *first = take_from(&segments[i], pages);
        if (first != NULL)
            return first;
    }
    return NULL;
}

static struct segment *new_segment(enum pool_arena arena)
{
    char *base = commit_new(arena, SEGMENT_PAGES, SEGMENT_PAGES);
    if (base == NULL)
        return NULL;
    size_t index = (size_t)(base - pool.base) / SEGMENT_BYTES;
    segments[index] = (struct segment){.free = ~0ull, .arena = arena, .in_use = true};
    segments_seen = MAX(segments_seen, index + 1);
    lowest[arena] = MIN(lowest[arena], index);
    whole_free[arena]++;
    return &segments[index];
}

char *pool_pages_take(enum pool_arena arena, size_t pages)
{
    if (pages > SEGMENT_PAGES / 2)
        return commit_new(arena, pages, 1);
    char *first = take_from_any(arena, pages);
    if (first != NULL)
        return first;
    struct segment *segment = new_segment(arena);
    return segment != NULL ? take_from(segment, pages) : commit_new(arena, pages, 1);
}

/* One free segment of each arena is kept for the next demand. */
void pool_pages_give(char *first, size_t pages)
{
    size_t offset = (size_t)(first - pool.base);
    struct segment *segment = &segments[offset / SEGMENT_BYTES];
    if (!segment->in_use) {
        hmem_release(first, pages);
        return;
    }
    segment->free |= run_mask(offset % SEGMENT_BYTES / PAGE_SIZE, pages);
    lowest[segment->arena] = MIN(lowest[segment->arena], (size_t)(segment - segments));
    if (segment->free != ~0ull)
        return;
    if (whole_free[segment->arena] == 0) {
        whole_free[segment->arena] = 1;
    } else {
        segment->in_use = false;
        hmem_release(pool.base + offset / SEGMENT_BYTES * SEGMENT_BYTES, SEGMENT_PAGES);
    }
}

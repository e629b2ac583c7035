/* SPDX-License-Identifier: MIT */
/*
 * Special pool: blocks that drivers ask for get pages of their own between two
 * inaccessible ones. A block lies at the end of its pages (or at the beginning),
 * so the first byte outside faults; the rest of the pages has a pattern that is
 * checked when the block is freed. Freed pages stay inaccessible until all
 * slots are in use; then the one freed first is used again.
 */
#ifndef SPECIAL_H
#define SPECIAL_H

#include "mm/pool_internal.h"

#define SPECIAL_MOST 30000 /* blocks: each costs the host two mappings, and it has 65,530 by default */

enum special_state { SPECIAL_EMPTY, SPECIAL_LIVE, SPECIAL_FREEING, SPECIAL_FREED };

struct special_slot {
    char *base; /* its first page; NULL: none */
    size_t pages;
    char *address; /* of the block */
    size_t size;
    ULONG tag;
    ULONG state; /* enum special_state; LIVE to FREEING by compare and swap: one free wins */
    UCHAR flags; /* POOL_PAGED */
    UCHAR pattern;
    ULONG next; /* freed: the one freed after it, as number + 1 */
    const void *caller;
    struct mm_pool_stack allocated, freed;
};

extern struct special_pool {
    rl_lock lock;
    uintptr_t base; /* of the zone; bytes 0: there is no special pool */
    size_t bytes;
    struct special_slot *slots;
    ULONG most, used;               /* slots; those above `used` were never taken */
    ULONG oldest_freed, last_freed; /* number + 1; 0: none */
    USHORT *slot_of_page;           /* number + 1; a slot's guard pages lead to it too */
    ULONG serial;                   /* blocks so far: chooses the patterns */
    uint64_t missed;                /* requests that found no slot */
    bool underrun;                  /* blocks begin at their page unless asked otherwise */
} special;

static inline bool special_holds(const void *address)
{
    return (uintptr_t)address - special.base < special.bytes;
}

/* The block, filled or zeroed; NULL: no slot, or no memory. */
void *special_allocate(const struct pool_request *request);
/* Any address of the zone; bug checks on what is no live block, or not intact. */
void special_free(void *address, ULONG tag);
/* The slot to which the address belongs, guard pages included; NULL: none. */
struct special_slot *special_slot_of(const void *address);
bool special_history(const void *address, struct mm_pool_history *history);
void special_for_each(void (*visit)(const struct mm_pool_block *, void *), void *context);
void special_fini(void);

/* special_slots.c */
struct special_slot *special_take(size_t pages, enum pool_arena arena);
void special_give(struct special_slot *slot); /* its block is no longer accessible when this returns */

#endif

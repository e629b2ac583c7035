/* SPDX-License-Identifier: MIT */
/* What is known of a block, asked by any address in it. */
#include "mm/special.h"

static bool find_live(const void *address, struct pool_page **page, struct pool_slot *slot)
{
    return pool_find(address, page, slot) && slot->block->flags & POOL_LIVE;
}

bool mm_pool_block_of(const void *address, void **block, size_t *size, ULONG *tag)
{
    struct pool_page *page;
    struct pool_slot slot;
    const struct special_slot *own = special_slot_of(address);
    if (own != NULL && own->state == SPECIAL_LIVE &&
        (size_t)((const char *)address - own->address) < MAX(own->size, 1)) {
        *block = own->address;
        *size = own->size;
        *tag = own->tag;
        return true;
    }
    if (own != NULL || !find_live(address, &page, &slot))
        return false;
    *block = pool_block_address(slot);
    *size = pool_block_size(page, slot.block);
    *tag = slot.block->tag;
    return true;
}

bool mm_pool_is_paged(const void *address)
{
    struct pool_page *page;
    struct pool_slot slot;
    const struct special_slot *own = special_slot_of(address);
    if (own != NULL)
        return own->state == SPECIAL_LIVE && own->flags & POOL_PAGED;
    return find_live(address, &page, &slot) && slot.block->flags & POOL_PAGED;
}

bool mm_pool_history(const void *address, struct mm_pool_history *history)
{
    struct pool_page *page;
    struct pool_slot slot;
    if (special_holds(address))
        return special_history(address, history);
    if (!pool_find(address, &page, &slot) || slot.block->flags & POOL_RUNTIME ||
        !(slot.block->flags & (POOL_LIVE | POOL_CANARY)))
        return false;
    *history =
        (struct mm_pool_history){.address = pool_block_address(slot),
                                 .size = pool_block_size(page, slot.block),
                                 .tag = slot.block->tag,
                                 .paged = slot.block->flags & POOL_PAGED,
                                 .freed = !(slot.block->flags & POOL_LIVE),
                                 .allocated_by = {.count = 1, .frames = {(uintptr_t)slot.block->caller}}};
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Blocks of the special pool: where one lies in its pages, the pattern around
 * it, who allocated and who freed it. Freed blocks are remembered until their
 * slot is used again, so that a fault in one can be told by name.
 */
#include "mm/special.h"
#include "ke/held.h"

#define CACHE_LINE 64

static void take_stack(struct mm_pool_stack *stack)
{
    *stack = (struct mm_pool_stack){0};
    if (!ke_on_vp())
        return;
    stack->thread = ke_thread()->id;
    stack->count = arch_callers(stack->frames, MM_POOL_FRAMES);
}

/* Whole pages begin at a page, as they do in ordinary pool. */
static char *place(const struct special_slot *slot, const struct pool_request *request)
{
    size_t room = ALIGN_UP(MAX(request->size, 1), request->aligned ? CACHE_LINE : 16);
    bool at_start = request->guard == POOL_GUARD_BEFORE ||
                    (request->guard == POOL_GUARD_USUAL && special.underrun) || request->size >= PAGE_SIZE;
    return at_start ? slot->base : slot->base + slot->pages * PAGE_SIZE - room;
}

void *special_allocate(const struct pool_request *request)
{
    size_t pages = MAX((request->size + PAGE_SIZE - 1) / PAGE_SIZE, 1);
    struct special_slot *slot = special_take(pages, request->arena);
    if (slot == NULL)
        return NULL;
    slot->address = place(slot, request);
    slot->size = request->size;
    slot->tag = request->tag;
    slot->flags = request->flags;
    slot->caller = request->caller;
    take_stack(&slot->allocated);
    slot->freed.count = 0;
    __builtin_memset(slot->base, slot->pattern, pages * PAGE_SIZE);
    if (request->zero)
        __builtin_memset(slot->address, 0, request->size);
    __atomic_store_n(&slot->state, SPECIAL_LIVE, __ATOMIC_RELEASE);
    return slot->address;
}

static void check_pattern(const struct special_slot *slot)
{
    const char *bad = pool_find_damage(slot->base, slot->address, slot->pattern);
    if (bad != NULL)
        pool_damaged(slot->address, bad, false);
    bad = pool_find_damage(slot->address + slot->size, slot->base + slot->pages * PAGE_SIZE, slot->pattern);
    if (bad != NULL)
        pool_damaged(slot->address, bad, true);
}

void special_free(void *address, ULONG tag)
{
    struct special_slot *slot = special_slot_of(address);
    ULONG live = SPECIAL_LIVE;
    if (slot == NULL || slot->state == SPECIAL_EMPTY)
        pool_never_allocated(address);
    if (slot->address == address && slot->state != SPECIAL_LIVE)
        pool_freed_before(address, slot->tag);
    if (slot->address != address)
        pool_not_the_start(address, slot->address, slot->size);
    if (slot->tag != tag && (tag != 0 || slot->tag & PROTECTED_POOL))
        pool_wrong_tag(address, slot->tag, tag);
    if (!__atomic_compare_exchange_n(&slot->state, &live, SPECIAL_FREEING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        pool_freed_before(address, slot->tag);
    check_pattern(slot);
    ke_check_pool_free(slot->address, slot->size, slot->flags & POOL_PAGED ? PagedPool : NonPagedPool);
    take_stack(&slot->freed);
    pool_count_free(slot->flags, slot->size);
    special_give(slot);
}

void special_for_each(void (*visit)(const struct mm_pool_block *, void *), void *context)
{
    for (ULONG i = 0; i < __atomic_load_n(&special.used, __ATOMIC_ACQUIRE); i++) {
        const struct special_slot *slot = &special.slots[i];
        if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != SPECIAL_LIVE)
            continue;
        struct mm_pool_block block = {slot->address, slot->size, slot->tag, slot->caller,
                                      (slot->flags & POOL_PAGED) != 0};
        visit(&block, context);
    }
}

ULONG mm_special_fault(ULONG64 address, ULONG64 rip)
{
    const struct special_slot *slot = special_slot_of((const void *)address);
    bool driver = arch_image_find(rip) != NULL || rip == address; /* it called there */
    if (slot == NULL || slot->state == SPECIAL_EMPTY)
        return 0;
    if (slot->state != SPECIAL_LIVE)
        return driver ? DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL : PAGE_FAULT_IN_FREED_SPECIAL_POOL;
    return driver ? DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION : PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
}

bool special_history(const void *address, struct mm_pool_history *history)
{
    const struct special_slot *slot = special_slot_of(address);
    if (slot == NULL || slot->state == SPECIAL_EMPTY)
        return false;
    *history = (struct mm_pool_history){.address = slot->address,
                                        .size = slot->size,
                                        .tag = slot->tag,
                                        .paged = slot->flags & POOL_PAGED,
                                        .freed = slot->state == SPECIAL_FREED,
                                        .allocated_by = slot->allocated,
                                        .freed_by = slot->freed};
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * The slots of the special pool and their pages. A slot of one page keeps it
 * while it is free, inaccessible: giving it out again costs one change of
 * protection. Longer ones give their pages back at once. special.lock guards
 * the two ends of the list of freed slots; a slot that was taken from it is
 * the taker's alone.
 */
#include "mm/special.h"

struct special_pool special;

/* A new slot is not opened while less than these shares of RAM are free; the first as long as one can be used
 * again. */
#define COMFORTABLE(ram) ((ram) / 2)
#define LEAST(ram)       ((ram) / 4)

NTSTATUS mm_special_start(const struct mm_special_config *config)
{
    void *base;
    size_t most = MIN(config->blocks, SPECIAL_MOST), bytes;
    if (most == 0)
        return STATUS_SUCCESS;
    hmem_zone_range(HMEM_SPECIAL, &base, &bytes);
    special.slots = hmem_private(most * sizeof *special.slots);
    special.slot_of_page = hmem_private(bytes / PAGE_SIZE * sizeof *special.slot_of_page);
    if (special.slots == NULL || special.slot_of_page == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    special.most = (ULONG)most;
    special.underrun = config->underrun;
    special.base = (uintptr_t)base;
    special.bytes = bytes;
    return STATUS_SUCCESS;
}

void special_fini(void)
{
    hmem_private_free(special.slots, special.most * sizeof *special.slots);
    hmem_private_free(special.slot_of_page, special.bytes / PAGE_SIZE * sizeof *special.slot_of_page);
    special = (struct special_pool){0};
}

bool mm_special_on(void)
{
    return special.bytes != 0;
}

uint64_t mm_special_missed(void)
{
    return __atomic_load_n(&special.missed, __ATOMIC_RELAXED);
}

static size_t page_number(const void *address)
{
    return ((uintptr_t)address - special.base) / PAGE_SIZE;
}

struct special_slot *special_slot_of(const void *address)
{
    ULONG number = special_holds(address) ? special.slot_of_page[page_number(address)] : 0;
    return number != 0 ? &special.slots[number - 1] : NULL;
}

static struct special_slot *oldest_freed_locked(void)
{
    if (special.oldest_freed == 0)
        return NULL;
    struct special_slot *slot = &special.slots[special.oldest_freed - 1];
    special.oldest_freed = slot->next;
    if (special.oldest_freed == 0)
        special.last_freed = 0;
    return slot;
}

static struct special_slot *choose_locked(size_t pages)
{
    uint64_t ram = hmem_ram_bytes() / PAGE_SIZE, free = hmem_free_page_count();
    uint64_t reserve = special.oldest_freed != 0 ? COMFORTABLE(ram) : LEAST(ram);
    if (free < pages || (special.oldest_freed == 0 && free - pages < reserve))
        return NULL;
    if (special.used < special.most && free - pages >= reserve)
        return &special.slots[special.used++];
    return oldest_freed_locked();
}

static void append_locked(struct special_slot *slot)
{
    ULONG number = (ULONG)(slot - special.slots) + 1;
    slot->next = 0;
    if (special.last_freed != 0)
        special.slots[special.last_freed - 1].next = number;
    else
        special.oldest_freed = number;
    special.last_freed = number;
}

static void append(struct special_slot *slot)
{
    rl_lock_acquire(&special.lock);
    append_locked(slot);
    rl_lock_release(&special.lock);
}

static void set_owner(const struct special_slot *slot, USHORT number)
{
    size_t first = page_number(slot->base) - 1;
    for (size_t i = 0; i < slot->pages + 2; i++)
        special.slot_of_page[first + i] = number;
}

static void drop_pages(struct special_slot *slot)
{
    if (slot->base == NULL)
        return;
    set_owner(slot, 0);
    hmem_release(slot->base, slot->pages);
    slot->base = NULL;
}

static enum hmem_protection protection_of(enum pool_arena arena)
{
    return arena == POOL_EXECUTABLE ? HMEM_RWX : HMEM_RW;
}

static bool make_pages(struct special_slot *slot, size_t pages, enum pool_arena arena)
{
    slot->base = hmem_reserve(HMEM_SPECIAL, pages, 1, 1);
    if (slot->base == NULL)
        return false;
    slot->pages = pages;
    set_owner(slot, (USHORT)(slot - special.slots + 1));
    if (NT_SUCCESS(hmem_commit(slot->base, pages, protection_of(arena))))
        return true;
    drop_pages(slot);
    return false;
}

static bool prepare(struct special_slot *slot, size_t pages, enum pool_arena arena)
{
    if (slot->base != NULL && slot->pages == 1 && pages == 1)
        return NT_SUCCESS(hmem_protect(slot->base, 1, protection_of(arena)));
    drop_pages(slot);
    return make_pages(slot, pages, arena);
}

struct special_slot *special_take(size_t pages, enum pool_arena arena)
{
    rl_lock_acquire(&special.lock);
    struct special_slot *slot = choose_locked(pages);
    if (slot == NULL)
        special.missed++;
    else
        slot->pattern = (UCHAR)(0xA1 + special.serial++ % 0x4D);
    rl_lock_release(&special.lock);
    if (slot == NULL || prepare(slot, pages, arena))
        return slot;
    slot->state = SPECIAL_EMPTY;
    append(slot);
    return NULL;
}

void special_give(struct special_slot *slot)
{
    if (slot->pages != 1 || !NT_SUCCESS(hmem_protect(slot->base, 1, HMEM_NONE)))
        hmem_decommit(slot->base, slot->pages);
    __atomic_store_n(&slot->state, SPECIAL_FREED, __ATOMIC_RELEASE);
    append(slot);
}

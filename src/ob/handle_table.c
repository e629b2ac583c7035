/* SPDX-License-Identifier: MIT */
/*
 * Handle tables: blocks of entries that are never moved or freed while the
 * table lives, so that a lookup takes no lock: it locks the one entry by a bit
 * in its object pointer, references the object and unlocks it. The table's
 * lock guards the free list and growth. Handles are index * 4; index 0 is
 * never given out. Freed entries are reused last in, first out, as on NT.
 */
#include "ke/held.h"
#include "ob/handles.h"
#include "host/host.h"

#define ENTRIES_PER_BLOCK 1024
#define MAX_BLOCKS        1024

struct ob_handle_table {
    rl_lock lock;
    ULONG used;  /* indexes below it were given out at least once */
    ULONG free;  /* first free index, 0: none; the chain is in `granted` */
    ULONG count; /* live handles */
    struct ob_handle_entry *blocks[MAX_BLOCKS];
};

struct ob_handle_table *ob_handle_table_create(void)
{
    struct ob_handle_table *table = mm_alloc(sizeof(*table), OB_TAG_HANDLE);
    if (table)
        table->used = 1;
    return table;
}

void ob_handle_table_destroy(struct ob_handle_table *table)
{
    for (unsigned i = 0; i < MAX_BLOCKS && table->blocks[i]; i++)
        mm_free(table->blocks[i]);
    mm_free(table);
}

/* Handles made one after the other are locked by different processors: their entries lie two cache lines
 * apart. */
static ULONG_PTR place_of(ULONG_PTR index)
{
    return (index << 3 | index % ENTRIES_PER_BLOCK >> 7) % ENTRIES_PER_BLOCK;
}

static struct ob_handle_entry *entry_at(struct ob_handle_table *table, ULONG_PTR index)
{
    if (unlikely(index == 0 || index >= ENTRIES_PER_BLOCK * (ULONG_PTR)MAX_BLOCKS))
        return NULL;
    struct ob_handle_entry *block =
        __atomic_load_n(&table->blocks[index / ENTRIES_PER_BLOCK], __ATOMIC_ACQUIRE);
    return block ? &block[place_of(index)] : NULL;
}

struct ob_header *ob_entry_lock(struct ob_handle_entry *entry)
{
    uintptr_t value = __atomic_load_n(&entry->object, __ATOMIC_RELAXED);
    for (unsigned spins = 0;; spins++) {
        if (value == 0)
            return NULL;
        if (!(value & OB_ENTRY_LOCKED) &&
            __atomic_compare_exchange_n(&entry->object, &value, value | OB_ENTRY_LOCKED, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return (struct ob_header *)value;
        if (spins < 200)
            host_cpu_relax();
        else
            host_yield();
        value = __atomic_load_n(&entry->object, __ATOMIC_RELAXED);
    }
}

void ob_entry_unlock(struct ob_handle_entry *entry, struct ob_header *object)
{
    __atomic_store_n(&entry->object, (uintptr_t)object, __ATOMIC_RELEASE);
}

struct ob_handle_entry *ob_table_entry(struct ob_handle_table *table, HANDLE handle)
{
    return entry_at(table, ((ULONG_PTR)handle & ~OB_KERNEL_HANDLE_BITS) >> 2);
}

/* Room for one more index; the lock is held, dropped for the allocation. */
static bool grow(struct ob_handle_table *table)
{
    ULONG block = table->used / ENTRIES_PER_BLOCK;
    if (block >= MAX_BLOCKS)
        return false;
    if (table->blocks[block])
        return true;
    rl_lock_release(&table->lock);
    struct ob_handle_entry *fresh = mm_alloc(ENTRIES_PER_BLOCK * sizeof(*fresh), OB_TAG_HANDLE);
    rl_lock_acquire(&table->lock);
    if (fresh && !table->blocks[block]) {
        __atomic_store_n(&table->blocks[block], fresh, __ATOMIC_RELEASE);
        return true;
    }
    if (fresh)
        mm_free(fresh);
    return table->blocks[table->used / ENTRIES_PER_BLOCK] != NULL;
}

static ULONG take_index(struct ob_handle_table *table)
{
    ULONG index = table->free;
    if (index)
        table->free = entry_at(table, index)->granted;
    else if (grow(table))
        index = table->used++;
    return index;
}

HANDLE ob_table_insert(struct ob_handle_table *table, struct ob_header *object, ACCESS_MASK granted,
                       ULONG attributes)
{
    rl_lock_acquire(&table->lock);
    ULONG index = take_index(table);
    if (index) {
        struct ob_handle_entry *entry = entry_at(table, index);
        entry->granted = granted;
        entry->attributes = attributes;
        table->count++;
        ob_entry_unlock(entry, object);
        if (table == ob_kernel_table()) /* one in another table is that process's, and goes with it */
            ke_hold(KE_HELD_HANDLE, entry);
    }
    rl_lock_release(&table->lock);
    return (HANDLE)((ULONG_PTR)index << 2);
}

void ob_table_free_entry(struct ob_handle_table *table, HANDLE handle)
{
    ULONG index = (ULONG)(((ULONG_PTR)handle & ~OB_KERNEL_HANDLE_BITS) >> 2);
    rl_lock_acquire(&table->lock);
    if (table == ob_kernel_table())
        ke_unhold(KE_HELD_HANDLE, entry_at(table, index));
    entry_at(table, index)->granted = table->free;
    table->free = index;
    table->count--;
    rl_lock_release(&table->lock);
}

ULONG ob_table_count(const struct ob_handle_table *table)
{
    return __atomic_load_n(&table->count, __ATOMIC_RELAXED);
}

HANDLE ob_table_next(struct ob_handle_table *table, HANDLE after)
{
    ULONG index = (ULONG)((ULONG_PTR)after >> 2) + 1;
    for (; index < __atomic_load_n(&table->used, __ATOMIC_ACQUIRE); index++)
        if (__atomic_load_n(&entry_at(table, index)->object, __ATOMIC_RELAXED))
            return (HANDLE)((ULONG_PTR)index << 2);
    return NULL;
}

LONG ob_table_handles_of(struct ob_handle_table *table, const struct ob_header *header)
{
    LONG count = 0;
    for (HANDLE handle = ob_table_next(table, NULL); handle; handle = ob_table_next(table, handle)) {
        uintptr_t value = __atomic_load_n(&ob_table_entry(table, handle)->object, __ATOMIC_RELAXED);
        count += (value & ~(uintptr_t)OB_ENTRY_LOCKED) == (uintptr_t)header;
    }
    return count;
}

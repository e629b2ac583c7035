/* SPDX-License-Identifier: MIT */
/* See held.h. Entries in a table, found by a hash of object and kind; one lock, held for short. */
#include "ke/held.h"
#include "base/lock.h"
#include "host/memory.h"

enum { ENTRIES = 16384, BUCKETS = 4096 };

struct entry {
    struct ke_held held; /* object NULL: free */
    ULONG next;          /* in its bucket, or in the list of free ones; index + 1 */
};

static struct {
    rl_lock lock;
    struct entry *entries; /* NULL: nobody wants to know */
    ULONG buckets[BUCKETS];
    ULONG used, free; /* entries above `used` never were; free: index + 1 */
    LONG in_memory;   /* entries of the kinds that lie in memory */
} table;

NTSTATUS ke_held_start(void)
{
    __builtin_memset(&table, 0, sizeof table);
    table.entries = hmem_private(ENTRIES * sizeof *table.entries);
    return table.entries ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void ke_held_fini(void)
{
    hmem_private_free(table.entries, ENTRIES * sizeof *table.entries);
    table.entries = NULL;
}

const void *ke_driver_caller(void)
{
    const struct arch_record *record = ke_on_vp() ? ke_thread()->arch.records : NULL;
    if (record == NULL || record->type != ARCH_RECORD_GATE || arch_image_find(record->rip) == NULL)
        return NULL;
    return (const void *)record->rip;
}

static ULONG *bucket_of(enum ke_held_kind kind, const void *object)
{
    uint64_t key = (uintptr_t)object * 31 + kind;
    return &table.buckets[key * 0x9E3779B97F4A7C15ull >> 52];
}

/* The link to the entry, or to the end of its bucket. */
static ULONG *find_locked(enum ke_held_kind kind, const void *object)
{
    ULONG *link = bucket_of(kind, object);
    for (; *link != 0; link = &table.entries[*link - 1].next) {
        const struct ke_held *held = &table.entries[*link - 1].held;
        if (held->object == object && held->kind == kind)
            break;
    }
    return link;
}

static ULONG take_entry_locked(void)
{
    ULONG number = table.free;
    if (number != 0)
        table.free = table.entries[number - 1].next;
    else if (table.used < ENTRIES)
        number = ++table.used;
    return number;
}

/* Behind a full table nothing is recorded any more. */
static bool add_locked(enum ke_held_kind kind, const void *object, const void *owner)
{
    ULONG *link = find_locked(kind, object), number;
    if (*link != 0)
        return false;
    number = take_entry_locked();
    if (number == 0)
        return true;
    table.entries[number - 1] = (struct entry){.held = {object, owner, kind}};
    *link = number;
    table.in_memory += kind <= KE_HELD_IN_MEMORY;
    return true;
}

bool ke_hold(enum ke_held_kind kind, const void *object)
{
    const void *owner = table.entries ? ke_driver_caller() : NULL;
    if (owner == NULL)
        return true;
    rl_lock_acquire(&table.lock);
    bool added = add_locked(kind, object, owner);
    rl_lock_release(&table.lock);
    return added;
}

static void remove_locked(ULONG *link)
{
    ULONG number = *link;
    struct entry *entry = &table.entries[number - 1];
    *link = entry->next;
    table.in_memory -= entry->held.kind <= KE_HELD_IN_MEMORY;
    *entry = (struct entry){.next = table.free};
    table.free = number;
}

bool ke_unhold(enum ke_held_kind kind, const void *object)
{
    if (table.entries == NULL)
        return true;
    rl_lock_acquire(&table.lock);
    ULONG *link = find_locked(kind, object);
    bool found = *link != 0;
    if (found)
        remove_locked(link);
    rl_lock_release(&table.lock);
    return found;
}

void ke_for_each_held(void (*visit)(const struct ke_held *held, void *context), void *context)
{
    if (table.entries == NULL)
        return;
    rl_lock_acquire(&table.lock);
    for (ULONG i = 0; i < table.used; i++)
        if (table.entries[i].held.object != NULL)
            visit(&table.entries[i].held, context);
    rl_lock_release(&table.lock);
}

void ke_forget_held(const void *base, size_t size)
{
    if (table.entries == NULL)
        return;
    rl_lock_acquire(&table.lock);
    for (ULONG i = 0; i < table.used; i++) {
        const struct ke_held *held = &table.entries[i].held;
        if (held->object != NULL && (uintptr_t)held->owner - (uintptr_t)base < size)
            remove_locked(find_locked(held->kind, held->object));
    }
    rl_lock_release(&table.lock);
}

bool ke_held_in(const void *base, size_t size, struct ke_held *found)
{
    bool any = false;
    if (table.entries == NULL || __atomic_load_n(&table.in_memory, __ATOMIC_RELAXED) == 0)
        return false;
    rl_lock_acquire(&table.lock);
    for (ULONG i = 0; i < table.used && !any; i++) {
        const struct ke_held *held = &table.entries[i].held;
        any = held->object != NULL && held->kind <= KE_HELD_IN_MEMORY &&
              (uintptr_t)held->object - (uintptr_t)base < size;
        if (any)
            *found = *held;
    }
    rl_lock_release(&table.lock);
    return any;
}

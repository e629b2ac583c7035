/* SPDX-License-Identifier: MIT */
/* See ranges.h. A hash table by page number under one lock; the records come from the runtime's pool. */
#include "mm/ranges.h"
#include "base/lock.h"

#define BUCKETS 256
#define TAG     0x6E524D6Du /* 'mMRn' */

static rl_lock lock;
static struct mm_range *buckets[BUCKETS];

static struct mm_range **bucket_of(const void *base)
{
    return &buckets[(uintptr_t)base / PAGE_SIZE * 0x9E3779B97F4A7C15ull >> 56];
}

void mm_ranges_init(void)
{
    __builtin_memset(buckets, 0, sizeof buckets);
}

void mm_ranges_fini(void)
{
    mm_ranges_init(); /* records and address space go with the pool and the machine's memory */
}

static void *reserve(enum hmem_zone zone, void *at, size_t pages)
{
    if (at == NULL)
        return hmem_reserve(zone, pages, zone == HMEM_USER ? 16 : 1, zone == HMEM_USER ? 0 : 1);
    return NT_SUCCESS(hmem_reserve_at(at, pages)) ? at : NULL;
}

struct mm_range *mm_range_create(enum mm_range_kind kind, enum hmem_zone zone, void *at, size_t pages,
                                 const void *caller)
{
    struct mm_range *range = mm_alloc(sizeof *range, TAG);
    if (range == NULL)
        return NULL;
    *range =
        (struct mm_range){.base = reserve(zone, at, pages), .pages = pages, .kind = kind, .caller = caller};
    if (range->base == NULL) {
        mm_free(range);
        return NULL;
    }
    rl_lock_acquire(&lock);
    struct mm_range **head = bucket_of(range->base);
    range->next = *head;
    *head = range;
    rl_lock_release(&lock);
    return range;
}

struct mm_range *mm_range_find(const void *base, enum mm_range_kind kind)
{
    rl_lock_acquire(&lock);
    struct mm_range *range = *bucket_of(base);
    while (range != NULL && (range->base != base || range->kind != kind))
        range = range->next;
    rl_lock_release(&lock);
    return range;
}

void mm_range_destroy(struct mm_range *range)
{
    rl_lock_acquire(&lock);
    struct mm_range **link = bucket_of(range->base);
    while (*link != NULL && *link != range)
        link = &(*link)->next;
    RL_ASSERT(*link == range);
    *link = range->next;
    rl_lock_release(&lock);
    hmem_release(range->base, range->pages);
    mm_free(range);
}

void mm_for_each_range(void (*visit)(const struct mm_range_info *, void *), void *context)
{
    rl_lock_acquire(&lock);
    for (int i = 0; i < BUCKETS; i++)
        for (struct mm_range *range = buckets[i]; range != NULL; range = range->next) {
            struct mm_range_info info = {range->kind, range->base, range->pages * PAGE_SIZE, range->caller};
            visit(&info, context);
        }
    rl_lock_release(&lock);
}

_Noreturn void mm_pte_misuse(ULONG64 kind, const void *address, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = SYSTEM_PTE_MISUSE, .p = {kind, (uintptr_t)address, p3, p4}, .sentence = sentence};
    ke_bugcheck(&info);
}

bool mm_protection_of_page(ULONG protect, enum hmem_protection *protection)
{
    switch (protect & ~(ULONG)(PAGE_NOCACHE | PAGE_WRITECOMBINE)) {
    case PAGE_NOACCESS:
        *protection = HMEM_NONE;
        return true;
    case PAGE_READONLY:
        *protection = HMEM_R;
        return true;
    case PAGE_READWRITE:
        *protection = HMEM_RW;
        return true;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        *protection = HMEM_RX;
        return true;
    case PAGE_EXECUTE_READWRITE:
        *protection = HMEM_RWX;
        return true;
    default:
        return false;
    }
}

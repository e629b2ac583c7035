/* SPDX-License-Identifier: MIT */
/*
 * What is allocated, by tag and by the code that allocated it. Computed when
 * asked, by a walk over the blocks' records; VPs that go on allocating
 * meanwhile are not stopped.
 */
#include "mm/special.h"

#define REPORT_TAGS 4096

void mm_pool_totals(struct mm_pool_totals *totals)
{
    int64_t blocks = 0, bytes = 0;
    for (int i = 0; i <= POOL_VPS; i++) {
        blocks += __atomic_load_n(&pool.cache[i].blocks, __ATOMIC_RELAXED);
        bytes += __atomic_load_n(&pool.cache[i].bytes, __ATOMIC_RELAXED);
    }
    *totals = (struct mm_pool_totals){(uint64_t)MAX(blocks, 0), (uint64_t)MAX(bytes, 0)};
}

static void visit_page(struct pool_page *page, void (*visit)(const struct mm_pool_block *, void *),
                       void *context)
{
    size_t step = page->kind == POOL_PAGE_LARGE ? PAGE_SIZE : pool_class_bytes(page->class);
    for (size_t i = 0; i < PAGE_SIZE / step; i++) {
        const struct pool_block *block = &page->blocks[i];
        if (!(block->flags & POOL_LIVE) || block->flags & POOL_RUNTIME)
            continue;
        struct pool_slot slot = {pool_page_address(page) + i * step, &page->blocks[i]};
        struct mm_pool_block shown = {pool_block_address(slot), pool_block_size(page, block), block->tag,
                                      block->caller, (block->flags & POOL_PAGED) != 0};
        visit(&shown, context);
    }
}

void mm_pool_for_each_block(void (*visit)(const struct mm_pool_block *, void *), void *context)
{
    rl_lock_acquire(&pool.lock);
    for (size_t i = 0; i < pool.pages_seen; i++)
        if (pool.page[i].kind == POOL_PAGE_SLAB || pool.page[i].kind == POOL_PAGE_LARGE)
            visit_page(&pool.page[i], visit, context);
    rl_lock_release(&pool.lock);
    special_for_each(visit, context);
}

struct tag_table {
    struct mm_pool_tag_totals entry[REPORT_TAGS];
    size_t count;
};

/* Kept in order of tag, nonpaged before paged; past its size tags are left out. */
static struct mm_pool_tag_totals *tag_entry(struct tag_table *table, ULONG tag, bool paged)
{
    size_t at = 0, high = table->count;
    uint64_t wanted = (uint64_t)tag << 1 | paged;
    while (at < high) {
        size_t middle = (at + high) / 2;
        if (((uint64_t)table->entry[middle].tag << 1 | table->entry[middle].paged) < wanted)
            at = middle + 1;
        else
            high = middle;
    }
    if (at < table->count && table->entry[at].tag == tag && table->entry[at].paged == paged)
        return &table->entry[at];
    if (table->count == REPORT_TAGS)
        return NULL;
    __builtin_memmove(&table->entry[at + 1], &table->entry[at], (table->count - at) * sizeof table->entry[0]);
    table->count++;
    table->entry[at] = (struct mm_pool_tag_totals){.tag = tag, .paged = paged};
    return &table->entry[at];
}

static void add_block(const struct mm_pool_block *block, void *context)
{
    struct mm_pool_tag_totals *entry = tag_entry(context, block->tag, block->paged);
    if (entry == NULL)
        return;
    entry->blocks++;
    entry->bytes += block->size;
}

static void add_allocations(struct tag_table *table, const struct pool_cache *cache)
{
    for (int i = 0; i < POOL_TAG_SLOTS; i++) {
        if (cache->tags[i].key == 0)
            continue;
        struct mm_pool_tag_totals *entry =
            tag_entry(table, (ULONG)cache->tags[i].key, cache->tags[i].key >> 32 & 1);
        if (entry != NULL)
            entry->allocations += cache->tags[i].allocations;
    }
}

void mm_pool_for_each_tag(void (*visit)(const struct mm_pool_tag_totals *, void *), void *context)
{
    struct tag_table *table = hmem_private(sizeof *table);
    if (table == NULL)
        return;
    for (int i = 0; i <= POOL_VPS; i++)
        add_allocations(table, &pool.cache[i]);
    mm_pool_for_each_block(add_block, table);
    for (size_t i = 0; i < table->count; i++)
        visit(&table->entry[i], context);
    hmem_private_free(table, sizeof *table);
}

/* SPDX-License-Identifier: MIT */
/*
 * Slabs: pages cut into blocks of one size class. Free blocks are linked by
 * index in their records, never in the memory that a driver may still write.
 */
#include "base/sanitizer.h"
#include "mm/pool_internal.h"

/* PAGE_SIZE / n, down to a multiple of 16, for each n that gives a new size worth having. */
static const USHORT class_bytes[POOL_CLASSES] = {16,  32,  48,  64,  80,  96,   112,  128,  144, 160, 176,
                                                 192, 208, 224, 240, 256, 272,  288,  304,  336, 368, 400,
                                                 448, 512, 576, 672, 816, 1024, 1360, 2048, 4096};
static UCHAR class_of_units[PAGE_SIZE / 16 + 1]; /* by size in units of 16, rounded up */
static uint64_t class_reciprocal[POOL_CLASSES];  /* 2^32 / bytes, rounded up: exact for offsets in a page */

/* Storage of block records: carved from chunks, recycled per class. */
#define CHUNK_BYTES (64 * 1024)
struct chunk {
    struct chunk *next;
    size_t used;
};
static struct chunk *chunks;
static struct pool_block *free_records[POOL_CLASSES]; /* linked through .caller */

NTSTATUS pool_slab_init(void)
{
    for (unsigned class = 0, units = 0; class < POOL_CLASSES; class ++) {
        class_reciprocal[class] = ((1ull << 32) + class_bytes[class] - 1) / class_bytes[class];
        free_records[class] = NULL;
        for (; units <= class_bytes[class] / 16u; units++)
            class_of_units[units] = (UCHAR) class;
        for (int arena = 0; arena < POOL_ARENAS; arena++)
            list_init(&pool.partial[arena][class]);
    }
    chunks = NULL;
    return STATUS_SUCCESS;
}

void pool_slab_fini(void)
{
    for (struct chunk *chunk = chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        hmem_private_free(chunk, CHUNK_BYTES);
    }
    chunks = NULL;
}

size_t pool_class_bytes(unsigned class)
{
    return class_bytes[class];
}

unsigned pool_class_of(size_t size, bool cache_aligned)
{
    unsigned class = class_of_units[(size + 15) / 16];
    while (cache_aligned && class_bytes[class] % 64 != 0)
        class ++;
    return class;
}

static unsigned blocks_per_page(unsigned class)
{
    return class == POOL_LARGE ? 1 : PAGE_SIZE / class_bytes[class];
}

/* A large block's record is stored like that of a class with one block in a page: the last. */
static unsigned storage_class(unsigned class)
{
    return class == POOL_LARGE ? POOL_CLASSES - 1 : class;
}

static struct pool_block *carve(size_t bytes)
{
    if (chunks == NULL || CHUNK_BYTES - chunks->used < bytes) {
        struct chunk *chunk = hmem_private(CHUNK_BYTES);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct chunk){chunks, ALIGN_UP(sizeof *chunk, 64)};
        chunks = chunk;
    }
    struct pool_block *records = (struct pool_block *)((char *)chunks + chunks->used);
    chunks->used += bytes;
    return records;
}

struct pool_block *pool_block_records(unsigned class)
{
    struct pool_block **head = &free_records[storage_class(class)];
    struct pool_block *records = *head;
    size_t bytes = blocks_per_page(class) * sizeof *records;
    if (records == NULL)
        return carve(bytes);
    *head = (struct pool_block *)records->caller;
    return records;
}

void pool_block_records_free(unsigned class, struct pool_block *records)
{
    struct pool_block **head = &free_records[storage_class(class)];
    records->caller = *head;
    *head = records;
}

static struct pool_page *new_slab(enum pool_arena arena, unsigned class)
{
    struct pool_block *blocks = pool_block_records(class);
    if (blocks == NULL)
        return NULL;
    char *address = pool_pages_take(arena, 1);
    if (address == NULL) {
        pool_block_records_free(class, blocks);
        return NULL;
    }
    sanitizer_poison(address, PAGE_SIZE);
    unsigned count = blocks_per_page(class);
    for (unsigned i = 0; i < count; i++)
        blocks[i] = (struct pool_block){.size = (USHORT)(i + 1 < count ? i + 2 : 0)};
    struct pool_page *page = pool_page_of(address);
    *page = (struct pool_page){
        .class = (UCHAR) class, .arena = (UCHAR)arena, .free_head = 1, .pages = 1, .blocks = blocks};
    __atomic_store_n(&page->kind, POOL_PAGE_SLAB, __ATOMIC_RELEASE);
    list_insert_head(&pool.partial[arena][class], &page->link);
    return page;
}

bool pool_slab_take(enum pool_arena arena, unsigned class, struct pool_slot *slot)
{
    LIST_ENTRY *partial = &pool.partial[arena][class];
    struct pool_page *page =
        list_empty(partial) ? new_slab(arena, class) : container_of(partial->Flink, struct pool_page, link);
    if (page == NULL)
        return false;
    unsigned index = page->free_head - 1u;
    slot->block = &page->blocks[index];
    slot->address = pool_page_address(page) + index * class_bytes[class];
    page->free_head = slot->block->size;
    page->used++;
    if (page->free_head == 0)
        list_remove(&page->link);
    return true;
}

static void give_slab_back(struct pool_page *page)
{
    list_remove(&page->link);
    pool_block_records_free(page->class, page->blocks);
    page->kind = POOL_PAGE_FREED;
    pool_pages_give(pool_page_address(page), 1);
}

void pool_slab_give(struct pool_slot slot)
{
    struct pool_page *page = pool_page_of(slot.address);
    LIST_ENTRY *partial = &pool.partial[page->arena][page->class];
    if (page->free_head == 0)
        list_insert_tail(partial, &page->link);
    slot.block->size = page->free_head;
    page->free_head = (USHORT)(slot.block - page->blocks + 1);
    if (--page->used == 0 && partial->Flink != partial->Blink)
        give_slab_back(page);
}

bool pool_find(const void *address, struct pool_page **found, struct pool_slot *slot)
{
    struct pool_page *page = pool_page_of(address);
    if (page == NULL)
        return false;
    if (page->kind == POOL_PAGE_LARGE_REST)
        page -= page->pages;
    if (page->kind == POOL_PAGE_LARGE) {
        *slot = (struct pool_slot){pool_page_address(page), page->blocks};
    } else if (page->kind == POOL_PAGE_SLAB) {
        size_t offset = (uintptr_t)address & PAGE_MASK;
        size_t index = offset * class_reciprocal[page->class] >> 32;
        if (index >= blocks_per_page(page->class))
            return false;
        *slot = (struct pool_slot){pool_page_address(page) + index * class_bytes[page->class],
                                   &page->blocks[index]};
    } else {
        return false;
    }
    *found = page;
    return true;
}

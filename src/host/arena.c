/* SPDX-License-Identifier: MIT */
/*
 * Chunks of whole pages, linked; a piece larger than a chunk gets one of its own.
 */
#include "host/arena.h"
#include "host/memory.h"

#define CHUNK_PAGES 4

struct arena_chunk {
    struct arena_chunk *previous;
    size_t pages;
};

static struct arena_chunk *create_chunk(size_t bytes)
{
    size_t pages = MAX((bytes + PAGE_MASK) >> PAGE_SHIFT, (size_t)CHUNK_PAGES);
    struct arena_chunk *chunk = hmem_reserve(HMEM_SYSTEM, pages, 1, 0);

    if (chunk == NULL)
        return NULL;
    if (!NT_SUCCESS(hmem_commit(chunk, pages, HMEM_RW))) {
        hmem_release(chunk, pages);
        return NULL;
    }
    chunk->pages = pages;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t header = ALIGN_UP(sizeof(struct arena_chunk), 16);
    struct arena_chunk *chunk = arena->chunks;
    void *piece;

    size = ALIGN_UP(size, 16);
    if (chunk == NULL || arena->used + size > chunk->pages << PAGE_SHIFT) {
        chunk = create_chunk(header + size);
        if (chunk == NULL)
            return NULL;
        chunk->previous = arena->chunks;
        arena->chunks = chunk;
        arena->used = header;
    }
    piece = (char *)chunk + arena->used;
    arena->used += size;
    return piece;
}

char *arena_string(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);

    if (copy != NULL)
        __builtin_memcpy(copy, text, length);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->previous;
        hmem_release(chunk, chunk->pages);
    }
    arena->used = 0;
}

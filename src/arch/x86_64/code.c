/* SPDX-License-Identifier: MIT */
/*
 * Memory for generated code (code.h). A chunk is committed when the one before
 * is full; nothing is freed before the machine ends.
 */
#include "arch/x86_64/code.h"
#include "host/memory.h"

#define CHUNK_PAGES 8
#define CHUNK_BYTES (CHUNK_PAGES * PAGE_SIZE)
#define CHUNKS      32

static char *chunks[CHUNKS];
static unsigned chunk_count;
static size_t chunk_used = CHUNK_BYTES;

static bool add_chunk(void)
{
    if (chunk_count == CHUNKS)
        return false;
    char *chunk = hmem_reserve(HMEM_IMAGE, CHUNK_PAGES, 1, 0);
    if (!chunk)
        return false;
    if (!NT_SUCCESS(hmem_commit(chunk, CHUNK_PAGES, HMEM_RX))) {
        hmem_release(chunk, CHUNK_PAGES);
        return false;
    }
    chunks[chunk_count++] = chunk;
    chunk_used = 0;
    return true;
}

/* Byte by byte, as the alias of one page says nothing about the next. */
static void copy_through_alias(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        *(volatile char *)hmem_writable_alias(to + i) = from[i];
}

const void *code_write(const void *bytes, size_t length)
{
    RL_ASSERT(length <= CHUNK_BYTES);
    if (chunk_used + length > CHUNK_BYTES && !add_chunk())
        return NULL;

    char *code = chunks[chunk_count - 1] + chunk_used;
    chunk_used = ALIGN_UP(chunk_used + length, 16);
    copy_through_alias(code, bytes, length);
    return code;
}

bool code_contains(uint64_t address)
{
    for (unsigned i = 0; i < chunk_count; i++)
        if (address - (uintptr_t)chunks[i] < CHUNK_BYTES)
            return true;
    return false;
}

void code_fini(void)
{
    while (chunk_count)
        hmem_release(chunks[--chunk_count], CHUNK_PAGES);
    chunk_used = CHUNK_BYTES;
}

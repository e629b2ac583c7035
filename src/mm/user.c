/* SPDX-License-Identifier: MIT */
/* The user range as the runtime uses it: buffers of the commands and of the embedding API. */
#include "mm/mm.h"

#define GRANULARITY_PAGES 16 /* VirtualAlloc's 64 KiB */

void *mm_user_allocate(size_t bytes, enum hmem_protection protection)
{
    if (bytes == 0 || bytes > HMEM_USER_PROBE)
        return NULL;
    size_t pages = BYTES_TO_PAGES(bytes);
    void *base = hmem_reserve(HMEM_USER, pages, GRANULARITY_PAGES, 0);
    if (base != NULL && !NT_SUCCESS(hmem_commit(base, pages, protection))) {
        hmem_release(base, pages);
        return NULL;
    }
    return base;
}

void mm_user_free(void *base)
{
    void *first;
    if (base == NULL)
        return;
    size_t pages = hmem_reservation_of(base, &first);
    RL_ASSERT(pages != 0 && first == base && hmem_is_user(base));
    hmem_release(base, pages);
}

bool mm_user_range_ok(const void *p, size_t length)
{
    uintptr_t low = (uintptr_t)p;
    if (length == 0)
        return true;
    return low >= HMEM_USER_LOWEST && low < HMEM_USER_PROBE && length <= HMEM_USER_PROBE - low;
}

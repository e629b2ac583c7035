/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory of which one end is at a device: the loops of the exported
 * routines are the host's own and may use any instruction, so device memory
 * is looked for before they begin.
 */
#ifndef RTL_DEVICE_MEMORY_H
#define RTL_DEVICE_MEMORY_H

#include "arch/rewrite.h"
#include "host/memory.h"

/* KUSER_SHARED_DATA, at its place on Windows, is no memory here either. */
#define DEVICE_MEMORY_SHARED 0xFFFFF78000000000ull

static inline bool is_device_memory(const void *p)
{
    return unlikely((uintptr_t)p - DEVICE_MEMORY_SHARED < PAGE_SIZE) ||
           (unlikely(hmem_device_views) && hmem_is_mmio(p, NULL));
}

/* In pieces of up to eight bytes, as they are aligned at the device; overlapping blocks are copied rightly.
 */
void device_memory_move(void *to, const void *from, size_t length);
void device_memory_fill(void *to, int value, size_t length);
int device_memory_compare(const void *a, const void *b, size_t length);
void *device_memory_find(const void *block, int value, size_t length);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * RAM as a bus master sees it: physical addresses, in which all of RAM lies in
 * one piece from 0 on. Nothing else answers a device.
 */
#include "hal/internal.h"
#include "host/memory.h"

static void *ram_at(uint64_t pa, size_t length)
{
    uint64_t bytes = hmem_ram_bytes();

    return pa <= bytes && length <= bytes - pa ? hmem_physical(pa) : NULL;
}

bool hal_memory_read(uint64_t pa, void *to, size_t length)
{
    const void *from = ram_at(pa, length);

    if (from != NULL)
        __builtin_memcpy(to, from, length);
    return from != NULL;
}

bool hal_memory_write(uint64_t pa, const void *from, size_t length)
{
    void *to = ram_at(pa, length);

    if (to != NULL)
        __builtin_memcpy(to, from, length);
    return to != NULL;
}

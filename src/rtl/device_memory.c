/* SPDX-License-Identifier: MIT */
/*
 * Copies, fills and compares device registers by the accesses that a plain
 * loop would make. What is not device memory is touched directly, so that a
 * bad pointer there faults as in the other routines.
 */
#include "rtl/device_memory.h"
#include "arch/machine.h"

#define WIDEST 8u

static void read_piece(const UCHAR *from, UCHAR *to, unsigned width_bytes)
{
    uint64_t shared = (uintptr_t)from - DEVICE_MEMORY_SHARED, pa;

    if (shared < PAGE_SIZE && rewrite_targets.user_shared_data != NULL)
        __builtin_memcpy(to, (const char *)rewrite_targets.user_shared_data() + shared, width_bytes);
    else if (!hmem_is_mmio(from, &pa))
        __builtin_memcpy(to, from, width_bytes);
    else if (!machine_ops.mmio_read(pa, to, width_bytes))
        __builtin_memset(to, 0xFF, width_bytes);
}

static void write_piece(UCHAR *to, const UCHAR *from, unsigned width_bytes)
{
    uint64_t pa;

    if (hmem_is_mmio(to, &pa))
        machine_ops.mmio_write(pa, from, width_bytes);
    else
        __builtin_memcpy(to, from, width_bytes);
}

/* The widest piece at an address, aligned there; downwards: the one that ends there. */
static unsigned piece_at(uintptr_t address, size_t length)
{
    unsigned width = WIDEST;

    while (width > length || address % width != 0)
        width /= 2;
    return width;
}

static void move_up(UCHAR *to, const UCHAR *from, size_t length, bool to_device)
{
    UCHAR piece[WIDEST];

    for (size_t done = 0; done < length;) {
        unsigned width = piece_at((uintptr_t)(to_device ? to : from) + done, length - done);
        read_piece(from + done, piece, width);
        write_piece(to + done, piece, width);
        done += width;
    }
}

static void move_down(UCHAR *to, const UCHAR *from, size_t length, bool to_device)
{
    UCHAR piece[WIDEST];

    while (length != 0) {
        unsigned width = piece_at((uintptr_t)(to_device ? to : from) + length, length);
        length -= width;
        read_piece(from + length, piece, width);
        write_piece(to + length, piece, width);
    }
}

void device_memory_move(void *to, const void *from, size_t length)
{
    bool to_device = hmem_is_mmio(to, NULL);

    if ((uintptr_t)to - (uintptr_t)from < length)
        move_down(to, from, length, to_device);
    else
        move_up(to, from, length, to_device);
}

void device_memory_fill(void *to, int value, size_t length)
{
    UCHAR piece[WIDEST];

    __builtin_memset(piece, value, sizeof(piece));
    for (size_t done = 0; done < length;) {
        unsigned width = piece_at((uintptr_t)to + done, length - done);
        write_piece((UCHAR *)to + done, piece, width);
        done += width;
    }
}

int device_memory_compare(const void *a, const void *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        UCHAR left, right;

        read_piece((const UCHAR *)a + i, &left, 1);
        read_piece((const UCHAR *)b + i, &right, 1);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return 0;
}

void *device_memory_find(const void *block, int value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        UCHAR byte;

        read_piece((const UCHAR *)block + i, &byte, 1);
        if (byte == (UCHAR)value)
            return (UCHAR *)block + i;
    }
    return NULL;
}

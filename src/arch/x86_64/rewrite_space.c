/* SPDX-License-Identifier: MIT */
/*
 * Memory of any kind by its address: RAM, device registers, KUSER_SHARED_DATA.
 * An access that crosses a page is one of each page, as the processor splits
 * it; what a bus does to a piece that is not aligned is hal's.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "host/memory.h"
#include "nt/status.h"

static bool blame(EXCEPTION_RECORD *record, ULONG64 address, ULONG64 access)
{
    if (record != NULL) {
        record->ExceptionCode = STATUS_ACCESS_VIOLATION;
        record->NumberParameters = 2;
        record->ExceptionInformation[0] = access;
        record->ExceptionInformation[1] = address;
    }
    return false;
}

static void *shared_page(ULONG64 address, unsigned width)
{
    if (address - KUSER_BASE > PAGE_SIZE - width || rewrite_targets.user_shared_data == NULL)
        return NULL;
    return (char *)rewrite_targets.user_shared_data() + (address - KUSER_BASE);
}

static unsigned left_in_page(ULONG64 address)
{
    return PAGE_SIZE - (unsigned)(address & PAGE_MASK);
}

static bool read_piece(ULONG64 address, void *value, unsigned width, EXCEPTION_RECORD *record)
{
    void *shared = shared_page(address, width);
    uint64_t pa;

    if (shared != NULL) {
        __builtin_memcpy(value, shared, width);
        return true;
    }
    if (hmem_is_mmio((const void *)address, &pa)) {
        if (!(hmem_protection_of((const void *)address) & HMEM_R))
            return blame(record, address, EXCEPTION_READ_FAULT);
        if (!machine_ops.mmio_read(pa, value, width))
            __builtin_memset(value, 0xFF, width); /* nothing answers on the bus */
        return true;
    }
    if (NT_SUCCESS(arch_copy_guarded(value, (const void *)address, width)))
        return true;
    return blame(record, address, EXCEPTION_READ_FAULT);
}

/* KUSER_SHARED_DATA is read-only to drivers, as on Windows. */
static bool write_piece(ULONG64 address, const void *value, unsigned width, EXCEPTION_RECORD *record)
{
    uint64_t pa;

    if (hmem_is_mmio((const void *)address, &pa)) {
        if (!(hmem_protection_of((const void *)address) & HMEM_W))
            return blame(record, address, EXCEPTION_WRITE_FAULT);
        machine_ops.mmio_write(pa, value, width);
        return true;
    }
    if (NT_SUCCESS(arch_copy_guarded((void *)address, value, width)))
        return true;
    return blame(record, address, EXCEPTION_WRITE_FAULT);
}

bool rewrite_space_read(ULONG64 address, void *value, unsigned width, EXCEPTION_RECORD *record)
{
    unsigned first = MIN(width, left_in_page(address));

    return read_piece(address, value, first, record) &&
           (first == width || read_piece(address + first, (UCHAR *)value + first, width - first, record));
}

/* Nothing is stored if the second page cannot be written. */
bool rewrite_space_write(ULONG64 address, const void *value, unsigned width, EXCEPTION_RECORD *record)
{
    unsigned first = MIN(width, left_in_page(address));

    if (first != width && hmem_protection_of((const void *)(address + first)) == HMEM_NONE)
        return blame(record, address + first, EXCEPTION_WRITE_FAULT);
    return write_piece(address, value, first, record) &&
           (first == width ||
            write_piece(address + first, (const UCHAR *)value + first, width - first, record));
}

/* SPDX-License-Identifier: MIT */
/* A driver frees what it may not: bug check 0xC2 with the parameters that Windows documents for each case. */
#include "mm/pool_internal.h"

#define SYSTEM_RANGE_START 0xFFFF800000000000ull

static _Noreturn void stop(ULONG code, const void *p, const ULONG64 parameters[4], const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = code,
        .p = {parameters[0], parameters[1], parameters[2], parameters[3]},
        .sentence = sentence,
        .pool = p,
    };
    ke_bugcheck(&info);
}

static _Noreturn void bad_caller(void *p, ULONG64 kind, ULONG64 p2, ULONG64 p3, ULONG64 p4,
                                 const char *sentence)
{
    const ULONG64 parameters[4] = {kind, p2, p3, p4};
    stop(BAD_POOL_CALLER, p, parameters, sentence);
}

/* 0xC1 has its kind last. */
static _Noreturn void corrupted(ULONG64 kind, void *p, ULONG64 p2, ULONG64 p3, const char *sentence)
{
    const ULONG64 parameters[4] = {(uintptr_t)p, p2, p3, kind};
    stop(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, p, parameters, sentence);
}

_Noreturn void pool_damaged(void *p, const void *where, bool behind)
{
    if (behind)
        corrupted(0x24, p, (uintptr_t)where, 0, "bytes behind the end of a pool block have been overwritten");
    corrupted(0x23, p, (uintptr_t)where, 0,
              "bytes before the beginning of a pool block have been overwritten");
}

_Noreturn void pool_written_after_free(void *p, const void *where)
{
    corrupted(0x23, p, (uintptr_t)where, 0, "a pool block was written to after it had been freed");
}

_Noreturn void pool_never_allocated(void *p)
{
    corrupted(0x20, p, 0, 0, "the driver frees an address of special pool that was never allocated");
}

_Noreturn void pool_freed_before(void *p, ULONG tag)
{
    bad_caller(p, 0x7, 0, tag, (uintptr_t)p, "the pool block was freed before");
}

_Noreturn void pool_not_the_start(void *p, void *block, size_t size)
{
    corrupted(0x21, p, size, (size_t)((char *)block + size - (char *)p),
              "the driver frees an address that is not the beginning of the pool block it lies in");
}

/* Was a block given out at this address that has been freed since? */
static bool was_freed(const void *p, const struct pool_page *page, ULONG64 *contents)
{
    struct pool_page *found;
    struct pool_slot slot;
    if (pool_find(p, &found, &slot)) {
        *contents = slot.block->tag;
        return pool_block_address(slot) == (char *)p && !(slot.block->flags & POOL_LIVE);
    }
    *contents = 0;
    if (page->kind != POOL_PAGE_FREED)
        return false;
    if (page->class == POOL_LARGE)
        return (uintptr_t)p % PAGE_SIZE == 0;
    return page->class < POOL_CLASSES && ((uintptr_t)p & PAGE_MASK) % pool_class_bytes(page->class) == 0;
}

static _Noreturn void bad_free_in_pool(void *p, struct pool_page *page)
{
    struct pool_slot slot;
    ULONG64 address = (uintptr_t)p, contents;
    if (was_freed(p, page, &contents))
        pool_freed_before(p, (ULONG)contents);
    if (pool_find(p, &page, &slot) && slot.block->flags & POOL_PAGED)
        bad_caller(p, 0x41286, 0, 0, (address - (uintptr_t)pool.base) / PAGE_SIZE,
                   "the address lies in the middle of a block of paged pool");
    bad_caller(p, 0x46, address, 0, 0, "no pool block begins at the address");
}

_Noreturn void pool_bad_free(void *p)
{
    struct pool_page *page = pool_page_of(p);
    if (hmem_is_user(p))
        bad_caller(p, 0x40, (uintptr_t)p, SYSTEM_RANGE_START, 0,
                   "a user-mode address was given to free pool");
    if (page != NULL && page->kind != POOL_PAGE_NEVER)
        bad_free_in_pool(p, page);
    bad_caller(p, 0x42, (uintptr_t)p, 0, 0, "the address was never in any pool");
}

_Noreturn void pool_wrong_tag(void *p, ULONG allocated, ULONG given)
{
    bad_caller(p, 0xA, (uintptr_t)p, allocated, given, "the pool block was allocated with another tag");
}

_Noreturn void pool_must_succeed(POOL_TYPE type, size_t size, ULONG tag)
{
    bad_caller(NULL, 0x9A, type, size, tag, "must-succeed pool was asked for, which is no longer supported");
}

/* SPDX-License-Identifier: MIT */
/* A driver frees what it may not: bug check 0xC2 with the parameters that Windows documents for each case. */
#include "mm/pool_internal.h"

#define SYSTEM_RANGE_START 0xFFFF800000000000ull

static _Noreturn void bad_caller(ULONG64 kind, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = BAD_POOL_CALLER, .p = {kind, p2, p3, p4}, .sentence = sentence};
    ke_bugcheck(&info);
}

/* Was a block given out at this address that has been freed since? */
static bool was_freed(const void *p, const struct pool_page *page, ULONG64 *contents)
{
    struct pool_page *found;
    struct pool_slot slot;
    if (pool_find(p, &found, &slot)) {
        *contents = slot.block->tag;
        return slot.address == p && !(slot.block->flags & POOL_LIVE);
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
        bad_caller(0x7, 0, contents, address, "the pool block was freed before");
    if (pool_find(p, &page, &slot) && slot.block->flags & POOL_PAGED)
        bad_caller(0x41286, 0, 0, (address - (uintptr_t)pool.base) / PAGE_SIZE,
                   "the address lies in the middle of a block of paged pool");
    bad_caller(0x46, address, 0, 0, "no pool block begins at the address");
}

_Noreturn void pool_bad_free(void *p)
{
    struct pool_page *page = pool_page_of(p);
    if (hmem_is_user(p))
        bad_caller(0x40, (uintptr_t)p, SYSTEM_RANGE_START, 0, "a user-mode address was given to free pool");
    if (page != NULL && page->kind != POOL_PAGE_NEVER)
        bad_free_in_pool(p, page);
    bad_caller(0x42, (uintptr_t)p, 0, 0, "the address was never in any pool");
}

_Noreturn void pool_wrong_tag(void *p, ULONG allocated, ULONG given)
{
    bad_caller(0xA, (uintptr_t)p, allocated, given, "the pool block was allocated with another tag");
}

_Noreturn void pool_must_succeed(POOL_TYPE type, size_t size, ULONG tag)
{
    bad_caller(0x9A, type, size, tag, "must-succeed pool was asked for, which is no longer supported");
}

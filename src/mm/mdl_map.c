/* SPDX-License-Identifier: MIT */
/*
 * Mapping the pages of an MDL: into system space, where the MDL remembers the
 * one mapping; into user space; into address space reserved beforehand.
 * Caching types change nothing: every view of a page is coherent.
 */
#include "mm/mdl.h"
#include "mm/ranges.h"

static enum hmem_protection protection_of(KPROCESSOR_MODE mode, ULONG priority)
{
    enum hmem_protection protection = mode == KernelMode ? HMEM_RWX : HMEM_RW;
    if (priority & MdlMappingNoWrite)
        protection &= ~HMEM_W;
    if (priority & MdlMappingNoExecute)
        protection &= ~HMEM_X;
    return protection;
}

/* The mapping itself; NULL when address space or host mappings are exhausted, or `at` is taken. */
static struct mm_range *map_pages(PMDL mdl, KPROCESSOR_MODE mode, void *at, ULONG priority,
                                  const void *caller)
{
    bool kernel = mode == KernelMode;
    struct mm_range *range = mm_range_create(kernel ? MM_RANGE_MDL : MM_RANGE_MDL_USER,
                                             kernel ? HMEM_SYSTEM : HMEM_USER, at, mdl_pages(mdl), caller);
    if (range == NULL)
        return NULL;
    if (NT_SUCCESS(hmem_map(range->base, MmGetMdlPfnArray(mdl), range->pages, protection_of(mode, priority))))
        return range;
    mm_range_destroy(range);
    return NULL;
}

/* A user mapping may be asked for at an address, rounded down to its page. Raises when it cannot be made. */
static void *map_user(PMDL mdl, void *requested, ULONG priority, const void *caller)
{
    void *at = requested ? PAGE_ALIGN(requested) : NULL;
    if (at != NULL && !mm_user_range_ok(at, mdl_pages(mdl) * PAGE_SIZE))
        arch_raise_status(STATUS_INVALID_ADDRESS);
    struct mm_range *range = map_pages(mdl, UserMode, at, priority, caller);
    if (range == NULL)
        arch_raise_status(at != NULL ? STATUS_CONFLICTING_ADDRESSES : STATUS_INSUFFICIENT_RESOURCES);
    return range->base + mdl->ByteOffset;
}

static void *map_system(PMDL mdl, bool must, ULONG priority, const void *caller)
{
    struct mm_range *range = map_pages(mdl, KernelMode, NULL, priority, caller);
    if (range == NULL) {
        if (must)
            ke_bugcheck_code(NO_MORE_SYSTEM_PTES, 0, mdl_pages(mdl), 0, 0);
        return NULL;
    }
    mdl->MappedSystemVa = range->base + mdl->ByteOffset;
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL) {
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
        mdl->MdlFlags &= ~MDL_PARENT_MAPPED_SYSTEM_VA;
    }
    return mdl->MappedSystemVa;
}

/*
 * Maps the locked pages and returns the address of the buffer's first byte. KernelMode: NULL when it cannot,
 * or bug check 0x3F with BugCheckOnFailure. UserMode: never executable; raises when it cannot. IRQL:
 * KernelMode <= DISPATCH_LEVEL, UserMode <= APC_LEVEL.
 */
EXPORT(ntoskrnl, MmMapLockedPagesSpecifyCache, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    const void *caller = mm_caller(__builtin_return_address(0));
    if (AccessMode == KernelMode)
        return map_system(MemoryDescriptorList, BugCheckOnFailure, Priority, caller);
    return map_user(MemoryDescriptorList, RequestedAddress, Priority, caller);
}

/* The obsolete form: bug check when system space is exhausted, unless the MDL has MDL_MAPPING_CAN_FAIL. */
EXPORT(ntoskrnl, MmMapLockedPages, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    const void *caller = mm_caller(__builtin_return_address(0));
    bool must = !(MemoryDescriptorList->MdlFlags & MDL_MAPPING_CAN_FAIL);
    if (AccessMode == KernelMode)
        return map_system(MemoryDescriptorList, must, NormalPagePriority, caller);
    return map_user(MemoryDescriptorList, NULL, NormalPagePriority, caller);
}

/* The range that holds the address: MmAdvanceMdl may have moved it past the range's first page. */
static struct mm_range *range_at(const void *address, enum mm_range_kind kind)
{
    void *first;
    return hmem_reservation_of(address, &first) != 0 ? mm_range_find(first, kind) : NULL;
}

/* An MDL of nonpaged memory stays mapped where it is. */
static void forget_mapping(PMDL mdl)
{
    mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_FREE_EXTRA_PTES);
    mdl->MappedSystemVa = mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL ? MmGetMdlVirtualAddress(mdl) : NULL;
}

/* Undoes MmMapLockedPages[SpecifyCache]. Bug check 0xDA for an address that none of them returned. */
EXPORT(ntoskrnl, MmUnmapLockedPages, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    bool user = hmem_is_user(BaseAddress);
    struct mm_range *range = range_at(BaseAddress, user ? MM_RANGE_MDL_USER : MM_RANGE_MDL);
    if (range == NULL)
        mm_pte_misuse(0x302, BaseAddress, 0, 0, "the address to unmap is no mapping of locked pages");
    if (!user)
        forget_mapping(MemoryDescriptorList);
    mm_range_destroy(range);
}

/* The protection that a mapped MDL's system addresses can be given; the mapping's own alone. */
EXPORT(ntoskrnl, MmProtectMdlSystemAddress, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
    PMDL mdl = MemoryDescriptorList;
    enum hmem_protection protection;
    if (!mm_protection_of_page(NewProtect, &protection))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA))
        return STATUS_NOT_MAPPED_VIEW;
    return hmem_protect(PAGE_ALIGN(mdl->MappedSystemVa), mdl_pages(mdl), protection);
}

/* Reserves system address space to be mapped later without a way to fail. NULL: none left, or no bytes. */
EXPORT(ntoskrnl, MmAllocateMappingAddress, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    if (NumberOfBytes == 0)
        mm_pte_misuse(0x100, 0, PoolTag, 0, "a mapping address of no bytes was asked for");
    struct mm_range *range =
        mm_range_create(MM_RANGE_RESERVED, HMEM_SYSTEM, NULL, BYTES_TO_PAGES(NumberOfBytes),
                        mm_caller(__builtin_return_address(0)));
    if (range == NULL)
        return NULL;
    range->tag = PoolTag;
    return range->base;
}

/* The reserved range of this address and tag; the bug checks differ in their codes only. */
static struct mm_range *reserved(void *base, ULONG tag, ULONG64 not_there, ULONG64 not_owned)
{
    struct mm_range *range = mm_range_find(base, MM_RANGE_RESERVED);
    if (range == NULL)
        mm_pte_misuse(not_there, base, tag, 0, "no reserved mapping begins at the address");
    if (range->tag != tag)
        mm_pte_misuse(not_owned, base, tag, range->tag, "the reserved mapping has another tag");
    return range;
}

EXPORT(ntoskrnl, MmFreeMappingAddress, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    struct mm_range *range = reserved(BaseAddress, PoolTag, 0x102, 0x101);
    if (range->mapped_pages != 0)
        mm_pte_misuse(0x103, BaseAddress, PoolTag, range->pages, "the reserved mapping is still in use");
    mm_range_destroy(range);
}

/* Maps an MDL at the beginning of the reserved range; NULL: it does not fit. The returned address has the
 * byte offset, MappedSystemVa has not. */
EXPORT(ntoskrnl, MmMapLockedPagesWithReservedMapping, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
                                                PMDL MemoryDescriptorList, MEMORY_CACHING_TYPE CacheType)
{
    PMDL mdl = MemoryDescriptorList;
    struct mm_range *range = reserved(MappingAddress, PoolTag, 0x105, 0x104);
    if (range->mapped_pages != 0)
        mm_pte_misuse(0x107, MappingAddress, (uintptr_t)range->base,
                      (uintptr_t)range->base + range->pages * PAGE_SIZE,
                      "the reserved mapping is in use already");
    if (mdl_pages(mdl) > range->pages ||
        !NT_SUCCESS(hmem_map(range->base, MmGetMdlPfnArray(mdl), mdl_pages(mdl), HMEM_RWX)))
        return NULL;
    range->mapped_pages = mdl_pages(mdl);
    mdl->MappedSystemVa = range->base;
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL)
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    return range->base + mdl->ByteOffset;
}

EXPORT(ntoskrnl, MmUnmapReservedMapping, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL MemoryDescriptorList)
{
    struct mm_range *range = reserved(PAGE_ALIGN(BaseAddress), PoolTag, 0x109, 0x108);
    size_t pages = mdl_pages(MemoryDescriptorList);
    if (pages > range->mapped_pages)
        mm_pte_misuse(0x10A, BaseAddress, range->mapped_pages, pages, "more is unmapped than is mapped");
    if (pages < range->mapped_pages)
        mm_pte_misuse(0x10C, BaseAddress, PoolTag, pages, "only a part of the reserved mapping is unmapped");
    hmem_unmap(range->base, range->mapped_pages);
    range->mapped_pages = 0;
    forget_mapping(MemoryDescriptorList);
}

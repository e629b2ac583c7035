/* SPDX-License-Identifier: MIT */
/* Physical pages for an MDL: no addresses, only frames, within the physical limits that the caller gives. */
#include "mm/mdl.h"
#include "mm/ranges.h"

#define LARGEST (0x100000000ull - PAGE_SIZE)
#define KNOWN_FLAGS                                                                                          \
    (MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY | MM_ALLOCATE_FULLY_REQUIRED |               \
     MM_ALLOCATE_NO_WAIT | MM_ALLOCATE_PREFER_CONTIGUOUS | MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS)

struct request {
    uint64_t low, high, skip; /* physical; high is the last acceptable byte */
    size_t pages;
    ULONG flags;
};

/* As long runs as there are, from one range. Returns how many pages it got. */
static size_t take_any(const struct request *r, uint64_t low, uint64_t high, PFN_NUMBER *pfn)
{
    size_t got = 0, run = r->pages;
    while (got < r->pages && run > 0) {
        run = MIN(run, r->pages - got);
        uint64_t first = hmem_alloc_contiguous(run, low, high, 0);
        if (first == HMEM_NO_PFN) {
            run /= 2;
            continue;
        }
        for (size_t i = 0; i < run; i++)
            pfn[got++] = first + i;
    }
    return got;
}

/* The first range, then those `skip` bytes further each time, until there is enough or RAM ends. */
static size_t take_pages(const struct request *r, PFN_NUMBER *pfn)
{
    size_t got = 0;
    for (uint64_t step = 0; got < r->pages && r->low + step < hmem_ram_bytes(); step += r->skip) {
        struct request rest = *r;
        rest.pages -= got;
        uint64_t high = r->high > ~step ? ~0ull : r->high + step;
        got += take_any(&rest, r->low + step, high, pfn + got);
        if (r->skip == 0)
            break;
    }
    return got;
}

/* Blocks of exactly `chunk` pages, aligned to their size (one block of any alignment when it is all of them).
 */
static size_t take_chunks(const struct request *r, size_t chunk, PFN_NUMBER *pfn)
{
    size_t got = 0;
    while (got + chunk <= r->pages) {
        uint64_t boundary = r->skip; /* a block as long as the boundary that crosses none is aligned to it */
        uint64_t first = hmem_alloc_contiguous(chunk, r->low, r->high, boundary);
        if (first == HMEM_NO_PFN)
            break;
        for (size_t i = 0; i < chunk; i++)
            pfn[got++] = first + i;
    }
    return got;
}

static bool valid(const struct request *r)
{
    if (r->flags & ~(ULONG)KNOWN_FLAGS || r->pages == 0 || r->low > r->high || r->skip % PAGE_SIZE != 0)
        return false;
    if (!(r->flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) || r->skip == 0)
        return true;
    return (r->skip & (r->skip - 1)) == 0 && r->pages % (r->skip / PAGE_SIZE) == 0;
}

static size_t take(const struct request *r, PFN_NUMBER *pfn)
{
    if (r->flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS)
        return take_chunks(r, r->skip != 0 ? r->skip / PAGE_SIZE : r->pages, pfn);
    return take_pages(r, pfn);
}

static PMDL allocate(const struct request *r, const void *caller)
{
    if (!valid(r))
        return NULL;
    PMDL mdl = mdl_create(NULL, r->pages * PAGE_SIZE, caller);
    if (mdl == NULL)
        return NULL;
    PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
    size_t got = take(r, pfn);
    if (got == 0 || (got < r->pages && r->flags & MM_ALLOCATE_FULLY_REQUIRED)) {
        hmem_unlock_pages(pfn, got);
        mm_pool_free(mdl, 0, caller);
        return NULL;
    }
    mdl->ByteCount = (ULONG)(got * PAGE_SIZE);
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return mdl;
}

/*
 * Allocates zeroed pages between two physical addresses; where those do not suffice, the range moves on by
 * SkipBytes. The MDL may describe less than was asked for (ByteCount says); NULL: nothing at all. Owns: the
 * caller (MmFreePagesFromMdl, then ExFreePool).
 */
EXPORT(ntoskrnl, MmAllocatePagesForMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    struct request r = {(uint64_t)LowAddress.QuadPart, (uint64_t)HighAddress.QuadPart,
                        (uint64_t)SkipBytes.QuadPart, BYTES_TO_PAGES(MIN(TotalBytes, LARGEST)), 0};
    return allocate(&r, mm_caller(__builtin_return_address(0)));
}

/* With flags: all or nothing, contiguous chunks. Large-page and hot-remove requests cannot be met: NULL. */
EXPORT(ntoskrnl, MmAllocatePagesForMdlEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                   MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    struct request r = {(uint64_t)LowAddress.QuadPart, (uint64_t)HighAddress.QuadPart,
                        (uint64_t)SkipBytes.QuadPart, BYTES_TO_PAGES(MIN(TotalBytes, LARGEST)), Flags};
    return allocate(&r, mm_caller(__builtin_return_address(0)));
}

/* Frees the pages; the MDL itself stays the caller's. A system mapping is released first. */
EXPORT(ntoskrnl, MmFreePagesFromMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
        ke_bugcheck_code(PFN_LIST_CORRUPT, 7, mdl_pages(mdl) ? MmGetMdlPfnArray(mdl)[0] : 0, 0, 0);
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
    hmem_unlock_pages(MmGetMdlPfnArray(mdl), mdl_pages(mdl));
    mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
}

/* SPDX-License-Identifier: MIT */
/* Between virtual and physical addresses: translation, device mappings, validity, copies that cannot fault.
 */
#include "mm/ranges.h"

/* The physical address behind a virtual one; 0 where nothing is mapped. */
EXPORT(ntoskrnl, MmGetPhysicalAddress, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
    uint64_t pfn = hmem_pfn_of(BaseAddress);
    PHYSICAL_ADDRESS pa = {.QuadPart = 0};
    if (pfn != HMEM_NO_PFN)
        pa.QuadPart = (LONGLONG)((pfn << PAGE_SHIFT) + BYTE_OFFSET(BaseAddress));
    return pa;
}

/* An address at which the RAM of a physical address is mapped; NULL: nowhere, or no RAM. */
EXPORT(ntoskrnl, MmGetVirtualForPhysical, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    char *page = hmem_virtual_of((uint64_t)PhysicalAddress.QuadPart >> PAGE_SHIFT);
    return page ? page + BYTE_OFFSET(PhysicalAddress.QuadPart) : NULL;
}

#define PHYSICAL_BITS 52

static void *map_io_space(uint64_t pa, SIZE_T bytes, enum hmem_protection protection, const void *caller)
{
    if (bytes == 0 || pa >> PHYSICAL_BITS || bytes > (1ull << PHYSICAL_BITS) - pa)
        return NULL;
    size_t pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(pa, bytes);
    if (pages !=
        (BYTE_OFFSET(pa) + bytes + PAGE_SIZE - 1) / PAGE_SIZE) /* the macro's result is 32 bits wide */
        return NULL;
    struct mm_range *range = mm_range_create(MM_RANGE_IO_SPACE, HMEM_SYSTEM, NULL, pages, caller);
    if (range == NULL)
        return NULL;
    if (!NT_SUCCESS(hmem_map_run(range->base, pa >> PAGE_SHIFT, pages, protection))) {
        mm_range_destroy(range);
        return NULL;
    }
    return range->base + BYTE_OFFSET(pa);
}

/* Maps physical addresses, device registers or RAM, readable and writable. Where no device is, reads give all
 * ones. NULL: no address space for it. Owns: the caller (MmUnmapIoSpace). */
EXPORT(ntoskrnl, MmMapIoSpace, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType)
{
    return map_io_space((uint64_t)PhysicalAddress.QuadPart, NumberOfBytes, HMEM_RWX,
                        mm_caller(__builtin_return_address(0)));
}

/* The same with a protection, which may have one of PAGE_NOCACHE and PAGE_WRITECOMBINE. */
EXPORT(ntoskrnl, MmMapIoSpaceEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
    enum hmem_protection protection;
    ULONG caching = Protect & (PAGE_NOCACHE | PAGE_WRITECOMBINE);
    if (caching == (PAGE_NOCACHE | PAGE_WRITECOMBINE) || !mm_protection_of_page(Protect, &protection) ||
        protection == HMEM_NONE)
        return NULL;
    return map_io_space((uint64_t)PhysicalAddress.QuadPart, NumberOfBytes, protection,
                        mm_caller(__builtin_return_address(0)));
}

/* Bug check 0xDA for an address that MmMapIoSpace did not return, or for more bytes than it mapped. */
EXPORT(ntoskrnl, MmUnmapIoSpace, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    struct mm_range *range = mm_range_find(PAGE_ALIGN(BaseAddress), MM_RANGE_IO_SPACE);
    size_t pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseAddress, NumberOfBytes);
    if (range == NULL)
        mm_pte_misuse(0x302, BaseAddress, 0, 0, "the address is not mapped by MmMapIoSpace");
    if (pages > range->pages)
        mm_pte_misuse(0x305, BaseAddress, pages, range->pages,
                      "more bytes are unmapped than MmMapIoSpace mapped");
    mm_range_destroy(range);
}

/* Outside the simulated machine's memory lie the runtime's own variables: whether those are there is tried.
 */
static bool readable(const void *va)
{
    UCHAR byte;
    if (hmem_is_user(va) || hmem_is_system(va))
        return hmem_protection_of(va) != HMEM_NONE;
    return NT_SUCCESS(arch_copy_guarded(&byte, va, 1));
}

/* Would a read or write of the address fault? */
EXPORT(ntoskrnl, MmIsAddressValid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    return readable(VirtualAddress);
}

EXPORT(ntoskrnl, MmIsNonPagedSystemAddressValid, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI MmIsNonPagedSystemAddressValid(PVOID VirtualAddress)
{
    return !hmem_is_user(VirtualAddress) && !mm_pool_is_paged(VirtualAddress) && readable(VirtualAddress);
}

#define RANGES_TAG 0x52504D6Du /* 'mMPR' */
#define LOW_END    0xA0000ull  /* where the video and BIOS area begins */
#define HIGH_START 0x100000ull

/* The machine's RAM, as an array that ends with a zero entry. Owns: the caller (ExFreePool). */
EXPORT(ntoskrnl, MmGetPhysicalMemoryRanges, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PPHYSICAL_MEMORY_RANGE NTAPI MmGetPhysicalMemoryRanges(void)
{
    PPHYSICAL_MEMORY_RANGE ranges = mm_pool_allocate(NonPagedPoolNx, 3 * sizeof *ranges, RANGES_TAG, true,
                                                     mm_caller(__builtin_return_address(0)));
    if (ranges == NULL)
        return NULL;
    ranges[0].BaseAddress.QuadPart = PAGE_SIZE;
    ranges[0].NumberOfBytes.QuadPart = LOW_END - PAGE_SIZE;
    ranges[1].BaseAddress.QuadPart = HIGH_START;
    ranges[1].NumberOfBytes.QuadPart = (LONGLONG)(hmem_ram_bytes() - HIGH_START);
    return ranges;
}

/* A page at a time, so that *copied says how far it went. Device memory is refused. */
static NTSTATUS copy_pages(char *to, uint64_t from, size_t bytes, bool physical, SIZE_T *copied)
{
    while (*copied < bytes) {
        uint64_t at = from + *copied;
        size_t part = MIN(bytes - *copied, PAGE_SIZE - BYTE_OFFSET(at));
        const void *source = physical ? hmem_physical(at) : (const void *)at;
        bool refused =
            physical ? source == NULL || (at >= LOW_END && at < HIGH_START) : hmem_is_mmio(source, NULL);
        NTSTATUS status = refused ? STATUS_INVALID_ADDRESS : arch_copy_guarded(to + *copied, source, part);
        if (!NT_SUCCESS(status))
            return status;
        *copied += part;
    }
    return STATUS_SUCCESS;
}

/*
 * Copies from a virtual or physical address that may be invalid: no fault, an error status instead, and the
 * number of bytes that were copied. Exactly one of the two flags; device memory is refused. IRQL: <=
 * APC_LEVEL.
 */
EXPORT(ntoskrnl, MmCopyMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmCopyMemory(PVOID TargetAddress, MM_COPY_ADDRESS SourceAddress, SIZE_T NumberOfBytes,
                            ULONG Flags, PSIZE_T NumberOfBytesTransferred)
{
    *NumberOfBytesTransferred = 0;
    if (Flags != MM_COPY_MEMORY_PHYSICAL && Flags != MM_COPY_MEMORY_VIRTUAL)
        return STATUS_INVALID_PARAMETER_4;
    return copy_pages(TargetAddress, (uint64_t)SourceAddress.PhysicalAddress.QuadPart, NumberOfBytes,
                      Flags == MM_COPY_MEMORY_PHYSICAL, NumberOfBytesTransferred);
}

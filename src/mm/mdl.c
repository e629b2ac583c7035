/* SPDX-License-Identifier: MIT */
/*
 * MDLs as structures: made, filled from nonpaged memory, split into partial
 * ones, advanced, freed. What locks pages is in mdl_lock.c, what maps them in
 * mdl_map.c. MmMapLockedPages and friends keep MappedSystemVa with the byte
 * offset in it, the inline MmGetSystemAddressForMdlSafe relies on that.
 */
#include "mm/mdl.h"

#define MDL_TAG         0x206C644Du /* 'Mdl ' */
#define MDL_LARGEST     (0x100000000ull - PAGE_SIZE)
#define MDL_FIXED_PAGES 23 /* up to here NT takes MDLs from its list of one size, and says so */

/* Flags that belong to the structure's storage and survive its reuse. */
#define MDL_STORAGE_FLAGS (MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED)

static SIZE_T size_of_mdl(const void *base, SIZE_T length)
{
    return sizeof(MDL) + ADDRESS_AND_SIZE_TO_SPAN_PAGES(base, length) * sizeof(PFN_NUMBER);
}

/* The size of an MDL that describes a buffer. */
EXPORT(ntoskrnl, MmSizeOfMdl, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return size_of_mdl(Base, Length);
}

static void init_mdl(PMDL mdl, const void *base, SIZE_T length)
{
    *mdl = (MDL){
        .Size = (CSHORT)size_of_mdl(base, length),
        .StartVa = PAGE_ALIGN(base),
        .ByteCount = (ULONG)length,
        .ByteOffset = BYTE_OFFSET(base),
    };
}

PMDL mdl_create(const void *base, SIZE_T length, const void *caller)
{
    PMDL mdl = mm_pool_allocate(NonPagedPoolNx, size_of_mdl(base, length), MDL_TAG, true, caller);
    if (mdl != NULL)
        init_mdl(mdl, base, length);
    return mdl;
}

static void append_to_irp(PIRP irp, PMDL mdl)
{
    PMDL *tail = &irp->MdlAddress;
    while (*tail != NULL)
        tail = &(*tail)->Next;
    *tail = mdl;
}

/*
 * Allocates an MDL for a buffer: it describes addresses, no pages yet. With an IRP it becomes the IRP's first
 * MDL (SecondaryBuffer FALSE) or goes to the end of its chain. NULL: no memory, or longer than 4 GiB less a
 * page. Owns: the caller (IoFreeMdl), or the IRP. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, IoAllocateMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                         PIRP Irp)
{
    if (Length > MDL_LARGEST)
        return NULL;
    PMDL mdl = mdl_create(VirtualAddress, Length, mm_caller(__builtin_return_address(0)));
    if (mdl == NULL)
        return NULL;
    if (mdl_pages(mdl) <= MDL_FIXED_PAGES)
        mdl->MdlFlags |= MDL_ALLOCATED_FIXED_SIZE;
    if (Irp == NULL)
        return mdl;
    if (SecondaryBuffer)
        append_to_irp(Irp, mdl);
    else
        Irp->MdlAddress = mdl;
    return mdl;
}

/* The obsolete form: an MDL in the caller's memory, or in pool when that is NULL. */
EXPORT(ntoskrnl, MmCreateMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PMDL NTAPI MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base, SIZE_T Length)
{
    if (MemoryDescriptorList == NULL)
        return mdl_create(Base, Length, mm_caller(__builtin_return_address(0)));
    init_mdl(MemoryDescriptorList, Base, Length);
    return MemoryDescriptorList;
}

/* A partial MDL that was mapped has a mapping of its own. */
static void unmap_partial(PMDL mdl)
{
    if (mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
        MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
}

/* Frees this MDL alone: neither its chain nor its pages. A partial one is unmapped first. */
EXPORT(ntoskrnl, IoFreeMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    unmap_partial(Mdl);
    mm_pool_free(Mdl, 0, __builtin_return_address(0));
}

/* Describes nonpaged memory: its pages are known and its address is the mapping. Bug check 0x50 if there is
 * none. */
EXPORT(ntoskrnl, MmBuildMdlForNonPagedPool, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    char *va = mdl->StartVa;
    PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
    for (size_t i = 0; i < mdl_pages(mdl); i++) {
        pfn[i] = hmem_pfn_of(va + i * PAGE_SIZE);
        if (pfn[i] == HMEM_NO_PFN)
            ke_bugcheck_code(PAGE_FAULT_IN_NONPAGED_AREA, (uintptr_t)va + i * PAGE_SIZE, 0,
                             (uintptr_t)__builtin_return_address(0), 0);
        if (!hmem_pfn_is_ram(pfn[i]))
            mdl->MdlFlags |= MDL_IO_SPACE;
    }
    mdl->Process = NULL;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/* What the target takes over from the source. The mapping of a nonpaged or mapped source serves the part too.
 */
static void inherit(PMDL source, PMDL target, size_t offset)
{
    target->MdlFlags &= MDL_STORAGE_FLAGS;
    target->MdlFlags |=
        MDL_PARTIAL | (source->MdlFlags & (MDL_IO_PAGE_READ | MDL_SOURCE_IS_NONPAGED_POOL | MDL_IO_SPACE));
    target->Process = source->Process;
    target->MappedSystemVa = NULL;
    if (!(source->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)))
        return;
    target->MappedSystemVa = (char *)source->MappedSystemVa + offset;
    if (source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        target->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA;
}

/*
 * Makes the target describe a part of what the (locked or nonpaged) source describes; Length 0: to its end.
 * An existing system mapping is shared. Bug check 0x40 when the target has no room for the pages.
 */
EXPORT(ntoskrnl, IoBuildPartialMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    size_t offset = (size_t)((char *)VirtualAddress - (char *)MmGetMdlVirtualAddress(SourceMdl));
    ULONG length = Length != 0 ? Length : SourceMdl->ByteCount - (ULONG)offset;
    size_t pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, length);
    size_t room = ((USHORT)TargetMdl->Size - sizeof(MDL)) / sizeof(PFN_NUMBER);
    if (pages > room)
        ke_bugcheck_code(TARGET_MDL_TOO_SMALL, 0, 0, 0, 0);
    inherit(SourceMdl, TargetMdl, offset);
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = length;
    size_t first = (size_t)((char *)TargetMdl->StartVa - (char *)SourceMdl->StartVa) / PAGE_SIZE;
    __builtin_memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first,
                     pages * sizeof(PFN_NUMBER));
}

/* Advancing passes whole pages: they are unmapped and unlocked if that is this MDL's, and the rest moves to
 * the front. */
static void drop_first_pages(PMDL mdl, size_t count)
{
    PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
    size_t pages = mdl_pages(mdl);
    if (count == 0)
        return;
    if ((mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA)) ==
        MDL_MAPPED_TO_SYSTEM_VA) {
        hmem_unmap(PAGE_ALIGN(mdl->MappedSystemVa), count);
        mdl->MdlFlags |= MDL_FREE_EXTRA_PTES;
    }
    if (mdl->MdlFlags & MDL_PAGES_LOCKED)
        hmem_unlock_pages(pfn, count);
    __builtin_memmove(pfn, pfn + count, (pages - count) * sizeof *pfn);
    mdl->StartVa = (char *)mdl->StartVa + count * PAGE_SIZE;
}

/* Moves the beginning of the buffer forward; the end stays. STATUS_INVALID_PARAMETER_2: past the end. */
EXPORT(ntoskrnl, MmAdvanceMdl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    if (NumberOfBytes > Mdl->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    size_t offset = (size_t)Mdl->ByteOffset + NumberOfBytes;
    drop_first_pages(Mdl, offset / PAGE_SIZE);
    Mdl->ByteOffset = (ULONG)(offset % PAGE_SIZE);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        Mdl->MappedSystemVa = (char *)Mdl->MappedSystemVa + NumberOfBytes;
    return STATUS_SUCCESS;
}

void mm_unlock_mdl_chain(PMDL mdl)
{
    for (; mdl != NULL; mdl = mdl->Next)
        if (mdl->MdlFlags & MDL_PAGES_LOCKED)
            MmUnlockPages(mdl);
}

void mm_free_mdl_chain(PMDL mdl)
{
    mm_unlock_mdl_chain(mdl);
    for (PMDL next; mdl != NULL; mdl = next) {
        next = mdl->Next;
        IoFreeMdl(mdl);
    }
}

/* SPDX-License-Identifier: MIT */
/* Locking the pages behind an MDL: each holds a reference, so that freeing the virtual memory leaves them. */
#include "ke/held.h"
#include "mm/mdl.h"

/* In user mode the whole buffer lies below MmUserProbeAddress; in either mode it does not wrap. */
static bool range_allowed(const MDL *mdl, KPROCESSOR_MODE mode)
{
    uintptr_t low = (uintptr_t)mdl->StartVa + mdl->ByteOffset, high = low + mdl->ByteCount;
    return high >= low && (mode == KernelMode || high <= HMEM_USER_PROBE);
}

static void mark_locked(PMDL mdl, LOCK_OPERATION operation, bool any_device_page)
{
    CSHORT clear = MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_WRITE_OPERATION | MDL_IO_SPACE;
    mdl->MdlFlags = (mdl->MdlFlags & ~clear) | MDL_PAGES_LOCKED;
    if (operation != IoReadAccess)
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
    if (any_device_page)
        mdl->MdlFlags |= MDL_IO_SPACE;
    mdl->Process = hmem_is_user(mdl->StartVa) ? (PEPROCESS)ke_thread()->process : NULL;
}

static void lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
    PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
    size_t pages = mdl_pages(mdl);
    enum hmem_protection access = operation == IoReadAccess ? HMEM_R : HMEM_RW;
    NTSTATUS status = STATUS_ACCESS_VIOLATION;
    if (range_allowed(mdl, mode))
        status = hmem_lock_range(mdl->StartVa, pages, access, pfn);
    if (!NT_SUCCESS(status))
        arch_raise_status(status);
    bool device = false;
    for (size_t i = 0; i < pages; i++)
        device |= !hmem_pfn_is_ram(pfn[i]);
    mark_locked(mdl, operation, device);
}

/* Not what the I/O manager locks for a request, whoever made that: it unlocks it, too. */
static void note_locked(PMDL mdl, const void *return_address)
{
    if (arch_returns_to_gate(return_address))
        ke_hold(KE_HELD_LOCKED_PAGES, mdl);
}

/*
 * Locks the pages of the buffer and fills in their numbers. Raises STATUS_ACCESS_VIOLATION, changing nothing,
 * when a page is not there, does not permit the operation, or (UserMode) is not the user's. IRQL: <=
 * APC_LEVEL for pageable memory, else <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, MmProbeAndLockPages, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    lock_pages(MemoryDescriptorList, AccessMode, Operation);
    note_locked(MemoryDescriptorList, __builtin_return_address(0));
}

/* The same in another process: there is one user address space. */
EXPORT(ntoskrnl, MmProbeAndLockProcessPages, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI MmProbeAndLockProcessPages(PMDL MemoryDescriptorList, PEPROCESS Process,
                                      KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    lock_pages(MemoryDescriptorList, AccessMode, Operation);
    MemoryDescriptorList->Process = Process;
    note_locked(MemoryDescriptorList, __builtin_return_address(0));
}

/* Unlocks what MmProbeAndLockPages locked; a system mapping is released first. Bug check 0x4E/7: not locked.
 */
EXPORT(ntoskrnl, MmUnlockPages, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
        ke_bugcheck_code(PFN_LIST_CORRUPT, 7, mdl_pages(mdl) ? MmGetMdlPfnArray(mdl)[0] : 0, 0, 0);
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
    hmem_unlock_pages(MmGetMdlPfnArray(mdl), mdl_pages(mdl));
    ke_unhold(KE_HELD_LOCKED_PAGES, mdl);
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION | MDL_IO_SPACE);
}

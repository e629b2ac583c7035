/* SPDX-License-Identifier: MIT */
/*
 * User virtual memory as a service: reserve, commit, decommit, release,
 * protect. What is reserved and committed is kept by the page table itself
 * (host/memory.h); views and MDL mappings in the user range belong to other
 * services and are refused. Every process has the one user range.
 */
#include "mm/process.h"
#include "mm/query.h"
#include "mm/ranges.h"
#include "mm/secure.h"
#include "ob/services.h"

#define GRANULARITY 0x10000ull
#define BOTH        (MEM_COMMIT | MEM_RESERVE)

NTSTATUS mm_check_process(HANDLE handle, ACCESS_MASK access)
{
    void *process;
    NTSTATUS status =
        ob_reference_by_handle(handle, access, ps_process_type, ke_previous_mode(), &process, NULL);
    if (NT_SUCCESS(status))
        ob_dereference(process);
    return status;
}

struct region_parameters {
    char *base;
    SIZE_T size;
};

static NTSTATUS read_parameters(struct region_parameters *region, PVOID *base, PSIZE_T size)
{
    NTSTATUS status = ob_copy_in(&region->base, base, sizeof *base, ke_previous_mode());
    return NT_SUCCESS(status) ? ob_copy_in(&region->size, size, sizeof *size, ke_previous_mode()) : status;
}

static NTSTATUS write_parameters(const struct region_parameters *region, PVOID *base, PSIZE_T size)
{
    NTSTATUS status = ob_copy_out(base, &region->base, sizeof *base, ke_previous_mode());
    return NT_SUCCESS(status) ? ob_copy_out(size, &region->size, sizeof *size, ke_previous_mode()) : status;
}

/* Rounds out to whole pages. STATUS_INVALID_PARAMETER_2: the base, _4: the size. */
static NTSTATUS round_to_pages(struct region_parameters *region, uintptr_t align)
{
    uintptr_t low = (uintptr_t)region->base;
    if (low > HMEM_USER_HIGHEST)
        return STATUS_INVALID_PARAMETER_2;
    if (region->size == 0 || region->size > HMEM_USER_PROBE - low)
        return STATUS_INVALID_PARAMETER_4;
    uintptr_t high = ALIGN_UP(low + region->size, PAGE_SIZE);
    region->base = (char *)ALIGN_DOWN(low, align);
    region->size = high - (uintptr_t)region->base;
    return STATUS_SUCCESS;
}

/* The private allocation that holds the whole region; false: none, or it is a view or a mapping. */
static bool within_allocation(const struct region_parameters *region, char **first, size_t *bytes)
{
    void *base;
    *bytes = hmem_reservation_of(region->base, &base) * PAGE_SIZE;
    if (*bytes == 0 || mm_range_find(base, MM_RANGE_VIEW) || mm_range_find(base, MM_RANGE_MDL_USER))
        return false;
    *first = base;
    return region->size <= *bytes - (size_t)(region->base - *first);
}

/* Pages committed already keep what they hold and get the protection. */
static NTSTATUS commit_pages(const struct region_parameters *region, enum hmem_protection protection)
{
    for (char *p = region->base; p < region->base + region->size; p += PAGE_SIZE) {
        NTSTATUS status =
            hmem_pfn_of(p) == HMEM_NO_PFN ? hmem_commit(p, 1, protection) : hmem_protect(p, 1, protection);
        if (!NT_SUCCESS(status))
            return status == STATUS_INSUFFICIENT_RESOURCES ? STATUS_NO_MEMORY : status;
    }
    return STATUS_SUCCESS;
}

static bool zero_bits_hold(const void *base, size_t bytes, ULONG_PTR zero_bits)
{
    return zero_bits == 0 || (uintptr_t)base + bytes - 1 < 1ull << (32 - zero_bits);
}

/* A new reservation, anywhere (region->base NULL) or there. */
static NTSTATUS reserve(struct region_parameters *region, ULONG_PTR zero_bits)
{
    if (region->base != NULL) {
        NTSTATUS status = round_to_pages(region, GRANULARITY);
        return NT_SUCCESS(status) ? hmem_reserve_at(region->base, region->size / PAGE_SIZE) : status;
    }
    if (region->size == 0 || region->size > HMEM_USER_PROBE)
        return STATUS_INVALID_PARAMETER_4;
    region->size = ALIGN_UP(region->size, PAGE_SIZE);
    region->base = hmem_reserve(HMEM_USER, region->size / PAGE_SIZE, GRANULARITY / PAGE_SIZE, 0);
    if (region->base == NULL)
        return STATUS_NO_MEMORY;
    if (zero_bits_hold(region->base, region->size, zero_bits))
        return STATUS_SUCCESS;
    hmem_release(region->base, region->size / PAGE_SIZE);
    return STATUS_NO_MEMORY;
}

/* All of a new reservation, which is recorded with the protection it was made with. */
static NTSTATUS finish_reservation(struct region_parameters *region, bool commit, ULONG protect,
                                   enum hmem_protection protection)
{
    if (!mm_allocation_note(region->base, protect))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!commit || NT_SUCCESS(hmem_commit(region->base, region->size / PAGE_SIZE, protection)))
        return STATUS_SUCCESS;
    mm_allocation_forget(region->base);
    return STATUS_NO_MEMORY;
}

static NTSTATUS reserve_and_commit(struct region_parameters *region, ULONG_PTR zero_bits, bool commit,
                                   ULONG protect, enum hmem_protection protection)
{
    NTSTATUS status = reserve(region, zero_bits);
    if (!NT_SUCCESS(status))
        return status;
    status = finish_reservation(region, commit, protect, protection);
    if (!NT_SUCCESS(status))
        hmem_release(region->base, region->size / PAGE_SIZE);
    return status;
}

static NTSTATUS commit_existing(struct region_parameters *region, enum hmem_protection protection)
{
    char *first;
    size_t bytes;
    NTSTATUS status = round_to_pages(region, PAGE_SIZE);
    if (!NT_SUCCESS(status))
        return status;
    if (!within_allocation(region, &first, &bytes))
        return STATUS_CONFLICTING_ADDRESSES;
    return mm_secured_against(region->base, region->size, protection) ? STATUS_INVALID_PAGE_PROTECTION
                                                                      : commit_pages(region, protection);
}

/* MEM_RESET: what the pages hold is of no interest any more. They may keep it, and do. */
static NTSTATUS reset(struct region_parameters *region)
{
    char *first;
    size_t bytes;
    NTSTATUS status = round_to_pages(region, PAGE_SIZE);
    if (!NT_SUCCESS(status))
        return status;
    return within_allocation(region, &first, &bytes) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;
}

/*
 * Reserves address space, commits pages of it, or both (MEM_COMMIT with no base reserves too). The base is
 * rounded down (to 64 KiB for a reservation), the size up to pages; both come back.
 */
EXPORT(ntoskrnl, NtAllocateVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    struct region_parameters region;
    enum hmem_protection protection;
    if (ZeroBits > 20)
        return STATUS_INVALID_PARAMETER_3;
    if (AllocationType != MEM_RESET &&
        (!(AllocationType & BOTH) || AllocationType & ~(ULONG)(BOTH | MEM_TOP_DOWN)))
        return STATUS_INVALID_PARAMETER_5;
    if (!mm_protection_of_page(Protect, &protection))
        return STATUS_INVALID_PAGE_PROTECTION;
    NTSTATUS status = read_parameters(&region, BaseAddress, RegionSize);
    if (NT_SUCCESS(status))
        status = mm_check_process(ProcessHandle, PROCESS_VM_OPERATION);
    if (!NT_SUCCESS(status))
        return status;
    if (AllocationType == MEM_RESET)
        status = reset(&region);
    else if (AllocationType & MEM_RESERVE || region.base == NULL)
        status = reserve_and_commit(&region, ZeroBits, AllocationType & MEM_COMMIT, Protect, protection);
    else
        status = commit_existing(&region, protection);
    return NT_SUCCESS(status) ? write_parameters(&region, BaseAddress, RegionSize) : status;
}

EXPORT(ntoskrnl, ZwAllocateVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    return ZW_CALL(
        NtAllocateVirtualMemory(ProcessHandle, BaseAddress, ZeroBits, RegionSize, AllocationType, Protect));
}

/* Size 0 means the whole allocation, and then the base has to be its own. */
static NTSTATUS free_region(struct region_parameters *region, bool release)
{
    char *first;
    size_t bytes;
    uintptr_t end = (uintptr_t)region->base + region->size;
    if ((uintptr_t)region->base > HMEM_USER_HIGHEST || end > HMEM_USER_PROBE)
        return STATUS_INVALID_PARAMETER_2;
    struct region_parameters pages = {(char *)ALIGN_DOWN(region->base, PAGE_SIZE), 0};
    pages.size = region->size ? ALIGN_UP(end, PAGE_SIZE) - (uintptr_t)pages.base : 0;
    if (mm_range_find(pages.base, MM_RANGE_VIEW))
        return STATUS_UNABLE_TO_DELETE_SECTION;
    if (!within_allocation(&pages, &first, &bytes))
        return bytes ? STATUS_UNABLE_TO_FREE_VM : STATUS_MEMORY_NOT_ALLOCATED;
    if (region->size == 0 && pages.base != first)
        return STATUS_FREE_VM_NOT_AT_BASE;
    if (region->size == 0)
        pages.size = bytes;
    if (release && (pages.base != first || pages.size != bytes))
        return STATUS_UNABLE_TO_FREE_VM;
    if (mm_secured_against(pages.base, pages.size, HMEM_NONE))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (release) {
        mm_allocation_forget(pages.base);
        hmem_release(pages.base, pages.size / PAGE_SIZE);
    } else
        hmem_decommit(pages.base, pages.size / PAGE_SIZE);
    *region = pages;
    return STATUS_SUCCESS;
}

/* Decommits a part of an allocation, or releases all of it. */
EXPORT(ntoskrnl, NtFreeVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    struct region_parameters region;
    if (FreeType != MEM_RELEASE && FreeType != MEM_DECOMMIT)
        return STATUS_INVALID_PARAMETER_4;
    NTSTATUS status = read_parameters(&region, BaseAddress, RegionSize);
    if (NT_SUCCESS(status))
        status = mm_check_process(ProcessHandle, PROCESS_VM_OPERATION);
    if (NT_SUCCESS(status))
        status = free_region(&region, FreeType == MEM_RELEASE);
    return NT_SUCCESS(status) ? write_parameters(&region, BaseAddress, RegionSize) : status;
}

EXPORT(ntoskrnl, ZwFreeVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    return ZW_CALL(NtFreeVirtualMemory(ProcessHandle, BaseAddress, RegionSize, FreeType));
}

static NTSTATUS protect_region(struct region_parameters *region, enum hmem_protection protection, ULONG *old)
{
    char *first;
    size_t bytes;
    NTSTATUS status = round_to_pages(region, PAGE_SIZE);
    if (!NT_SUCCESS(status))
        return status;
    if (!within_allocation(region, &first, &bytes))
        return STATUS_CONFLICTING_ADDRESSES;
    if (mm_secured_against(region->base, region->size, protection))
        return STATUS_INVALID_PAGE_PROTECTION;
    *old = mm_page_of_protection(hmem_protection_of(region->base));
    return hmem_protect(region->base, region->size / PAGE_SIZE, protection);
}

/* Changes the protection of committed pages; the first page's old one comes back. STATUS_NOT_COMMITTED: one
 * is not. */
EXPORT(ntoskrnl, ZwProtectVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                      ULONG NewProtect, PULONG OldProtect)
{
    struct region_parameters region = {*BaseAddress, *RegionSize};
    enum hmem_protection protection;
    if (!mm_protection_of_page(NewProtect, &protection))
        return STATUS_INVALID_PAGE_PROTECTION;
    NTSTATUS status = ZW_CALL(mm_check_process(ProcessHandle, PROCESS_VM_OPERATION));
    if (NT_SUCCESS(status))
        status = protect_region(&region, protection, OldProtect);
    if (NT_SUCCESS(status)) {
        *BaseAddress = region.base;
        *RegionSize = region.size;
    }
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the user range is made of: the run of pages from an address on that
 * have the same state and protection.
 */
#include "mm/query.h"
#include "ob/services.h"
#include "mm/process.h"
#include "mm/ranges.h"

/* ntifs.h's. */
typedef struct _MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress;
    PVOID AllocationBase;
    ULONG AllocationProtect;
    USHORT PartitionId;
    SIZE_T RegionSize;
    ULONG State;
    ULONG Protect;
    ULONG Type;
} MEMORY_BASIC_INFORMATION;
_Static_assert(sizeof(MEMORY_BASIC_INFORMATION) == 0x30, "as in ntifs.h");

#define MEMORY_BASIC_INFORMATION_CLASS 0

ULONG mm_page_of_protection(enum hmem_protection protection)
{
    static const ULONG of[] = {[HMEM_NONE] = PAGE_NOACCESS,
                               [HMEM_R] = PAGE_READONLY,
                               [HMEM_RW] = PAGE_READWRITE,
                               [HMEM_RX] = PAGE_EXECUTE_READ,
                               [HMEM_RWX] = PAGE_EXECUTE_READWRITE};
    return of[protection];
}

/* Nothing is reserved: as far as the next allocation. */
static void describe_free(MEMORY_BASIC_INFORMATION *info, const char *from)
{
    void *base;
    const char *end = from + PAGE_SIZE;
    while ((uintptr_t)end < HMEM_USER_PROBE && hmem_reservation_of(end, &base) == 0)
        end += PAGE_SIZE;
    info->RegionSize = (SIZE_T)(end - from);
    info->State = MEM_FREE;
    info->Protect = PAGE_NOACCESS;
}

/* State and protection of one page in an allocation. */
static ULONG page_state(const char *page, ULONG *protect)
{
    bool committed = hmem_pfn_of(page) != HMEM_NO_PFN;
    *protect = committed ? mm_page_of_protection(hmem_protection_of(page)) : 0;
    return committed ? MEM_COMMIT : MEM_RESERVE;
}

static void describe_allocation(MEMORY_BASIC_INFORMATION *info, const char *from, char *base, size_t pages)
{
    const char *at = from + PAGE_SIZE, *end = base + pages * PAGE_SIZE;
    ULONG protect;
    const struct mm_range *view = mm_range_find(base, MM_RANGE_VIEW);
    bool mapped = view != NULL || mm_range_find(base, MM_RANGE_MDL_USER) != NULL;
    info->AllocationBase = base;
    info->AllocationProtect =
        view != NULL ? mm_page_of_protection(view->protection) : mm_allocation_protect(base);
    info->State = page_state(from, &info->Protect);
    info->Type = mapped ? MEM_MAPPED : MEM_PRIVATE;
    while (at < end && page_state(at, &protect) == info->State && protect == info->Protect)
        at += PAGE_SIZE;
    info->RegionSize = (SIZE_T)(at - from);
}

static NTSTATUS query_basic(const void *address, PVOID to, SIZE_T *returned)
{
    void *base;
    const char *from = (const char *)ALIGN_DOWN((uintptr_t)address, PAGE_SIZE);
    MEMORY_BASIC_INFORMATION info = {.BaseAddress = (PVOID)(uintptr_t)from};
    size_t pages = hmem_reservation_of(from, &base);
    if (pages == 0)
        describe_free(&info, from);
    else
        describe_allocation(&info, from, base, pages);
    SIZE_T size = sizeof info;
    NTSTATUS status = ob_copy_out(to, &info, sizeof info, ke_previous_mode());
    return NT_SUCCESS(status) && returned != NULL
               ? ob_copy_out(returned, &size, sizeof size, ke_previous_mode())
               : status;
}

/* MemoryBasicInformation of the pages from an address of the user range on. */
EXPORT(ntoskrnl, NtQueryVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, ULONG MemoryInformationClass,
                                    PVOID MemoryInformation, SIZE_T MemoryInformationLength,
                                    PSIZE_T ReturnLength)
{
    if (MemoryInformationClass != MEMORY_BASIC_INFORMATION_CLASS)
        return STATUS_INVALID_INFO_CLASS;
    if (MemoryInformationLength < sizeof(MEMORY_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((uintptr_t)BaseAddress > HMEM_USER_HIGHEST)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = mm_check_process(ProcessHandle, PROCESS_QUERY_INFORMATION);
    return NT_SUCCESS(status) ? query_basic(BaseAddress, MemoryInformation, ReturnLength) : status;
}

EXPORT(ntoskrnl, ZwQueryVirtualMemory, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, ULONG MemoryInformationClass,
                                    PVOID MemoryInformation, SIZE_T MemoryInformationLength,
                                    PSIZE_T ReturnLength)
{
    return ZW_CALL(NtQueryVirtualMemory(ProcessHandle, BaseAddress, MemoryInformationClass, MemoryInformation,
                                        MemoryInformationLength, ReturnLength));
}

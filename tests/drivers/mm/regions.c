/* SPDX-License-Identifier: MIT */
/*
 * Virtual memory and sections: parameters that are refused, rounding, what
 * ZwQueryVirtualMemory says of free, reserved, committed and mapped pages.
 */
#include "../rltest.h"
#include <ntifs.h>

#define SELF      ZwCurrentProcess()
#define OUR_BASIC 0

/* ntifs.h's, which this header set has only in user mode. */
struct basic {
    PVOID BaseAddress, AllocationBase;
    ULONG AllocationProtect;
    USHORT PartitionId;
    SIZE_T RegionSize;
    ULONG State, Protect, Type;
};

static NTSTATUS(NTAPI *query_memory)(HANDLE, PVOID, ULONG, PVOID, SIZE_T, PSIZE_T);

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static NTSTATUS allocate(PVOID at, ULONG_PTR zero_bits, SIZE_T bytes, ULONG type, ULONG protect)
{
    PVOID base = at;
    NTSTATUS status = ZwAllocateVirtualMemory(SELF, &base, zero_bits, &bytes, type, protect);
    if (NT_SUCCESS(status)) {
        bytes = 0;
        ZwFreeVirtualMemory(SELF, &base, &bytes, MEM_RELEASE);
    }
    return status;
}

static void refusals(void)
{
    PVOID base = NULL;
    SIZE_T size = PAGE_SIZE;
    CHECK_STATUS("MM-VIRT", allocate(NULL, 0, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    CHECK_STATUS("MM-VIRT", allocate(NULL, 22, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_3);
    CHECK_STATUS("MM-VIRT", allocate(NULL, 0, 0, MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
    CHECK_STATUS("MM-VIRT", allocate(NULL, 0, PAGE_SIZE, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
    CHECK_STATUS("MM-VIRT", allocate(NULL, 0, PAGE_SIZE, MEM_COMMIT, 0), STATUS_INVALID_PAGE_PROTECTION);
    CHECK_STATUS("MM-VIRT", allocate(NULL, 0, PAGE_SIZE, MEM_COMMIT, PAGE_READONLY | PAGE_READWRITE),
                 STATUS_INVALID_PAGE_PROTECTION);
    CHECK_STATUS("MM-VIRT", allocate((PVOID) ~(ULONG_PTR)0xFFFF, 0, PAGE_SIZE, MEM_RESERVE, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_2);
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &base, &size, 0), STATUS_INVALID_PARAMETER_4);
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &base, &size, MEM_RELEASE | MEM_DECOMMIT),
                 STATUS_INVALID_PARAMETER_4);
    base = (PVOID)0x100000;
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &base, &size, MEM_RELEASE),
                 STATUS_MEMORY_NOT_ALLOCATED);
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory((HANDLE)0x7FFF0, &base, &size, MEM_RELEASE),
                 STATUS_INVALID_HANDLE);
}

static void states(void)
{
    struct basic info;
    PVOID base = NULL, page;
    SIZE_T size = 5 * PAGE_SIZE - 1, returned = 0, one = 1;
    CHECK_STATUS("MM-VIRT",
                 ZwAllocateVirtualMemory(SELF, &base, 0, &size, MEM_RESERVE, PAGE_EXECUTE_READWRITE),
                 STATUS_SUCCESS);
    CHECK("MM-VIRT", size == 5 * PAGE_SIZE && ((ULONG_PTR)base & 0xFFFF) == 0);
    page = (PUCHAR)base + PAGE_SIZE + 5;
    CHECK_STATUS("MM-VIRT", ZwAllocateVirtualMemory(SELF, &page, 0, &one, MEM_COMMIT, PAGE_READONLY),
                 STATUS_SUCCESS);
    CHECK("MM-VIRT", page == (PUCHAR)base + PAGE_SIZE && one == PAGE_SIZE);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, base, OUR_BASIC, &info, sizeof(info), &returned),
                 STATUS_SUCCESS);
    CHECK("MM-QUERY", returned == sizeof(info) && info.BaseAddress == base && info.AllocationBase == base);
    CHECK("MM-QUERY", info.State == MEM_RESERVE && info.RegionSize == PAGE_SIZE && info.Protect == 0);
    CHECK("MM-QUERY", info.AllocationProtect == PAGE_EXECUTE_READWRITE && info.Type == MEM_PRIVATE);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, (PUCHAR)page + 77, OUR_BASIC, &info, sizeof(info), NULL),
                 STATUS_SUCCESS);
    CHECK("MM-QUERY", info.BaseAddress == page && info.AllocationBase == base && info.State == MEM_COMMIT);
    CHECK("MM-QUERY", info.Protect == PAGE_READONLY && info.RegionSize == PAGE_SIZE);
    CHECK_STATUS("MM-QUERY",
                 query_memory(SELF, (PUCHAR)page + PAGE_SIZE, OUR_BASIC, &info, sizeof(info), NULL),
                 STATUS_SUCCESS);
    CHECK("MM-QUERY", info.State == MEM_RESERVE && info.RegionSize == 3 * PAGE_SIZE);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, (PUCHAR)base + size, OUR_BASIC, &info, sizeof(info), NULL),
                 STATUS_SUCCESS);
    CHECK("MM-QUERY", info.State == MEM_FREE && info.AllocationBase == NULL &&
                          info.Protect == PAGE_NOACCESS && info.Type == 0);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, base, 99, &info, sizeof(info), NULL),
                 STATUS_INVALID_INFO_CLASS);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, base, OUR_BASIC, &info, sizeof(info) - 1, NULL),
                 STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, states, OUR_BASIC, &info, sizeof(info), NULL),
                 STATUS_INVALID_PARAMETER);
    one = PAGE_SIZE;
    CHECK_STATUS("MM-VIRT", ZwAllocateVirtualMemory(SELF, &page, 0, &one, MEM_RESET, PAGE_READWRITE),
                 STATUS_SUCCESS);
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &page, &one, MEM_DECOMMIT), STATUS_SUCCESS);
    one = 0;
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &page, &one, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE);
    CHECK_STATUS("MM-VIRT", ZwFreeVirtualMemory(SELF, &base, &one, MEM_RELEASE), STATUS_SUCCESS);
    CHECK_EQ("MM-VIRT", one, 5 * PAGE_SIZE);
    CHECK_STATUS("MM-VIRT", ZwAllocateVirtualMemory(SELF, &page, 0, &size, MEM_RESET, PAGE_READWRITE),
                 STATUS_CONFLICTING_ADDRESSES);
}

static NTSTATUS create(LONGLONG size, ULONG protect, ULONG attributes, HANDLE file, HANDLE *section)
{
    OBJECT_ATTRIBUTES oa;
    LARGE_INTEGER bytes = {.QuadPart = size};
    InitializeObjectAttributes(&oa, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateSection(section, SECTION_ALL_ACCESS, &oa, size ? &bytes : NULL, protect, attributes, file);
}

static NTSTATUS map(HANDLE section, PVOID at, ULONG_PTR zero_bits, SIZE_T commit, LONGLONG offset,
                    SIZE_T bytes, SECTION_INHERIT inherit, ULONG type, ULONG protect)
{
    PVOID base = at;
    LARGE_INTEGER from = {.QuadPart = offset};
    NTSTATUS status =
        ZwMapViewOfSection(section, SELF, &base, zero_bits, commit, &from, &bytes, inherit, type, protect);
    if (NT_SUCCESS(status))
        ZwUnmapViewOfSection(SELF, base);
    return status;
}

static void sections(void)
{
    HANDLE section, event, other;
    struct basic info;
    CHECK_STATUS("MM-SECT", create(0, PAGE_READWRITE, SEC_COMMIT, NULL, &section),
                 STATUS_INVALID_PARAMETER_4);
    CHECK_STATUS("MM-SECT", create(4096, PAGE_READWRITE, 0, NULL, &section), STATUS_INVALID_PARAMETER_6);
    CHECK_STATUS("MM-SECT", create(4096, PAGE_READWRITE, SEC_COMMIT | SEC_RESERVE, NULL, &section),
                 STATUS_INVALID_PARAMETER_6);
    CHECK_STATUS("MM-SECT", create(4096, 0, SEC_COMMIT, NULL, &section), STATUS_INVALID_PAGE_PROTECTION);
    CHECK_STATUS("MM-SECT", create(4096, PAGE_NOACCESS, SEC_COMMIT, NULL, &section),
                 STATUS_INVALID_PAGE_PROTECTION);
    CHECK_STATUS("MM-SECT", create(4096, PAGE_READWRITE, SEC_COMMIT, (HANDLE)0x7FFF0, &section),
                 STATUS_INVALID_HANDLE);
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    CHECK_STATUS("MM-SECT", create(4096, PAGE_READWRITE, SEC_COMMIT, event, &section),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("MM-SECT", create(3 * 65536 - 5, PAGE_READONLY, SEC_COMMIT, NULL, &other), STATUS_SUCCESS);
    CHECK_STATUS("MM-SECT", create(3 * 65536 - 5, PAGE_READWRITE, SEC_COMMIT, NULL, &section),
                 STATUS_SUCCESS);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE), STATUS_SUCCESS);
    CHECK_STATUS("MM-VIEW", map(event, NULL, 0, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("MM-VIEW", map((HANDLE)0x7FFF0, NULL, 0, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_INVALID_HANDLE);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 1, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_MAPPED_ALIGNMENT);
    CHECK_STATUS("MM-VIEW", map(section, (PVOID)0x101000, 0, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_MAPPED_ALIGNMENT);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 22, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_4);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0x1000000, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_5);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0x30000, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_INVALID_VIEW_SIZE);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0, 0x30001, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_INVALID_VIEW_SIZE);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0, 0, 3, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_8);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0, 0, ViewUnmap, 7, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_9);
    CHECK_STATUS("MM-VIEW", map(section, NULL, 0, 0, 0, 0, ViewUnmap, 0, 0), STATUS_INVALID_PAGE_PROTECTION);
    CHECK_STATUS("MM-VIEW", map(other, NULL, 0, 0, 0, 0, ViewUnmap, 0, PAGE_READWRITE),
                 STATUS_SECTION_PROTECTION);
    PVOID base = NULL, again = NULL;
    SIZE_T size = 0, part = 10;
    LARGE_INTEGER from = {.QuadPart = 0x10000};
    CHECK_STATUS("MM-VIEW",
                 ZwMapViewOfSection(section, SELF, &base, 0, 0, NULL, &size, ViewShare, 0, PAGE_READWRITE),
                 STATUS_SUCCESS);
    CHECK("MM-VIEW", size == 0x30000 && ((ULONG_PTR)base & 0xFFFF) == 0);
    CHECK_STATUS("MM-VIEW",
                 ZwMapViewOfSection(section, SELF, &again, 0, 0, &from, &part, ViewShare, 0, PAGE_READONLY),
                 STATUS_SUCCESS);
    CHECK("MM-VIEW", part == PAGE_SIZE && again != base);
    *(volatile ULONG *)((PUCHAR)base + 0x10000) = 0x55AA;
    CHECK_EQ("MM-VIEW", *(volatile ULONG *)again, 0x55AA);
    CHECK_STATUS("MM-QUERY", query_memory(SELF, again, OUR_BASIC, &info, sizeof(info), NULL), STATUS_SUCCESS);
    CHECK("MM-QUERY", info.Type == MEM_MAPPED && info.AllocationProtect == PAGE_READONLY &&
                          info.State == MEM_COMMIT && info.RegionSize == PAGE_SIZE);
    SIZE_T none = 0;
    PVOID view = base;
    CHECK_STATUS("MM-VIEW", ZwFreeVirtualMemory(SELF, &view, &none, MEM_RELEASE),
                 STATUS_UNABLE_TO_DELETE_SECTION);
    CHECK_STATUS("MM-VIEW", ZwUnmapViewOfSection(SELF, (PUCHAR)base + 0x10), STATUS_SUCCESS);
    CHECK_STATUS("MM-VIEW", ZwUnmapViewOfSection(SELF, base), STATUS_NOT_MAPPED_VIEW);
    CHECK_STATUS("MM-VIEW", ZwUnmapViewOfSection(SELF, again), STATUS_SUCCESS);
    ZwClose(section);
    ZwClose(other);
    ZwClose(event);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name;
    DriverObject->DriverUnload = unload;
    RtlInitUnicodeString(&name, L"ZwQueryVirtualMemory");
    query_memory = MmGetSystemRoutineAddress(&name);
    refusals();
    states();
    sections();
    return STATUS_SUCCESS;
}

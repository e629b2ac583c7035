/* SPDX-License-Identifier: MIT */
/* User virtual memory and sections through their system services. */
#include "executive.h"
#include "rtl/rtl.h"
#include "mm/routines.h"

#define SELF ((HANDLE)-1)

static NTSTATUS allocate(char **base, SIZE_T *size, ULONG type, ULONG protect)
{
    return ZwAllocateVirtualMemory(SELF, (PVOID *)base, 0, size, type, protect);
}

EXECUTIVE_TEST(memory_is_reserved_committed_and_freed, true, 1)
{
    char *p = NULL;
    SIZE_T size = 5 * PAGE_SIZE - 1;
    assert_status(allocate(&p, &size, MEM_RESERVE, PAGE_READWRITE), STATUS_SUCCESS);
    assert_true(size == 5 * PAGE_SIZE && hmem_is_user(p) && (uintptr_t)p % 0x10000 == 0);
    assert_true(hmem_pfn_of(p) == HMEM_NO_PFN);
    char *middle = p + PAGE_SIZE + 5;
    size = PAGE_SIZE;
    assert_status(allocate(&middle, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    assert_true(middle == p + PAGE_SIZE && size == 2 * PAGE_SIZE);
    middle[100] = 'm';
    size = 1;
    assert_status(allocate(&middle, &size, MEM_COMMIT, PAGE_READONLY),
                  STATUS_SUCCESS); /* again: keeps its contents */
    assert_int_equal(middle[100], 'm');
    assert_int_equal(hmem_protection_of(middle), HMEM_R);
    char *there = p;
    size = PAGE_SIZE;
    assert_status(allocate(&there, &size, MEM_RESERVE, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    there = p + 4 * PAGE_SIZE;
    size = 2 * PAGE_SIZE;
    assert_status(allocate(&there, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES);
    there = p + PAGE_SIZE;
    size = 0;
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&there, &size, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE);
    size = PAGE_SIZE;
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&there, &size, MEM_RELEASE), STATUS_UNABLE_TO_FREE_VM);
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&there, &size, MEM_DECOMMIT), STATUS_SUCCESS);
    assert_true(hmem_pfn_of(there) == HMEM_NO_PFN && hmem_pfn_of(there + PAGE_SIZE) != HMEM_NO_PFN);
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&there, &size, 0), STATUS_INVALID_PARAMETER_4);
    size = 0;
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&p, &size, MEM_RELEASE), STATUS_SUCCESS);
    assert_int_equal(size, 5 * PAGE_SIZE);
    size = 0;
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&p, &size, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(allocation_parameters_are_checked, true, 1)
{
    char *p = NULL;
    SIZE_T size = PAGE_SIZE;
    assert_status(allocate(&p, &size, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
    assert_status(allocate(&p, &size, MEM_COMMIT | MEM_RELEASE, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5);
    assert_status(allocate(&p, &size, MEM_COMMIT, 0), STATUS_INVALID_PAGE_PROTECTION);
    assert_status(ZwAllocateVirtualMemory(SELF, (PVOID *)&p, 21, &size, MEM_COMMIT, PAGE_READWRITE),
                  STATUS_INVALID_PARAMETER_3);
    assert_status(ZwAllocateVirtualMemory((HANDLE)0x1230, (PVOID *)&p, 0, &size, MEM_COMMIT, PAGE_READWRITE),
                  STATUS_INVALID_HANDLE);
    size = 0;
    assert_status(allocate(&p, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
    size = 1ull << 40;
    assert_status(allocate(&p, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4);
    p = (char *)HMEM_USER_PROBE;
    size = PAGE_SIZE;
    assert_status(allocate(&p, &size, MEM_RESERVE, PAGE_READWRITE), STATUS_INVALID_PARAMETER_2);
    p = (char *)0x20012345;
    assert_status(allocate(&p, &size, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE), STATUS_SUCCESS);
    assert_true(p == (char *)0x20010000 && size == 4 * PAGE_SIZE);
    p = NULL;
    size = hmem_ram_bytes();
    assert_status(allocate(&p, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_NO_MEMORY);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(secured_memory_stays, true, 1)
{
    char *p = NULL;
    SIZE_T size = 2 * PAGE_SIZE, zero = 0;
    ULONG old;
    allocate(&p, &size, MEM_COMMIT, PAGE_READWRITE);
    assert_null(MmSecureVirtualMemory(p, 3 * PAGE_SIZE, PAGE_READWRITE));
    assert_null(MmSecureVirtualMemory(p, 10, PAGE_NOACCESS));
    HANDLE write = MmSecureVirtualMemory(p + 10, PAGE_SIZE, PAGE_READWRITE);
    HANDLE read = MmSecureVirtualMemory(p, 10, PAGE_READONLY);
    assert_non_null(write);
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&p, &zero, MEM_RELEASE), STATUS_INVALID_PAGE_PROTECTION);
    assert_status(ZwProtectVirtualMemory(SELF, (PVOID *)&p, &size, PAGE_READONLY, &old),
                  STATUS_INVALID_PAGE_PROTECTION);
    assert_status(ZwProtectVirtualMemory(SELF, (PVOID *)&p, &size, PAGE_EXECUTE_READWRITE, &old),
                  STATUS_SUCCESS);
    assert_int_equal(old, PAGE_READWRITE);
    MmUnsecureVirtualMemory(write);
    assert_status(ZwProtectVirtualMemory(SELF, (PVOID *)&p, &size, PAGE_READONLY, &old), STATUS_SUCCESS);
    assert_int_equal(old, PAGE_EXECUTE_READWRITE);
    assert_status(ZwProtectVirtualMemory(SELF, (PVOID *)&p, &size, PAGE_NOACCESS, &old),
                  STATUS_INVALID_PAGE_PROTECTION);
    MmUnsecureVirtualMemory(read);
    assert_status(ZwProtectVirtualMemory(SELF, (PVOID *)&p, &size, PAGE_NOACCESS, &old), STATUS_SUCCESS);
    assert_status(ZwFreeVirtualMemory(SELF, (PVOID *)&p, &zero, MEM_RELEASE), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS open_section(HANDLE *handle, const WCHAR *path)
{
    UNICODE_STRING name;
    rtl_init_string(&name, path);
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes,
                                    .ObjectName = &name,
                                    .Attributes = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE};
    return ZwOpenSection(handle, SECTION_ALL_ACCESS, &attributes);
}

/* As drivers that show physical memory do it. */
EXECUTIVE_TEST(physical_memory_is_a_section, true, 1)
{
    HANDLE section;
    char *block = mm_alloc(64, 1), *view = NULL;
    LARGE_INTEGER start = MmGetPhysicalAddress(block), offset = start;
    SIZE_T size = 64;
    strcpy(block, "physical");
    assert_status(open_section(&section, u"\\Device\\PhysicalMemoryX"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(open_section(&section, u"\\Device\\PhysicalMemory"), STATUS_SUCCESS);
    assert_status(ZwMapViewOfSection(section, SELF, (PVOID *)&view, 0, 64, &offset, &size, ViewShare, 0,
                                     PAGE_READWRITE | PAGE_NOCACHE),
                  STATUS_SUCCESS);
    assert_true(hmem_is_user(view) && offset.QuadPart % 0x10000 == 0 && size % PAGE_SIZE == 0);
    char *seen = view + (start.QuadPart - offset.QuadPart);
    assert_string_equal(seen, "physical");
    seen[0] = 'P';
    assert_int_equal(block[0], 'P');
    PVOID base = view;
    SIZE_T zero = 0;
    assert_status(ZwFreeVirtualMemory(SELF, &base, &zero, MEM_RELEASE), STATUS_UNABLE_TO_DELETE_SECTION);
    assert_status(ZwUnmapViewOfSection(SELF, seen), STATUS_SUCCESS);
    assert_status(ZwUnmapViewOfSection(SELF, view), STATUS_NOT_MAPPED_VIEW);
    view = NULL;
    offset.QuadPart = 0xFEB00000;
    size = 0x1000;
    assert_status(
        ZwMapViewOfSection(section, SELF, (PVOID *)&view, 0, 0, &offset, &size, ViewUnmap, 0, PAGE_READWRITE),
        STATUS_SUCCESS);
    assert_true(hmem_is_mmio(view, NULL));
    size = 0;
    assert_status(
        ZwMapViewOfSection(section, SELF, (PVOID *)&view, 0, 0, &offset, &size, ViewUnmap, 0, PAGE_READWRITE),
        STATUS_INVALID_VIEW_SIZE);
    ob_handle_close(section, KernelMode);
    assert_true(hmem_is_mmio(view, NULL));
    assert_status(ZwUnmapViewOfSection(SELF, view), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(views_share_the_sections_pages, true, 1)
{
    HANDLE section;
    LARGE_INTEGER bytes = {.QuadPart = 0x20001}, offset = {.QuadPart = 0x10000};
    char *a = NULL, *b = NULL, *system;
    SIZE_T all = 0, part = 0x1000;
    void *body;
    uint64_t before = hmem_free_page_count();
    assert_status(
        ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &bytes, PAGE_READWRITE, SEC_COMMIT, NULL),
        STATUS_SUCCESS);
    assert_status(
        ZwMapViewOfSection(section, SELF, (PVOID *)&a, 0, 0, NULL, &all, ViewUnmap, 0, PAGE_READWRITE),
        STATUS_SUCCESS);
    assert_int_equal(all, 0x21000);
    assert_status(
        ZwMapViewOfSection(section, SELF, (PVOID *)&b, 0, 0, &offset, &part, ViewUnmap, 0, PAGE_READONLY),
        STATUS_SUCCESS);
    a[0x10000] = 's';
    assert_int_equal(b[0], 's');
    assert_int_equal(hmem_protection_of(b), HMEM_R);
    assert_status(ob_reference_by_handle(section, 0, NULL, KernelMode, &body, NULL), STATUS_SUCCESS);
    all = 0;
    assert_status(MmMapViewInSystemSpace(body, (PVOID *)&system, &all), STATUS_SUCCESS);
    assert_true(hmem_is_system(system) && system[0x10000] == 's');
    assert_status(MmUnmapViewInSystemSpace(a), STATUS_NOT_MAPPED_VIEW);
    ob_dereference(body);
    ob_handle_close(section, KernelMode);
    ZwUnmapViewOfSection(SELF, a);
    ZwUnmapViewOfSection(SELF, b);
    assert_int_equal(system[0x10000], 's'); /* the view keeps the section */
    assert_true(hmem_free_page_count() <= before - 0x21);
    assert_status(MmUnmapViewInSystemSpace(system), STATUS_SUCCESS);
    assert_in_range(hmem_free_page_count(), before - 0x20, before + 0x80);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(section_parameters_are_checked, true, 1)
{
    HANDLE section;
    LARGE_INTEGER bytes = {.QuadPart = 0x1000}, zero = {.QuadPart = 0}, huge = {.QuadPart = 1ll << 50};
    LARGE_INTEGER more_than_ram = {.QuadPart = 1ll << 32};
    PVOID base = NULL;
    SIZE_T size = 0x1000;
    assert_status(
        ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &zero, PAGE_READWRITE, SEC_COMMIT, NULL),
        STATUS_INVALID_PARAMETER_4);
    assert_status(
        ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &huge, PAGE_READWRITE, SEC_COMMIT, NULL),
        STATUS_SECTION_TOO_BIG);
    assert_status(
        ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &more_than_ram, PAGE_READWRITE, SEC_COMMIT, NULL),
        STATUS_COMMITMENT_LIMIT);
    assert_status(ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &bytes, 0, SEC_COMMIT, NULL),
                  STATUS_INVALID_PAGE_PROTECTION);
    assert_status(ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &bytes, PAGE_READWRITE, 0, NULL),
                  STATUS_INVALID_PARAMETER_6);
    assert_status(
        ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, &bytes, PAGE_READONLY, SEC_COMMIT, NULL),
        STATUS_SUCCESS);
    assert_status(ZwMapViewOfSection(section, SELF, &base, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READWRITE),
                  STATUS_SECTION_PROTECTION);
    assert_status(ZwMapViewOfSection(section, SELF, &base, 0, 0, NULL, &size, 3, 0, PAGE_READONLY),
                  STATUS_INVALID_PARAMETER_8);
    assert_status(
        ZwMapViewOfSection(section, SELF, &base, 0, 0, NULL, &size, ViewUnmap, MEM_COMMIT, PAGE_READONLY),
        STATUS_INVALID_PARAMETER_9);
    assert_status(ZwMapViewOfSection(SELF, SELF, &base, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READONLY),
                  STATUS_OBJECT_TYPE_MISMATCH);
    size = 0x2000;
    assert_status(ZwMapViewOfSection(section, SELF, &base, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READONLY),
                  STATUS_INVALID_VIEW_SIZE);
    ob_handle_close(section, KernelMode);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(copies_between_processes, true, 1)
{
    char *user = mm_user_allocate(PAGE_SIZE, HMEM_RW), *to = mm_alloc(2 * PAGE_SIZE, 1);
    SIZE_T done;
    memset(user, 'u', PAGE_SIZE);
    assert_status(MmCopyVirtualMemory(NULL, user + 8, NULL, to, 100, KernelMode, &done), STATUS_SUCCESS);
    assert_true(done == 100 && to[99] == 'u');
    assert_status(MmCopyVirtualMemory(NULL, user + 8, NULL, to, 100, UserMode, &done),
                  STATUS_ACCESS_VIOLATION);
    assert_status(MmCopyVirtualMemory(NULL, user + 96, NULL, to, PAGE_SIZE, KernelMode, &done),
                  STATUS_PARTIAL_COPY);
    assert_int_equal(done, PAGE_SIZE - 96);
    return STATUS_SUCCESS;
}

const struct CMUnitTest memory_service_tests[] = {
    cmocka_unit_test(memory_is_reserved_committed_and_freed),
    cmocka_unit_test(allocation_parameters_are_checked),
    cmocka_unit_test(secured_memory_stays),
    cmocka_unit_test(physical_memory_is_a_section),
    cmocka_unit_test(views_share_the_sections_pages),
    cmocka_unit_test(section_parameters_are_checked),
    cmocka_unit_test(copies_between_processes),
};
const size_t memory_service_test_count = countof(memory_service_tests);

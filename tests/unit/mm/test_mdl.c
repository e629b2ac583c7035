/* SPDX-License-Identifier: MIT */
/* MDLs: allocate, lock, map, split, advance, pages without addresses, reserved mappings, and the drivers'
 * mistakes. */
#include "fakes.h"
#include "mm/mdl.h"
#include "mm/routines.h"

#include <string.h>

#define TAG   0x31676154u
#define TAG2  0x32676154u
#define PA(x) ((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)(x)})

static void *map(PMDL mdl)
{
    return MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
}

/* What the inline MmGetSystemAddressForMdlSafe does. */
static void *system_address(PMDL mdl)
{
    return mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) ? mdl->MappedSystemVa
                                                                                   : map(mdl);
}

static void an_mdl_describes_its_buffer(void **state)
{
    PMDL mdl = IoAllocateMdl((void *)0x12345, 5000, FALSE, FALSE, NULL);
    assert_ptr_equal(MmGetMdlVirtualAddress(mdl), 0x12345);
    assert_ptr_equal(mdl->StartVa, 0x12000);
    assert_int_equal(mdl->ByteOffset, 0x345);
    assert_int_equal(mdl->ByteCount, 5000);
    assert_int_equal(mdl->Size, sizeof(MDL) + 2 * 8);
    assert_int_equal(mdl->Size, MmSizeOfMdl((void *)0x12345, 5000));
    assert_int_equal(MmSizeOfMdl((void *)0x12FFF, 2), sizeof(MDL) + 2 * 8);
    IoFreeMdl(mdl);
    assert_null(IoAllocateMdl(NULL, 0xFFFFFFFF, FALSE, FALSE, NULL));
    MDL own;
    assert_ptr_equal(MmCreateMdl(&own, (void *)0x2001, 10), &own);
    assert_int_equal(own.ByteOffset, 1);
}

static void mdls_join_their_irp(void **state)
{
    IRP irp = {0};
    PMDL a = IoAllocateMdl(NULL, 1, FALSE, FALSE, &irp), b = IoAllocateMdl(NULL, 2, TRUE, FALSE, &irp);
    PMDL c = IoAllocateMdl(NULL, 3, TRUE, FALSE, &irp);
    assert_true(irp.MdlAddress == a && a->Next == b && b->Next == c && c->Next == NULL);
    mm_free_mdl_chain(irp.MdlAddress);
    struct mm_pool_totals totals;
    mm_pool_totals(&totals);
    assert_int_equal(totals.blocks, 0);
}

static void nonpaged_memory_is_its_own_mapping(void **state)
{
    char *p = (char *)mm_pool_allocate(NonPagedPoolNx, 3 * PAGE_SIZE, TAG, false, NULL) + 100;
    PMDL mdl = IoAllocateMdl(p, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    assert_ptr_equal(system_address(mdl), p);
    for (int i = 0; i < 3; i++)
        assert_true(MmGetMdlPfnArray(mdl)[i] == hmem_pfn_of(p + i * PAGE_SIZE));
    char *user = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, NormalPagePriority);
    assert_true(hmem_is_user(user) && hmem_protection_of(user) == HMEM_RW);
    p[5] = 'x';
    assert_int_equal(user[5], 'x');
    MmUnmapLockedPages(user, mdl);
    assert_true(hmem_pfn_of(user) == HMEM_NO_PFN);
    assert_ptr_equal(system_address(mdl), p);
    mdl->StartVa = (char *)mdl->StartVa + (1ull << 31);
    assert_bugcheck(MmBuildMdlForNonPagedPool(mdl), PAGE_FAULT_IN_NONPAGED_AREA, mdl->StartVa);
}

static void locked_pages_outlive_the_users_mapping(void **state)
{
    char *user = mm_user_allocate(3 * PAGE_SIZE, HMEM_RW);
    memset(user, 'u', 3 * PAGE_SIZE);
    PMDL mdl = IoAllocateMdl(user + 10, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
    assert_true((mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_WRITE_OPERATION)) ==
                (MDL_PAGES_LOCKED | MDL_WRITE_OPERATION));
    char *system = system_address(mdl);
    assert_true(hmem_is_system(system) && BYTE_OFFSET(system) == 10);
    assert_ptr_equal(system_address(mdl), system);
    system[0] = 's';
    assert_int_equal(user[10], 's');
    uint64_t free_before = hmem_free_page_count();
    mm_user_free(user);
    assert_int_equal(hmem_free_page_count(), free_before); /* all three are touched by the MDL */
    assert_int_equal(system[2 * PAGE_SIZE - 1], 'u');
    MmUnlockPages(mdl);
    assert_true(hmem_pfn_of(system) == HMEM_NO_PFN &&
                !(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
    assert_int_equal(hmem_free_page_count(), free_before + 3);
    assert_bugcheck(MmUnlockPages(mdl), PFN_LIST_CORRUPT, 7);
    IoFreeMdl(mdl);
}

static void locking_checks_address_access_and_mode(void **state)
{
    char *rw = mm_user_allocate(PAGE_SIZE, HMEM_RW), *ro = mm_user_allocate(2 * PAGE_SIZE, HMEM_R);
    char *pool = mm_alloc(100, TAG);
    uint64_t free_before = hmem_free_page_count();
    PMDL mdl = IoAllocateMdl(rw, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    assert_raises(MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
                  STATUS_ACCESS_VIOLATION); /* second page missing */
    assert_int_equal(mdl->MdlFlags & MDL_PAGES_LOCKED, 0);
    MmCreateMdl(mdl, ro, PAGE_SIZE);
    assert_raises(MmProbeAndLockPages(mdl, UserMode, IoWriteAccess), STATUS_ACCESS_VIOLATION);
    assert_raises(MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess), STATUS_ACCESS_VIOLATION);
    MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
    assert_int_equal(mdl->MdlFlags & MDL_WRITE_OPERATION, 0);
    MmUnlockPages(mdl);
    MmCreateMdl(mdl, pool, 100);
    assert_raises(MmProbeAndLockPages(mdl, UserMode, IoReadAccess), STATUS_ACCESS_VIOLATION);
    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    MmUnlockPages(mdl);
    MmCreateMdl(mdl, (void *)(HMEM_USER_PROBE - 10), 20);
    assert_raises(MmProbeAndLockPages(mdl, UserMode, IoReadAccess), STATUS_ACCESS_VIOLATION);
    MmCreateMdl(mdl, (void *)-20ll, 40);
    assert_raises(MmProbeAndLockPages(mdl, KernelMode, IoReadAccess), STATUS_ACCESS_VIOLATION);
    assert_int_equal(hmem_free_page_count(), free_before);
}

static void a_page_locked_twice_needs_two_unlocks(void **state)
{
    char *user = mm_user_allocate(PAGE_SIZE, HMEM_RW);
    PMDL a = IoAllocateMdl(user, 10, FALSE, FALSE, NULL),
         b = IoAllocateMdl(user + 20, 10, FALSE, FALSE, NULL);
    MmProbeAndLockPages(a, UserMode, IoReadAccess);
    MmProbeAndLockPages(b, UserMode, IoReadAccess);
    mm_user_free(user);
    uint64_t free_before = hmem_free_page_count();
    MmUnlockPages(a);
    assert_int_equal(hmem_free_page_count(), free_before);
    MmUnlockPages(b);
    assert_int_equal(hmem_free_page_count(), free_before + 1);
}

static void mapping_protections(void **state)
{
    PMDL mdl = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), PAGE_SIZE);
    assert_status(MmProtectMdlSystemAddress(mdl, PAGE_READONLY), STATUS_NOT_MAPPED_VIEW);
    char *p = map(mdl);
    assert_int_equal(hmem_protection_of(p), HMEM_RWX);
    assert_status(MmProtectMdlSystemAddress(mdl, PAGE_READONLY), STATUS_SUCCESS);
    assert_int_equal(hmem_protection_of(p), HMEM_R);
    assert_status(MmProtectMdlSystemAddress(mdl, PAGE_WRITECOPY), STATUS_INVALID_PAGE_PROTECTION);
    assert_status(MmProtectMdlSystemAddress(mdl, PAGE_NOACCESS), STATUS_SUCCESS);
    assert_int_equal(hmem_protection_of(p), HMEM_NONE);
    MmUnmapLockedPages(p, mdl);
    p = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
                                     NormalPagePriority | MdlMappingNoWrite | MdlMappingNoExecute);
    assert_int_equal(hmem_protection_of(p), HMEM_R);
    MmUnmapLockedPages(p, mdl);
    p = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE,
                                     NormalPagePriority | MdlMappingNoWrite);
    assert_int_equal(hmem_protection_of(p), HMEM_R);
    assert_bugcheck(MmUnmapLockedPages(p + PAGE_SIZE, mdl), SYSTEM_PTE_MISUSE, 0x302);
    MmUnmapLockedPages(p, mdl);
    assert_bugcheck(MmUnmapLockedPages(p, mdl), SYSTEM_PTE_MISUSE, 0x302);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

static void user_mappings_at_an_address(void **state)
{
    PMDL mdl = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), 2 * PAGE_SIZE);
    char *at = (char *)0x40000123;
    char *p = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, at, FALSE, NormalPagePriority);
    assert_ptr_equal(p, 0x40000000);
    assert_raises(
        MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, p + PAGE_SIZE, FALSE, NormalPagePriority),
        STATUS_CONFLICTING_ADDRESSES);
    assert_raises(MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, (void *)HMEM_USER_PROBE, FALSE, 0),
                  STATUS_INVALID_ADDRESS);
    assert_raises(MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, (void *)0x1000, FALSE, 0),
                  STATUS_INVALID_ADDRESS);
    MmUnmapLockedPages(p, mdl);
    p = MmMapLockedPages(mdl, UserMode);
    assert_true(hmem_is_user(p));
    MmUnmapLockedPages(p, mdl);
}

static void a_part_shares_the_mapping_or_gets_its_own(void **state)
{
    char *user = mm_user_allocate(4 * PAGE_SIZE, HMEM_RW);
    for (int i = 0; i < 4 * PAGE_SIZE; i++)
        user[i] = (char)(i / 100);
    PMDL whole = IoAllocateMdl(user + 50, 4 * PAGE_SIZE - 50, FALSE, FALSE, NULL);
    MmProbeAndLockPages(whole, UserMode, IoReadAccess);
    char *from = (char *)MmGetMdlVirtualAddress(whole) + PAGE_SIZE + 7;
    PMDL part = IoAllocateMdl(from, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(whole, part, from, 2 * PAGE_SIZE);
    assert_ptr_equal(MmGetMdlVirtualAddress(part), from);
    assert_int_equal(part->ByteCount, 2 * PAGE_SIZE);
    assert_true(part->MdlFlags & MDL_PARTIAL && !(part->MdlFlags & MDL_PAGES_LOCKED));
    char *own = system_address(part);
    assert_true(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    assert_memory_equal(own, from, 2 * PAGE_SIZE);
    IoFreeMdl(part); /* unmaps */
    assert_true(hmem_pfn_of(own) == HMEM_NO_PFN);

    char *mapped = system_address(whole);
    part = IoAllocateMdl(from, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoBuildPartialMdl(whole, part, from,
                      0); /* to the end: more than the allocation was for, but no more pages */
    assert_int_equal(part->ByteCount, 4 * PAGE_SIZE - 50 - PAGE_SIZE - 7);
    assert_ptr_equal(system_address(part), mapped + PAGE_SIZE + 7);
    IoFreeMdl(part);
    assert_true(hmem_pfn_of(mapped) != HMEM_NO_PFN);
    PMDL small = IoAllocateMdl(from, 1, FALSE, FALSE, NULL);
    assert_bugcheck(IoBuildPartialMdl(whole, small, from, 2 * PAGE_SIZE), TARGET_MDL_TOO_SMALL, 0);
    MmUnlockPages(whole);
}

static void advancing_gives_pages_back(void **state)
{
    char *user = mm_user_allocate(4 * PAGE_SIZE, HMEM_RW);
    for (int i = 0; i < 4; i++)
        user[i * PAGE_SIZE + 20] = (char)('a' + i);
    PMDL mdl = IoAllocateMdl(user + 10, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
    char *system = system_address(mdl);
    mm_user_free(user);
    uint64_t free_before = hmem_free_page_count();
    assert_status(MmAdvanceMdl(mdl, 10), STATUS_SUCCESS);
    assert_int_equal(mdl->ByteOffset, 20);
    assert_int_equal(*(char *)mdl->MappedSystemVa, 'a');
    assert_status(MmAdvanceMdl(mdl, 2 * PAGE_SIZE), STATUS_SUCCESS);
    assert_int_equal(mdl->ByteCount, PAGE_SIZE - 10);
    assert_int_equal(*(char *)mdl->MappedSystemVa, 'c');
    assert_int_equal(hmem_free_page_count(), free_before + 2);
    assert_true(hmem_pfn_of(system) == HMEM_NO_PFN);
    assert_status(MmAdvanceMdl(mdl, PAGE_SIZE), STATUS_INVALID_PARAMETER_2);
    MmUnlockPages(mdl);
    assert_int_equal(hmem_free_page_count(), free_before + 4);
}

static void pages_for_an_mdl(void **state)
{
    uint64_t free_before = hmem_free_page_count();
    PMDL mdl = MmAllocatePagesForMdl(PA(0x800000), PA(0x8FFFFF), PA(0), 4 << 20); /* the range has 1 MiB */
    assert_int_equal(mdl->ByteCount, 1 << 20);
    for (size_t i = 0; i < 256; i++)
        assert_in_range(MmGetMdlPfnArray(mdl)[i], 0x800, 0x8FF);
    char *p = map(mdl);
    for (size_t i = 0; i < 1 << 20; i += 512)
        assert_int_equal(p[i], 0);
    memset(p, 1, 1 << 20);
    assert_null(MmAllocatePagesForMdl(PA(0x800000), PA(0x8FFFFF), PA(0), PAGE_SIZE)); /* all gone */
    assert_null(MmAllocatePagesForMdlEx(PA(0x780000), PA(0x8FFFFF), PA(0), 1 << 20, MmCached,
                                        MM_ALLOCATE_FULLY_REQUIRED));
    MmFreePagesFromMdl(mdl);
    assert_true(hmem_pfn_of(p) == HMEM_NO_PFN);
    assert_bugcheck(MmFreePagesFromMdl(mdl), PFN_LIST_CORRUPT, 7);
    ExFreePool(mdl);
    mdl = MmAllocatePagesForMdl(PA(0x800000), PA(0x8FFFFF), PA(0x100000),
                                4 << 20); /* goes on by a MiB at a time */
    assert_int_equal(mdl->ByteCount, 4 << 20);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    assert_null(MmAllocatePagesForMdl(PA(0x900000), PA(0x800000), PA(0), PAGE_SIZE));
    assert_null(MmAllocatePagesForMdl(PA(0), PA(-1), PA(100), PAGE_SIZE));
    assert_null(MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), 0));
    assert_in_range(hmem_free_page_count(), free_before - 64, free_before); /* a pool segment may have come */
}

static void contiguous_chunks(void **state)
{
    ULONG flags = MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS;
    PMDL mdl = MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0), 10 * PAGE_SIZE, MmCached, flags);
    for (int i = 1; i < 10; i++)
        assert_true(MmGetMdlPfnArray(mdl)[i] == MmGetMdlPfnArray(mdl)[0] + i);
    PMDL aligned = MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0x10000), 0x30000, MmCached, flags);
    assert_int_equal(aligned->ByteCount, 0x30000);
    for (int i = 0; i < 48; i++)
        assert_true(MmGetMdlPfnArray(aligned)[i] % 16 == (unsigned)i % 16);
    assert_null(
        MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0x10000), 0x31000, MmCached, flags)); /* no multiple */
    assert_null(
        MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0x30000), 0x30000, MmCached, flags)); /* no power of two */
    assert_null(MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0), hmem_ram_bytes(), MmCached, flags));
    assert_null(
        MmAllocatePagesForMdlEx(PA(0), PA(-1), PA(0), PAGE_SIZE, MmCached, MM_ALLOCATE_FAST_LARGE_PAGES));
}

static void reserved_mappings(void **state)
{
    char *base = MmAllocateMappingAddress(3 * PAGE_SIZE, TAG);
    PMDL mdl = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), 2 * PAGE_SIZE);
    PMDL large = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), 4 * PAGE_SIZE);
    PMDL one = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), PAGE_SIZE);
    assert_null(MmMapLockedPagesWithReservedMapping(base, TAG, large, MmCached));
    char *p = MmMapLockedPagesWithReservedMapping(base, TAG, mdl, MmCached);
    assert_ptr_equal(p, base);
    memset(p, 1, 2 * PAGE_SIZE);
    assert_true(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    assert_bugcheck(MmMapLockedPagesWithReservedMapping(base, TAG, one, MmCached), SYSTEM_PTE_MISUSE, 0x107);
    assert_bugcheck(MmMapLockedPagesWithReservedMapping(base, TAG2, one, MmCached), SYSTEM_PTE_MISUSE, 0x104);
    assert_bugcheck(MmMapLockedPagesWithReservedMapping(base + PAGE_SIZE, TAG, one, MmCached),
                    SYSTEM_PTE_MISUSE, 0x105);
    assert_bugcheck(MmFreeMappingAddress(base, TAG), SYSTEM_PTE_MISUSE, 0x103);
    assert_bugcheck(MmUnmapReservedMapping(base, TAG2, mdl), SYSTEM_PTE_MISUSE, 0x108);
    assert_bugcheck(MmUnmapReservedMapping(base, TAG, large), SYSTEM_PTE_MISUSE, 0x10A);
    assert_bugcheck(MmUnmapReservedMapping(base, TAG, one), SYSTEM_PTE_MISUSE, 0x10C);
    MmUnmapReservedMapping(base, TAG, mdl);
    assert_true(hmem_pfn_of(base) == HMEM_NO_PFN && !(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    assert_bugcheck(MmFreeMappingAddress(base, TAG2), SYSTEM_PTE_MISUSE, 0x101);
    MmFreeMappingAddress(base, TAG);
    assert_bugcheck(MmFreeMappingAddress(base, TAG), SYSTEM_PTE_MISUSE, 0x102);
    assert_bugcheck(MmAllocateMappingAddress(0, TAG), SYSTEM_PTE_MISUSE, 0x100);
}

static void exhausted_system_space(void **state)
{
    enum { MIB = 1 << 20 };
    PMDL mdl = MmAllocatePagesForMdl(PA(0), PA(-1), PA(0), 32 * MIB);
    void *p;
    while ((p = map(mdl)) != NULL)
        ;
    assert_null(p);
    assert_bugcheck(MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, TRUE, 0),
                    NO_MORE_SYSTEM_PTES, 0);
    assert_bugcheck(MmMapLockedPages(mdl, KernelMode), NO_MORE_SYSTEM_PTES, 0);
    mdl->MdlFlags |= MDL_MAPPING_CAN_FAIL;
    assert_null(MmMapLockedPages(mdl, KernelMode));
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, fake_machine_start, fake_machine_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(an_mdl_describes_its_buffer),
        MACHINE(mdls_join_their_irp),
        MACHINE(nonpaged_memory_is_its_own_mapping),
        MACHINE(locked_pages_outlive_the_users_mapping),
        MACHINE(locking_checks_address_access_and_mode),
        MACHINE(a_page_locked_twice_needs_two_unlocks),
        MACHINE(mapping_protections),
        MACHINE(user_mappings_at_an_address),
        MACHINE(a_part_shares_the_mapping_or_gets_its_own),
        MACHINE(advancing_gives_pages_back),
        MACHINE(pages_for_an_mdl),
        MACHINE(contiguous_chunks),
        MACHINE(reserved_mappings),
        MACHINE(exhausted_system_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

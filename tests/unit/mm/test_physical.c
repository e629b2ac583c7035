/* SPDX-License-Identifier: MIT */
/* Contiguous and noncached memory, device mappings, translation, validity, safe copies. */
#include "fakes.h"
#include "mm/mm.h"
#include "mm/routines.h"

#include <string.h>

#define PA(x) ((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)(x)})
#define MIB   (1ull << 20)

static void contiguous_memory_is(void **state)
{
    uint64_t before = hmem_free_page_count();
    char *p = MmAllocateContiguousMemory(5 * PAGE_SIZE + 1, PA(16 * MIB - 1));
    assert_int_equal(BYTE_OFFSET(p), 0);
    uint64_t pa = (uint64_t)MmGetPhysicalAddress(p).QuadPart;
    assert_true(pa + 6 * PAGE_SIZE <= 16 * MIB);
    for (int i = 0; i < 6; i++)
        assert_true((uint64_t)MmGetPhysicalAddress(p + i * PAGE_SIZE + 3).QuadPart ==
                    pa + (unsigned)i * PAGE_SIZE + 3);
    assert_ptr_equal(MmGetVirtualForPhysical(PA(pa + PAGE_SIZE + 9)), p + PAGE_SIZE + 9);
    memset(p, 7, 5 * PAGE_SIZE);
    assert_bugcheck(MmFreeContiguousMemory(p + PAGE_SIZE), BAD_POOL_CALLER, 0x60);
    MmFreeContiguousMemory(p);
    assert_null(MmGetVirtualForPhysical(PA(pa)));
    assert_bugcheck(MmFreeContiguousMemory(p), BAD_POOL_CALLER, 0x60);
    p = MmAllocateContiguousMemorySpecifyCache(0x8000, PA(32 * MIB), PA(-1), PA(0x8000), MmNonCached);
    pa = (uint64_t)MmGetPhysicalAddress(p).QuadPart;
    assert_true(pa >= 32 * MIB && pa % 0x8000 == 0);
    MmFreeContiguousMemorySpecifyCache(p, 0x8000, MmNonCached);
    assert_null(MmAllocateContiguousMemory(0, PA(-1)));
    assert_null(MmAllocateContiguousMemory(PAGE_SIZE, PA(100)));
    assert_null(MmAllocateContiguousMemory(1ull << 40, PA(-1)));
    assert_null(MmAllocateContiguousNodeMemory(1, PA(0), PA(-1), PA(0), PAGE_READONLY, 0));
    p = MmAllocateContiguousNodeMemory(1, PA(0), PA(-1), PA(0), PAGE_READWRITE | PAGE_NOCACHE, 0x80000000);
    assert_int_equal(hmem_protection_of(p), HMEM_RW);
    MmFreeContiguousMemory(p);
    assert_in_range(hmem_free_page_count(), before - 64, before);
}

static void noncached_memory_knows_its_size(void **state)
{
    char *p = MmAllocateNonCachedMemory(PAGE_SIZE + 1);
    memset(p, 1, PAGE_SIZE + 1);
    assert_bugcheck(MmFreeNonCachedMemory(p, PAGE_SIZE), SYSTEM_PTE_MISUSE, 0x305);
    MmFreeNonCachedMemory(p, PAGE_SIZE + 1);
    assert_bugcheck(MmFreeNonCachedMemory(p, PAGE_SIZE + 1), SYSTEM_PTE_MISUSE, 0x303);
}

static void io_space_is_the_machines_memory(void **state)
{
    char *block = mm_alloc(64, 1);
    uint64_t pa = (uint64_t)MmGetPhysicalAddress(block).QuadPart;
    char *view = MmMapIoSpace(PA(pa), 64, MmNonCached);
    assert_ptr_not_equal(view, block);
    assert_int_equal(BYTE_OFFSET(view), BYTE_OFFSET(block));
    *view = 'v';
    assert_int_equal(*block, 'v');
    assert_bugcheck(MmUnmapIoSpace(view, 3 * PAGE_SIZE), SYSTEM_PTE_MISUSE, 0x305);
    MmUnmapIoSpace(view, 64);
    assert_bugcheck(MmUnmapIoSpace(view, 64), SYSTEM_PTE_MISUSE, 0x302);
    uint64_t device;
    char *registers = MmMapIoSpace(PA(0xFEB00010), 0x2000, MmNonCached);
    assert_true(hmem_is_mmio(registers + 0x1000, &device) && device == 0xFEB01010);
    assert_true((uint64_t)MmGetPhysicalAddress(registers).QuadPart == 0xFEB00010);
    MmUnmapIoSpace(registers, 0x2000);
    assert_null(MmMapIoSpace(PA(0x1000), 0, MmNonCached));
    assert_null(MmMapIoSpace(PA(0x1000), 1ull << 45, MmNonCached));
    assert_null(MmMapIoSpace(PA(-1), 16, MmNonCached));
    assert_null(MmMapIoSpaceEx(PA(0x1000), 16, PAGE_NOACCESS));
    assert_null(MmMapIoSpaceEx(PA(0x1000), 16, PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE));
    assert_null(MmMapIoSpaceEx(PA(0x1000), 16, PAGE_READWRITE | PAGE_READONLY));
    view = MmMapIoSpaceEx(PA(pa), 16, PAGE_READONLY | PAGE_NOCACHE);
    assert_int_equal(hmem_protection_of(view), HMEM_R);
    assert_int_equal(*view, 'v');
    MmUnmapIoSpace(view, 16);
}

static void validity(void **state)
{
    char *block = mm_alloc(PAGE_SIZE, 1), *user = mm_user_allocate(1, HMEM_RW);
    char *paged = mm_pool_allocate(PagedPool, 10, 1, false, NULL);
    assert_true(MmIsAddressValid(block) && MmIsAddressValid(user) && MmIsAddressValid(&block) &&
                MmIsAddressValid(paged));
    assert_true(MmIsNonPagedSystemAddressValid(block));
    assert_false(MmIsNonPagedSystemAddressValid(user) || MmIsNonPagedSystemAddressValid(paged));
    assert_false(MmIsAddressValid(NULL) || MmIsAddressValid((void *)0x7FFF0000));
    assert_false(MmIsAddressValid((void *)0xFFFFF80000000000) ||
                 MmIsAddressValid((void *)0x8000000000000000));
    hmem_protect(user, 1, HMEM_NONE);
    assert_false(MmIsAddressValid(user));
    assert_int_equal(MmGetPhysicalAddress((void *)0x7FFF0000).QuadPart, 0);
    mm_user_free(user);
    assert_false(MmIsAddressValid(user));
}

static void physical_ranges(void **state)
{
    PPHYSICAL_MEMORY_RANGE r = MmGetPhysicalMemoryRanges();
    assert_true(r[0].BaseAddress.QuadPart == 0x1000 && r[0].NumberOfBytes.QuadPart == 0x9F000);
    assert_true(r[1].BaseAddress.QuadPart == 0x100000 && r[1].NumberOfBytes.QuadPart == 63 * (LONGLONG)MIB);
    assert_true(r[2].BaseAddress.QuadPart == 0 && r[2].NumberOfBytes.QuadPart == 0);
    ExFreePool(r);
}

static void copies_stop_at_what_is_not_there(void **state)
{
    char *user = mm_user_allocate(2 * PAGE_SIZE, HMEM_RW), *to = mm_alloc(3 * PAGE_SIZE, 1);
    SIZE_T done;
    memset(user, 'c', 2 * PAGE_SIZE);
    MM_COPY_ADDRESS from = {.VirtualAddress = user + 100};
    assert_status(MmCopyMemory(to, from, PAGE_SIZE, MM_COPY_MEMORY_VIRTUAL, &done), STATUS_SUCCESS);
    assert_int_equal(done, PAGE_SIZE);
    assert_int_equal(to[PAGE_SIZE - 1], 'c');
    assert_status(MmCopyMemory(to, from, 3 * PAGE_SIZE, MM_COPY_MEMORY_VIRTUAL, &done),
                  STATUS_ACCESS_VIOLATION);
    assert_int_equal(done, 2 * PAGE_SIZE - 100);
    from.PhysicalAddress = MmGetPhysicalAddress(user);
    memset(to, 0, PAGE_SIZE);
    assert_status(MmCopyMemory(to, from, 16, MM_COPY_MEMORY_PHYSICAL, &done), STATUS_SUCCESS);
    assert_int_equal(to[15], 'c');
    from.PhysicalAddress = PA(hmem_ram_bytes() - 8);
    assert_status(MmCopyMemory(to, from, 16, MM_COPY_MEMORY_PHYSICAL, &done), STATUS_INVALID_ADDRESS);
    assert_int_equal(done, 8);
    from.PhysicalAddress = PA(0xF0000); /* firmware */
    assert_status(MmCopyMemory(to, from, 16, MM_COPY_MEMORY_PHYSICAL, &done), STATUS_INVALID_ADDRESS);
    from.VirtualAddress = MmMapIoSpace(PA(0xFEB00000), 16, MmNonCached);
    assert_status(MmCopyMemory(to, from, 16, MM_COPY_MEMORY_VIRTUAL, &done), STATUS_INVALID_ADDRESS);
    assert_status(MmCopyMemory(to, from, 16, 3, &done), STATUS_INVALID_PARAMETER_4);
    assert_status(MmCopyMemory(to, from, 16, 0, &done), STATUS_INVALID_PARAMETER_4);
}

static void count_range(const struct mm_range_info *info, void *context)
{
    unsigned *seen = context;
    seen[info->kind]++;
}

static void what_is_held_can_be_listed(void **state)
{
    unsigned seen[MM_RANGE_VIEW + 1] = {0};
    MmMapIoSpace(PA(0xFEB00000), 16, MmNonCached);
    MmAllocateContiguousMemory(1, PA(-1));
    MmAllocateContiguousMemory(1, PA(-1));
    mm_for_each_range(count_range, seen);
    assert_int_equal(seen[MM_RANGE_IO_SPACE], 1);
    assert_int_equal(seen[MM_RANGE_CONTIGUOUS], 2);
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, fake_machine_start, fake_machine_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(contiguous_memory_is),
        MACHINE(noncached_memory_knows_its_size),
        MACHINE(io_space_is_the_machines_memory),
        MACHINE(validity),
        MACHINE(physical_ranges),
        MACHINE(copies_stop_at_what_is_not_there),
        MACHINE(what_is_held_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Special pool: where blocks lie, what stays inaccessible, in what order slots are used again, and what
 * happens when there are none left. */
#include "fakes.h"
#include "mm/mm.h"
#include "mm/routines.h"
#include "nt/bugcodes.h"

#include <string.h>

#define TAG    0x31676154u                         /* 'Tag1' */
#define DRIVER ((const void *)(FAKE_IMAGE + 0x10)) /* a caller in an image */

static void start(size_t blocks, bool underrun)
{
    const struct mm_special_config config = {.blocks = blocks, .underrun = underrun};
    assert_int_equal(mm_special_start(&config), STATUS_SUCCESS);
    assert_true(mm_special_on() == (blocks != 0));
}

static char *make(size_t size)
{
    char *block = mm_pool_allocate(NonPagedPoolNx, size, TAG, false, DRIVER);
    assert_non_null(block);
    return block;
}

static bool accessible(const void *address)
{
    return hmem_protection_of(address) & HMEM_R;
}

static void a_block_ends_where_its_pages_do(void **state)
{
    start(8192, false);
    for (size_t size = 0; size < 3 * PAGE_SIZE; size += size < 200 ? 1 : 411) {
        char *p = make(size), *end = (char *)ALIGN_UP(p + MAX(size, 1), PAGE_SIZE);
        assert_int_equal((uintptr_t)p % (size >= PAGE_SIZE ? PAGE_SIZE : 16), 0);
        if (size < PAGE_SIZE)
            assert_ptr_equal(p + ALIGN_UP(MAX(size, 1), 16), end);
        assert_true(accessible(p));
        assert_false(accessible(end) || accessible((char *)ALIGN_DOWN(p, PAGE_SIZE) - 1));
        memset(p, 0, size);
        mm_pool_free(p, TAG, DRIVER);
        assert_false(accessible(p));
    }
}

static void or_begins_there(void **state)
{
    start(8192, true);
    char *p = make(100);
    assert_int_equal((uintptr_t)p % PAGE_SIZE, 0);
    char *q = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG, NormalPoolPrioritySpecialPoolOverrun);
    assert_non_null(q);
    mm_pool_free(p, TAG, DRIVER);
    ExFreePoolWithTag(q, TAG);
}

static void each_of_several_kinds(void **state)
{
    start(64, false);
    char *aligned = mm_pool_allocate(NonPagedPoolNxCacheAligned, 100, TAG, true, DRIVER);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(aligned[i], 0);
    char *paged = mm_pool_allocate(PagedPool, 100, TAG, false, DRIVER);
    assert_true(mm_pool_is_paged(paged + 99) && !mm_pool_is_paged(aligned));
    char *code = mm_pool_allocate(NonPagedPoolExecute, 16, TAG, false, DRIVER);
    assert_int_equal(hmem_protection_of(code), HMEM_RWX);
    assert_int_equal(hmem_protection_of(paged), HMEM_RW);
    assert_true(*paged != 0); /* who asked for no zeros gets none */
    mm_pool_free(code, TAG, DRIVER);
    mm_pool_free(paged, TAG, DRIVER);
    assert_false(mm_pool_is_paged(paged));
    assert_int_equal(hmem_protection_of(mm_pool_allocate(NonPagedPoolNx, 16, TAG, false, DRIVER)), HMEM_RW);
}

static void the_slot_freed_first_is_used_first(void **state)
{
    char *block[4];
    start(4, false);
    for (int i = 0; i < 4; i++)
        block[i] = make(32);
    mm_pool_free(block[2], TAG, DRIVER);
    mm_pool_free(block[0], TAG, DRIVER);
    mm_pool_free(block[3], TAG, DRIVER);
    assert_ptr_equal(make(32), block[2]);
    assert_ptr_equal(make(32), block[0]);
    char *larger = make(5000);
    mm_pool_free(larger, TAG, DRIVER);
    assert_true(hmem_pfn_of(larger) == HMEM_NO_PFN); /* more than a page goes back at once */
    assert_int_equal(mm_special_missed(), 0);
}

static void behind_the_last_slot_come_patterns(void **state)
{
    void *base;
    size_t bytes;
    start(1, false);
    char *guarded = make(32), *other = make(32), *large = make(PAGE_SIZE), *page = make(PAGE_SIZE - 1);
    hmem_zone_range(HMEM_SPECIAL, &base, &bytes);
    assert_true((size_t)(guarded - (char *)base) < bytes && (size_t)(other - (char *)base) >= bytes);
    assert_int_equal(mm_special_missed(), 3);
    memset(other, 0, 32);
    memset(large, 0, PAGE_SIZE);
    memset(page, 0, PAGE_SIZE - 1);
    assert_int_equal((uintptr_t)large % PAGE_SIZE, 0);
    mm_pool_free(large, TAG, DRIVER);
    mm_pool_free(page, TAG, DRIVER);
    mm_pool_check(other);
    other[32] = 0;
    assert_bugcheck(mm_pool_check(other), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, other);
    assert_bugcheck(mm_pool_free(other, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, other);
    assert_int_equal(fake_stopped.p[1], (uintptr_t)(other + 32));
    assert_int_equal(fake_stopped.p[3], 0x24);
    other = make(32);
    other[-1] = 0;
    assert_bugcheck(mm_pool_free(other, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, other);
    assert_int_equal(fake_stopped.p[3], 0x23);
    large = make(PAGE_SIZE);
    large[PAGE_SIZE] = 0;
    assert_bugcheck(mm_pool_free(large, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, large);
}

static void what_was_freed_without_a_slot_is_not_used_at_once(void **state)
{
    start(1, false);
    make(32);
    char *other = make(48), *again;
    mm_pool_free(other, TAG, DRIVER);
    assert_bugcheck(mm_pool_free(other, TAG, DRIVER), BAD_POOL_CALLER, 7);
    for (int i = 0; i < 100; i++) {
        again = make(48);
        assert_ptr_not_equal(again, other);
        mm_pool_free(again, TAG, DRIVER);
    }
    other[5] = 1; /* after its end */
    static bool noticed;
    static int i;
    for (; i < 200 && !noticed; i++) {
        again = make(48);
        noticed = STOPS(mm_pool_free(again, TAG, DRIVER));
    }
    assert_true(noticed && fake_stopped.code == SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION);
    assert_int_equal(fake_stopped.p[0], (uintptr_t)other);
    assert_int_equal(fake_stopped.p[1], (uintptr_t)(other + 5));
}

static void the_runtime_s_own_blocks_have_patterns(void **state)
{
    start(8192, false);
    char *buffer = mm_pool_allocate(NonPagedPool, 100, TAG, false, make);
    assert_int_equal(mm_special_missed(), 0);
    buffer[100] = 0;
    assert_bugcheck(mm_pool_free(buffer, 0, make), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, buffer);
}

static void bad_frees_are_told_apart(void **state)
{
    start(8192, false);
    char *p = make(100);
    assert_bugcheck(mm_pool_free(p + 16, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, p + 16);
    assert_int_equal(fake_stopped.p[1], 100);
    assert_int_equal(fake_stopped.p[2], 84);
    assert_int_equal(fake_stopped.p[3], 0x21);
    assert_bugcheck(mm_pool_free(p, TAG + 1, DRIVER), BAD_POOL_CALLER, 0xA);
    assert_bugcheck(mm_pool_free(p + 100 * PAGE_SIZE, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION,
                    p + 100 * PAGE_SIZE);
    assert_int_equal(fake_stopped.p[3], 0x20);
    mm_pool_free(p, TAG, DRIVER);
    assert_bugcheck(mm_pool_free(p, TAG, DRIVER), BAD_POOL_CALLER, 7);
    p = make(100);
    p[100] = 0;
    assert_bugcheck(mm_pool_free(p, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, p);
    assert_int_equal(fake_stopped.p[3], 0x24);
    p = make(100);
    p[-20] = 0;
    assert_bugcheck(mm_pool_free(p, TAG, DRIVER), SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, p);
    assert_int_equal(fake_stopped.p[1], (uintptr_t)(p - 20));
    assert_int_equal(fake_stopped.p[3], 0x23);
}

static void a_fault_has_the_block_s_code(void **state)
{
    const ULONG64 driver = FAKE_IMAGE + 5, runtime = 0x5000;
    start(8192, false);
    char *p = make(128);
    ULONG64 behind = (uintptr_t)p + 128;
    assert_int_equal(mm_special_fault(behind, driver), DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION);
    assert_int_equal(mm_special_fault(behind, runtime), PAGE_FAULT_BEYOND_END_OF_ALLOCATION);
    mm_pool_free(p, TAG, DRIVER);
    assert_int_equal(mm_special_fault((uintptr_t)p, driver), DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL);
    assert_int_equal(mm_special_fault((uintptr_t)p, runtime), PAGE_FAULT_IN_FREED_SPECIAL_POOL);
    assert_int_equal(mm_special_fault(behind + 50 * PAGE_SIZE, driver), 0);
    assert_int_equal(mm_special_fault(FAKE_IMAGE, driver), 0);
}

static void the_history_says_who(void **state)
{
    struct mm_pool_history history;
    start(8192, false);
    fake_thread.id = 7;
    fake_frame_count = 2;
    char *p = make(128);
    assert_true(mm_pool_history(p + 128, &history));
    assert_true(history.address == p && history.size == 128 && history.tag == TAG && !history.freed);
    assert_int_equal(history.allocated_by.thread, 7);
    assert_int_equal(history.allocated_by.count, 2);
    assert_int_equal(history.allocated_by.frames[1], FAKE_IMAGE + 0x100);
    assert_int_equal(history.freed_by.count, 0);
    fake_thread.id = 9;
    mm_pool_free(p, TAG, DRIVER);
    assert_true(mm_pool_history(p, &history) && history.freed);
    assert_int_equal(history.freed_by.thread, 9);
    assert_false(mm_pool_history(&history, &history));
    fake_frame_count = 0;
}

static void count_block(const struct mm_pool_block *block, void *context)
{
    assert_int_equal(block->tag, TAG);
    ++*(unsigned *)context;
}

static void all_kinds_are_counted(void **state)
{
    struct mm_pool_totals totals;
    unsigned count = 0;
    start(1, false);
    char *guarded = make(100), *other = make(200);
    mm_pool_totals(&totals);
    fake_freed = NULL;
    assert_true(totals.blocks == 2 && totals.bytes == 300);
    mm_pool_for_each_block(count_block, &count);
    assert_int_equal(count, 2);
    mm_pool_free(guarded, TAG, DRIVER);
    assert_ptr_equal(fake_freed, guarded);
    mm_pool_free(other, TAG, DRIVER);
    assert_ptr_equal(fake_freed, other);
    mm_pool_totals(&totals);
    assert_true(totals.blocks == 0 && totals.bytes == 0);
}

static void half_of_ram_stays_for_others(void **state)
{
    start(30000, false);
    uint64_t ram = hmem_ram_bytes() / PAGE_SIZE;
    for (int i = 0; i < 20000; i++)
        mm_pool_free(make(16), TAG, DRIVER);
    assert_in_range(hmem_free_page_count(), ram / 2 - 64, ram);
    assert_int_equal(mm_special_missed(), 0);
    for (int i = 0; i < 20000; i++)
        make(16);
    assert_in_range(hmem_free_page_count(), ram / 8, ram / 2);
    assert_true(mm_special_missed() != 0);
}

static void without_it_nothing_changes(void **state)
{
    start(0, false);
    char *p = make(100);
    mm_pool_free(p, TAG, DRIVER);
    assert_ptr_equal(make(100), p);
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, fake_machine_start, fake_machine_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(a_block_ends_where_its_pages_do),
        MACHINE(or_begins_there),
        MACHINE(each_of_several_kinds),
        MACHINE(the_slot_freed_first_is_used_first),
        MACHINE(behind_the_last_slot_come_patterns),
        MACHINE(what_was_freed_without_a_slot_is_not_used_at_once),
        MACHINE(the_runtime_s_own_blocks_have_patterns),
        MACHINE(bad_frees_are_told_apart),
        MACHINE(a_fault_has_the_block_s_code),
        MACHINE(the_history_says_who),
        MACHINE(all_kinds_are_counted),
        MACHINE(half_of_ram_stays_for_others),
        MACHINE(without_it_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

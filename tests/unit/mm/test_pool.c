/* SPDX-License-Identifier: MIT */
/* Pool: alignment, page rules, executability, zeroing, failing paths, bad frees, accounting; stacks; the user
 * range. */
#include "fakes.h"
#include "base/sanitizer.h"
#include "mm/mm.h"
#include "mm/routines.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define TAG        0x31676154u /* 'Tag1' */
#define TAG2       0x32676154u
#define HUGE_BYTES (1ull << 32)

static void blocks_are_aligned_and_stay_in_their_page(void **state)
{
    static char *kept[6000];
    size_t count = 0;
    for (size_t size = 0; size <= PAGE_SIZE; size += size < 600 ? 1 : 37) {
        for (int i = 0; i < 6; i++) {
            char *p = ExAllocatePoolWithTag(i % 2 ? PagedPool : NonPagedPoolNx, size, TAG);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            if (size != 0)
                assert_int_equal((uintptr_t)p / PAGE_SIZE, ((uintptr_t)p + size - 1) / PAGE_SIZE);
            memset(p, (int)count, size);
            assert_true(hmem_pfn_of(p) != HMEM_NO_PFN);
            kept[count++] = p;
        }
    }
    for (size_t i = 0; i < count; i++) {
        void *block;
        size_t size;
        ULONG tag;
        assert_true(mm_pool_block_of(kept[i], &block, &size, &tag));
        assert_ptr_equal(block, kept[i]);
        assert_int_equal(tag, TAG);
        for (size_t at = 0; at < size; at++)
            assert_int_equal((unsigned char)kept[i][at], i & 0xFF);
        ExFreePoolWithTag(kept[i], TAG);
    }
}

static void pages_and_more_are_page_aligned(void **state)
{
    for (size_t size = PAGE_SIZE; size < 300 * 1024; size = size * 5 / 3) {
        char *p = ExAllocatePoolWithTag(NonPagedPool, size, TAG),
             *q = ExAllocatePoolWithTag(PagedPool, size, TAG);
        assert_int_equal((uintptr_t)p % PAGE_SIZE | (uintptr_t)q % PAGE_SIZE, 0);
        memset(p, 1, size);
        memset(q, 2, size);
        assert_int_equal(p[size - 1], 1);
        void *block;
        size_t found;
        ULONG tag;
        assert_true(mm_pool_block_of(q + size - 1, &block, &found, &tag));
        assert_ptr_equal(block, q);
        assert_int_equal(found, size);
        ExFreePool(p);
        ExFreePool(q);
        assert_false(mm_pool_block_of(q, &block, &found, &tag));
    }
}

static void cache_aligned_types_are(void **state)
{
    for (size_t size = 1; size < 5000; size += 61) {
        void *p = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, size, TAG);
        void *q = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_CACHE_ALIGNED, size, TAG);
        assert_int_equal((uintptr_t)p % 64 | (uintptr_t)q % 64, 0);
        ExFreePool(p);
        ExFreePool(q);
    }
}

static void only_the_executable_pool_is(void **state)
{
    char *x = ExAllocatePoolWithTag(NonPagedPool, 64, TAG),
         *x2 = ExAllocatePool2(POOL_FLAG_NON_PAGED_EXECUTE, 64, TAG);
    char *x3 = ExAllocatePool(NonPagedPool, 2 * PAGE_SIZE);
    const void * not [] = {ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG),
                           ExAllocatePoolWithTag(PagedPool, 64, TAG),
                           ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG),
                           ExAllocatePool2(POOL_FLAG_PAGED, 5000, TAG), mm_alloc(64, TAG)};
    *x = *x2 = *x3 = (char)0xC3;
    ((void (*)(void))x)();
    ((void (*)(void))x2)();
    ((void (*)(void))x3)();
    for (size_t i = 0; i < countof(not ); i++)
        assert_int_equal(hmem_protection_of(not [i]), HMEM_RW);
    assert_true(mm_pool_is_paged(not [1]) && mm_pool_is_paged((char *)not [3] + 4999));
    assert_false(mm_pool_is_paged(x) || mm_pool_is_paged(not [0]) || mm_pool_is_paged(&x));
}

static void who_zeroes_and_who_does_not(void **state)
{
    for (size_t size = 100; size < 20000; size *= 13) {
        char *p = ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG);
        memset(p, 0x77, size);
        ExFreePool(p);
        char *q = ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG);
        assert_ptr_equal(p, q); /* the block just freed comes back */
        for (size_t i = 0; i < size; i++)
            assert_int_equal(q[i], 0);
        memset(q, 0x77, size);
        ExFreePool(q);
        p = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, size, TAG);
        assert_int_equal(p[size - 1], 0x77);
        ExFreePool(p);
        p = ExAllocatePoolWithTag(NonPagedPoolNx | POOL_ZERO_ALLOCATION, size, TAG);
        assert_int_equal(p[size - 1], 0);
        ExFreePool(p);
    }
}

static void failing_returns_null_or_raises_as_asked(void **state)
{
    assert_null(ExAllocatePoolWithTag(NonPagedPool, HUGE_BYTES, TAG));
    assert_null(ExAllocatePoolWithTag(PagedPool, ~0ull, TAG));
    assert_null(ExAllocatePool(PagedPool, HUGE_BYTES));
    assert_raises(ExAllocatePoolWithTag(NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE, HUGE_BYTES, TAG),
                  STATUS_INSUFFICIENT_RESOURCES);
    assert_raises(ExAllocatePoolWithQuotaTag(PagedPool, HUGE_BYTES, TAG), STATUS_INSUFFICIENT_RESOURCES);
    assert_raises(ExAllocatePoolWithQuota(PagedPool, HUGE_BYTES), STATUS_INSUFFICIENT_RESOURCES);
    assert_null(ExAllocatePoolWithQuotaTag(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, HUGE_BYTES, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_PAGED, HUGE_BYTES, TAG));
    assert_raises(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, HUGE_BYTES, TAG),
                  STATUS_INSUFFICIENT_RESOURCES);
    assert_bugcheck(ExAllocatePoolWithTag(NonPagedPoolMustSucceed, 16, TAG), BAD_POOL_CALLER, 0x9A);
    assert_true(fake_stopped.p[1] == NonPagedPoolMustSucceed && fake_stopped.p[2] == 16 &&
                fake_stopped.p[3] == TAG);
}

static void flags_are_checked(void **state)
{
    assert_null(ExAllocatePool2(0, 16, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED, 16, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_PAGED | 0x40000000, 16, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RESERVED2, 16, TAG));
    assert_null(ExAllocatePool2(POOL_FLAG_PAGED, 16, 0));
    assert_raises(ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 16, 0),
                  STATUS_INVALID_PARAMETER);
    assert_non_null(
        ExAllocatePool2(POOL_FLAG_PAGED | 0x4000000000000000ull | POOL_FLAG_SPECIAL_POOL, 16, TAG));
    POOL_EXTENDED_PARAMETER priority = {.Type = PoolExtendedParameterPriority, .Priority = HighPoolPriority};
    POOL_EXTENDED_PARAMETER secure = {.Type = PoolExtendedParameterSecurePool};
    POOL_EXTENDED_PARAMETER invalid = {.Type = PoolExtendedParameterInvalidType};
    assert_non_null(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, NULL, 0));
    assert_non_null(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, &priority, 1));
    assert_null(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, &secure, 1));
    assert_null(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, &invalid, 1));
    secure.Optional = 1;
    assert_non_null(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, &secure, 1));
}

static void low_priority_gives_way(void **state)
{
    uint64_t ram = hmem_ram_bytes() / PAGE_SIZE;
    void *most =
        mm_pool_allocate(NonPagedPoolNx, (hmem_free_page_count() - ram / 32) * PAGE_SIZE, TAG, false, NULL);
    assert_non_null(most);
    assert_null(ExAllocatePoolWithTagPriority(NonPagedPool, PAGE_SIZE, TAG, LowPoolPriority));
    assert_non_null(ExAllocatePoolWithTagPriority(NonPagedPool, PAGE_SIZE, TAG, NormalPoolPriority));
    assert_null(ExAllocatePoolWithTagPriority(NonPagedPool, ram / 32 * PAGE_SIZE, TAG, NormalPoolPriority));
    while (ExAllocatePoolWithTagPriority(PagedPool, PAGE_SIZE, TAG, NormalPoolPriority))
        ;
    assert_non_null(ExAllocatePoolWithTagPriority(PagedPool, PAGE_SIZE, TAG, HighPoolPriority));
    assert_raises(ExAllocatePoolWithTagPriority(NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE, PAGE_SIZE,
                                                TAG, LowPoolPriority),
                  STATUS_INSUFFICIENT_RESOURCES);
    while (ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, TAG))
        ; /* to the last page: small blocks fail cleanly too */
    while (ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG))
        ;
    ExFreePool(most);
    assert_non_null(ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG));
}

static void bad_frees_have_their_codes(void **state)
{
    char *p = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG),
         *keep = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
    char *large = ExAllocatePoolWithTag(NonPagedPoolNx, 3 * PAGE_SIZE, TAG);
    char *paged = ExAllocatePoolWithTag(PagedPool, 100, TAG);
    assert_bugcheck(ExFreePoolWithTag(p, TAG2), BAD_POOL_CALLER, 0xA);
    assert_true(fake_stopped.p[1] == (uintptr_t)p && fake_stopped.p[2] == TAG && fake_stopped.p[3] == TAG2);
    assert_bugcheck(ExFreePool(p + 16), BAD_POOL_CALLER, 0x46);
    assert_bugcheck(ExFreePool(large + PAGE_SIZE), BAD_POOL_CALLER, 0x46);
    assert_bugcheck(ExFreePool(paged + 16), BAD_POOL_CALLER, 0x41286);
    ExFreePoolWithTag(p, TAG);
    assert_bugcheck(ExFreePoolWithTag(p, TAG), BAD_POOL_CALLER, 0x7);
    assert_true(fake_stopped.p[2] == TAG && fake_stopped.p[3] == (uintptr_t)p);
    ExFreePool(large);
    assert_bugcheck(ExFreePool(large), BAD_POOL_CALLER, 0x7);
    char *direct = ExAllocatePoolWithTag(NonPagedPoolNx, 100 * PAGE_SIZE, TAG);
    ExFreePool(direct);
    assert_bugcheck(ExFreePool(direct), BAD_POOL_CALLER, 0x7);
    assert_bugcheck(ExFreePool(NULL), BAD_POOL_CALLER, 0x40);
    assert_bugcheck(ExFreePool((void *)0x500000), BAD_POOL_CALLER, 0x40);
    assert_true(fake_stopped.p[1] == 0x500000);
    assert_bugcheck(ExFreePool(&p), BAD_POOL_CALLER, 0x42);
    assert_bugcheck(ExFreePool(MmSystemRangeStart), BAD_POOL_CALLER, 0x42);
    char *protected = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG | PROTECTED_POOL);
    assert_bugcheck(ExFreePool(protected), BAD_POOL_CALLER, 0xA);
    assert_bugcheck(ExFreePoolWithTag(protected, TAG), BAD_POOL_CALLER, 0xA);
    ExFreePoolWithTag(protected, TAG | PROTECTED_POOL);
    ExFreePoolWithTag(keep, 0);
}

static void a_freed_page_of_blocks_is_still_known(void **state)
{
    enum { COUNT = 200 };
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 1000, TAG);
    for (int i = 0; i < COUNT; i++)
        ExFreePool(p[i]);
    for (int i = 0; i < COUNT; i++)
        assert_bugcheck(ExFreePool(p[i]), BAD_POOL_CALLER, 0x7);
}

struct seen {
    uint64_t blocks, bytes, from_here;
    struct mm_pool_tag_totals tag[3];
    int tags;
};

static void see_block(const struct mm_pool_block *block, void *context)
{
    struct seen *seen = context;
    seen->blocks++;
    seen->bytes += block->size;
    seen->from_here += block->caller == see_block;
}

static void see_tag(const struct mm_pool_tag_totals *totals, void *context)
{
    struct seen *seen = context;
    if (seen->tags < 3)
        seen->tag[seen->tags] = *totals;
    seen->tags++;
}

static void live_blocks_are_counted_by_tag_and_caller(void **state)
{
    struct mm_pool_totals totals;
    void *a = mm_pool_allocate(NonPagedPoolNx, 100, TAG, false, see_block);
    void *b = mm_pool_allocate(PagedPool, 5000, TAG, false, see_tag);
    fake_on_vp = false; /* counted from wherever they come */
    void *c = mm_pool_allocate(NonPagedPool, 7, TAG2, false, see_block);
    mm_alloc(1000, TAG); /* the runtime's own do not count */
    ExFreePool(mm_pool_allocate(NonPagedPool, 9, TAG2, false, see_block));
    mm_pool_totals(&totals);
    assert_true(totals.blocks == 3 && totals.bytes == 5107);
    struct seen seen = {0};
    mm_pool_for_each_block(see_block, &seen);
    assert_true(seen.blocks == 3 && seen.bytes == 5107 && seen.from_here == 2);
    mm_pool_for_each_tag(see_tag, &seen);
    assert_int_equal(seen.tags, 3);
    assert_true(seen.tag[0].tag == TAG && !seen.tag[0].paged && seen.tag[0].blocks == 1 &&
                seen.tag[0].bytes == 100);
    assert_true(seen.tag[1].tag == TAG && seen.tag[1].paged && seen.tag[1].bytes == 5000);
    assert_true(seen.tag[2].tag == TAG2 && seen.tag[2].blocks == 1 && seen.tag[2].allocations == 2);
    ExFreePool(c);
    fake_on_vp = true;
    ExFreePool(a);
    ExFreePool(b);
    mm_pool_totals(&totals);
    assert_true(totals.blocks == 0 && totals.bytes == 0);
}

static void memory_comes_back(void **state)
{
    enum { COUNT = 3000 };
    static void *p[COUNT];
    uint64_t free_at_first = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++)
            p[i] = ExAllocatePoolWithTag(i % 3 ? NonPagedPoolNx : NonPagedPool, (size_t)i * 7 % 6000, TAG);
        if (round == 1)
            free_at_first = hmem_free_page_count();
        for (int i = 0; i < COUNT; i++)
            ExFreePool(p[(i * 1009) % COUNT]);
        if (round > 1)
            assert_in_range(hmem_free_page_count(), free_at_first, ~0ull);
    }
    assert_true(hmem_free_page_count() > free_at_first + 500);
}

static void *hammer(void *failed)
{
    void *p[64] = {0};
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = (i * 7919) % 64;
        size_t size = (i * 31) % 9000;
        if (p[at] != NULL)
            mm_free(p[at]);
        p[at] = mm_alloc(size, TAG);
        if (p[at] == NULL || (size > 8 && *(uint64_t *)p[at] != 0))
            return failed;
        memset(p[at], 0xEE, size);
    }
    for (int i = 0; i < 64; i++)
        mm_free(p[i]);
    return NULL;
}

static void pool_works_without_a_vp_from_any_thread(void **state)
{
    fake_on_vp = false;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, hammer, threads);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void stacks(void **state)
{
    struct mm_stack a, b;
    uint64_t before = hmem_free_page_count();
    assert_status(mm_stack_create(&a), STATUS_SUCCESS);
    assert_status(mm_stack_create(&b), STATUS_SUCCESS);
    assert_ptr_not_equal(a.low, b.low);
    assert_int_equal((char *)a.low + a.bytes - (char *)a.driver_limit, 24 * 1024);
    memset(a.low, 1, a.bytes);
    assert_true(hmem_pfn_of((char *)a.low - 1) == HMEM_NO_PFN);
    assert_true(hmem_pfn_of((char *)a.low + a.bytes) == HMEM_NO_PFN);
    mm_stack_destroy(&a);
    mm_stack_destroy(&b);
    assert_int_equal(hmem_free_page_count(), before);
}

static void the_user_range(void **state)
{
    char *p = mm_user_allocate(5000, HMEM_RW), *q = mm_user_allocate(1, HMEM_R);
    assert_true(hmem_is_user(p) && (uintptr_t)p % 0x10000 == 0 && (uintptr_t)q % 0x10000 == 0);
    p[8191] = 1;
    assert_true(hmem_pfn_of(p + 8192) == HMEM_NO_PFN);
    mm_user_free(p);
    assert_true(hmem_pfn_of(p) == HMEM_NO_PFN);
    assert_null(mm_user_allocate(0, HMEM_RW));
    assert_null(mm_user_allocate(HUGE_BYTES, HMEM_RW));
    assert_true(mm_user_range_ok(q, 1) && mm_user_range_ok(NULL, 0));
    assert_true(mm_user_range_ok((void *)MmUserProbeAddress, 0));
    assert_true(mm_user_range_ok((void *)(MmUserProbeAddress - 5), 5));
    assert_false(mm_user_range_ok((void *)(MmUserProbeAddress - 5), 6));
    assert_false(mm_user_range_ok((void *)0xFFFF, 2));
    assert_false(mm_user_range_ok((void *)0x10000, ~0ull));
    assert_false(mm_user_range_ok(MmSystemRangeStart, 1));
    assert_true((uintptr_t)MmHighestUserAddress + 1 == MmUserProbeAddress);
    mm_user_free(q);
    mm_user_free(NULL);
}

#ifdef __SANITIZE_ADDRESS__
int __asan_address_is_poisoned(const volatile void *address);

/* Only what was asked for may be touched, and only while it is allocated. */
static void the_sanitizer_knows_the_blocks(void **state)
{
    static const size_t sizes[] = {1, 16, 100, 3000, PAGE_SIZE, 5 * PAGE_SIZE + 8};
    for (unsigned i = 0; i < countof(sizes); i++) {
        char *p = ExAllocatePoolWithTag(NonPagedPoolNx, sizes[i], TAG);
        assert_false(__asan_address_is_poisoned(p));
        assert_false(__asan_address_is_poisoned(p + sizes[i] - 1));
        if (sizes[i] % PAGE_SIZE != 0 && sizes[i] != 16)
            assert_true(__asan_address_is_poisoned(p + sizes[i]));
        ExFreePool(p);
        assert_true(__asan_address_is_poisoned(p));
        assert_true(__asan_address_is_poisoned(p + sizes[i] - 1));
    }
}
#endif

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, fake_machine_start, fake_machine_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(blocks_are_aligned_and_stay_in_their_page),
        MACHINE(pages_and_more_are_page_aligned),
        MACHINE(cache_aligned_types_are),
        MACHINE(only_the_executable_pool_is),
        MACHINE(who_zeroes_and_who_does_not),
        MACHINE(failing_returns_null_or_raises_as_asked),
        MACHINE(flags_are_checked),
        MACHINE(low_priority_gives_way),
        MACHINE(bad_frees_have_their_codes),
        MACHINE(a_freed_page_of_blocks_is_still_known),
        MACHINE(live_blocks_are_counted_by_tag_and_caller),
        MACHINE(memory_comes_back),
        MACHINE(pool_works_without_a_vp_from_any_thread),
        MACHINE(stacks),
        MACHINE(the_user_range),
#ifdef __SANITIZE_ADDRESS__
        MACHINE(the_sanitizer_knows_the_blocks),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The simulated machine's memory: ranges, page table, aliases, RAM accounting, protections as the host
 * enforces them. */
#include "fakes.h"
#include "host/memory.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <pthread.h>

#define MIB (1ull << 20)

static int start(void **state)
{
    return NT_SUCCESS(hmem_init(64 * MIB)) ? 0 : -1;
}

static int stop(void **state)
{
    hmem_fini();
    return 0;
}

static sigjmp_buf after_fault;

static void on_fault(int signal)
{
    siglongjmp(after_fault, 1);
}

/* Does the host let this process touch the address so? */
static bool touches(volatile char *p, bool write)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER}, segv, bus;
    sigaction(SIGSEGV, &action, &segv);
    sigaction(SIGBUS, &action, &bus);
    bool ok = false;
    if (sigsetjmp(after_fault, 1) == 0) {
        char value = *p;
        if (write)
            *p = value;
        ok = true;
    }
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &bus, NULL);
    return ok;
}

static void sizes_of_ram_are_checked(void **state)
{
    assert_status(hmem_init(0), STATUS_INVALID_PARAMETER);
    assert_status(hmem_init(1 * MIB), STATUS_INVALID_PARAMETER);
    assert_status(hmem_init(64 * MIB + 1), STATUS_INVALID_PARAMETER);
    assert_status(hmem_init(4096 * MIB), STATUS_INVALID_PARAMETER);
    assert_status(hmem_init(4 * MIB), STATUS_SUCCESS);
    void *p = hmem_reserve(HMEM_POOL, 1, 1, 0);
    assert_status(hmem_commit(p, 1, HMEM_RW), STATUS_SUCCESS);
    hmem_fini();
}

static void the_machine_can_start_again(void **state)
{
    for (int i = 0; i < 3; i++) {
        assert_status(hmem_init(16 * MIB), STATUS_SUCCESS);
        assert_int_equal(hmem_ram_bytes(), 16 * MIB);
        assert_true(hmem_base_is_default());
        assert_non_null(hmem_reserve(HMEM_IMAGE, 3, 1, 1));
        hmem_fini();
    }
}

static void zones_give_addresses_of_their_kind(void **state)
{
    for (int zone = 0; zone < HMEM_ZONES; zone++) {
        char *p = hmem_reserve(zone, 2, 1, 0);
        assert_non_null(p);
        assert_int_equal(hmem_is_user(p), zone == HMEM_USER);
        assert_int_equal(hmem_is_system(p), zone != HMEM_USER);
        assert_true(hmem_pfn_of(p) == HMEM_NO_PFN);
        assert_false(touches(p, false));
        hmem_release(p, 2);
    }
    assert_true((uintptr_t)hmem_reserve(HMEM_IMAGE, 1, 1, 0) >= 0x200000000000);
    char *user = hmem_reserve(HMEM_USER, 1, 1, 0);
    assert_in_range((uintptr_t)user, HMEM_USER_LOWEST, HMEM_USER_HIGHEST);
    assert_false(hmem_is_system(&after_fault));
    assert_false(hmem_is_user((void *)HMEM_USER_PROBE));
    assert_null(hmem_reserve(HMEM_IMAGE, (2ull << 30) / PAGE_SIZE, 1, 0));
}

static void guards_stay_inaccessible_and_alignment_holds(void **state)
{
    hmem_reserve(HMEM_SYSTEM, 3, 1, 0);
    char *p = hmem_reserve(HMEM_SYSTEM, 16, 16, 2);
    assert_int_equal((uintptr_t)p % (16 * PAGE_SIZE), 0);
    assert_status(hmem_commit(p, 16, HMEM_RW), STATUS_SUCCESS);
    char *q = hmem_reserve(HMEM_SYSTEM, 1, 1, 0);
    assert_true(q < p - 2 * PAGE_SIZE || q >= p + 18 * PAGE_SIZE);
    assert_true(touches(p, true) && touches(p + 16 * PAGE_SIZE - 1, true));
    assert_false(touches(p - 1, false));
    assert_false(touches(p + 16 * PAGE_SIZE, false));
    hmem_release(p, 16);
    assert_false(touches(p, false));
    assert_ptr_equal(hmem_reserve(HMEM_SYSTEM, 16, 16, 2), p);
}

static void committed_pages_are_zero_again_after_use(void **state)
{
    char *p = hmem_reserve(HMEM_POOL, 100, 1, 0);
    for (size_t pages = 1; pages <= 100; pages += 99) {
        assert_status(hmem_commit(p, pages, HMEM_RW), STATUS_SUCCESS);
        uint64_t pfn = hmem_pfn_of(p);
        memset(p, 0xAA, pages * PAGE_SIZE);
        hmem_decommit(p, pages);
        assert_status(hmem_commit(p, pages, HMEM_RW), STATUS_SUCCESS);
        assert_true(hmem_pfn_of(p) == pfn);
        for (size_t i = 0; i < pages * PAGE_SIZE; i++)
            assert_int_equal(p[i], 0);
        hmem_decommit(p, pages);
    }
}

static void an_alias_is_the_same_memory(void **state)
{
    char *p = hmem_reserve(HMEM_POOL, 4, 1, 0), *q = hmem_reserve(HMEM_SYSTEM, 4, 1, 0);
    assert_status(hmem_commit(p, 4, HMEM_R), STATUS_SUCCESS);
    uint64_t pfns[4];
    for (int i = 0; i < 4; i++)
        pfns[i] = hmem_pfn_of(p + (3 - i) * PAGE_SIZE); /* backwards: four mappings */
    assert_status(hmem_map(q, pfns, 4, HMEM_RW), STATUS_SUCCESS);
    for (int i = 0; i < 4; i++) {
        q[i * PAGE_SIZE] = 'a' + i;
        assert_int_equal(p[(3 - i) * PAGE_SIZE], 'a' + i);
        assert_int_equal(*(char *)hmem_physical(pfns[i] << PAGE_SHIFT), 'a' + i);
        assert_true(hmem_pfn_of(q + i * PAGE_SIZE) == pfns[i]);
    }
    assert_false(touches(p, true));
    *(char *)hmem_writable_alias(p + 5) = 'x';
    assert_int_equal(p[5], 'x');
    hmem_unmap(q, 4);
    assert_true(hmem_pfn_of(q) == HMEM_NO_PFN && !touches(q, false));
    assert_true(hmem_pfn_of(p) != HMEM_NO_PFN);
    assert_status(hmem_map(q, pfns, 4, HMEM_RW), STATUS_SUCCESS);
    hmem_release(q, 4);
}

static void protections_are_the_hosts(void **state)
{
    char *p = hmem_reserve(HMEM_IMAGE, 3, 1, 0);
    assert_status(hmem_protect(p, 1, HMEM_R), STATUS_NOT_COMMITTED);
    assert_status(hmem_commit(p, 3, HMEM_RW), STATUS_SUCCESS);
    p[PAGE_SIZE] = (char)0xC3;
    assert_status(hmem_protect(p + PAGE_SIZE, 1, HMEM_RX), STATUS_SUCCESS);
    ((void (*)(void))(p + PAGE_SIZE))();
    assert_false(touches(p + PAGE_SIZE, true));
    assert_true(touches(p, true) && touches(p + 2 * PAGE_SIZE, true));
    assert_int_equal(hmem_protection_of(p + PAGE_SIZE), HMEM_RX);
    assert_int_equal(hmem_protection_of(p), HMEM_RW);
    assert_status(hmem_protect(p, 3, HMEM_NONE), STATUS_SUCCESS);
    assert_false(touches(p, false));
    assert_true(hmem_pfn_of(p) != HMEM_NO_PFN);
    assert_status(hmem_protect(p, 3, HMEM_R), STATUS_SUCCESS);
    assert_int_equal((unsigned char)p[PAGE_SIZE], 0xC3);
}

static void device_pages_trap(void **state)
{
    char *p = hmem_reserve(HMEM_SYSTEM, 4, 1, 0);
    uint64_t pa = 0, last = hmem_ram_bytes() / PAGE_SIZE - 2;
    assert_status(hmem_map_run(p, last, 4, HMEM_RW), STATUS_SUCCESS); /* two of RAM, two beyond */
    assert_true(touches(p + PAGE_SIZE, true));
    assert_false(hmem_is_mmio(p + PAGE_SIZE, &pa));
    assert_false(touches(p + 2 * PAGE_SIZE, false));
    assert_true(hmem_is_mmio(p + 2 * PAGE_SIZE + 5, &pa));
    assert_true(pa == hmem_ram_bytes() + 5);
    assert_null(hmem_physical(hmem_ram_bytes()));
    assert_null(hmem_writable_alias(p + 2 * PAGE_SIZE));
    assert_status(hmem_protect(p, 4, HMEM_R), STATUS_SUCCESS);
    assert_int_equal(hmem_protection_of(p + 3 * PAGE_SIZE), HMEM_R);
    hmem_unmap(p, 4);
    assert_false(hmem_is_mmio(p + 2 * PAGE_SIZE, &pa));
}

/* Memory of a device is mapped where its window stands, traps elsewhere, and follows it. */
static void device_memory_follows_its_window(void **state)
{
    unsigned window;
    char *storage = hmem_window_create(4, &window), *p = hmem_reserve(HMEM_SYSTEM, 8, 1, 0);
    uint64_t pfn = 0xE0000;

    assert_non_null(storage);
    storage[0] = 'a';
    storage[PAGE_SIZE] = 'b';
    assert_int_equal(hmem_map_run(p, pfn - 1, 6, HMEM_RW), STATUS_SUCCESS);
    assert_false(touches(p + PAGE_SIZE, false));
    hmem_window_place(window, pfn);
    assert_int_equal(p[PAGE_SIZE], 'a');
    assert_int_equal(p[2 * PAGE_SIZE], 'b');
    assert_false(hmem_is_mmio(p + PAGE_SIZE, NULL));
    assert_true(hmem_is_open_window(p + PAGE_SIZE, HMEM_W));
    assert_int_equal(hmem_pfn_of(p + PAGE_SIZE), pfn);
    assert_false(touches(p, false)); /* on either side registers trap */
    assert_false(touches(p + 5 * PAGE_SIZE, false));
    assert_true(hmem_is_mmio(p + 5 * PAGE_SIZE, NULL));
    p[PAGE_SIZE] = 'c';
    assert_int_equal(storage[0], 'c');
    hmem_window_place(window, pfn + 1);
    assert_false(touches(p + PAGE_SIZE, false));
    assert_int_equal(p[2 * PAGE_SIZE], 'c');
    assert_int_equal(hmem_protect(p, 6, HMEM_R), STATUS_SUCCESS);
    assert_false(hmem_is_open_window(p + 2 * PAGE_SIZE, HMEM_W));
    hmem_window_place(window, pfn);
    assert_int_equal(p[PAGE_SIZE], 'c');
    hmem_unmap(p + 4 * PAGE_SIZE, 2); /* a part: the rest is registers from now on, of the same device */
    assert_true(hmem_is_mmio(p + PAGE_SIZE, NULL));
    assert_false(touches(p + PAGE_SIZE, false));
    assert_false(hmem_is_open_window(p + PAGE_SIZE, HMEM_R));
    hmem_window_destroy(window);
    hmem_unmap(p, 4);
    hmem_release(p, 8);
}

static void ram_runs_out_cleanly_and_comes_back(void **state)
{
    uint64_t free_before = hmem_free_page_count();
    size_t all = hmem_ram_bytes() / PAGE_SIZE;
    char *p = hmem_reserve(HMEM_POOL, all, 1, 0);
    assert_status(hmem_commit(p, all, HMEM_RW), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(hmem_free_page_count(), free_before);
    assert_status(hmem_commit(p, free_before, HMEM_RW), STATUS_SUCCESS); /* in several runs */
    assert_int_equal(hmem_free_page_count(), 0);
    assert_true(hmem_alloc_contiguous(1, 0, ~0ull, 0) == HMEM_NO_PFN);
    for (size_t i = 0; i < free_before; i++) {
        uint64_t pfn = hmem_pfn_of(p + i * PAGE_SIZE);
        assert_true(pfn != 0 && pfn < all && (pfn < 0xA0 || pfn > 0xFF));
    }
    hmem_release(p, all);
    assert_int_equal(hmem_free_page_count(), free_before);
}

static void contiguous_ranges_keep_their_limits(void **state)
{
    uint64_t pfn = hmem_alloc_contiguous(4, 0, 16 * MIB - 1, 64 * 1024);
    assert_true(pfn != HMEM_NO_PFN && pfn + 4 <= 16 * MIB / PAGE_SIZE && pfn / 16 == (pfn + 3) / 16);
    assert_true(hmem_alloc_contiguous(17, 0, ~0ull, 64 * 1024) == HMEM_NO_PFN);
    assert_true(hmem_alloc_contiguous(2, 0, 2 * PAGE_SIZE - 1, 0) == HMEM_NO_PFN);
    uint64_t one = hmem_alloc_contiguous(1, 0x20001, 0x21FFF, 0);
    assert_true(one == 0x21);
    uint64_t high = hmem_alloc_contiguous(3, 32 * MIB + 1, 33 * MIB, 0);
    assert_true(high == 32 * MIB / PAGE_SIZE + 1);
    memset(hmem_physical(pfn << PAGE_SHIFT), 1, PAGE_SIZE);
    hmem_free_pages(pfn, 4);
    assert_true(hmem_alloc_contiguous(4, 0, 16 * MIB - 1, 64 * 1024) == pfn);
    assert_int_equal(*(char *)hmem_physical(pfn << PAGE_SHIFT), 0);
    hmem_free_pages(pfn, 4);
    hmem_free_pages(one, 1);
    hmem_free_pages(high, 3);
}

static void a_referenced_page_outlives_its_owner(void **state)
{
    char *p = hmem_reserve(HMEM_USER, 3, 1, 0);
    assert_status(hmem_commit(p, 3, HMEM_RW), STATUS_SUCCESS);
    uint64_t pfn = hmem_pfn_of(p + PAGE_SIZE), before = hmem_free_page_count();
    p[PAGE_SIZE] = 7;
    hmem_page_reference(pfn);
    hmem_release(p, 3);
    assert_int_equal(hmem_free_page_count(), before + 2);
    assert_int_equal(*(char *)hmem_physical(pfn << PAGE_SHIFT), 7);
    hmem_page_dereference(pfn);
    assert_int_equal(hmem_free_page_count(), before + 3);
    hmem_page_reference(pfn); /* nobody's page: locked as it is */
    assert_int_equal(hmem_free_page_count(), before + 2);
    hmem_page_dereference(pfn);
    hmem_page_reference(hmem_ram_bytes() / PAGE_SIZE); /* a device's */
    hmem_page_dereference(hmem_ram_bytes() / PAGE_SIZE);
    assert_int_equal(hmem_free_page_count(), before + 3);
}

static void fixed_addresses(void **state)
{
    char *p = (char *)0x300000000000; /* outside the shadow of a sanitizer */
    assert_status(hmem_reserve_at(p, 10), STATUS_SUCCESS);
    assert_status(hmem_commit(p, 10, HMEM_RW), STATUS_SUCCESS);
    assert_true(touches(p + 10 * PAGE_SIZE - 1, true) && hmem_is_system(p) && hmem_pfn_of(p) != HMEM_NO_PFN);
    assert_status(hmem_reserve_at(p + PAGE_SIZE, 1), STATUS_CONFLICTING_ADDRESSES);
    hmem_release(p, 10);
    assert_false(touches(p, false));
    assert_status(hmem_reserve_at(p, 20), STATUS_SUCCESS);
    hmem_release(p, 20);
    assert_status(hmem_reserve_at((void *)0x10000, 4), STATUS_SUCCESS);
    assert_true((uintptr_t)hmem_reserve(HMEM_USER, 1, 1, 0) >= 0x14000);
    assert_status(hmem_reserve_at((void *)0x13000, 4), STATUS_CONFLICTING_ADDRESSES);
    assert_status(hmem_reserve_at((void *)((uintptr_t)start & ~0xFFFull), 1), STATUS_CONFLICTING_ADDRESSES);
    assert_status(hmem_reserve_at((void *)0x1000, 1), STATUS_INVALID_PARAMETER);
    assert_status(hmem_reserve_at((void *)0x300000000001, 1), STATUS_INVALID_PARAMETER);
}

static void *churn(void *arg)
{
    for (unsigned i = 0; i < 500; i++) {
        size_t pages = 1 + (i * 7 + (uintptr_t)arg) % 9;
        char *p = hmem_reserve(HMEM_POOL, pages, 1, 1);
        if (p == NULL || !NT_SUCCESS(hmem_commit(p, pages, HMEM_RW)))
            return arg;
        for (size_t at = 0; at < pages * PAGE_SIZE; at += PAGE_SIZE)
            if (p[at] != 0)
                return arg;
        memset(p, 0x55, pages * PAGE_SIZE);
        hmem_release(p, pages);
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    uint64_t before = hmem_free_page_count();
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(hmem_free_page_count(), before);
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_ram_are_checked),
        cmocka_unit_test(the_machine_can_start_again),
        MACHINE(zones_give_addresses_of_their_kind),
        MACHINE(guards_stay_inaccessible_and_alignment_holds),
        MACHINE(committed_pages_are_zero_again_after_use),
        MACHINE(an_alias_is_the_same_memory),
        MACHINE(protections_are_the_hosts),
        MACHINE(device_pages_trap),
        MACHINE(device_memory_follows_its_window),
        MACHINE(ram_runs_out_cleanly_and_comes_back),
        MACHINE(contiguous_ranges_keep_their_limits),
        MACHINE(a_referenced_page_outlives_its_owner),
        MACHINE(fixed_addresses),
        MACHINE(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

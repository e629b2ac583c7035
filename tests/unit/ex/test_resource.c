/* SPDX-License-Identifier: MIT */
/* ERESOURCE: who may come in when, recursion, hand-over in order, conversion, owner pointers, mistakes. */
#include "fakes_ke.h"
#include "ex/resource.h"
#include "ex/routines.h"

static ERESOURCE r;
static struct ke_thread t[8];

static void as(int thread)
{
    fake_be_thread(&t[thread]);
}

static int start(void **state)
{
    int failed = fake_ex_start(state);
    ExInitializeResourceLite(&r);
    as(0);
    return failed;
}

static int stop(void **state)
{
    fake_be_thread(&fake_thread);
    return fake_machine_stop(state);
}

static void the_writer_is_alone_and_recursive(void **state)
{
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
    assert_true(ExAcquireResourceExclusiveLite(&r, TRUE));
    assert_true(ExAcquireResourceSharedLite(&r, TRUE)); /* counts as one more of the writer's */
    assert_true(ExIsResourceAcquiredExclusiveLite(&r));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 3);
    as(1);
    assert_false(ExAcquireResourceExclusiveLite(&r, FALSE));
    assert_false(ExTryToAcquireResourceExclusiveLite(&r));
    assert_false(ExAcquireResourceSharedLite(&r, FALSE));
    assert_false(ExAcquireSharedStarveExclusive(&r, FALSE));
    assert_false(ExIsResourceAcquiredExclusiveLite(&r));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 0);
    as(0);
    ExReleaseResourceLite(&r);
    ExReleaseResourceLite(&r);
    as(1);
    assert_false(ExAcquireResourceSharedLite(&r, FALSE));
    as(0);
    ExReleaseResourceLite(&r);
    as(1);
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
}

static void many_readers_share(void **state)
{
    for (int i = 0; i < 8; i++) {
        as(i);
        assert_true(ExAcquireResourceSharedLite(&r, FALSE));
        assert_true(ExAcquireResourceSharedLite(&r, FALSE));
        assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 2);
        assert_false(ExIsResourceAcquiredExclusiveLite(&r));
    }
    for (int i = 0; i < 8; i++) {
        assert_false(ExAcquireResourceExclusiveLite(&r, FALSE));
        as(i);
        ExReleaseResourceLite(&r);
        ExReleaseResourceLite(&r);
    }
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
    ExReleaseResourceLite(&r);
    assert_status(ExDeleteResourceLite(&r), STATUS_SUCCESS);
}

/* Thread 0 reads, thread 1 waits to write: what can the others do? */
static void while_a_writer_waits(void)
{
    assert_int_equal(ExGetExclusiveWaiterCount(&r), 1);
    as(2);
    assert_false(ExAcquireResourceSharedLite(&r, FALSE));
    assert_false(ExAcquireSharedWaitForExclusive(&r, FALSE));
    assert_true(ExAcquireSharedStarveExclusive(&r, FALSE));
    as(0);
    assert_true(ExAcquireResourceSharedLite(&r, FALSE)); /* an owner already: behind nobody */
    assert_false(ExAcquireSharedWaitForExclusive(&r, FALSE));
    ExReleaseResourceLite(&r);
    ExReleaseResourceLite(&r);
    as(2);
    ExReleaseResourceLite(&r); /* the last reader: the writer is next */
}

static void readers_and_a_waiting_writer(void **state)
{
    ExAcquireResourceSharedLite(&r, TRUE);
    as(1);
    fake_wait_hook = while_a_writer_waits;
    assert_true(ExAcquireResourceExclusiveLite(&r, TRUE));
    assert_int_equal(fake_waits, 1);
    assert_true(ExIsResourceAcquiredExclusiveLite(&r));
    assert_int_equal(ExGetExclusiveWaiterCount(&r), 0);
    assert_int_equal(r.ContentionCount, 1);
    ExReleaseResourceLite(&r);
}

static int step;

/* Nested waits: thread 0 writes; 1 waits to write, 2 and 3 wait to read; then 0 releases. */
static void queue_up(void)
{
    switch (step++) {
    case 0: /* 1 waits */
        as(2);
        assert_true(ExAcquireResourceSharedLite(&r, TRUE));
        ExReleaseResourceLite(&r); /* 3 has released: the writer is let in with this one */
        break;
    case 1: /* 2 waits */
        as(3);
        assert_true(ExAcquireResourceSharedLite(&r, TRUE));
        assert_int_equal(ExGetExclusiveWaiterCount(&r), 1);
        as(4);
        assert_false(ExAcquireResourceSharedLite(&r, FALSE)); /* the writer waits */
        as(3);
        ExReleaseResourceLite(&r);
        break;
    case 2: /* 3 waits */
        assert_int_equal(ExGetSharedWaiterCount(&r), 2);
        assert_int_equal(ExGetExclusiveWaiterCount(&r), 1);
        as(0);
        ExReleaseResourceLite(&r); /* a writer lets go: all readers come in */
        assert_int_equal(ExGetSharedWaiterCount(&r), 0);
        assert_int_equal(ExGetExclusiveWaiterCount(&r), 1);
        break;
    }
}

static void a_writer_lets_the_readers_in_first(void **state)
{
    step = 0;
    ExAcquireResourceExclusiveLite(&r, TRUE);
    as(1);
    fake_wait_hook = queue_up;
    assert_true(ExAcquireResourceExclusiveLite(&r, TRUE));
    assert_int_equal(step, 3);
    assert_true(ExIsResourceAcquiredExclusiveLite(&r));
}

static void convert_while_a_reader_waits(void)
{
    as(0);
    ExConvertExclusiveToSharedLite(&r);
    assert_false(ExIsResourceAcquiredExclusiveLite(&r));
    assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 1);
}

static void converting_lets_readers_in(void **state)
{
    ExAcquireResourceExclusiveLite(&r, TRUE);
    as(1);
    fake_wait_hook = convert_while_a_reader_waits;
    assert_true(ExAcquireResourceSharedLite(&r, TRUE));
    as(2);
    assert_true(ExAcquireResourceSharedLite(&r, FALSE));
    assert_bugcheck(ExConvertExclusiveToSharedLite(&r), RESOURCE_NOT_OWNED, &r);
}

static void ownership_moves_to_a_pointer(void **state)
{
    PVOID owner = (PVOID)((uintptr_t)&step | 3), second = (PVOID)((uintptr_t)&r | 3);
    ExAcquireResourceSharedLite(&r, TRUE);
    ExSetResourceOwnerPointer(&r, owner);
    assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 0);
    ExAcquireResourceSharedLite(&r, TRUE);
    ExSetResourceOwnerPointer(&r, owner); /* the same pointer again: one owner with two */
    assert_int_equal(r.ActiveEntries, 1);
    as(1);
    ExReleaseResourceForThreadLite(&r, (ERESOURCE_THREAD)owner);
    assert_false(ExAcquireResourceExclusiveLite(&r, FALSE));
    ExReleaseResourceForThreadLite(&r, (ERESOURCE_THREAD)owner);
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
    ExSetResourceOwnerPointer(&r, second);
    ExReleaseResourceForThreadLite(&r, (ERESOURCE_THREAD)second);
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
}

static void mistakes(void **state)
{
    assert_bugcheck(ExReleaseResourceLite(&r), RESOURCE_NOT_OWNED, &r);
    assert_true(fake_stopped.p[1] == (uintptr_t)&t[0]);
    fake_irql = PASSIVE_LEVEL; /* the bug check left it raised and the lock held */
    ExInitializeResourceLite(&r);
    assert_bugcheck(ExReleaseResourceForThreadLite(&r, 0), RESOURCE_NOT_OWNED, &r);
    fake_irql = PASSIVE_LEVEL;
    ExInitializeResourceLite(&r);
    assert_bugcheck(ExSetResourceOwnerPointer(&r, (PVOID)3), RESOURCE_NOT_OWNED, &r);
}

static void with_the_critical_region(void **state)
{
    assert_null(ExEnterCriticalRegionAndAcquireResourceExclusive(&r));
    assert_int_equal(t[0].kernel_apc_disable, -1);
    assert_true(ExIsResourceAcquiredExclusiveLite(&r));
    ExReleaseResourceAndLeaveCriticalRegion(&r);
    ExEnterCriticalRegionAndAcquireResourceShared(&r);
    ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(&r);
    assert_int_equal(ExIsResourceAcquiredSharedLite(&r), 2);
    ExReleaseResourceAndLeaveCriticalRegion(&r);
    ExReleaseResourceAndLeaveCriticalRegion(&r);
    assert_int_equal(t[0].kernel_apc_disable, 0);
    assert_status(ExReinitializeResourceLite(&r), STATUS_SUCCESS);
    assert_true(ExAcquireResourceExclusiveLite(&r, FALSE));
}

#define RESOURCE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESOURCE(the_writer_is_alone_and_recursive),
        RESOURCE(many_readers_share),
        RESOURCE(readers_and_a_waiting_writer),
        RESOURCE(a_writer_lets_the_readers_in_first),
        RESOURCE(converting_lets_readers_in),
        RESOURCE(ownership_moves_to_a_pointer),
        RESOURCE(mistakes),
        RESOURCE(with_the_critical_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Interlocked lists, SLists, lookaside lists, fast mutexes, rundown protection, what the system says about
 * itself. */
#include "fakes_ke.h"
#include "ex/slist.h"
#include "ex/routines.h"

#include <pthread.h>
#include <string.h>

#define TAG 0x31676154u

static void interlocked_lists(void **state)
{
    LIST_ENTRY head, a, b, c;
    KSPIN_LOCK lock = 0;
    list_init(&head);
    assert_null(ExInterlockedRemoveHeadList(&head, &lock));
    assert_null(ExInterlockedInsertTailList(&head, &b, &lock));
    assert_ptr_equal(ExInterlockedInsertTailList(&head, &c, &lock), &b);
    assert_ptr_equal(ExInterlockedInsertHeadList(&head, &a, &lock), &b);
    fake_irql = 9; /* as from an interrupt service routine */
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &a);
    assert_int_equal(fake_irql, 9);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &b);
    assert_ptr_equal(ExInterlockedRemoveHeadList(&head, &lock), &c);
    assert_null(ExInterlockedInsertHeadList(&head, &a, &lock));
    SINGLE_LIST_ENTRY top = {NULL}, x, y;
    assert_null(ExInterlockedPopEntryList(&top, &lock));
    assert_null(ExInterlockedPushEntryList(&top, &x, &lock));
    assert_ptr_equal(ExInterlockedPushEntryList(&top, &y, &lock), &x);
    assert_ptr_equal(ExInterlockedPopEntryList(&top, &lock), &y);
    assert_ptr_equal(ExInterlockedPopEntryList(&top, &lock), &x);
    ULONG counter = 0xFFFFFFFF;
    assert_int_equal(ExInterlockedAddUlong(&counter, 2, &lock), 0xFFFFFFFF);
    assert_int_equal(counter, 1);
    LARGE_INTEGER large = {.QuadPart = -5};
    assert_int_equal(ExInterlockedAddLargeInteger(&large, (LARGE_INTEGER){.QuadPart = 7}, &lock).QuadPart,
                     -5);
    assert_int_equal(large.QuadPart, 2);
}

static void slists_are_stacks_with_a_depth(void **state)
{
    static SLIST_HEADER head;
    SLIST_ENTRY entry[3];
    InitializeSListHead(&head);
    assert_raises(InitializeSListHead((PSLIST_HEADER)((char *)&head + 8)), STATUS_DATATYPE_MISALIGNMENT);
    assert_null(ExpInterlockedPopEntrySList(&head));
    assert_null(ExpInterlockedFlushSList(&head));
    assert_null(ExpInterlockedPushEntrySList(&head, &entry[0]));
    assert_ptr_equal(ExpInterlockedPushEntrySList(&head, &entry[1]), &entry[0]);
    assert_ptr_equal(ExpInterlockedPushEntrySList(&head, &entry[2]), &entry[1]);
    assert_int_equal(ExQueryDepthSList(&head), 3);
    assert_ptr_equal(ExpInterlockedPopEntrySList(&head), &entry[2]);
    assert_int_equal(ExQueryDepthSList(&head), 2);
    PSLIST_ENTRY all = ExpInterlockedFlushSList(&head);
    assert_true(all == &entry[1] && all->Next == &entry[0] && all->Next->Next == NULL);
    assert_int_equal(ExQueryDepthSList(&head), 0);
    assert_null(ExpInterlockedPopEntrySList(&head));
}

/* A stale head must not be exchanged even when the same entry is first again. */
static void an_slist_head_never_looks_the_same_twice(void **state)
{
    static SLIST_HEADER head;
    SLIST_ENTRY a, b;
    InitializeSListHead(&head);
    ExpInterlockedPushEntrySList(&head, &b);
    ExpInterlockedPushEntrySList(&head, &a);
    SLIST_HEADER before = head;
    ExpInterlockedPopEntrySList(&head);
    ExpInterlockedPopEntrySList(&head);
    ExpInterlockedPushEntrySList(&head, &b);
    ExpInterlockedPushEntrySList(&head, &a);
    assert_true(head.Region == before.Region);
    assert_true(head.Alignment != before.Alignment);
}

static SLIST_HEADER shared_head;
static bool shared_failed;

static void *pop_and_push(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        PSLIST_ENTRY one = ExpInterlockedPopEntrySList(&shared_head),
                     two = ExpInterlockedPopEntrySList(&shared_head);
        for (int k = 0; k < 2; k++) {
            PSLIST_ENTRY mine = k ? two : one;
            if (mine == NULL)
                continue;
            if (__atomic_exchange_n((int *)(mine + 1), 1, __ATOMIC_ACQ_REL) != 0)
                shared_failed = true; /* somebody else has it too */
            __atomic_store_n((int *)(mine + 1), 0, __ATOMIC_RELEASE);
            ExpInterlockedPushEntrySList(&shared_head, mine);
        }
    }
    return NULL;
}

static void slists_survive_aba(void **state)
{
    enum { ENTRIES = 4 };
    static SLIST_ENTRY storage[ENTRIES * 2];
    pthread_t threads[3];
    InitializeSListHead(&shared_head);
    for (int i = 0; i < ENTRIES; i++)
        ExpInterlockedPushEntrySList(&shared_head, &storage[2 * i]);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, pop_and_push, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_false(shared_failed);
    assert_int_equal(ExQueryDepthSList(&shared_head), ENTRIES);
    int count = 0;
    while (ExpInterlockedPopEntrySList(&shared_head))
        count++;
    assert_int_equal(count, ENTRIES);
}

static unsigned own_allocations, own_frees;

static PVOID NTAPI own_allocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                PLOOKASIDE_LIST_EX Lookaside)
{
    own_allocations++;
    assert_int_equal(PoolType, PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
    return mm_pool_allocate(PagedPool, NumberOfBytes, Tag, false, NULL);
}

static VOID NTAPI own_free(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    own_frees++;
    assert_int_equal(Lookaside->L.Tag, TAG);
    mm_pool_free(Buffer, TAG, NULL);
}

static void lookaside_lists(void **state)
{
    static NPAGED_LOOKASIDE_LIST list;
    struct mm_pool_totals totals;
    ExInitializeNPagedLookasideList(&list, NULL, NULL, POOL_NX_ALLOCATION, 5, TAG, 0);
    assert_int_equal(list.L.Size, 16);
    assert_true(list.L.Depth >= 1 && list.L.Type == NonPagedPoolNx);
    for (int i = 0; i < 3; i++) { /* what the inline ExFreeToNPagedLookasideList does */
        void *entry = list.L.Allocate(list.L.Type, list.L.Size, list.L.Tag);
        assert_int_equal(hmem_protection_of(entry), HMEM_RW);
        ExpInterlockedPushEntrySList(&list.L.ListHead, entry);
    }
    mm_pool_totals(&totals);
    assert_int_equal(totals.blocks, 3);
    ExDeleteNPagedLookasideList(&list);
    mm_pool_totals(&totals);
    assert_int_equal(totals.blocks, 0);
}

static void lookaside_lists_with_own_routines(void **state)
{
    static LOOKASIDE_LIST_EX list __attribute__((aligned(16)));
    assert_status(ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolMustSucceed, 0, 32, TAG, 0),
                  STATUS_INVALID_PARAMETER_4);
    assert_status(ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 3, 32, TAG, 0),
                  STATUS_INVALID_PARAMETER_5);
    assert_status(ExInitializeLookasideListEx(&list, own_allocate, own_free, PagedPool,
                                              EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE, 32, TAG, 0),
                  STATUS_SUCCESS);
    for (int i = 0; i < 2; i++)
        ExpInterlockedPushEntrySList(&list.L.ListHead,
                                     list.L.AllocateEx(list.L.Type, list.L.Size, list.L.Tag, &list));
    ExFlushLookasideListEx(&list);
    assert_int_equal(own_frees, 2);
    ExpInterlockedPushEntrySList(&list.L.ListHead,
                                 list.L.AllocateEx(list.L.Type, list.L.Size, list.L.Tag, &list));
    ExDeleteLookasideListEx(&list);
    assert_true(own_allocations == 3 && own_frees == 3);
    assert_status(ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolNx,
                                              EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, 1ull << 31, TAG, 0),
                  STATUS_SUCCESS);
    assert_raises(list.L.AllocateEx(list.L.Type, list.L.Size, list.L.Tag, &list),
                  STATUS_INSUFFICIENT_RESOURCES);
}

static FAST_MUTEX mutex;
static struct ke_thread other;

static void release_by_other(void)
{
    fake_be_thread(&other);
    ExReleaseFastMutexUnsafe(&mutex);
}

static void fast_mutexes(void **state)
{
    mutex = (FAST_MUTEX){.Count = 1}; /* what the inline ExInitializeFastMutex does */
    KeInitializeEvent(&mutex.Event, SynchronizationEvent, FALSE);
    ExAcquireFastMutex(&mutex);
    assert_int_equal(fake_irql, APC_LEVEL);
    assert_ptr_equal(mutex.Owner, &fake_thread);
    fake_be_thread(&other);
    assert_false(ExTryToAcquireFastMutex(&mutex));
    assert_int_equal(fake_irql, APC_LEVEL);
    fake_be_thread(&fake_thread);
    ExReleaseFastMutex(&mutex);
    assert_int_equal(fake_irql, PASSIVE_LEVEL);
    assert_true(ExTryToAcquireFastMutex(&mutex));
    ExReleaseFastMutex(&mutex);
    fake_be_thread(&other);
    ExAcquireFastMutexUnsafe(&mutex);
    fake_be_thread(&fake_thread);
    fake_wait_hook = release_by_other;
    ExAcquireFastMutex(&mutex); /* waits until the other releases */
    assert_int_equal(fake_waits, 1);
    assert_int_equal(mutex.Contention, 1);
    assert_ptr_equal(mutex.Owner, &fake_thread);
    ExReleaseFastMutex(&mutex);
    assert_int_equal(mutex.Count, 1);
    ExEnterCriticalRegionAndAcquireFastMutexUnsafe(&mutex);
    assert_int_equal(fake_thread.kernel_apc_disable, -1);
    ExReleaseFastMutexUnsafeAndLeaveCriticalRegion(&mutex);
    assert_int_equal(fake_thread.kernel_apc_disable, 0);
}

static EX_RUNDOWN_REF rundown;
static PEX_RUNDOWN_REF_CACHE_AWARE aware;

static void last_holders_leave(void)
{
    assert_false(ExAcquireRundownProtection(&rundown));
    ExReleaseRundownProtection(&rundown);
    ExReleaseRundownProtectionEx(&rundown, 2);
}

static void last_aware_holder_leaves(void)
{
    assert_false(ExAcquireRundownProtectionCacheAware(aware));
    ExReleaseRundownProtectionCacheAware(aware);
}

static void rundown_waits_for_all_holders(void **state)
{
    ExInitializeRundownProtection(&rundown);
    assert_true(ExAcquireRundownProtection(&rundown));
    ExReleaseRundownProtection(&rundown);
    ExWaitForRundownProtectionRelease(&rundown); /* nobody holds it */
    assert_int_equal(fake_waits, 0);
    assert_false(ExAcquireRundownProtection(&rundown));
    ExWaitForRundownProtectionRelease(&rundown);
    ExReInitializeRundownProtection(&rundown);
    assert_true(ExAcquireRundownProtection(&rundown));
    assert_true(ExAcquireRundownProtectionEx(&rundown, 2));
    fake_wait_hook = last_holders_leave;
    ExWaitForRundownProtectionRelease(&rundown);
    assert_int_equal(fake_waits, 1);
    assert_int_equal(rundown.Count, EX_RUNDOWN_ACTIVE);
    assert_false(ExAcquireRundownProtectionEx(&rundown, 1));
    ExReInitializeRundownProtection(&rundown);
    ExRundownCompleted(&rundown);
    assert_false(ExAcquireRundownProtection(&rundown));
    aware = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, TAG);
    assert_true(ExAcquireRundownProtectionCacheAware(aware));
    fake_wait_hook = last_aware_holder_leaves;
    ExWaitForRundownProtectionReleaseCacheAware(aware);
    assert_int_equal(fake_waits, 2);
    ExFreeCacheAwareRundownProtection(aware);
}

static void timer_resolution(void **state)
{
    assert_int_equal(ExSetTimerResolution(0, FALSE), 156250);
    assert_int_equal(ExSetTimerResolution(10000, TRUE), 10000);
    assert_int_equal(ExSetTimerResolution(50000, TRUE), 10000); /* coarser than now: no change */
    assert_int_equal(ExSetTimerResolution(1, TRUE), 5000);
    assert_int_equal(ExSetTimerResolution(0, FALSE), 5000);
    assert_int_equal(ExSetTimerResolution(0, FALSE), 5000);
    assert_int_equal(ExSetTimerResolution(0, FALSE), 156250);
}

static void identity(void **state)
{
    GUID a, b;
    assert_status(ExUuidCreate(&a), STATUS_SUCCESS);
    assert_status(ExUuidCreate(&b), STATUS_SUCCESS);
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_int_equal(a.Data3 >> 12, 4);
    assert_int_equal(a.Data4[0] >> 6, 2);
    assert_true(ExVerifySuite(4) && ExVerifySuite(8));
    assert_false(ExVerifySuite(7) || ExVerifySuite(40));
    assert_true(ExIsProcessorFeaturePresent(10));
    assert_false(ExIsProcessorFeaturePresent(11) || ExIsProcessorFeaturePresent(64) ||
                 ExIsProcessorFeaturePresent(~0u));
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, fake_ex_start, fake_machine_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE(interlocked_lists),
        MACHINE(slists_are_stacks_with_a_depth),
        MACHINE(an_slist_head_never_looks_the_same_twice),
        MACHINE(slists_survive_aba),
        MACHINE(lookaside_lists),
        MACHINE(lookaside_lists_with_own_routines),
        MACHINE(fast_mutexes),
        MACHINE(rundown_waits_for_all_holders),
        MACHINE(timer_resolution),
        MACHINE(identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

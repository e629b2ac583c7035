/* SPDX-License-Identifier: MIT */
/* Spin locks of all kinds, device queues, IRQL. rules: SQ-01 SQ-02 SQ-03 SQ-04 SQ-05 SQ-06 SQ-09 */
#include "machine.h"

SIMULATED_TEST(irql_goes_up_and_down)
{
    KIRQL old;
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &old);
    assert_int_equal(old, PASSIVE_LEVEL);
    assert_int_equal(KeRaiseIrqlToDpcLevel(), APC_LEVEL);
    assert_int_equal(KeRaiseIrqlToSynchLevel(), DISPATCH_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), 12);
    assert_int_equal(KfRaiseIrql(HIGH_LEVEL), 12);
    KeLowerIrql(PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(plain_spin_locks)
{
    KSPIN_LOCK lock;
    KeInitializeSpinLock(&lock);
    assert_true(KeTestSpinLock(&lock));
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&lock);
    assert_int_equal(irql, PASSIVE_LEVEL);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_false(KeTestSpinLock(&lock));
    assert_false(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLockFromDpcLevel(&lock);
    assert_true(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLock(&lock, irql);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(queued_spin_locks)
{
    KSPIN_LOCK lock;
    KLOCK_QUEUE_HANDLE handle;
    KeInitializeSpinLock(&lock);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_false(KeTestSpinLock(&lock));
    KeReleaseInStackQueuedSpinLock(&handle);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_true(KeTestSpinLock(&lock));
    return STATUS_SUCCESS;
}

SIMULATED_TEST(reader_writer_spin_locks)
{
    LONG lock = 0;
    KIRQL irql = ExAcquireSpinLockShared(&lock);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    ExAcquireSpinLockSharedAtDpcLevel(&lock);
    assert_false(ExTryConvertSharedSpinLockExclusive(&lock));
    ExReleaseSpinLockSharedFromDpcLevel(&lock);
    assert_true(ExTryConvertSharedSpinLockExclusive(&lock));
    ExReleaseSpinLockExclusiveFromDpcLevel(&lock);
    ExAcquireSpinLockExclusiveAtDpcLevel(&lock);
    ExReleaseSpinLockExclusive(&lock, irql);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_int_equal(lock, 0);
    return STATUS_SUCCESS;
}

/* ---- contention, in both kinds of machine ---- */

enum { THREADS = 4, TURNS = 400 };
static KSPIN_LOCK plain, queued;
static LONG shared;
static long counts[3];
static int readers;

static void contend(void *arg)
{
    KLOCK_QUEUE_HANDLE handle;
    (void)arg;
    for (int i = 0; i < TURNS; i++) {
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&plain);
        counts[0]++;
        ke_sched_point();
        KeReleaseSpinLock(&plain, irql);
        KeAcquireInStackQueuedSpinLock(&queued, &handle);
        counts[1]++;
        ke_sched_point();
        KeReleaseInStackQueuedSpinLock(&handle);
        irql = ExAcquireSpinLockExclusive(&shared);
        counts[2]++;
        RL_ASSERT(readers == 0);
        ke_sched_point();
        ExReleaseSpinLockExclusive(&shared, irql);
        irql = ExAcquireSpinLockShared(&shared);
        __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        ke_sched_point();
        __atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        ExReleaseSpinLockShared(&shared, irql);
    }
}

static NTSTATUS contention_body(void *arg)
{
    struct ke_thread *threads[THREADS];
    (void)arg;
    plain = queued = 0;
    shared = 0;
    counts[0] = counts[1] = counts[2] = 0;
    for (int i = 0; i < THREADS; i++)
        threads[i] = machine_thread(contend, NULL, 8);
    for (int i = 0; i < THREADS; i++)
        machine_join(threads[i]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(counts[i], THREADS * TURNS);
    return STATUS_SUCCESS;
}

static void contended_locks_exclude(void **state)
{
    (void)state;
    machine_start(false, 0, 3);
    assert_int_equal(machine_call(contention_body, NULL), STATUS_SUCCESS);
    machine_stop();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        machine_start(true, seed, 3);
        assert_int_equal(machine_call(contention_body, NULL), STATUS_SUCCESS);
        machine_stop();
    }
}

/* ---- device queues ---- */

static KDEVICE_QUEUE queue;
static KDEVICE_QUEUE_ENTRY entries[6];

static int index_of(const KDEVICE_QUEUE_ENTRY *entry)
{
    return entry == NULL ? -1 : (int)(entry - entries);
}

SIMULATED_TEST(a_device_queue_is_idle_busy_or_filled)
{
    memset(&queue, 0xEE, sizeof queue);
    KeInitializeDeviceQueue(&queue);
    assert_false(queue.Busy);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    assert_false(KeInsertDeviceQueue(&queue, &entries[0])); /* SQ-02: the caller processes it */
    assert_false(entries[0].Inserted);
    assert_true(queue.Busy);
    assert_true(KeInsertDeviceQueue(&queue, &entries[1]));
    assert_true(KeInsertDeviceQueue(&queue, &entries[2]));
    assert_int_equal(index_of(KeRemoveDeviceQueue(&queue)), 1); /* SQ-04 */
    assert_int_equal(index_of(KeRemoveDeviceQueue(&queue)), 2);
    assert_true(queue.Busy);
    assert_null(KeRemoveDeviceQueue(&queue));
    assert_false(queue.Busy);
    assert_null(KeRemoveByKeyDeviceQueueIfBusy(&queue, 0)); /* SQ-09 */
    assert_false(queue.Busy);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(keys_order_a_device_queue)
{
    static const ULONG keys[6] = {0, 30, 10, 20, 10, 20};
    KeInitializeDeviceQueue(&queue);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    for (int i = 0; i < 6; i++)
        assert_int_equal(KeInsertByKeyDeviceQueue(&queue, &entries[i], keys[i]), i > 0);
    /* 10:2 10:4 20:3 20:5 30:1 */
    assert_int_equal(index_of(KeRemoveByKeyDeviceQueue(&queue, 15)), 3); /* SQ-05: the first key not below */
    assert_int_equal(index_of(KeRemoveByKeyDeviceQueueIfBusy(&queue, 20)), 5);
    assert_int_equal(index_of(KeRemoveByKeyDeviceQueue(&queue, 31)), 2); /* none: around to the first */
    assert_true(KeRemoveEntryDeviceQueue(&queue, &entries[1]));          /* SQ-06 */
    assert_false(KeRemoveEntryDeviceQueue(&queue, &entries[1]));
    assert_int_equal(index_of(KeRemoveDeviceQueue(&queue)),
                     4); /* SQ-03: behind the equal key that came first */
    assert_true(queue.Busy);
    assert_null(KeRemoveByKeyDeviceQueue(&queue, 0));
    assert_false(queue.Busy);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

/* ---- processor state ---- */

SIMULATED_TEST(floating_point_and_extended_state)
{
    KFLOATING_SAVE save;
    XSTATE_SAVE extended;
    unsigned mxcsr = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mxcsr | 0x8000);
    assert_int_equal(KeSaveFloatingPointState(&save), STATUS_SUCCESS);
    assert_int_equal(__builtin_ia32_stmxcsr() & 0x8000, 0);
    assert_int_equal(KeRestoreFloatingPointState(&save), STATUS_SUCCESS);
    assert_int_equal(__builtin_ia32_stmxcsr() & 0x8000, 0x8000);
    __builtin_ia32_ldmxcsr(mxcsr);
    assert_int_equal(KeSaveExtendedProcessorState(XSTATE_MASK_LEGACY | XSTATE_MASK_GSSE, &extended),
                     STATUS_SUCCESS);
    KeRestoreExtendedProcessorState(&extended);
    return STATUS_SUCCESS;
}

static void processors_are_counted(void **state)
{
    PROCESSOR_NUMBER number;
    KAFFINITY affinity;
    (void)state;
    machine_start(true, 1, 3);
    assert_int_equal(KeQueryActiveProcessors(), 7);
    assert_int_equal(KeQueryActiveProcessorCount(&affinity), 3);
    assert_int_equal(affinity, 7);
    assert_int_equal(KeQueryActiveProcessorCountEx(0), 3);
    assert_int_equal(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), 3);
    assert_int_equal(KeQueryActiveProcessorCountEx(1), 0);
    assert_int_equal(KeGetProcessorNumberFromIndex(2, &number), STATUS_SUCCESS);
    assert_int_equal(KeGetProcessorIndexFromNumber(&number), 2);
    assert_int_equal(KeGetProcessorNumberFromIndex(3, &number), STATUS_INVALID_PARAMETER);
    assert_int_equal(KeQueryGroupAffinity(1), 0);
    machine_stop();
}

const struct CMUnitTest lock_tests[] = {
    cmocka_unit_test(irql_goes_up_and_down),     cmocka_unit_test(plain_spin_locks),
    cmocka_unit_test(queued_spin_locks),         cmocka_unit_test(reader_writer_spin_locks),
    cmocka_unit_test(contended_locks_exclude),   cmocka_unit_test(a_device_queue_is_idle_busy_or_filled),
    cmocka_unit_test(keys_order_a_device_queue), cmocka_unit_test(floating_point_and_extended_state),
    cmocka_unit_test(processors_are_counted),    {0},
};

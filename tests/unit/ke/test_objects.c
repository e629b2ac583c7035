/* SPDX-License-Identifier: MIT */
/* Events, mutexes, semaphores: state, ownership, who is released and in which order. */
#include "machine.h"

static LARGE_INTEGER zero;

static NTSTATUS poll(void *object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &zero);
}

/* ---- waiters that write down when they are released ---- */

static KEVENT event;
static KMUTEX mutex;
static KSEMAPHORE semaphore;
static void *contested;

static void wait_and_tell(void *arg)
{
    NTSTATUS status = KeWaitForSingleObject(contested, Executive, KernelMode, FALSE, NULL);
    log_text("%d:%x ", (int)(intptr_t)arg, status);
}

/* Starts threads 1..count, each of which waits for the object when this returns. */
static void start_waiters(void *object, struct ke_thread **threads, int count)
{
    LARGE_INTEGER pause = relative(MS);
    contested = object;
    for (intptr_t i = 0; i < count; i++) {
        threads[i] = machine_thread(wait_and_tell, (void *)(i + 1), 8);
        KeDelayExecutionThread(KernelMode, FALSE, &pause); /* they wait in this order */
    }
}

static void join_all(struct ke_thread **threads, int count)
{
    for (int i = 0; i < count; i++)
        machine_join(threads[i]);
}

SIMULATED_TEST(event_states_and_former_states)
{
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    assert_int_equal(KeReadStateEvent(&event), 1);
    assert_int_equal(KeResetEvent(&event), 1);
    assert_int_equal(KeResetEvent(&event), 0);
    assert_int_equal(KeSetEvent(&event, 0, FALSE), 0);
    assert_int_equal(KeSetEvent(&event, 0, FALSE), 1);
    KeClearEvent(&event);
    assert_int_equal(KeReadStateEvent(&event), 0);
    assert_int_equal(KePulseEvent(&event, 0, FALSE), 0);
    assert_int_equal(KeReadStateEvent(&event), 0);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_notification_event_releases_everybody)
{
    struct ke_thread *threads[3];
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    start_waiters(&event, threads, 3);
    KeSetEvent(&event, 0, FALSE);
    join_all(threads, 3);
    assert_int_equal(KeReadStateEvent(&event), 1);
    assert_int_equal(strlen(machine_log), 12);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_synchronization_event_releases_one_and_goes_back)
{
    struct ke_thread *threads[2];
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    start_waiters(&event, threads, 2);
    KeSetEvent(&event, 0, FALSE);
    assert_int_equal(KeReadStateEvent(&event), 0);
    machine_join(threads[0]);
    assert_string_equal(machine_log, "1:0 ");
    KeSetEvent(&event, 0, FALSE);
    join_all(threads, 2);
    assert_string_equal(machine_log, "1:0 2:0 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_pulse_releases_those_who_wait_and_no_more)
{
    struct ke_thread *threads[2];
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    start_waiters(&event, threads, 2);
    assert_int_equal(KePulseEvent(&event, 1, FALSE), 0);
    join_all(threads, 2);
    assert_int_equal(poll(&event), STATUS_TIMEOUT);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(the_woken_thread_is_boosted_and_named)
{
    struct ke_thread *thread;
    PKTHREAD named = NULL;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    start_waiters(&event, &thread, 1);
    KeSetEventBoostPriority(&event, &named);
    assert_ptr_equal(named, thread);
    machine_join(thread);
    assert_int_equal(KeQueryPriorityThread((PKTHREAD)thread), 9);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_mutex_counts_its_owners_acquisitions)
{
    KeInitializeMutex(&mutex, 0);
    assert_int_equal(KeReadStateMutex(&mutex), 1);
    assert_int_equal(poll(&mutex), STATUS_SUCCESS);
    assert_int_equal(poll(&mutex), STATUS_SUCCESS);
    assert_int_equal(KeReadStateMutex(&mutex), -1);
    assert_true(KeAreApcsDisabled());
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), -1);
    assert_true(KeAreApcsDisabled());
    assert_int_equal(KeReleaseMutex(&mutex, FALSE), 0); /* zero: it is free now */
    assert_int_equal(KeReadStateMutex(&mutex), 1);
    assert_false(KeAreApcsDisabled());
    return STATUS_SUCCESS;
}

static void try_mutex(void *arg)
{
    (void)arg;
    log_text("%x ", poll(&mutex));
}

SIMULATED_TEST(another_threads_mutex_is_not_signaled)
{
    KeInitializeMutex(&mutex, 0);
    poll(&mutex);
    machine_join(machine_thread(try_mutex, NULL, 8));
    KeReleaseMutex(&mutex, FALSE);
    assert_string_equal(machine_log, "102 ");
    return STATUS_SUCCESS;
}

/* Does the call raise this status? Runs behind a handler of our own. */
#define assert_raises(call, status)                                                                          \
    do {                                                                                                     \
        struct arch_try try_;                                                                                \
        volatile NTSTATUS raised_ = 0;                                                                       \
        if (ARCH_CATCH(&try_)) {                                                                             \
            call;                                                                                            \
            arch_try_pop(&try_);                                                                             \
        } else {                                                                                             \
            raised_ = try_.exception.ExceptionCode;                                                          \
        }                                                                                                    \
        assert_int_equal(raised_, status);                                                                   \
    } while (0)

SIMULATED_TEST(releasing_what_one_does_not_own_raises)
{
    KMUTANT mutant;
    KeInitializeMutex(&mutex, 0);
    assert_raises(KeReleaseMutex(&mutex, FALSE), STATUS_MUTANT_NOT_OWNED);
    assert_int_equal(KeReadStateMutex(&mutex), 1);
    KeInitializeMutant(&mutant, TRUE);
    assert_int_equal(KeReadStateMutant(&mutant), 0);
    KeReleaseMutant(&mutant, 0, TRUE, FALSE); /* abandoned */
    assert_raises(KeReleaseMutant(&mutant, 0, FALSE, FALSE), STATUS_ABANDONED);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(the_limit_of_recursion_raises)
{
    KeInitializeMutex(&mutex, 0);
    poll(&mutex);
    mutex.Header.SignalState = INT32_MIN;
    assert_raises(poll(&mutex), STATUS_MUTANT_LIMIT_EXCEEDED);
    assert_int_equal(mutex.Header.SignalState, INT32_MIN);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    mutex.Header.SignalState = 0;
    KeReleaseMutex(&mutex, FALSE);
    return STATUS_SUCCESS;
}

static KMUTANT left_behind;

static void acquire_and_end(void *arg)
{
    (void)arg;
    poll(&left_behind);
}

SIMULATED_TEST(a_mutant_of_a_dead_thread_is_abandoned_once)
{
    PVOID objects[2] = {&event, &left_behind};
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeMutant(&left_behind, FALSE);
    machine_join(machine_thread(acquire_and_end, NULL, 8));
    assert_int_equal(KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
                     STATUS_ABANDONED_WAIT_0 + 1);
    assert_int_equal(KeReleaseMutant(&left_behind, 0, FALSE, FALSE), 0);
    assert_int_equal(poll(&left_behind), STATUS_SUCCESS);
    KeReleaseMutant(&left_behind, 0, FALSE, FALSE);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_waiting_thread_gets_the_mutex_with_its_release)
{
    struct ke_thread *thread;
    KeInitializeMutant(&left_behind, TRUE);
    start_waiters(&left_behind, &thread, 1);
    assert_int_equal(KeReleaseMutant(&left_behind, 0, FALSE, FALSE), 0);
    machine_join(thread);
    assert_string_equal(machine_log, "1:0 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_semaphore_counts_between_zero_and_its_limit)
{
    KeInitializeSemaphore(&semaphore, 1, 3);
    assert_int_equal(poll(&semaphore), STATUS_SUCCESS);
    assert_int_equal(poll(&semaphore), STATUS_TIMEOUT);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), 0);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 2);
    assert_raises(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    assert_raises(KeReleaseSemaphore(&semaphore, 0, -1, FALSE), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 2);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 2);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_release_by_two_wakes_two)
{
    struct ke_thread *threads[3];
    KeInitializeSemaphore(&semaphore, 0, 10);
    start_waiters(&semaphore, threads, 3);
    assert_int_equal(KeReleaseSemaphore(&semaphore, 1, 2, FALSE), 0);
    join_all(threads, 2);
    assert_int_equal(KeReadStateSemaphore(&semaphore), 0);
    KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
    join_all(threads, 3);
    return STATUS_SUCCESS;
}

static KGUARDED_MUTEX guarded;

static void try_guarded(void *arg)
{
    (void)arg;
    log_text("%d ", KeTryToAcquireGuardedMutex(&guarded));
    KeAcquireGuardedMutex(&guarded);
    log_text("got ");
    KeReleaseGuardedMutex(&guarded);
}

SIMULATED_TEST(a_guarded_mutex_disables_all_apcs_while_owned)
{
    LARGE_INTEGER pause = relative(MS);
    KeInitializeGuardedMutex(&guarded);
    KeAcquireGuardedMutex(&guarded);
    assert_true(KeAreAllApcsDisabled());
    struct ke_thread *thread = machine_thread(try_guarded, NULL, 8);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    log_text("release ");
    KeReleaseGuardedMutex(&guarded);
    assert_false(KeAreAllApcsDisabled());
    machine_join(thread);
    assert_string_equal(machine_log, "0 release got ");
    assert_true(KeTryToAcquireGuardedMutex(&guarded));
    KeReleaseGuardedMutex(&guarded);
    return STATUS_SUCCESS;
}

const struct CMUnitTest object_tests[] = {
    cmocka_unit_test(event_states_and_former_states),
    cmocka_unit_test(a_notification_event_releases_everybody),
    cmocka_unit_test(a_synchronization_event_releases_one_and_goes_back),
    cmocka_unit_test(a_pulse_releases_those_who_wait_and_no_more),
    cmocka_unit_test(the_woken_thread_is_boosted_and_named),
    cmocka_unit_test(a_mutex_counts_its_owners_acquisitions),
    cmocka_unit_test(another_threads_mutex_is_not_signaled),
    cmocka_unit_test(releasing_what_one_does_not_own_raises),
    cmocka_unit_test(the_limit_of_recursion_raises),
    cmocka_unit_test(a_mutant_of_a_dead_thread_is_abandoned_once),
    cmocka_unit_test(a_waiting_thread_gets_the_mutex_with_its_release),
    cmocka_unit_test(a_semaphore_counts_between_zero_and_its_limit),
    cmocka_unit_test(a_release_by_two_wakes_two),
    cmocka_unit_test(a_guarded_mutex_disables_all_apcs_while_owned),
    {0},
};

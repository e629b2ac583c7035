/* SPDX-License-Identifier: MIT */
/* Waiting: every return value of the three routines, and what it costs the objects. */
#include "machine.h"

static NTSTATUS wait_for(void *object, LARGE_INTEGER *timeout)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, timeout);
}

static LARGE_INTEGER zero;

SIMULATED_TEST(a_zero_timeout_polls)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    assert_int_equal(wait_for(&event, &zero), STATUS_TIMEOUT);
    KeSetEvent(&event, 0, FALSE);
    assert_int_equal(wait_for(&event, &zero), STATUS_SUCCESS);
    assert_int_equal(KeReadStateEvent(&event), 1);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    assert_int_equal(wait_for(&event, &zero), STATUS_SUCCESS);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_timeout_ends_a_wait_when_it_is_due)
{
    KEVENT event;
    LARGE_INTEGER timeout = relative(5 * MS);
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    uint64_t before = host_interrupt_time();
    assert_int_equal(wait_for(&event, &timeout), STATUS_TIMEOUT);
    assert_in_range(host_interrupt_time() - before, 5 * MS, 5 * MS + 100);
    assert_true(list_empty(&event.Header.WaitListHead));
    LARGE_INTEGER absolute = {.QuadPart = (LONGLONG)host_system_time() + 7 * MS};
    before = host_interrupt_time();
    assert_int_equal(wait_for(&event, &absolute), STATUS_TIMEOUT);
    assert_in_range(host_interrupt_time() - before, 7 * MS - 10, 7 * MS + 100);
    return STATUS_SUCCESS;
}

static KEVENT shared;

static void set_shared(void *arg)
{
    LARGE_INTEGER delay = relative(MS);
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
    (void)arg;
    KeSetEvent(&shared, 0, FALSE);
}

SIMULATED_TEST(an_event_set_by_another_thread_ends_a_wait)
{
    LARGE_INTEGER timeout = relative(100 * MS);
    KeInitializeEvent(&shared, SynchronizationEvent, FALSE);
    struct ke_thread *thread = machine_thread(set_shared, NULL, 8);
    assert_int_equal(wait_for(&shared, &timeout), STATUS_SUCCESS);
    assert_int_equal(KeReadStateEvent(&shared), 0); /* taken by this wait */
    machine_join(thread);
    assert_true(timers_next_due() == ~0ull); /* the time-out is gone */
    return STATUS_SUCCESS;
}

SIMULATED_TEST(waiting_for_any_takes_the_first_that_is_signaled)
{
    KEVENT events[3];
    PVOID objects[3] = {&events[0], &events[1], &events[2]};
    for (int i = 0; i < 3; i++)
        KeInitializeEvent(&events[i], SynchronizationEvent, i > 0);
    assert_int_equal(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
                     STATUS_WAIT_1);
    assert_int_equal(KeReadStateEvent(&events[1]), 0);
    assert_int_equal(KeReadStateEvent(&events[2]), 1);
    assert_int_equal(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
                     STATUS_WAIT_2);
    assert_int_equal(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, &zero, NULL),
                     STATUS_TIMEOUT);
    return STATUS_SUCCESS;
}

static KEVENT pair[2];

static void set_pair_slowly(void *arg)
{
    LARGE_INTEGER delay = relative(MS);
    (void)arg;
    for (int i = 1; i >= 0; i--) {
        KeDelayExecutionThread(KernelMode, FALSE, &delay);
        KeSetEvent(&pair[i], 0, FALSE);
        log_text("%d:%d%d ", i, KeReadStateEvent(&pair[0]), KeReadStateEvent(&pair[1]));
    }
}

SIMULATED_TEST(waiting_for_all_takes_nothing_until_it_can_take_all)
{
    PVOID objects[2] = {&pair[0], &pair[1]};
    KeInitializeEvent(&pair[0], SynchronizationEvent, FALSE);
    KeInitializeEvent(&pair[1], SynchronizationEvent, FALSE);
    struct ke_thread *thread = machine_thread(set_pair_slowly, NULL, 8);
    assert_int_equal(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL),
                     STATUS_SUCCESS);
    machine_join(thread);
    assert_string_equal(machine_log, "1:01 0:00 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(sixty_four_objects_with_a_wait_block_array)
{
    static KEVENT events[64];
    static KWAIT_BLOCK blocks[64];
    PVOID objects[64];
    for (int i = 0; i < 64; i++) {
        KeInitializeEvent(&events[i], NotificationEvent, i == 63);
        objects[i] = &events[i];
    }
    assert_int_equal(
        KeWaitForMultipleObjects(64, objects, WaitAny, Executive, KernelMode, FALSE, NULL, blocks),
        STATUS_WAIT_63);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(an_alert_ends_an_alertable_wait)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PKTHREAD self = (PKTHREAD)ke_thread();
    LARGE_INTEGER timeout = relative(MS);
    assert_false(KeAlertThread(self, KernelMode));
    assert_true(KeAlertThread(self, KernelMode));
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout), STATUS_TIMEOUT);
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, NULL), STATUS_ALERTED);
    KeAlertThread(self, KernelMode);
    assert_true(KeTestAlertThread(KernelMode));
    assert_false(KeTestAlertThread(KernelMode));
    KeAlertThread(self, KernelMode);
    assert_int_equal(KeDelayExecutionThread(KernelMode, TRUE, &timeout), STATUS_ALERTED);
    return STATUS_SUCCESS;
}

static struct ke_thread *alerted;

static void alert_it(void *arg)
{
    LARGE_INTEGER delay = relative(MS);
    (void)arg;
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
    KeAlertThread((PKTHREAD)alerted, KernelMode);
}

SIMULATED_TEST(an_alert_from_another_thread_ends_a_wait_that_has_begun)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    alerted = ke_thread();
    struct ke_thread *thread = machine_thread(alert_it, NULL, 8);
    assert_int_equal(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, NULL), STATUS_ALERTED);
    machine_join(thread);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(delays_take_their_time)
{
    LARGE_INTEGER delay = relative(20 * MS);
    uint64_t before = host_interrupt_time();
    assert_int_equal(KeDelayExecutionThread(KernelMode, FALSE, &delay), STATUS_SUCCESS);
    assert_in_range(host_interrupt_time() - before, 20 * MS, 20 * MS + 100);
    LARGE_INTEGER past = {.QuadPart = 1};
    assert_int_equal(KeDelayExecutionThread(KernelMode, FALSE, &past), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(set_event_with_wait_keeps_the_irql_until_the_wait)
{
    KEVENT first, second;
    LARGE_INTEGER timeout = relative(MS);
    KeInitializeEvent(&first, NotificationEvent, FALSE);
    KeInitializeEvent(&second, NotificationEvent, FALSE);
    assert_int_equal(KeSetEvent(&first, 0, TRUE), 0);
    assert_int_equal(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_int_equal(wait_for(&second, &timeout),
                     STATUS_TIMEOUT); /* it may switch: the raise is undone by it */
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_thread_that_has_ended_is_signaled_for_good)
{
    KeInitializeEvent(&shared, NotificationEvent, FALSE);
    struct ke_thread *thread = machine_thread(set_shared, NULL, 8);
    machine_join(thread);
    machine_join(thread);
    assert_int_equal(thread->exit_status, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

const struct CMUnitTest wait_tests[] = {
    cmocka_unit_test(a_zero_timeout_polls),
    cmocka_unit_test(a_timeout_ends_a_wait_when_it_is_due),
    cmocka_unit_test(an_event_set_by_another_thread_ends_a_wait),
    cmocka_unit_test(waiting_for_any_takes_the_first_that_is_signaled),
    cmocka_unit_test(waiting_for_all_takes_nothing_until_it_can_take_all),
    cmocka_unit_test(sixty_four_objects_with_a_wait_block_array),
    cmocka_unit_test(an_alert_ends_an_alertable_wait),
    cmocka_unit_test(an_alert_from_another_thread_ends_a_wait_that_has_begun),
    cmocka_unit_test(delays_take_their_time),
    cmocka_unit_test(set_event_with_wait_keeps_the_irql_until_the_wait),
    cmocka_unit_test(a_thread_that_has_ended_is_signaled_for_good),
    {0},
};

/* SPDX-License-Identifier: MIT */
/* Timers: when, in which order, how often, with which DPC. rules: DPC-14 DPC-16 DPC-17 */
#include "machine.h"

static KTIMER timers[4];
static KDPC dpcs[4];
static unsigned expiries;

static void NTAPI note(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    ULONG64 time = (ULONG64)(uintptr_t)argument2 << 32 | (uintptr_t)argument1;
    (void)dpc;
    expiries++;
    RL_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    RL_ASSERT(time <= host_system_time() && time + MS > host_system_time());
    log_text("%d@%d ", (int)(intptr_t)context, (int)(host_interrupt_time() / MS));
}

static void initialize_all(TIMER_TYPE type)
{
    expiries = 0;
    for (intptr_t i = 0; i < 4; i++) {
        KeInitializeTimerEx(&timers[i], type);
        KeInitializeDpc(&dpcs[i], note, (void *)i);
    }
}

static void let_pass(int64_t time_100ns)
{
    LARGE_INTEGER delay = relative(time_100ns);
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
}

static void set_in(int i, int ms, int period_ms)
{
    KeSetTimerEx(&timers[i], relative(ms * MS), period_ms, &dpcs[i]);
}

SIMULATED_TEST(timers_expire_in_the_order_of_their_times)
{
    initialize_all(NotificationTimer);
    set_in(0, 30, 0);
    set_in(1, 10, 0);
    set_in(2, 20, 0);
    set_in(3, 5000, 0);
    let_pass(40 * MS);
    assert_string_equal(machine_log, "1@10 2@20 0@30 ");
    assert_true(KeReadStateTimer(&timers[0]));
    assert_false(KeReadStateTimer(&timers[3]));
    let_pass(5000 * MS);
    assert_string_equal(machine_log, "1@10 2@20 0@30 3@5000 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(timers_due_together_expire_in_the_order_they_were_set)
{
    initialize_all(NotificationTimer);
    LARGE_INTEGER when = {.QuadPart = (LONGLONG)host_system_time() + 10 * MS};
    const int order[4] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++)
        KeSetTimer(&timers[order[i]], when, &dpcs[order[i]]);
    let_pass(20 * MS);
    assert_string_equal(machine_log, "2@10 0@10 3@10 1@10 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_periodic_timer_expires_again_and_again)
{
    initialize_all(SynchronizationTimer);
    set_in(0, 10, 25);
    let_pass(100 * MS);
    assert_string_equal(machine_log, "0@10 0@35 0@60 0@85 ");
    assert_true(KeCancelTimer(&timers[0])); /* DPC-16: a periodic timer is always set */
    let_pass(100 * MS);
    assert_int_equal(expiries, 4);
    assert_false(KeCancelTimer(&timers[0]));
    return STATUS_SUCCESS;
}

SIMULATED_TEST(setting_a_set_timer_cancels_it_first)
{
    initialize_all(NotificationTimer);
    assert_false(KeSetTimer(&timers[0], relative(10 * MS), &dpcs[0]));
    assert_true(KeSetTimer(&timers[0], relative(50 * MS), &dpcs[1]));
    let_pass(20 * MS);
    assert_int_equal(expiries, 0);
    let_pass(40 * MS);
    assert_string_equal(machine_log, "1@50 ");
    assert_true(KeReadStateTimer(&timers[0]));
    assert_false(KeSetTimer(&timers[0], relative(10 * MS), NULL)); /* it had expired */
    assert_false(KeReadStateTimer(&timers[0]));
    KeCancelTimer(&timers[0]);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(setting_a_timer_takes_back_the_dpc_of_a_former_period)
{
    initialize_all(NotificationTimer);
    set_in(0, 1, 10);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    KeStallExecutionProcessor(2000);
    timers_expire(); /* as the clock would: the DPC waits for the IRQL to drop */
    assert_true(KeSetTimer(&timers[0], relative(10 * MS), NULL));
    KeLowerIrql(irql);
    assert_int_equal(expiries, 0);
    KeCancelTimer(&timers[0]);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(canceling_an_expired_one_shot_timer_leaves_its_dpc_alone)
{
    initialize_all(NotificationTimer);
    set_in(0, 1, 0);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    KeStallExecutionProcessor(2000);
    timers_expire();
    assert_false(KeCancelTimer(&timers[0]));
    KeLowerIrql(irql);
    assert_int_equal(expiries, 1);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_timer_in_the_past_expires_at_once)
{
    LARGE_INTEGER past = {.QuadPart = 1};
    initialize_all(NotificationTimer);
    assert_false(KeSetTimer(&timers[0], past, &dpcs[0]));
    assert_int_equal(expiries, 1);
    assert_true(KeReadStateTimer(&timers[0]));
    return STATUS_SUCCESS;
}

SIMULATED_TEST(waiting_for_timers)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    initialize_all(SynchronizationTimer);
    KeSetTimer(&timers[0], relative(10 * MS), NULL);
    assert_int_equal(KeWaitForSingleObject(&timers[0], Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(KeWaitForSingleObject(&timers[0], Executive, KernelMode, FALSE, &zero), STATUS_TIMEOUT);
    KeInitializeTimer(&timers[1]);
    KeSetCoalescableTimer(&timers[1], relative(10 * MS), 0, 5, NULL);
    assert_int_equal(KeWaitForSingleObject(&timers[1], Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    assert_int_equal(KeWaitForSingleObject(&timers[1], Executive, KernelMode, FALSE, &zero), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* DPC-17: the routine of a one-shot timer may free both. */
static struct doomed {
    KTIMER timer;
    KDPC dpc;
} doomed;

static void NTAPI destroy(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    memset(context, 0xEE, sizeof(struct doomed));
    expiries++;
}

SIMULATED_TEST(the_dpc_of_a_one_shot_timer_may_free_it)
{
    struct doomed poisoned;
    expiries = 0;
    memset(&poisoned, 0xEE, sizeof poisoned);
    KeInitializeTimer(&doomed.timer);
    KeInitializeDpc(&doomed.dpc, destroy, &doomed);
    KeSetTimer(&doomed.timer, relative(MS), &doomed.dpc);
    let_pass(10 * MS);
    assert_int_equal(expiries, 1);
    assert_memory_equal(&doomed, &poisoned, sizeof doomed); /* nobody wrote to it afterwards */
    return STATUS_SUCCESS;
}

SIMULATED_TEST(many_timers_far_apart)
{
    static KTIMER many[500];
    unsigned signaled = 0;
    for (unsigned i = 0; i < 500; i++) {
        KeInitializeTimer(&many[i]);
        KeSetTimer(&many[i], relative((int64_t)(i * 7919 % 500 + 1) * 100 * MS), NULL);
    }
    let_pass(250 * 100 * (int64_t)MS + MS);
    for (unsigned i = 0; i < 500; i++)
        signaled += KeReadStateTimer(&many[i]);
    assert_int_equal(signaled, 250);
    for (unsigned i = 0; i < 500; i++)
        signaled += KeCancelTimer(&many[i]);
    assert_int_equal(signaled, 500);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(clocks_agree_with_each_other)
{
    LARGE_INTEGER system, ticks, frequency;
    KeQuerySystemTime(&system);
    assert_in_range(host_system_time() - (uint64_t)system.QuadPart, 0, 10);
    let_pass(1000 * MS);
    KeQueryTickCount(&ticks);
    assert_int_equal(ticks.QuadPart, 64); /* 15.625 ms each */
    assert_int_equal(KeQueryTimeIncrement(), 156250);
    LARGE_INTEGER counter = KeQueryPerformanceCounter(&frequency);
    assert_int_equal(frequency.QuadPart, 10000000);
    assert_in_range(counter.QuadPart, 10000000, 10000100);
    const KUSER_SHARED_DATA *data = ke_user_shared_data();
    assert_int_equal(data->TickCount.LowPart, 64);
    assert_int_equal((uint64_t)data->InterruptTime.High1Time << 32 | data->InterruptTime.LowPart,
                     host_interrupt_time());
    assert_int_equal(data->NtMajorVersion, 10);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(polling_the_time_gets_there)
{
    uint64_t until = KeQueryInterruptTime() + MS;
    while (KeQueryInterruptTime() < until)
        ;
    assert_in_range(host_interrupt_time(), until, until + 10);
    return STATUS_SUCCESS;
}

const struct CMUnitTest timer_tests[] = {
    cmocka_unit_test(timers_expire_in_the_order_of_their_times),
    cmocka_unit_test(timers_due_together_expire_in_the_order_they_were_set),
    cmocka_unit_test(a_periodic_timer_expires_again_and_again),
    cmocka_unit_test(setting_a_set_timer_cancels_it_first),
    cmocka_unit_test(setting_a_timer_takes_back_the_dpc_of_a_former_period),
    cmocka_unit_test(canceling_an_expired_one_shot_timer_leaves_its_dpc_alone),
    cmocka_unit_test(a_timer_in_the_past_expires_at_once),
    cmocka_unit_test(waiting_for_timers),
    cmocka_unit_test(the_dpc_of_a_one_shot_timer_may_free_it),
    cmocka_unit_test(many_timers_far_apart),
    cmocka_unit_test(clocks_agree_with_each_other),
    cmocka_unit_test(polling_the_time_gets_there),
    {0},
};

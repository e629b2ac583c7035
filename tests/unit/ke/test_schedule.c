/* SPDX-License-Identifier: MIT */
/* The schedule: priorities and quanta, and that a seed gives the same one every time, another seed another.
 */
#include "machine.h"

/* ---- priorities ---- */

static void tell(void *arg)
{
    log_text("%d ", (int)(intptr_t)arg);
}

SIMULATED_TEST(higher_priorities_run_first_equal_ones_in_order)
{
    LARGE_INTEGER pause = relative(MS);
    KeSetPriorityThread((PKTHREAD)ke_thread(), 16);
    static const int order[5][2] = {{1, 5}, {2, 9}, {3, 5}, {4, 15}, {5, 9}};
    for (int i = 0; i < 5; i++)
        machine_thread(tell, (void *)(intptr_t)order[i][0], order[i][1]);
    assert_string_equal(machine_log, "");
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    assert_string_equal(machine_log, "4 2 5 1 3 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_thread_of_higher_priority_preempts_at_once)
{
    machine_thread(tell, (void *)1, 20);
    log_text("2 ");
    assert_string_equal(machine_log, "1 2 ");
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    machine_thread(tell, (void *)3, 20);
    log_text("4 ");
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "1 2 4 3 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(priorities_are_set_and_told)
{
    PKTHREAD self = (PKTHREAD)ke_thread();
    assert_int_equal(KeQueryPriorityThread(self), 8);
    assert_int_equal(KeSetPriorityThread(self, 12), 8);
    assert_int_equal(KeQueryPriorityThread(self), 12);
    assert_int_equal(KeSetBasePriorityThread(self, 2), 4);
    assert_int_equal(KeQueryPriorityThread(self), 10);
    KeSetBasePriorityThread(self, 15); /* not into the real-time range */
    assert_int_equal(KeQueryPriorityThread(self), 15);
    return STATUS_SUCCESS;
}

/* ---- seeds ---- */

enum { WORKERS = 5 };
static KEVENT gate;
static KSPIN_LOCK lock;

static void work(void *arg)
{
    LARGE_INTEGER pause = relative(3);
    for (int i = 0; i < 6; i++) {
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&lock);
        log_text("%c%u ", 'a' + (int)(intptr_t)arg, (unsigned)KeGetCurrentProcessorNumber());
        KeReleaseSpinLock(&lock, irql);
        if (i % 3 == 2)
            KeDelayExecutionThread(KernelMode, FALSE, &pause);
    }
}

static NTSTATUS schedule_body(void *arg)
{
    struct ke_thread *threads[WORKERS];
    (void)arg;
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    KeInitializeSpinLock(&lock);
    for (intptr_t i = 0; i < WORKERS; i++)
        threads[i] = machine_thread(work, (void *)i, 8);
    for (int i = 0; i < WORKERS; i++)
        machine_join(threads[i]);
    log_text("%llu", (unsigned long long)host_interrupt_time());
    return STATUS_SUCCESS;
}

static void run_with(uint64_t seed, unsigned cpus, char *log)
{
    machine_start(true, seed, cpus);
    assert_int_equal(machine_call(schedule_body, NULL), STATUS_SUCCESS);
    machine_stop();
    strcpy(log, machine_log);
}

static void a_seed_gives_the_same_schedule_every_time(void **state)
{
    static char first[4096], second[4096], former[4096];
    unsigned different = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        unsigned cpus = 1 + seed % 4;
        run_with(seed, cpus, first);
        run_with(seed, cpus, second);
        assert_string_equal(first, second);
        run_with(seed + 1000, cpus, former);
        different += strcmp(first, former) != 0;
    }
    assert_in_range(different, 38, 40);
}

/* ---- letting others run ---- */

static NTSTATUS idle_body(void *arg)
{
    LARGE_INTEGER far = relative(1000 * MS);
    KTIMER timer;
    (void)arg;
    KeInitializeTimer(&timer);
    KeSetTimer(&timer, far, NULL);
    for (intptr_t i = 0; i < 3; i++)
        machine_thread(tell, (void *)i, 4);
    ke_host_idle(0);
    assert_string_equal(machine_log, "0 1 2 ");
    assert_true(host_interrupt_time() < MS); /* the clock was not moved for it */
    KeCancelTimer(&timer);
    return STATUS_SUCCESS;
}

static void idling_lets_everything_ready_run(void **state)
{
    (void)state;
    machine_start(true, 9, 1);
    assert_int_equal(machine_call(idle_body, NULL), STATUS_SUCCESS);
    machine_stop();
}

static struct ke_thread *reaped;

static void note_reaped(struct ke_thread *thread)
{
    RL_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL && ke_thread() != thread);
    reaped = thread;
}

static void note_exiting(struct ke_thread *thread)
{
    RL_ASSERT(ke_thread() == thread && KeGetCurrentIrql() == PASSIVE_LEVEL);
    log_text("exit%x ", thread->exit_status);
}

static void exit_early(void *arg)
{
    (void)arg;
    ke_thread_exit(STATUS_CANCELLED);
}

SIMULATED_TEST(a_thread_ends_with_its_status_and_is_reaped_by_another)
{
    reaped = NULL;
    ke_thread_callouts = (struct ke_thread_callouts){note_exiting, note_reaped};
    struct ke_thread *thread = machine_thread(exit_early, NULL, 8);
    machine_join(thread);
    ke_host_idle(0);
    assert_int_equal(thread->exit_status, STATUS_CANCELLED);
    assert_ptr_equal(reaped, thread);
    assert_string_equal(machine_log, "exitc0000120 ");
    ke_thread_callouts = (struct ke_thread_callouts){0};
    return STATUS_SUCCESS;
}

const struct CMUnitTest schedule_tests[] = {
    cmocka_unit_test(higher_priorities_run_first_equal_ones_in_order),
    cmocka_unit_test(a_thread_of_higher_priority_preempts_at_once),
    cmocka_unit_test(priorities_are_set_and_told),
    cmocka_unit_test(a_seed_gives_the_same_schedule_every_time),
    cmocka_unit_test(idling_lets_everything_ready_run),
    cmocka_unit_test(a_thread_ends_with_its_status_and_is_reaped_by_another),
    {0},
};

/* SPDX-License-Identifier: MIT */
/*
 * Real machines: several VPs, several host pthreads, ticks. Every test is
 * bounded by the amount of its work, not by time; the figures of the ping-pong
 * and of the host call are in `make bench`.
 */
#include "machine.h"

static void real_start(unsigned cpus)
{
    machine_start(false, 0, cpus);
}

static NTSTATUS return_it(void *arg)
{
    return (NTSTATUS)(intptr_t)arg;
}

static void host_calls_return_what_their_function_returned(void **state)
{
    (void)state;
    real_start(1);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(machine_call(return_it, (void *)(intptr_t)i), i);
    assert_false(ke_on_vp());
    machine_stop();
}

/* ---- ping-pong ---- */

enum { ROUNDS = 20000 };
static KEVENT ping, pong;

static void answer(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        KeWaitForSingleObject(&ping, Executive, KernelMode, FALSE, NULL);
        KeSetEvent(&pong, 0, FALSE);
    }
}

static NTSTATUS ask(void *arg)
{
    (void)arg;
    KeInitializeEvent(&ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&pong, SynchronizationEvent, FALSE);
    struct ke_thread *thread = machine_thread(answer, NULL, 8);
    for (int i = 0; i < ROUNDS; i++) {
        KeSetEvent(&ping, 0, FALSE);
        KeWaitForSingleObject(&pong, Executive, KernelMode, FALSE, NULL);
    }
    machine_join(thread);
    return STATUS_SUCCESS;
}

static void events_go_back_and_forth_on(unsigned cpus)
{
    real_start(cpus);
    assert_int_equal(machine_call(ask, NULL), STATUS_SUCCESS);
    machine_stop();
}

static void ping_pong_on_one_vp(void **state)
{
    (void)state;
    events_go_back_and_forth_on(1);
}

static void ping_pong_on_two_vps(void **state)
{
    (void)state;
    events_go_back_and_forth_on(2);
}

/* ---- many threads, one mutex, one semaphore, timers, DPCs ---- */

enum { WORKERS = 6, TURNS = 300 };
static KMUTEX mutex;
static KSEMAPHORE tokens;
static KSPIN_LOCK spin;
static KDPC dpcs[WORKERS];
static long under_mutex, under_spin, in_dpc;
static int inside;

static void NTAPI count_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    KeAcquireSpinLockAtDpcLevel(&spin);
    in_dpc++;
    KeReleaseSpinLockFromDpcLevel(&spin);
}

static void work(void *arg)
{
    LARGE_INTEGER tiny = relative(50);
    for (int i = 0; i < TURNS; i++) {
        KeWaitForSingleObject(&tokens, Executive, KernelMode, FALSE, NULL);
        KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
        RL_ASSERT(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) == 1);
        under_mutex++;
        if (i % 16 == 0)
            KeDelayExecutionThread(KernelMode, FALSE, &tiny);
        RL_ASSERT(__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST) == 0);
        KeReleaseMutex(&mutex, FALSE);
        KeReleaseSemaphore(&tokens, 0, 1, FALSE);
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&spin);
        under_spin++;
        KeReleaseSpinLock(&spin, irql);
        KeInsertQueueDpc(&dpcs[(intptr_t)arg], NULL, NULL);
    }
}

static NTSTATUS stress_body(void *arg)
{
    struct ke_thread *threads[WORKERS];
    (void)arg;
    under_mutex = under_spin = in_dpc = 0;
    KeInitializeMutex(&mutex, 0);
    KeInitializeSemaphore(&tokens, 3, 3);
    KeInitializeSpinLock(&spin);
    for (intptr_t i = 0; i < WORKERS; i++) {
        KeInitializeDpc(&dpcs[i], count_dpc, NULL);
        if (i % 2)
            KeSetTargetProcessorDpc(&dpcs[i], (CCHAR)(i / 2 % ke_cpus()));
        threads[i] = machine_thread(work, (void *)i, 6 + (int)i % 4);
    }
    for (int i = 0; i < WORKERS; i++)
        machine_join(threads[i]);
    KeFlushQueuedDpcs();
    assert_int_equal(under_mutex, WORKERS * TURNS);
    assert_int_equal(under_spin, WORKERS * TURNS);
    assert_in_range(in_dpc, WORKERS, WORKERS * TURNS);
    return STATUS_SUCCESS;
}

static void stress_on_two_vps(void **state)
{
    (void)state;
    real_start(2);
    assert_int_equal(machine_call(stress_body, NULL), STATUS_SUCCESS);
    machine_stop();
}

/* ---- several host pthreads on fewer VPs ---- */

enum { PTHREADS = 4, CALLS = 2000 };
static long calls_made;

static NTSTATUS locked_increment(void *arg)
{
    (void)arg;
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
    calls_made++;
    KeReleaseMutex(&mutex, FALSE);
    return STATUS_SUCCESS;
}

static void call_often(void *arg)
{
    struct ke_thread *thread = arg;
    for (int i = 0; i < CALLS; i++)
        RL_ASSERT(ke_host_call(thread, locked_increment, NULL, KernelMode) == STATUS_SUCCESS);
    ke_host_detach(thread);
}

static NTSTATUS initialize_mutex(void *arg)
{
    (void)arg;
    KeInitializeMutex(&mutex, 0);
    return STATUS_SUCCESS;
}

static void host_pthreads_share_vps(unsigned cpus)
{
    host_thread *pthreads[PTHREADS];
    real_start(cpus);
    calls_made = 0;
    machine_call(initialize_mutex, NULL);
    for (int i = 0; i < PTHREADS; i++)
        pthreads[i] = host_thread_create("caller", call_often, machine_host_thread());
    for (int i = 0; i < PTHREADS; i++)
        host_thread_join(pthreads[i]);
    assert_int_equal(calls_made, PTHREADS * CALLS);
    machine_stop();
}

static void four_pthreads_on_one_vp(void **state)
{
    (void)state;
    host_pthreads_share_vps(1);
}

static void four_pthreads_on_two_vps(void **state)
{
    (void)state;
    host_pthreads_share_vps(2);
}

/* ---- blocking calls ---- */

static void set_flag(void *arg)
{
    RL_ASSERT(!ke_on_vp());
    *(int *)arg = 1;
}

static void block_in_thread(void *arg)
{
    ke_blocking_call(set_flag, arg);
}

static NTSTATUS blocking_body(void *arg)
{
    int by_host = 0, by_system = 0;
    (void)arg;
    ke_blocking_call(set_flag, &by_host);
    assert_int_equal(by_host, 1);
    assert_true(ke_on_vp());
    machine_join(machine_thread(block_in_thread, &by_system, 8));
    assert_int_equal(by_system, 1);
    return STATUS_SUCCESS;
}

static void blocking_calls_run_without_a_vp(void **state)
{
    (void)state;
    real_start(1);
    assert_int_equal(machine_call(blocking_body, NULL), STATUS_SUCCESS);
    machine_stop();
    machine_start(true, 3, 1);
    assert_int_equal(machine_call(blocking_body, NULL), STATUS_SUCCESS);
    machine_stop();
}

/* ---- affinity ---- */

static NTSTATUS affinity_body(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        KAFFINITY wanted = 1ull << i % 2;
        KeSetSystemAffinityThread(wanted);
        assert_int_equal(1ull << KeGetCurrentProcessorNumber(), wanted);
    }
    assert_int_equal(KeSetSystemAffinityThreadEx(3), 2);
    assert_int_equal(KeSetSystemAffinityThreadEx(0x100), 3); /* no such processor: nothing changes */
    KeRevertToUserAffinityThread();
    assert_int_equal(KeSetSystemAffinityThreadEx(1), 0);
    KeRevertToUserAffinityThreadEx(0);
    return STATUS_SUCCESS;
}

static void a_thread_moves_to_the_processor_it_asks_for(void **state)
{
    (void)state;
    real_start(2);
    assert_int_equal(machine_call(affinity_body, NULL), STATUS_SUCCESS);
    machine_stop();
}

const struct CMUnitTest real_tests[] = {
    cmocka_unit_test(host_calls_return_what_their_function_returned),
    cmocka_unit_test(ping_pong_on_one_vp),
    cmocka_unit_test(ping_pong_on_two_vps),
    cmocka_unit_test(stress_on_two_vps),
    cmocka_unit_test(four_pthreads_on_one_vp),
    cmocka_unit_test(four_pthreads_on_two_vps),
    cmocka_unit_test(blocking_calls_run_without_a_vp),
    cmocka_unit_test(a_thread_moves_to_the_processor_it_asks_for),
    {0},
};

/* SPDX-License-Identifier: MIT */
/* DPCs and interrupts: once in a queue, in which order, at which IRQL, on which processor. rules: DPC-02
 * DPC-03 */
#include "machine.h"

static KDPC dpcs[4];

static void NTAPI note(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    log_text("%d(%d,%d)%d ", (int)(intptr_t)context, (int)(intptr_t)argument1, (int)(intptr_t)argument2,
             KeGetCurrentIrql());
    RL_ASSERT(KeIsExecutingDpc());
}

static void initialize_all(PKDEFERRED_ROUTINE routine)
{
    for (intptr_t i = 0; i < 4; i++)
        KeInitializeDpc(&dpcs[i], routine, (void *)i);
}

static BOOLEAN queue(int i, intptr_t argument)
{
    return KeInsertQueueDpc(&dpcs[i], (PVOID)argument, (PVOID)(argument + 1));
}

SIMULATED_TEST(a_dpc_runs_before_the_call_returns_if_the_irql_allows)
{
    initialize_all(note);
    assert_true(queue(0, 1));
    assert_string_equal(machine_log, "0(1,2)2 ");
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_false(KeIsExecutingDpc());
    return STATUS_SUCCESS;
}

SIMULATED_TEST(dpcs_wait_for_the_irql_and_are_queued_once)
{
    initialize_all(note);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    assert_true(queue(0, 1));
    assert_true(queue(1, 2));
    assert_false(queue(0, 8)); /* DPC-02: the new arguments are ignored */
    assert_string_equal(machine_log, "");
    assert_true(KeRemoveQueueDpc(&dpcs[1]));
    assert_false(KeRemoveQueueDpc(&dpcs[1]));
    assert_true(queue(2, 3));
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "0(1,2)2 2(3,4)2 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(importance_decides_place_and_haste)
{
    initialize_all(note);
    KeSetImportanceDpc(&dpcs[1], HighImportance);
    KeSetImportanceDpc(&dpcs[2], LowImportance);
    queue(2, 0);
    assert_string_equal(machine_log, ""); /* low: the queue is not drained for it */
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    queue(0, 0);
    queue(1, 0);
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "1(0,1)2 2(0,1)2 0(0,1)2 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_low_importance_dpc_runs_when_the_processor_is_idle)
{
    LARGE_INTEGER delay = relative(MS);
    initialize_all(note);
    KeSetImportanceDpc(&dpcs[0], LowImportance);
    queue(0, 0);
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
    assert_string_equal(machine_log, "0(0,1)2 ");
    return STATUS_SUCCESS;
}

static int again;

static void NTAPI queue_self(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context;
    log_text("%d ", again);
    if (again-- > 0)
        RL_ASSERT(KeInsertQueueDpc(dpc, argument1, argument2));
}

SIMULATED_TEST(a_dpc_may_queue_itself_while_it_runs)
{
    again = 2;
    initialize_all(queue_self);
    queue(0, 0);
    assert_string_equal(machine_log, "2 1 0 "); /* DPC-03 */
    return STATUS_SUCCESS;
}

static void NTAPI free_self(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context;
    (void)argument1;
    (void)argument2;
    memset(dpc, 0xEE, sizeof *dpc);
}

SIMULATED_TEST(a_dpc_may_free_itself)
{
    KDPC poisoned;
    memset(&poisoned, 0xEE, sizeof poisoned);
    initialize_all(free_self);
    queue(0, 0);
    assert_memory_equal(&dpcs[0], &poisoned, sizeof poisoned);
    return STATUS_SUCCESS;
}

static void NTAPI threaded(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument2;
    KSPIN_LOCK lock;
    KeInitializeSpinLock(&lock);
    KIRQL irql = KeAcquireSpinLockForDpc(&lock);
    log_text("%d@%d>%d ", (int)(intptr_t)argument1, irql, KeGetCurrentIrql());
    KeReleaseSpinLockForDpc(&lock, irql);
    RL_ASSERT(KeIsExecutingDpc());
}

SIMULATED_TEST(threaded_dpcs_run_at_passive_level)
{
    KDPC first, second;
    KeInitializeThreadedDpc(&first, threaded, NULL);
    KeInitializeThreadedDpc(&second, threaded, NULL);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    assert_true(KeInsertQueueDpc(&first, (PVOID)1, NULL));
    assert_false(KeInsertQueueDpc(&first, (PVOID)9, NULL));
    assert_true(KeInsertQueueDpc(&second, (PVOID)2, NULL));
    assert_true(KeRemoveQueueDpc(&second));
    KeSetImportanceDpc(&second, HighImportance);
    assert_true(KeInsertQueueDpc(&second, (PVOID)3, NULL));
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    assert_string_equal(machine_log, "3@0>2 1@0>2 ");
    return STATUS_SUCCESS;
}

/* ---- other processors ---- */

static void NTAPI where(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    *(ULONG *)context = KeGetCurrentProcessorNumber();
}

static NTSTATUS targets_body(void *arg)
{
    KDPC dpc;
    PROCESSOR_NUMBER number = {.Number = 1}, none = {.Number = 9};
    (void)arg;
    for (ULONG target = 0; target < ke_cpus(); target++) {
        ULONG ran = ~0u;
        KeInitializeDpc(&dpc, where, &ran);
        KeSetTargetProcessorDpc(&dpc, (CCHAR)target);
        KeInsertQueueDpc(&dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        assert_int_equal(ran, target);
    }
    assert_int_equal(KeSetTargetProcessorDpcEx(&dpc, &none), STATUS_INVALID_PARAMETER);
    assert_int_equal(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void a_targeted_dpc_runs_on_its_processor(void **state)
{
    (void)state;
    for (int simulated = 0; simulated < 2; simulated++) {
        machine_start(simulated, 5, 3);
        assert_int_equal(machine_call(targets_body, NULL), STATUS_SUCCESS);
        machine_stop();
    }
}

static ULONG_PTR NTAPI mark(ULONG_PTR argument)
{
    RL_ASSERT(KeGetCurrentIrql() == IPI_LEVEL);
    __atomic_or_fetch((uint64_t *)argument, 1ull << KeGetCurrentProcessorNumber(), __ATOMIC_SEQ_CST);
    return KeGetCurrentProcessorNumber() + 100;
}

static NTSTATUS ipi_body(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        uint64_t marks = 0;
        KIRQL irql = KeRaiseIrqlToDpcLevel();
        ULONG here = KeGetCurrentProcessorNumber();
        assert_int_equal(KeIpiGenericCall(mark, (ULONG_PTR)&marks), here + 100);
        KeLowerIrql(irql);
        assert_int_equal(marks, KeQueryActiveProcessors());
    }
    return STATUS_SUCCESS;
}

static void an_ipi_runs_on_all_processors(void **state)
{
    (void)state;
    for (int simulated = 0; simulated < 2; simulated++) {
        machine_start(simulated, 5, 3);
        assert_int_equal(machine_call(ipi_body, NULL), STATUS_SUCCESS);
        machine_stop();
    }
}

/* ---- interrupts ---- */

static void interrupt(void *context)
{
    log_text("i%d@%d ", (int)(intptr_t)context, KeGetCurrentIrql());
}

SIMULATED_TEST(interrupts_are_taken_above_their_irql_only_highest_first)
{
    KIRQL irql = KfRaiseIrql(8);
    ke_request_interrupt(~0ull, 5, 0, interrupt, (void *)1);
    ke_request_interrupt(~0ull, 7, 0, interrupt, (void *)2);
    ke_request_interrupt(~0ull, 7, 0, interrupt, (void *)2); /* the line is up already */
    ke_request_interrupt(~0ull, 9, 0, interrupt, (void *)3);
    assert_string_equal(machine_log, ""); /* who asks may hold a lock */
    ke_sched_point();
    assert_string_equal(machine_log, "i3@9 ");
    KeLowerIrql(6);
    assert_string_equal(machine_log, "i3@9 i2@7 ");
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "i3@9 i2@7 i1@5 ");
    return STATUS_SUCCESS;
}

const struct CMUnitTest dpc_tests[] = {
    cmocka_unit_test(a_dpc_runs_before_the_call_returns_if_the_irql_allows),
    cmocka_unit_test(dpcs_wait_for_the_irql_and_are_queued_once),
    cmocka_unit_test(importance_decides_place_and_haste),
    cmocka_unit_test(a_low_importance_dpc_runs_when_the_processor_is_idle),
    cmocka_unit_test(a_dpc_may_queue_itself_while_it_runs),
    cmocka_unit_test(a_dpc_may_free_itself),
    cmocka_unit_test(threaded_dpcs_run_at_passive_level),
    cmocka_unit_test(a_targeted_dpc_runs_on_its_processor),
    cmocka_unit_test(an_ipi_runs_on_all_processors),
    cmocka_unit_test(interrupts_are_taken_above_their_irql_only_highest_first),
    {0},
};

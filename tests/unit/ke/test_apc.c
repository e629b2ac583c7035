/* SPDX-License-Identifier: MIT */
/* APCs: the three kinds, what holds them back, what they do to a wait. */
#include "machine.h"

static KAPC apcs[3];

static void NTAPI kernel_routine(PKAPC apc, PKNORMAL_ROUTINE *normal, PVOID *context, PVOID *argument1,
                                 PVOID *argument2)
{
    (void)argument1;
    (void)argument2;
    log_text("k%d@%d ", (int)(apc - apcs), KeGetCurrentIrql());
    if (*context == (PVOID)99)
        *normal = NULL;
}

static void NTAPI normal_routine(PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context;
    log_text("n(%d,%d)@%d ", (int)(intptr_t)argument1, (int)(intptr_t)argument2, KeGetCurrentIrql());
}

static void NTAPI rundown_routine(PKAPC apc)
{
    log_text("r%d ", (int)(apc - apcs));
}

static void initialize(int i, struct ke_thread *thread, PKNORMAL_ROUTINE normal, KPROCESSOR_MODE mode,
                       PVOID context)
{
    KeInitializeApc(&apcs[i], (PKTHREAD)thread, OriginalApcEnvironment, kernel_routine, rundown_routine,
                    normal, mode, context);
}

static BOOLEAN queue(int i)
{
    return KeInsertQueueApc(&apcs[i], (PVOID)1, (PVOID)2, 0);
}

SIMULATED_TEST(special_and_normal_apcs_run_at_their_levels)
{
    initialize(0, ke_thread(), NULL, KernelMode, NULL);
    initialize(1, ke_thread(), normal_routine, KernelMode, NULL);
    initialize(2, ke_thread(), normal_routine, KernelMode,
               (PVOID)99); /* its kernel routine calls the normal one off */
    assert_true(queue(0));
    assert_true(queue(1));
    assert_true(queue(2));
    assert_string_equal(machine_log, "k0@1 k1@1 n(1,2)@0 k2@1 ");
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

SIMULATED_TEST(special_apcs_overtake_normal_ones_and_none_is_queued_twice)
{
    initialize(0, ke_thread(), normal_routine, KernelMode, NULL);
    initialize(1, ke_thread(), NULL, KernelMode, NULL);
    initialize(2, ke_thread(), NULL, KernelMode, NULL);
    KIRQL irql = KfRaiseIrql(APC_LEVEL);
    assert_true(queue(0));
    assert_true(queue(1));
    assert_false(queue(1));
    assert_true(queue(2));
    assert_true(KeRemoveQueueApc(&apcs[2]));
    assert_false(KeRemoveQueueApc(&apcs[2]));
    assert_string_equal(machine_log, "");
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "k1@1 k0@1 n(1,2)@0 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_critical_region_holds_normal_apcs_back)
{
    initialize(0, ke_thread(), normal_routine, KernelMode, NULL);
    initialize(1, ke_thread(), NULL, KernelMode, NULL);
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    assert_true(KeAreApcsDisabled());
    assert_false(KeAreAllApcsDisabled());
    queue(0);
    queue(1);
    assert_string_equal(machine_log, "k1@1 ");
    KeLeaveCriticalRegion();
    assert_string_equal(machine_log, "k1@1 ");
    KeLeaveCriticalRegion();
    assert_string_equal(machine_log, "k1@1 k0@1 n(1,2)@0 ");
    assert_false(KeAreApcsDisabled());
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_guarded_region_holds_all_apcs_back)
{
    initialize(1, ke_thread(), NULL, KernelMode, NULL);
    KeEnterGuardedRegion();
    assert_true(KeAreAllApcsDisabled());
    assert_true(KeAreApcsDisabled());
    queue(1);
    assert_string_equal(machine_log, "");
    KeLeaveGuardedRegion();
    assert_string_equal(machine_log, "k1@1 ");
    KIRQL irql = KfRaiseIrql(APC_LEVEL);
    assert_true(KeAreAllApcsDisabled());
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

/* ---- another thread's APCs ---- */

static KEVENT never, may_end;
static BOOLEAN alertable;
static KPROCESSOR_MODE wait_mode;

static void wait_and_tell(void *arg)
{
    LARGE_INTEGER timeout = relative(20 * MS);
    (void)arg;
    NTSTATUS status = KeWaitForSingleObject(&never, Executive, wait_mode, alertable, &timeout);
    log_text("w%x@%d ", status, (int)(host_interrupt_time() / MS));
    KeWaitForSingleObject(&may_end, Executive, KernelMode, FALSE, NULL);
}

static struct ke_thread *start_waiter(KPROCESSOR_MODE mode, BOOLEAN alert)
{
    LARGE_INTEGER pause = relative(MS);
    wait_mode = mode;
    alertable = alert;
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeInitializeEvent(&may_end, NotificationEvent, FALSE);
    struct ke_thread *thread = machine_thread(wait_and_tell, NULL, 8);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    return thread;
}

static void end_waiter(struct ke_thread *thread)
{
    LARGE_INTEGER pause = relative(30 * MS);
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    KeSetEvent(&may_end, 0, FALSE);
    machine_join(thread);
}

SIMULATED_TEST(a_kernel_apc_runs_inside_a_wait_which_goes_on)
{
    struct ke_thread *thread = start_waiter(KernelMode, FALSE);
    initialize(0, thread, normal_routine, KernelMode, NULL);
    queue(0);
    end_waiter(thread);
    assert_string_equal(machine_log, "k0@1 n(1,2)@0 w102@20 "); /* the time-out is not begun again */
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_user_apc_ends_an_alertable_user_mode_wait_only)
{
    struct ke_thread *thread = start_waiter(UserMode, FALSE);
    initialize(0, thread, normal_routine, UserMode, NULL);
    queue(0);
    end_waiter(thread);
    assert_string_equal(machine_log, "w102@20 r0 "); /* not alertable: it stays queued, and is run down */
    return STATUS_SUCCESS;
}

SIMULATED_TEST(a_user_apc_ends_an_alertable_wait)
{
    struct ke_thread *thread = start_waiter(UserMode, TRUE);
    initialize(0, thread, normal_routine, UserMode, NULL);
    queue(0);
    end_waiter(thread);
    assert_string_equal(machine_log, "wc0@1 r0 ");
    return STATUS_SUCCESS;
}

SIMULATED_TEST(an_apc_to_a_thread_that_has_ended_is_refused)
{
    struct ke_thread *thread = start_waiter(KernelMode, FALSE);
    end_waiter(thread);
    initialize(0, thread, NULL, KernelMode, NULL);
    assert_false(queue(0));
    return STATUS_SUCCESS;
}

const struct CMUnitTest apc_tests[] = {
    cmocka_unit_test(special_and_normal_apcs_run_at_their_levels),
    cmocka_unit_test(special_apcs_overtake_normal_ones_and_none_is_queued_twice),
    cmocka_unit_test(a_critical_region_holds_normal_apcs_back),
    cmocka_unit_test(a_guarded_region_holds_all_apcs_back),
    cmocka_unit_test(a_kernel_apc_runs_inside_a_wait_which_goes_on),
    cmocka_unit_test(a_user_apc_ends_an_alertable_user_mode_wait_only),
    cmocka_unit_test(a_user_apc_ends_an_alertable_wait),
    cmocka_unit_test(an_apc_to_a_thread_that_has_ended_is_refused),
    {0},
};

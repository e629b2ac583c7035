/* SPDX-License-Identifier: MIT */
/*
 * Bug checks: what stops the machine, that it stops once, and that every host
 * call comes back whatever the other processors do.
 */
#include "machine.h"

static unsigned reports;
static KIRQL report_irql;

static void count_report(const struct ke_bugcheck_info *info)
{
    (void)info;
    reports++;
    report_irql = KeGetCurrentIrql();
}

static void stops_with(bool simulated, unsigned cpus, NTSTATUS (*body)(void *), ULONG code)
{
    machine_start(simulated, 1, cpus);
    ke_bugcheck_ops.stopped = count_report;
    reports = 0;
    assert_null(ke_bugcheck_happened());
    assert_int_equal(machine_call(body, NULL), STATUS_SYSTEM_SHUTDOWN);
    assert_non_null(ke_bugcheck_happened());
    assert_int_equal(ke_bugcheck_happened()->code, code);
    assert_int_equal(reports, 1);
    assert_int_equal(report_irql, HIGH_LEVEL);
    assert_int_equal(machine_call(body, NULL), STATUS_SYSTEM_SHUTDOWN); /* and it stays stopped */
    assert_int_equal(reports, 1);
    ke_bugcheck_ops.stopped = NULL;
    machine_stop();
}

#define STOPS(name, code)                                                                                    \
    static NTSTATUS name##_body(void *unused_);                                                              \
    static void name(void **state_)                                                                          \
    {                                                                                                        \
        (void)state_;                                                                                        \
        stops_with(true, 1, name##_body, code);                                                              \
        stops_with(false, 2, name##_body, code);                                                             \
    }                                                                                                        \
    static NTSTATUS name##_body(void *unused_)

static KEVENT never;

STOPS(a_driver_that_calls_ke_bug_check, 0xABCD)
{
    KeBugCheckEx(0xABCD, 1, 2, 3, 4);
}

STOPS(a_wait_at_dispatch_level, IRQL_NOT_LESS_OR_EQUAL)
{
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeRaiseIrqlToDpcLevel();
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static void NTAPI wait_in_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    LARGE_INTEGER timeout = relative(MS);
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, &timeout);
}

STOPS(a_wait_in_a_dpc, ATTEMPTED_SWITCH_FROM_DPC)
{
    KDPC dpc;
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, wait_in_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return STATUS_SUCCESS;
}

STOPS(four_objects_without_wait_blocks, MAXIMUM_WAIT_OBJECTS_EXCEEDED)
{
    PVOID objects[4] = {&never, &never, &never, &never};
    KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    return STATUS_SUCCESS;
}

STOPS(sixty_five_objects, MAXIMUM_WAIT_OBJECTS_EXCEEDED)
{
    static KWAIT_BLOCK blocks[65];
    static PVOID objects[65];
    KeWaitForMultipleObjects(65, objects, WaitAny, Executive, KernelMode, FALSE, NULL, blocks);
    return STATUS_SUCCESS;
}

STOPS(lowering_by_raising, IRQL_NOT_GREATER_OR_EQUAL)
{
    KIRQL old;
    KeRaiseIrqlToDpcLevel();
    KeRaiseIrql(APC_LEVEL, &old);
    return STATUS_SUCCESS;
}

STOPS(raising_by_lowering, IRQL_NOT_LESS_OR_EQUAL)
{
    KeLowerIrql(APC_LEVEL);
    return STATUS_SUCCESS;
}

STOPS(a_call_that_returns_at_raised_irql, IRQL_GT_ZERO_AT_SYSTEM_SERVICE)
{
    KeRaiseIrqlToDpcLevel();
    return STATUS_SUCCESS;
}

STOPS(a_call_that_returns_in_a_critical_region, APC_INDEX_MISMATCH)
{
    KeEnterCriticalRegion();
    return STATUS_SUCCESS;
}

static void NTAPI lower_in_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    KfRaiseIrql(5);
}

STOPS(a_dpc_that_returns_at_another_irql, IRQL_UNEXPECTED_VALUE)
{
    KDPC dpc;
    KeInitializeDpc(&dpc, lower_in_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return STATUS_SUCCESS;
}

STOPS(removing_from_an_idle_device_queue, DEVICE_QUEUE_NOT_BUSY)
{
    KDEVICE_QUEUE queue;
    KeInitializeDeviceQueue(&queue);
    KeRaiseIrqlToDpcLevel();
    KeRemoveDeviceQueue(&queue);
    return STATUS_SUCCESS;
}

static KMUTEX mutex;

static void end_with_mutex(void *arg)
{
    (void)arg;
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
}

STOPS(a_thread_that_ends_with_a_mutex, SYSTEM_EXIT_OWNED_MUTEX)
{
    KeInitializeMutex(&mutex, 0);
    machine_join(machine_thread(end_with_mutex, NULL, 8));
    return STATUS_SUCCESS;
}

static void end_in_region(void *arg)
{
    (void)arg;
    KeEnterCriticalRegion();
}

STOPS(a_thread_that_ends_in_a_critical_region, KERNEL_APC_PENDING_DURING_EXIT)
{
    machine_join(machine_thread(end_in_region, NULL, 8));
    return STATUS_SUCCESS;
}

static void end_raised(void *arg)
{
    (void)arg;
    KeRaiseIrqlToDpcLevel();
}

STOPS(a_thread_that_ends_at_raised_irql, IRQL_NOT_LESS_OR_EQUAL)
{
    machine_join(machine_thread(end_raised, NULL, 8));
    return STATUS_SUCCESS;
}

STOPS(an_exception_that_nobody_handles, SYSTEM_THREAD_EXCEPTION_NOT_HANDLED)
{
    arch_raise_status(STATUS_INVALID_PARAMETER);
}

/* ---- only in a simulated machine: it knows that nothing will ever happen ---- */

static NTSTATUS wait_for_ever(void *arg)
{
    (void)arg;
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static void a_wait_that_can_never_end_is_reported(void **state)
{
    (void)state;
    stops_with(true, 2, wait_for_ever, THREAD_STUCK_IN_DEVICE_DRIVER);
}

static struct ke_thread *stalled_thread;

static bool help_it(struct ke_thread *thread)
{
    stalled_thread = thread;
    KeSetEvent(&never, 0, FALSE);
    return true;
}

static void the_layer_above_may_end_a_stalled_wait(void **state)
{
    (void)state;
    machine_start(true, 1, 2);
    ke_stall_ops.stalled = help_it;
    assert_int_equal(machine_call(wait_for_ever, NULL), STATUS_SUCCESS);
    assert_non_null(stalled_thread);
    ke_stall_ops.stalled = NULL;
    machine_stop();
}

static NTSTATUS acquire_twice(void *arg)
{
    KSPIN_LOCK lock = 0;
    (void)arg;
    KeAcquireSpinLockRaiseToDpc(&lock);
    KeAcquireSpinLockAtDpcLevel(&lock);
    return STATUS_SUCCESS;
}

static void a_spin_lock_acquired_twice_is_reported(void **state)
{
    (void)state;
    stops_with(true, 1, acquire_twice, SPIN_LOCK_ALREADY_OWNED);
}

/* In a real machine only the watchdog can tell; it finds the spinning in our own code. */
static void the_watchdog_ends_a_spin_lock_acquired_twice(void **state)
{
    (void)state;
    stops_with(false, 1, acquire_twice, DPC_WATCHDOG_VIOLATION);
}

/* ---- others are frozen ---- */

static KSPIN_LOCK held;
static uint32_t spinning;

static void spin_for_ever(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    KeAcquireSpinLockRaiseToDpc(&held); /* held by the other: it spins at DISPATCH_LEVEL until frozen */
}

static NTSTATUS stop_while_others_spin(void *arg)
{
    (void)arg;
    held = 1;
    for (int i = 0; i < 2; i++)
        machine_thread(spin_for_ever, NULL, 8);
    while (__atomic_load_n(&spinning, __ATOMIC_SEQ_CST) < 3)
        KeStallExecutionProcessor(10);
    KeBugCheckEx(0xABCD, 0, 0, 0, 0);
}

static NTSTATUS wait_in_another_call(void *arg)
{
    (void)arg;
    __atomic_store_n(&spinning, 1, __ATOMIC_SEQ_CST);
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static void call_and_wait(void *arg)
{
    RL_ASSERT(ke_host_call(arg, wait_in_another_call, NULL, KernelMode) == STATUS_SYSTEM_SHUTDOWN);
    ke_host_detach(arg);
}

static void every_host_call_returns_when_the_machine_stops(void **state)
{
    (void)state;
    machine_start(false, 0, 3);
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    spinning = 0;
    host_thread *other = host_thread_create("other", call_and_wait, machine_host_thread());
    while (!__atomic_load_n(&spinning, __ATOMIC_SEQ_CST))
        host_yield();
    assert_int_equal(machine_call(stop_while_others_spin, NULL), STATUS_SYSTEM_SHUTDOWN);
    host_thread_join(other);
    assert_int_equal(ke_bugcheck_happened()->code, 0xABCD);
    machine_stop();
}

/* ---- the drivers' callbacks ---- */

static void NTAPI callback(PVOID buffer, ULONG length)
{
    log_text("c(%d,%d)@%d ", *(int *)buffer, length, KeGetCurrentIrql());
}

static void NTAPI reason_callback(KBUGCHECK_CALLBACK_REASON reason, PKBUGCHECK_REASON_CALLBACK_RECORD record,
                                  PVOID data, ULONG length)
{
    PKBUGCHECK_SECONDARY_DUMP_DATA dump = data;
    (void)record;
    RL_ASSERT(length == sizeof *dump && dump->InBufferLength > 0);
    log_text("r%d ", reason);
}

static NTSTATUS register_and_stop(void *arg)
{
    static KBUGCHECK_CALLBACK_RECORD record, removed;
    static KBUGCHECK_REASON_CALLBACK_RECORD reason;
    static int buffer = 7;
    (void)arg;
    record.State = removed.State = reason.State = BufferEmpty;
    assert_true(KeRegisterBugCheckCallback(&record, callback, &buffer, sizeof buffer, (PUCHAR) "test"));
    assert_false(KeRegisterBugCheckCallback(&record, callback, &buffer, sizeof buffer, (PUCHAR) "test"));
    assert_true(KeRegisterBugCheckCallback(&removed, callback, &buffer, 0, (PUCHAR) "test"));
    assert_true(KeDeregisterBugCheckCallback(&removed));
    assert_false(KeDeregisterBugCheckCallback(&removed));
    assert_true(KeRegisterBugCheckReasonCallback(&reason, reason_callback, KbCallbackSecondaryDumpData,
                                                 (PUCHAR) "test"));
    KeBugCheck(0x1234);
}

static void callbacks_run_once_at_high_level(void **state)
{
    (void)state;
    stops_with(true, 1, register_and_stop, 0x1234);
    assert_string_equal(machine_log, "r2 r2 c(7,4)@15 ");
}

const struct CMUnitTest bugcheck_tests[] = {
    cmocka_unit_test(a_driver_that_calls_ke_bug_check),
    cmocka_unit_test(a_wait_at_dispatch_level),
    cmocka_unit_test(a_wait_in_a_dpc),
    cmocka_unit_test(four_objects_without_wait_blocks),
    cmocka_unit_test(sixty_five_objects),
    cmocka_unit_test(lowering_by_raising),
    cmocka_unit_test(raising_by_lowering),
    cmocka_unit_test(a_call_that_returns_at_raised_irql),
    cmocka_unit_test(a_call_that_returns_in_a_critical_region),
    cmocka_unit_test(a_dpc_that_returns_at_another_irql),
    cmocka_unit_test(removing_from_an_idle_device_queue),
    cmocka_unit_test(a_thread_that_ends_with_a_mutex),
    cmocka_unit_test(a_thread_that_ends_in_a_critical_region),
    cmocka_unit_test(a_thread_that_ends_at_raised_irql),
    cmocka_unit_test(an_exception_that_nobody_handles),
    cmocka_unit_test(a_wait_that_can_never_end_is_reported),
    cmocka_unit_test(the_layer_above_may_end_a_stalled_wait),
    cmocka_unit_test(a_spin_lock_acquired_twice_is_reported),
    cmocka_unit_test(the_watchdog_ends_a_spin_lock_acquired_twice),
    cmocka_unit_test(every_host_call_returns_when_the_machine_stops),
    cmocka_unit_test(callbacks_run_once_at_high_level),
    {0},
};

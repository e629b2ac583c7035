/* SPDX-License-Identifier: MIT */
/*
 * The checks on a running machine: calls through checking gates, as a driver's, and driver routines called by
 * the runtime. Each violation stops its machine; the report is what the test looks at.
 */
#include "../ke/machine.h"
#include <time.h>
#include "arch/machine.h"
#include "io/private.h"
#include "nt/bugcodes.h"
#include "vf/vf.h"

/* Only what a test reaches is linked. */
static const void *const wanted[] __attribute__((used)) = {
    KeAcquireSpinLockRaiseToDpc, KeAcquireInStackQueuedSpinLock, KeDelayExecutionThread,
    KeEnterCriticalRegion,       IoAcquireCancelSpinLock,        KeLowerIrql};

static const void *gate(const char *name)
{
    for (const struct export_entry *x = __start_rl_exports; x < __stop_rl_exports; x++)
        if (strcmp(x->name, name) == 0)
            return arch_gate(x, ARCH_GATE_CHECKED);
    fail_msg("%s is not exported", name);
    return NULL;
}

#define CALL(type, name) ((type)gate(name))
typedef VOID NTAPI lock_fn(PKSPIN_LOCK lock);
typedef KIRQL NTAPI acquire_fn(PKSPIN_LOCK lock);
typedef VOID NTAPI release_fn(PKSPIN_LOCK lock, KIRQL irql);
typedef VOID NTAPI queued_fn(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle);
typedef VOID NTAPI release_queued_fn(PKLOCK_QUEUE_HANDLE handle);
typedef BOOLEAN NTAPI try_fn(PKSPIN_LOCK lock);
typedef VOID NTAPI irql_fn(KIRQL irql);
typedef VOID NTAPI region_fn(VOID);
typedef NTSTATUS NTAPI wait_fn(PVOID, KWAIT_REASON, KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER);

static KSPIN_LOCK lock_a, lock_b;

static void start(NTSTATUS (*body)(void *))
{
    machine_start(true, 1, 1);
    vf_start(VF_STANDARD);
    lock_a = lock_b = 0;
    machine_call(body, NULL);
}

static void stop(void)
{
    vf_stop();
    machine_stop();
}

static void expect_stop(NTSTATUS (*body)(void *), ULONG code, ULONG64 kind, const char *words)
{
    start(body);
    const struct vf_report *report = vf_bug_check();
    assert_non_null(report);
    if (report->code != code || report->p[0] != kind || !strstr(report->text, words))
        fail_msg("expected 0x%x 0x%llx '%s', got:\n%s", code, (unsigned long long)kind, words, report->text);
    assert_true(report->verifier);
    stop();
}

static void expect_none(NTSTATUS (*body)(void *))
{
    start(body);
    const struct vf_report *report = vf_bug_check();
    if (report != NULL)
        fail_msg("%s", report->text);
    stop();
}

/* ---- correct code of every kind is let through ---- */

static NTSTATUS all_well(void *unused)
{
    KLOCK_QUEUE_HANDLE handle;
    LARGE_INTEGER zero = {.QuadPart = 0};
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KIRQL old = CALL(acquire_fn *, "KeAcquireSpinLockRaiseToDpc")(&lock_a);
    CALL(lock_fn *, "KeAcquireSpinLockAtDpcLevel")(&lock_b);
    assert_int_equal(CALL(wait_fn *, "KeWaitForSingleObject")(&event, Executive, KernelMode, FALSE, &zero),
                     STATUS_TIMEOUT);
    CALL(lock_fn *, "KeReleaseSpinLockFromDpcLevel")(&lock_b);
    assert_true(CALL(try_fn *, "KeTryToAcquireSpinLockAtDpcLevel")(&lock_b));
    CALL(lock_fn *, "KeReleaseSpinLockFromDpcLevel")(&lock_b);
    CALL(release_fn *, "KeReleaseSpinLock")(&lock_a, old);
    CALL(queued_fn *, "KeAcquireInStackQueuedSpinLock")(&lock_a, &handle);
    CALL(release_queued_fn *, "KeReleaseInStackQueuedSpinLock")(&handle);
    CALL(region_fn *, "KeEnterCriticalRegion")();
    CALL(region_fn *, "KeLeaveCriticalRegion")();
    return STATUS_SUCCESS;
}

static void correct_code_runs(void **state)
{
    expect_none(all_well);
}

/* ---- the cancel lock: a cancel routine is called with it and releases it ---- */

typedef VOID NTAPI acquire_cancel_fn(PKIRQL irql);

static void releases_cancel_lock(void)
{
    CALL(irql_fn *, "IoReleaseCancelSpinLock")(DISPATCH_LEVEL);
}

static void keeps_cancel_lock(void)
{
    KIRQL irql;
    CALL(acquire_cancel_fn *, "IoAcquireCancelSpinLock")(&irql);
}

static void as_driver_routine(const char *role, void (*routine)(void));

static NTSTATUS cancels(void *unused)
{
    /* To the verifier the routine is a driver's: the runtime's own are trusted with the lock. */
    struct arch_image driver = {.base = (ULONG64)(uintptr_t)releases_cancel_lock, .size = 1};
    KIRQL old = ke_raise_irql(DISPATCH_LEVEL), irql;
    arch_image_add(&driver);
    IoAcquireCancelSpinLock(&irql); /* the I/O manager's */
    as_driver_routine("cancel", releases_cancel_lock);
    arch_image_remove(&driver);
    ke_lower_irql(old);
    CALL(acquire_cancel_fn *, "IoAcquireCancelSpinLock")(&irql);
    CALL(irql_fn *, "IoReleaseCancelSpinLock")(irql);
    return STATUS_SUCCESS;
}

static NTSTATUS dispatch_keeps_cancel_lock(void *unused)
{
    ke_raise_irql(DISPATCH_LEVEL);
    as_driver_routine("dispatch", keeps_cancel_lock);
    return STATUS_SUCCESS;
}

static NTSTATUS releases_no_cancel_lock(void *unused)
{
    ke_raise_irql(DISPATCH_LEVEL);
    releases_cancel_lock();
    return STATUS_SUCCESS;
}

static void cancel_lock(void **state)
{
    expect_none(cancels);
    expect_stop(dispatch_keeps_cancel_lock, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x40009,
                "returned without releasing the cancel spin lock");
    expect_stop(releases_no_cancel_lock, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x4000B, "does not hold");
}

/* ---- each mistake ---- */

static NTSTATUS waits_at_dispatch(void *unused)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ke_raise_irql(DISPATCH_LEVEL);
    CALL(wait_fn *, "KeWaitForSingleObject")(&event, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS calls_at_wrong_irql(void *unused)
{
    LARGE_INTEGER interval = {.QuadPart = -1};
    ke_raise_irql(DISPATCH_LEVEL);
    CALL(NTSTATUS(NTAPI *)(KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER), "KeDelayExecutionThread")
    (KernelMode, FALSE, &interval);
    return STATUS_SUCCESS;
}

static NTSTATUS acquires_twice(void *unused)
{
    CALL(acquire_fn *, "KeAcquireSpinLockRaiseToDpc")(&lock_a);
    CALL(lock_fn *, "KeAcquireSpinLockAtDpcLevel")(&lock_a);
    return STATUS_SUCCESS;
}

static NTSTATUS releases_what_it_has_not(void *unused)
{
    ke_raise_irql(DISPATCH_LEVEL);
    CALL(lock_fn *, "KeReleaseSpinLockFromDpcLevel")(&lock_a);
    return STATUS_SUCCESS;
}

static NTSTATUS lowers_with_a_lock(void *unused)
{
    KIRQL old = CALL(acquire_fn *, "KeAcquireSpinLockRaiseToDpc")(&lock_a);
    CALL(irql_fn *, "KeLowerIrql")(old);
    return STATUS_SUCCESS;
}

static NTSTATUS releases_in_the_wrong_order(void *unused)
{
    KLOCK_QUEUE_HANDLE handle;
    CALL(queued_fn *, "KeAcquireInStackQueuedSpinLock")(&lock_a, &handle);
    CALL(lock_fn *, "KeAcquireSpinLockAtDpcLevel")(&lock_b);
    CALL(release_queued_fn *, "KeReleaseInStackQueuedSpinLock")(&handle);
    return STATUS_SUCCESS;
}

static NTSTATUS leaves_without_entering(void *unused)
{
    CALL(region_fn *, "KeLeaveCriticalRegion")();
    return STATUS_SUCCESS;
}

static void mistakes_in_calls(void **state)
{
    const ULONG c4 = DRIVER_VERIFIER_DETECTED_VIOLATION;
    expect_stop(waits_at_dispatch, c4, 0x121, "to wait without an end");
    expect_stop(calls_at_wrong_irql, c4, 0x2000F,
                "KeDelayExecutionThread was called at IRQL 2 (DISPATCH_LEVEL); it may be "
                "called at APC_LEVEL and below (rule IrqlKeApcLte1)");
    expect_stop(acquires_twice, c4, 0x40009, "it would wait for ever");
    expect_stop(releases_what_it_has_not, c4, 0x4000B, "does not hold");
    expect_stop(lowers_with_a_lock, c4, 0x31, "the driver holds a spin lock");
    expect_stop(releases_in_the_wrong_order, c4, 0x20015, "while another spin lock is held");
    expect_stop(leaves_without_entering, c4, 0x3E, "not in a critical region");
}

/* ---- routines ---- */

static void as_driver_routine(const char *role, void (*routine)(void))
{
    uint64_t cookie = ke_callout_enter(role, (const void *)(uintptr_t)routine);
    routine();
    ke_callout_leave(role, (const void *)(uintptr_t)routine, cookie);
}

static void keeps_lock(void)
{
    CALL(acquire_fn *, "KeAcquireSpinLockRaiseToDpc")(&lock_a);
}

static void raises(void)
{
    ke_raise_irql(DISPATCH_LEVEL);
}

static void enters_region(void)
{
    CALL(region_fn *, "KeEnterCriticalRegion")();
}

static void disables_interrupts(void)
{
    machine_ops.set_interrupt_flag(false);
}

static void lowers(void)
{
    CALL(irql_fn *, "KeLowerIrql")(PASSIVE_LEVEL);
}

static NTSTATUS dispatch_keeps_lock(void *unused)
{
    as_driver_routine("dispatch", keeps_lock);
    return STATUS_SUCCESS;
}

static NTSTATUS dispatch_raises(void *unused)
{
    as_driver_routine("dispatch", raises);
    return STATUS_SUCCESS;
}

static NTSTATUS completion_enters_region(void *unused)
{
    as_driver_routine("completion", enters_region);
    return STATUS_SUCCESS;
}

static NTSTATUS dispatch_disables_interrupts(void *unused)
{
    as_driver_routine("dispatch", disables_interrupts);
    return STATUS_SUCCESS;
}

static NTSTATUS dpc_lowers(void *unused)
{
    ke_raise_irql(DISPATCH_LEVEL);
    as_driver_routine("DPC", lowers);
    return STATUS_SUCCESS;
}

static void mistakes_of_routines(void **state)
{
    expect_stop(dispatch_keeps_lock, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x40009,
                "without releasing a spin lock");
    expect_stop(dispatch_raises, DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12,
                "returned at IRQL 2 (DISPATCH_LEVEL)");
    expect_stop(completion_enters_region, DRIVER_VERIFIER_DETECTED_VIOLATION, 0xFB,
                "inside a critical region");
    expect_stop(dispatch_disables_interrupts, DRIVER_VERIFIER_DETECTED_VIOLATION, 0xC1,
                "with interrupts disabled");
    expect_stop(dpc_lowers, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x31,
                "a DPC routine stays at DISPATCH_LEVEL");
}

/* ---- a garbage IRP through the seam ---- */

static NTSTATUS bad_irp(void *unused)
{
    seam_vf->irp_violation(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x03, (void *)0x1234,
                           "IoCallDriver was called with garbage");
    return STATUS_SUCCESS;
}

static NTSTATUS completes_pending(void *unused)
{
    IRP *irp = hmem_reserve(HMEM_POOL, 1, 1, 1);
    hmem_commit(irp, 1, HMEM_RW);
    *irp = (IRP){.Type = IO_TYPE_IRP, .Size = sizeof(IRP), .IoStatus = {.Status = STATUS_PENDING}};
    seam_vf->irp_violation(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x06, irp, "completed with STATUS_PENDING");
    return STATUS_SUCCESS;
}

static void violations_of_requests(void **state)
{
    expect_stop(completes_pending, DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x06,
                "*** (0x0000000000000006, 0x0000000000000103, ");
    expect_stop(bad_irp, DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x03, "0x1234, which is not an IRP");
}

static NTSTATUS none_without_verifier(void *unused)
{
    return waits_at_dispatch(unused);
}

static void level_none_checks_nothing(void **state)
{
    machine_start(true, 1, 1);
    vf_start(VF_NONE);
    assert_false(vf_wants_gates());
    machine_call(none_without_verifier, NULL);
    assert_non_null(vf_bug_check()); /* the dispatcher's own: a wait at DISPATCH_LEVEL */
    assert_false(vf_bug_check()->verifier);
    stop();
}

static void recorded_violations(void **state)
{
    machine_start(true, 1, 1);
    vf_start(VF_STANDARD);
    assert_int_equal(vf_violations(), 0);
    for (unsigned i = 0; i < 20; i++)
        vf_record(&(struct ke_bugcheck_info){.code = DRIVER_VERIFIER_DETECTED_VIOLATION,
                                             .p = {0x62, i},
                                             .verifier = true,
                                             .frames = {1},
                                             .frame_count = 1});
    assert_int_equal(vf_violations(), 16);
    assert_int_equal(vf_violation(3)->p[1], 3);
    assert_non_null(strstr(vf_violation(0)->text, "driver unloads with pool not freed"));
    assert_null(vf_violation(16));
    assert_null(vf_bug_check());
    stop();
}

/* ---- what a check costs ---- */

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct measurement {
    enum arch_gate_kind kind;
    double ns;
};

/* The best of several, as others share the processor. */
static NTSTATUS measure(void *argument)
{
    struct measurement *m = argument;
    const struct export_entry *x = __start_rl_exports;
    while (strcmp(x->name, "KeGetCurrentIrql") != 0)
        x++;
    KIRQL(NTAPI * current)(VOID) = (KIRQL(NTAPI *)(VOID))arch_gate(x, m->kind);
    enum { TIMES = 100000, TRIES = 20 };
    m->ns = 1e9;
    for (int try = 0; try < TRIES; try++) {
        uint64_t begin = now_ns();
        for (int i = 0; i < TIMES; i++)
            current();
        double ns = (double)(now_ns() - begin) / TIMES;
        m->ns = ns < m->ns ? ns : m->ns;
    }
    return STATUS_SUCCESS;
}

static void cost(void **state)
{
    struct measurement plain = {ARCH_GATE_RECORD}, unchecked = {ARCH_GATE_CHECKED},
                       checked = {ARCH_GATE_CHECKED};
    machine_start(false, 0, 1);
    machine_call(measure, &plain);
    machine_call(measure, &unchecked);
    vf_start(VF_STANDARD);
    machine_call(measure, &checked);
    stop();
    print_message("a gate: %.1f ns, a checking one: %.1f ns, with standard checks: %.1f ns\n", plain.ns,
                  unchecked.ns, checked.ns);
    assert_true(checked.ns < plain.ns + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correct_code_runs),
        cmocka_unit_test(mistakes_in_calls),
        cmocka_unit_test(cancel_lock),
        cmocka_unit_test(mistakes_of_routines),
        cmocka_unit_test(violations_of_requests),
        cmocka_unit_test(level_none_checks_nothing),
        cmocka_unit_test(recorded_violations),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests_name("vf-live", tests, NULL, NULL);
}

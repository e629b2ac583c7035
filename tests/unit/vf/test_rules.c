/* SPDX-License-Identifier: MIT */
/* The standard checks as decisions: which rule a call or a return breaks, and what is said about it. */
#include <string.h>
#include "facts.h"
#include "nt/bugcodes.h"
#include "vf/irql_rules.h"
#include "vf/rules.h"

#define C4 DRIVER_VERIFIER_DETECTED_VIOLATION
#define C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION

static struct vf_finding f;

static struct export_entry export(const char *name, UCHAR low, UCHAR high)
{
    return (struct export_entry){.module = "ntoskrnl", .name = name, .min_irql = low, .max_irql = high};
}

static bool irql_breaks(const char *name, UCHAR low, UCHAR high, KIRQL irql)
{
    struct export_entry x = export(name, low, high);
    struct vf_call call = {.export = &x, .irql = irql, .caller = BROKEN_BASE + 0x10, .arguments = {0x77}};
    return vf_check_irql(&call, &f);
}

static void irql_of_exports(void **state)
{
    assert_false(irql_breaks("KeSetEvent", PASSIVE_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL));
    assert_false(irql_breaks("ZwClose", PASSIVE_LEVEL, PASSIVE_LEVEL, PASSIVE_LEVEL));

    assert_true(irql_breaks("ZwClose", PASSIVE_LEVEL, PASSIVE_LEVEL, DISPATCH_LEVEL));
    assert_int_equal(f.code, C4);
    assert_int_equal(f.p[0], 0x2001F);
    assert_string_equal(
        f.sentence, "ZwClose was called at IRQL 2 (DISPATCH_LEVEL); it may be called at PASSIVE_LEVEL only "
                    "(rule IrqlZwPassive)");
    assert_true(irql_breaks("KeSetTimer", PASSIVE_LEVEL, DISPATCH_LEVEL, 5));
    assert_int_equal(f.p[0], 0x20011);
    assert_string_equal(
        f.sentence,
        "KeSetTimer was called at IRQL 5 (a device's level); it may be called at DISPATCH_LEVEL and "
        "below (rule IrqlKeDispatchLte)");
    assert_true(irql_breaks("KeReleaseSpinLock", DISPATCH_LEVEL, 12, PASSIVE_LEVEL));
    assert_int_equal(f.p[0], 0x20015);
    assert_non_null(strstr(f.sentence, "from DISPATCH_LEVEL to IRQL 12"));
    assert_true(irql_breaks("KeAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL, HIGH_LEVEL, APC_LEVEL));
    assert_int_equal(f.p[0], 0x40);
    assert_non_null(strstr(f.sentence, "at DISPATCH_LEVEL and above"));
}

static void irql_without_a_rule(void **state)
{
    assert_true(irql_breaks("ZwQueryObject", PASSIVE_LEVEL, PASSIVE_LEVEL, APC_LEVEL));
    assert_int_equal(f.p[0], 0xE6);
    assert_int_equal(f.p[1], BROKEN_BASE + 0x10);
    assert_int_equal(f.p[2], APC_LEVEL);
    assert_true(irql_breaks("IoAllocateMdl", PASSIVE_LEVEL, DISPATCH_LEVEL, 5));
    assert_int_equal(f.p[0], 0xE5);
    assert_int_equal(f.p[1], 5);
    assert_true(irql_breaks("IofCallDriver", PASSIVE_LEVEL, DISPATCH_LEVEL, 5));
    assert_int_equal(f.code, C9);
    assert_int_equal(f.p[0], 0x10);
    assert_int_equal(f.p[1], 5);
    assert_true(irql_breaks("MmProbeAndLockPages", PASSIVE_LEVEL, DISPATCH_LEVEL, 5));
    assert_int_equal(f.p[0], 0x70);
    assert_int_equal(f.p[2], 0x77);
}

static bool special_breaks(const char *name, KIRQL irql, ULONG64 a0, ULONG64 a1, ULONG64 a2, ULONG64 a4)
{
    struct export_entry x = export(name, PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct vf_call call = {
        .export = &x, .irql = irql, .caller = BROKEN_BASE, .arguments = {a0, a1, a2, 0, a4}};
    return vf_check_special(vf_special_of(name), &call, &f);
}

static void waits(void **state)
{
    LONGLONG *timeout = test_page();
    assert_false(special_breaks("KeWaitForSingleObject", APC_LEVEL, 1, 0, 0, 0));
    assert_true(special_breaks("KeWaitForSingleObject", DISPATCH_LEVEL, 1, 0, 0, 0));
    assert_int_equal(f.p[0], 0x121);
    assert_false(special_breaks("KeWaitForSingleObject", DISPATCH_LEVEL, 1, 0, 0, (ULONG64)timeout));
    *timeout = -10000;
    assert_true(special_breaks("KeWaitForSingleObject", DISPATCH_LEVEL, 1, 0, 0, (ULONG64)timeout));
    assert_int_equal(f.p[0], 0x122);
    assert_true(special_breaks("KeSetEvent", DISPATCH_LEVEL, 1, 0, 0x5500 | TRUE, 0));
    assert_int_equal(f.p[0], 0x20016);
    assert_false(special_breaks("KeSetEvent", DISPATCH_LEVEL, 1, 0, 0x5500, 0));
    assert_false(special_breaks("KeSetEvent", APC_LEVEL, 1, 0, TRUE, 0));
    test_free_page(timeout);
}

static void pool_and_levels(void **state)
{
    assert_true(special_breaks("ExAllocatePoolWithTag", DISPATCH_LEVEL, PagedPool, 64, 0, 0));
    assert_int_equal(f.p[0], 0x01);
    assert_int_equal(f.p[1], DISPATCH_LEVEL);
    assert_int_equal(f.p[3], 64);
    assert_false(special_breaks("ExAllocatePoolWithTag", DISPATCH_LEVEL, NonPagedPoolNx, 64, 0, 0));
    assert_false(special_breaks("ExAllocatePoolWithTag", APC_LEVEL, PagedPool, 64, 0, 0));
    assert_true(special_breaks("ExAllocatePool2", DISPATCH_LEVEL, POOL_FLAG_PAGED, 64, 0, 0));
    assert_true(special_breaks("KfRaiseIrql", DISPATCH_LEVEL, APC_LEVEL, 0, 0, 0));
    assert_int_equal(f.p[0], 0x30);
    assert_true(special_breaks("KeRaiseIrql", PASSIVE_LEVEL, 99, 0, 0, 0));
    assert_true(special_breaks("KeLowerIrql", APC_LEVEL, DISPATCH_LEVEL, 0, 0, 0));
    assert_int_equal(f.p[0], 0x31);
    assert_false(special_breaks("KeLowerIrql", DISPATCH_LEVEL, PASSIVE_LEVEL, 0, 0, 0));
    assert_true(special_breaks("KeLeaveCriticalRegion", PASSIVE_LEVEL, 0, 0, 0, 0));
    assert_int_equal(f.p[0], 0x3E);
    assert_true(special_breaks("MmMapLockedPagesSpecifyCache", DISPATCH_LEVEL, 0x1000, UserMode, 0, 0));
    assert_int_equal(f.p[0], 0x77);
    assert_false(special_breaks("MmMapLockedPagesSpecifyCache", DISPATCH_LEVEL, 0x1000, KernelMode, 0, 0));
}

static void above_dispatch(void **state)
{
    struct export_entry allocate = export("ExAllocatePool2", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct export_entry free = export("ExFreePoolWithTag", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct export_entry wait = export("KeWaitForSingleObject", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct vf_call call = {.export = &allocate, .irql = 5, .arguments = {0x40, 32}};
    assert_true(vf_check_call(VF_ALLOCATE_FLAGS, &call, &f));
    assert_int_equal(f.p[0], 0x02);
    assert_int_equal(f.p[3], 32);
    call = (struct vf_call){.export = &free, .irql = 5, .arguments = {0x1000}};
    assert_true(vf_check_call(VF_FREE, &call, &f));
    assert_int_equal(f.p[0], 0x12);
    assert_int_equal(f.p[3], 0x1000);
    call = (struct vf_call){.export = &wait, .irql = 5};
    assert_true(vf_check_call(VF_WAIT_SINGLE, &call, &f));
    assert_int_equal(f.p[0], 0x120);
    call.irql = DISPATCH_LEVEL;
    assert_true(vf_check_call(VF_WAIT_SINGLE, &call, &f));
    assert_int_equal(f.p[0], 0x121);
}

static void lowering_where_it_may_not(void **state)
{
    struct export_entry x = export("KeLowerIrql", PASSIVE_LEVEL, HIGH_LEVEL);
    struct vf_call in_dpc = {.export = &x, .irql = DISPATCH_LEVEL, .in_dpc = true};
    struct vf_call holding = {.export = &x, .irql = DISPATCH_LEVEL, .locks_held = 1};
    assert_true(vf_check_special(VF_LOWER_IRQL, &in_dpc, &f));
    assert_int_equal(f.p[3], 1);
    assert_true(vf_check_special(VF_LOWER_IRQL, &holding, &f));
    assert_non_null(strstr(f.sentence, "holds a spin lock"));
    x.max_irql = PASSIVE_LEVEL;
    struct vf_call zw = {.export = &x, .special_apc_disable = -1};
    assert_true(vf_check_special(VF_ZW, &zw, &f));
    assert_int_equal(f.p[0], 0xE6);
}

static struct vf_call lock_call(const struct export_entry *x, ULONG64 lock, ULONG64 second)
{
    return (struct vf_call){
        .export = x, .irql = DISPATCH_LEVEL, .caller = BROKEN_BASE + 0x20, .arguments = {lock, second}};
}

static void spin_locks(void **state)
{
    struct export_entry x = export("KeAcquireSpinLockRaiseToDpc", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct vf_locks locks = {0};
    struct vf_call a = lock_call(&x, 0xA000, PASSIVE_LEVEL), b = lock_call(&x, 0xB000, DISPATCH_LEVEL);
    assert_false(vf_check_acquire(VF_ACQUIRE, &a, &locks, &f));
    vf_acquired(VF_ACQUIRE, &a, &locks);
    vf_acquired(VF_ACQUIRE, &b, &locks);
    assert_int_equal(locks.count, 2);
    assert_true(vf_check_acquire(VF_ACQUIRE, &a, &locks, &f));
    assert_int_equal(f.p[0], 0x40009);
    assert_non_null(strstr(f.sentence, "since broken.sys+.text+0x20: it would wait for ever"));
    assert_false(vf_check_acquire(VF_ACQUIRE_TRY, &a, &locks, &f));
    assert_true(vf_released(VF_RELEASE_LOWER, &a, &locks, &f)); /* to PASSIVE_LEVEL, holding B */
    assert_int_equal(f.p[0], 0x20015);
    assert_int_equal(locks.count, 1);
    assert_false(vf_released(VF_RELEASE_LOWER, &b, &locks, &f));
    assert_true(vf_released(VF_RELEASE, &b, &locks, &f));
    assert_int_equal(f.p[0], 0x4000B);
}

static void queued_and_shared_locks(void **state)
{
    struct export_entry x = export("KeAcquireInStackQueuedSpinLock", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct vf_locks locks = {0};
    struct vf_call acquire = lock_call(&x, 0xA000, 0x9000), release = lock_call(&x, 0x9000, 0);
    struct vf_call shared = lock_call(&x, 0xC000, 0);
    vf_acquired(VF_ACQUIRE_QUEUED, &acquire, &locks);
    assert_true(vf_check_acquire(VF_ACQUIRE_QUEUED, &acquire, &locks, &f));
    assert_int_equal(f.p[0], 0x40006);
    assert_false(vf_released(VF_RELEASE_QUEUED, &release, &locks, &f));
    assert_true(vf_released(VF_RELEASE_QUEUED, &release, &locks, &f));
    assert_int_equal(f.p[0], 0x40007);
    vf_acquired(VF_ACQUIRE_SHARED, &shared, &locks);
    assert_false(vf_check_acquire(VF_ACQUIRE_SHARED, &shared, &locks, &f));
    assert_true(vf_check_acquire(VF_ACQUIRE, &shared, &locks, &f));
}

static void more_locks_than_room(void **state)
{
    struct export_entry x = export("KeAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL, HIGH_LEVEL);
    struct vf_locks locks = {0};
    for (unsigned i = 0; i < 40; i++) {
        struct vf_call call = lock_call(&x, 0x1000 + i, 0);
        vf_acquired(VF_ACQUIRE, &call, &locks);
    }
    for (unsigned i = 40; i > 0; i--) {
        struct vf_call call = lock_call(&x, 0x1000 + i - 1, 0);
        assert_false(vf_released(VF_RELEASE, &call, &locks, &f));
    }
    assert_int_equal(locks.count, 0);
}

static bool callout_breaks(const char *role, struct vf_state before, struct vf_state after,
                           const struct vf_locks *locks)
{
    return vf_check_callout(role, BROKEN_BASE + 0x100, &before, &after, locks, &f);
}

static void returns(void **state)
{
    static const struct {
        const char *role;
        ULONG code;
        ULONG64 p1, p2, p3;
    } irql_cases[] = {
        {"dispatch", C9, 0x12, BROKEN_BASE + 0x100, PASSIVE_LEVEL},
        {"fast I/O", C9, 0x11, BROKEN_BASE + 0x100, PASSIVE_LEVEL},
        {"completion", C4, 0xFA, BROKEN_BASE + 0x100, PASSIVE_LEVEL},
        {"ISR", C4, 0x111, BROKEN_BASE + 0x100, PASSIVE_LEVEL},
        {"work item", WORKER_THREAD_RETURNED_AT_BAD_IRQL, BROKEN_BASE + 0x100, DISPATCH_LEVEL, 0},
        {"DPC", IRQL_UNEXPECTED_VALUE, 0x20002, 0, 0},
        {"Unload", IRQL_UNEXPECTED_VALUE, 0x20002, 0, 0},
    };
    struct vf_locks none = {0};
    struct vf_state low = {.irql = PASSIVE_LEVEL, .interrupts = true},
                    high = {.irql = DISPATCH_LEVEL, .interrupts = true};
    assert_false(callout_breaks("dispatch", low, low, &none));
    for (unsigned i = 0; i < countof(irql_cases); i++) {
        assert_true(callout_breaks(irql_cases[i].role, low, high, &none));
        assert_int_equal(f.code, irql_cases[i].code);
        assert_int_equal(f.p[0], irql_cases[i].p1);
        assert_int_equal(f.p[1], irql_cases[i].p2);
        assert_int_equal(f.p[2], irql_cases[i].p3);
        assert_int_equal(f.blame, BROKEN_BASE + 0x100);
    }
    assert_false(callout_breaks("cancel", high, low, &none));
    callout_breaks("dispatch", low, high, &none);
    assert_string_equal(
        f.sentence, "the dispatch routine broken.sys+.text+0x100 was called at IRQL 0 (PASSIVE_LEVEL) and "
                    "returned at IRQL 2 (DISPATCH_LEVEL)");
}

static void returns_with_other_things_left(void **state)
{
    struct vf_locks locks = {.count = 1,
                             .held = {{.lock = 0xA000, .key = 0xA000, .caller = BROKEN_BASE + 0x24}}};
    struct vf_state low = {.irql = PASSIVE_LEVEL, .interrupts = true}, after = low;
    after.irql = DISPATCH_LEVEL;
    after.locks_held = 1;
    assert_true(callout_breaks("dispatch", low, after, &locks));
    assert_int_equal(f.p[0], 0x40009);
    assert_non_null(
        strstr(f.sentence, "without releasing a spin lock that was acquired at broken.sys+.text+0x24"));
    locks.held[0].queued = true;
    callout_breaks("dispatch", low, after, &locks);
    assert_int_equal(f.p[0], 0x40006);

    after = low;
    after.interrupts = false;
    assert_true(callout_breaks("fast I/O", low, after, &locks));
    assert_int_equal(f.p[0], 0xC3);

    after = low;
    after.kernel_apc_disable = -1;
    assert_true(callout_breaks("dispatch", low, after, &locks));
    assert_int_equal(f.p[0], 0xC5);
    assert_int_equal((LONG64)f.p[2], -1); /* now, then before */
    assert_true(callout_breaks("completion", low, after, &locks));
    assert_int_equal(f.p[0], 0xFB);
    assert_true(callout_breaks("DPC", low, after, &locks));
    assert_int_equal(f.code, TIMER_OR_DPC_INVALID);
    assert_true(callout_breaks("work item", low, after, &locks));
    assert_int_equal(f.code, APC_INDEX_MISMATCH);
    assert_true(callout_breaks("Unload", low, after, &locks));
    assert_int_equal(f.p[0], 0x40003);
    after = low;
    after.special_apc_disable = -1;
    assert_true(callout_breaks("Unload", low, after, &locks));
    assert_int_equal(f.p[0], 0x4000E);
}

static void exports_keep_the_irql(void **state)
{
    struct export_entry x = export("IoAllocateIrp", PASSIVE_LEVEL, DISPATCH_LEVEL);
    struct vf_call call = {.export = &x, .irql = PASSIVE_LEVEL};
    assert_false(vf_check_irql_kept(&call, PASSIVE_LEVEL, &f));
    assert_true(vf_check_irql_kept(&call, DISPATCH_LEVEL, &f));
    assert_int_equal(f.code, IRQL_UNEXPECTED_VALUE);
    x.flags = X_RAISES_IRQL;
    assert_false(vf_check_irql_kept(&call, DISPATCH_LEVEL, &f));
}

/* The tables are searched by halves. */
static void tables_are_in_order(void **state)
{
    for (unsigned i = 1; i < vf_irql_rule_count; i++)
        assert_true(strcmp(vf_irql_rules[i - 1].routine, vf_irql_rules[i].routine) < 0);
    assert_non_null(vf_irql_rule_of("ZwClose"));
    assert_null(vf_irql_rule_of("IoCallDriver"));
}

int run_rule_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(irql_of_exports),
        cmocka_unit_test(irql_without_a_rule),
        cmocka_unit_test(waits),
        cmocka_unit_test(pool_and_levels),
        cmocka_unit_test(above_dispatch),
        cmocka_unit_test(lowering_where_it_may_not),
        cmocka_unit_test(spin_locks),
        cmocka_unit_test(queued_and_shared_locks),
        cmocka_unit_test(more_locks_than_room),
        cmocka_unit_test(returns),
        cmocka_unit_test(returns_with_other_things_left),
        cmocka_unit_test(exports_keep_the_irql),
        cmocka_unit_test(tables_are_in_order),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}

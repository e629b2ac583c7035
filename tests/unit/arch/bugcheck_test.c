/* SPDX-License-Identifier: MIT */
/*
 * What may not be caught: each ends in the bug check that names it, whatever
 * __try is around. And what is not ours at all goes to the former handler.
 */
#include "scenes.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/memory.h"
#include "nt/bugcodes.h"

#define NOWHERE 0x1230ull

static void expect_bugcheck(const char *name, struct probe *p, ULONG code)
{
    assert_int_equal(play(name, p), BUGCHECK);
    assert_int_equal(ending.code, code);
    assert_string_equal(p->log, "");
    assert_true(ending.sentence[0] != 0);
}

static void test_a_page_fault_at_dispatch_level(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = NOWHERE};

    test_irql = DISPATCH_LEVEL;
    expect_bugcheck("scene_read", &p, DRIVER_IRQL_NOT_LESS_OR_EQUAL);
    assert_int_equal(ending.p[0], NOWHERE);
    assert_int_equal(ending.p[1], DISPATCH_LEVEL);
    assert_int_equal(ending.p[2], 0);
    assert_int_equal(ending.p[3], ending.context.Rip);
    assert_ptr_equal(arch_image_find(ending.p[3]), scene_image());
    test_irql = 7;
    expect_bugcheck("scene_write", &q, DRIVER_IRQL_NOT_LESS_OR_EQUAL);
    assert_int_equal(ending.p[1], 7);
    assert_int_equal(ending.p[2], 1);
    test_irql = PASSIVE_LEVEL;
}

static void test_other_exceptions_at_dispatch_level_may_be_caught(void **state)
{
    struct probe p = {0};

    test_irql = DISPATCH_LEVEL;
    play_and_expect("scene_divide", &p, "fxe");
    test_irql = PASSIVE_LEVEL;
}

static void test_invalid_system_addresses(void **state)
{
    char *reserved = hmem_reserve(HMEM_SYSTEM, 1, 1, 0);
    struct probe p = {.argument = 0xFFFFF80000001000ull}, q = {.argument = (ULONG64)reserved};

    test_irql = APC_LEVEL;
    expect_bugcheck("scene_read", &p, PAGE_FAULT_IN_NONPAGED_AREA);
    assert_true(ending.p[0] == p.argument);
    assert_int_equal(ending.p[1], 0);
    test_irql = PASSIVE_LEVEL;
    expect_bugcheck("scene_write", &q, PAGE_FAULT_IN_NONPAGED_AREA);
    assert_int_equal(ending.p[1], 2);
    assert_int_equal(ending.p[2], ending.context.Rip);
    hmem_release(reserved, 1);
}

static ULONG name_address(ULONG64 address, bool write, ULONG64 rip)
{
    return write ? SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION : 0;
}

static void test_the_layer_above_may_name_an_address_better(void **state)
{
    char *reserved = hmem_reserve(HMEM_SYSTEM, 1, 1, 0);
    struct probe p = {.argument = (ULONG64)reserved}, q = {.argument = (ULONG64)reserved};

    arch_ops.bad_address = name_address;
    assert_int_equal(play("scene_write", &p), BUGCHECK);
    assert_int_equal(ending.code, SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION);
    expect_bugcheck("scene_read", &q, PAGE_FAULT_IN_NONPAGED_AREA);
    arch_ops.bad_address = NULL;
    hmem_release(reserved, 1);
}

static void test_protection_of_system_memory(void **state)
{
    char *page = hmem_reserve(HMEM_SYSTEM, 1, 1, 0);
    struct probe p = {.argument = (ULONG64)page}, q = {.argument = (ULONG64)page};

    assert_true(NT_SUCCESS(hmem_commit(page, 1, HMEM_R)));
    expect_bugcheck("scene_write", &p, ATTEMPTED_WRITE_TO_READONLY_MEMORY);
    assert_int_equal(ending.p[0], page);
    expect_bugcheck("scene_call", &q, ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY);
    hmem_release(page, 1);
}

static void test_fast_fail(void **state)
{
    struct probe p = {.argument = 3};

    expect_bugcheck("bare_fast_fail", &p, KERNEL_SECURITY_CHECK_FAILURE);
    assert_int_equal(ending.p[0], 3);
}

static void test_a_missing_import_is_named(void **state)
{
    struct probe p = {0};
    const void *data = arch_missing_import("hal", "HalDispatchTable");
    struct probe q = {.argument = (ULONG64)data + 8};

    expect_bugcheck("bare_missing_import", &p, KMODE_EXCEPTION_NOT_HANDLED);
    assert_int_equal(ending.p[0], (ULONG)STATUS_ENTRYPOINT_NOT_FOUND);
    assert_string_equal(ending.sentence,
                        "the driver called ntoskrnl.exe!KeTestSpinLock, which is not provided");
    assert_ptr_equal(arch_image_find(ending.context.Rip), scene_image());

    expect_bugcheck("scene_read", &q, KMODE_EXCEPTION_NOT_HANDLED);
    assert_string_equal(ending.sentence, "the driver used hal!HalDispatchTable, which is not provided");
}

static void test_missing_imports_have_distinct_addresses(void **state)
{
    const char *module, *name;
    const void *first = arch_missing_import("a.sys", "f"), *second = arch_missing_import("a.sys", "g");

    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(arch_missing_import("b.sys", "f"), first);
    assert_ptr_equal(arch_missing_import("a.sys", "f"), first);
    assert_true(arch_missing_import_name((const char *)second + 16, &module, &name));
    assert_string_equal(module, "a.sys");
    assert_string_equal(name, "g");
    assert_false(arch_missing_import_name(&module, &module, &name));
    assert_false(arch_missing_import_name(NULL, &module, &name));
}

static void test_stack_overflow(void **state)
{
    struct probe p = {0};

    expect_bugcheck("bare_overflow", &p, UNEXPECTED_KERNEL_MODE_TRAP);
    assert_int_equal(ending.p[0], 8);
    assert_ptr_equal(arch_image_find(ending.context.Rip), scene_image());
    assert_int_equal(ending.record.ExceptionCode, STATUS_STACK_OVERFLOW);
}

/* Endless calls through gates use up the records before the stack. */
static unsigned depth;

static void NTAPI deeper(void *gate)
{
    depth++;
    ((void(NTAPI *)(void *))gate)(gate);
    depth++;
}

static const struct export_entry deeper_entry = {"test",         "deeper", (const void *)deeper, 0, 15,
                                                 X_CALLS_DRIVER, 0};

static void dig(void *unused)
{
    void *gate = (void *)arch_gate(&deeper_entry, ARCH_GATE_RECORD);

    deeper(gate);
}

static void test_running_out_of_records_is_stack_overflow(void **state)
{
    memset(&ending, 0, sizeof(ending));
    machine_run(dig, NULL);
    assert_int_equal(ending.outcome, BUGCHECK);
    assert_int_equal(ending.code, UNEXPECTED_KERNEL_MODE_TRAP);
    assert_in_range(depth, 60, 500);
}

__attribute__((no_sanitize("undefined"))) static void NTAPI careless(const char *text)
{
    if (*(const volatile char *)text == 1)
        depth = 0;
}

static const struct export_entry careless_entry = {"test",  "Careless", (const void *)careless, 0, 15,
                                                   X_PLAIN, 0};
static const struct export_entry raising_entry = {"test",   "Raising", (const void *)careless, 0, 15,
                                                  X_RAISES, 0};

static void test_an_export_that_faults_on_what_it_is_given(void **state)
{
    struct probe p = {0};
    struct probe q = {.argument = (ULONG64)arch_gate(&raising_entry, ARCH_GATE_RECORD)};

    p.argument = (ULONG64)arch_gate(&careless_entry, ARCH_GATE_RECORD);
    assert_int_equal(play("scene_call_with_null", &p), BUGCHECK);
    assert_int_equal(ending.code, KMODE_EXCEPTION_NOT_HANDLED);
    assert_string_equal(ending.sentence, "Careless faulted on what the driver passed to it");
    play_and_expect("scene_call_with_null", &q, "fxe"); /* it may raise: the driver's handler gets it */
    assert_int_equal(q.code, (ULONG)STATUS_ACCESS_VIOLATION);
}

static sigjmp_buf home;
static int former_calls;

static void former(int signal)
{
    former_calls++;
    siglongjmp(home, 1);
}

static volatile int *volatile nothing = (volatile int *)8;

static void fault_outside(void)
{
    if (sigsetjmp(home, 1) == 0)
        *nothing = 1;
}

static void send_outside(void)
{
    if (sigsetjmp(home, 1) == 0)
        raise(SIGSEGV);
}

static void test_a_fault_outside_nt_goes_to_the_former_handler(void **state)
{
    struct sigaction action = {.sa_handler = former}, before;

    sigaction(SIGSEGV, &action, &before);
    assert_true(NT_SUCCESS(arch_init()));
    former_calls = 0;
    fault_outside();
    assert_int_equal(former_calls, 1);
    send_outside();
    assert_int_equal(former_calls, 2);
    arch_fini();
    fault_outside(); /* and after us it is in force again */
    assert_int_equal(former_calls, 3);
    sigaction(SIGSEGV, &before, NULL);
}

/* In a child: takes the signals, does it; the status that the child ends with. */
static int status_of_child(void (*handler)(int), void (*act)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, handler);
        arch_init();
        act();
        _exit(7);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void fault_now(void)
{
    *nothing = 1;
}

static void send_now(void)
{
    raise(SIGSEGV);
}

static void test_former_default_and_ignored_actions(void **state)
{
    assert_int_equal(WTERMSIG(status_of_child(SIG_DFL, fault_now)), SIGSEGV);
    assert_int_equal(WTERMSIG(status_of_child(SIG_DFL, send_now)), SIGSEGV);
    assert_int_equal(WTERMSIG(status_of_child(SIG_IGN, fault_now)), SIGSEGV); /* as the kernel has it */
    assert_int_equal(WEXITSTATUS(status_of_child(SIG_IGN, send_now)), 7);
}

int bugcheck_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_fault_at_dispatch_level),
        cmocka_unit_test(test_other_exceptions_at_dispatch_level_may_be_caught),
        cmocka_unit_test(test_invalid_system_addresses),
        cmocka_unit_test(test_the_layer_above_may_name_an_address_better),
        cmocka_unit_test(test_protection_of_system_memory),
        cmocka_unit_test(test_fast_fail),
        cmocka_unit_test(test_a_missing_import_is_named),
        cmocka_unit_test(test_missing_imports_have_distinct_addresses),
        cmocka_unit_test(test_stack_overflow),
        cmocka_unit_test(test_running_out_of_records_is_stack_overflow),
        cmocka_unit_test(test_an_export_that_faults_on_what_it_is_given),
    };
    const struct CMUnitTest outside[] = {
        cmocka_unit_test(test_a_fault_outside_nt_goes_to_the_former_handler),
        cmocka_unit_test(test_former_default_and_ignored_actions),
    };

    return cmocka_run_group_tests_name("arch: bug checks", tests, scenes_setup, scenes_teardown) +
           cmocka_run_group_tests_name("arch: foreign faults", outside, NULL, NULL);
}

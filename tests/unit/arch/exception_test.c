/* SPDX-License-Identifier: MIT */
/*
 * Structured exception handling in a driver: what is raised, who handles it, in
 * which order, and what is left as it was.
 */
#include "scenes.h"

#include <string.h>
#include "host/memory.h"

#define NOWHERE 0x1230ull

static void expect_code(const char *name, ULONG64 argument, NTSTATUS code)
{
    struct probe p = {.argument = argument};

    play_and_expect(name, &p, "fxe");
    assert_int_equal(p.code, (ULONG)code);
    assert_int_equal(p.code_in_filter, (ULONG)code);
}

static void test_a_read_of_nothing(void **state)
{
    struct probe p = {.argument = NOWHERE};

    play_and_expect("scene_read", &p, "fxe");
    assert_int_equal(p.code, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_int_equal(p.info[0], EXCEPTION_READ_FAULT);
    assert_int_equal(p.info[1], NOWHERE);
    assert_int_equal(p.at, p.rip);
    assert_int_equal(p.flags, 0);
    assert_ptr_equal(arch_image_find(p.at), scene_image());
}

static void test_a_write_to_nothing(void **state)
{
    struct probe p = {.argument = 0};

    play_and_expect("scene_write", &p, "fxe");
    assert_int_equal(p.code, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_int_equal(p.info[0], EXCEPTION_WRITE_FAULT);
    assert_int_equal(p.info[1], 0);
}

static void test_addresses_outside_the_reservation_are_the_users(void **state)
{
    expect_code("scene_read", 0xDEADBEEF, STATUS_ACCESS_VIOLATION);
    expect_code("scene_write", 0x0000500000000000, STATUS_ACCESS_VIOLATION);
}

static void test_a_call_to_nothing(void **state)
{
    struct probe p = {.argument = NOWHERE};

    play_and_expect("scene_call", &p, "fxe");
    assert_int_equal(p.code, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_int_equal(p.info[0], EXCEPTION_EXECUTE_FAULT);
    assert_int_equal(p.info[1], NOWHERE);
    assert_int_equal(p.rip, NOWHERE);
}

static void test_an_address_that_is_not_canonical(void **state)
{
    struct probe p = {.argument = 0x8000000000001234ull};

    play_and_expect("scene_read", &p, "fxe");
    assert_int_equal(p.code, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_true(p.info[1] == ~0ull);
}

static void test_traps_and_their_codes(void **state)
{
    expect_code("scene_divide", 0, STATUS_INTEGER_DIVIDE_BY_ZERO);
    expect_code("scene_divide_overflow", 0, STATUS_INTEGER_OVERFLOW);
    expect_code("scene_breakpoint", 0, STATUS_BREAKPOINT);
    expect_code("scene_illegal", 0, STATUS_ILLEGAL_INSTRUCTION);
    expect_code("scene_bad_lock", 0, STATUS_INVALID_LOCK_SEQUENCE);
    expect_code("scene_privileged", 0, STATUS_PRIVILEGED_INSTRUCTION);
    expect_code("scene_assertion", 0, STATUS_ASSERTION_FAILURE);
    expect_code("scene_misaligned", 0, STATUS_ACCESS_VIOLATION);
}

static void test_debug_services(void **state)
{
    struct probe print = {0}, other = {0};

    play_and_expect("scene_debug_print", &print, "rne");
    play_and_expect("scene_debug_other", &other, "fxe");
    assert_int_equal(other.code, (ULONG)STATUS_BREAKPOINT);
    assert_int_equal(other.info[0], 77);
    assert_int_equal(other.rip, other.at + 1);
}

static void test_raising(void **state)
{
    struct probe p = {.argument = (ULONG)STATUS_NO_SUCH_DEVICE};

    expect_code("scene_raise", (ULONG)STATUS_NO_SUCH_DEVICE, STATUS_NO_SUCH_DEVICE);
    expect_code("scene_raise_access_violation", 0, STATUS_ACCESS_VIOLATION);
    expect_code("scene_raise_misalignment", 0, STATUS_DATATYPE_MISALIGNMENT);
    play("scene_raise", &p);
    assert_int_equal(p.flags, EXCEPTION_NONCONTINUABLE);
    assert_ptr_equal(arch_image_find(p.at), scene_image());
}

static void test_filters_run_before_any_finally(void **state)
{
    struct probe p = {.argument = NOWHERE};

    play_and_expect("scene_finally_order", &p, "f12xe");
}

static void test_finally_without_an_exception(void **state)
{
    struct probe p = {0};

    play_and_expect("scene_finally_normal", &p, "a1");
}

static void test_nested_filters(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = NOWHERE};

    play_and_expect("scene_nested_filters", &p, "dfxe");
    play_and_expect("scene_nested_in_function", &q, "df1x");
    assert_int_equal(q.code, (ULONG)STATUS_ACCESS_VIOLATION);
}

static void test_an_except_body_right_behind_the_call(void **state)
{
    struct probe p = {0};

    play_and_expect("scene_adjacent_except", &p, "1");
    assert_int_equal(p.code, (ULONG)STATUS_NO_SUCH_FILE);
}

static void test_an_exception_in_an_except_body_goes_outwards(void **state)
{
    struct probe p = {.argument = NOWHERE};

    play_and_expect("scene_raise_in_except", &p, "ibfxe");
    assert_int_equal(p.code, (ULONG)STATUS_NO_SUCH_DEVICE);
}

static void test_a_collided_unwind(void **state)
{
    struct probe p = {.argument = NOWHERE};

    /* AV: A declines, C accepts; unwinding it runs 1, which raises: B accepts, 2 runs, m */
    play_and_expect("scene_collided", &p, "AC1B2mn");
    assert_int_equal(p.code, (ULONG)STATUS_NO_SUCH_FILE);
}

static void test_an_exception_caught_within_a_finally(void **state)
{
    struct probe p = {.argument = NOWHERE};

    play_and_expect("scene_catch_in_finally", &p, "fc1xe");
    assert_int_equal(p.code, (ULONG)STATUS_ACCESS_VIOLATION);
}

static void test_a_filter_that_raises(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = NOWHERE};

    play_and_expect("scene_nested_exception", &p, "qNfxe");
    assert_int_equal(p.code, (ULONG)STATUS_NO_SUCH_FILE);
    assert_int_equal(p.flags, EXCEPTION_NONCONTINUABLE);
    play_and_expect("scene_handled_in_filter", &q, "hx");
    assert_int_equal(q.code, (ULONG)STATUS_ACCESS_VIOLATION);
}

static void test_continuing_after_the_cause_is_gone(void **state)
{
    struct probe p = {.argument = (ULONG64)page_of_nothing()};

    play_and_expect("scene_continue_fault", &p, "fn");
    assert_int_equal(*(UCHAR *)p.argument, 1);
    hmem_release((void *)p.argument, 1);
}

static void test_continuing_elsewhere(void **state)
{
    struct probe p = {0}, q = {0};

    play_and_expect("scene_continue_breakpoint", &p, "frn");
    assert_int_equal(p.at, p.rip);
    play_and_expect("scene_continue_raise", &q, "fn");
    assert_int_equal(q.code_in_filter, 0xE0001234);
    assert_int_equal(q.info[0], 99);
}

static void test_what_is_not_continuable(void **state)
{
    struct probe p = {0};

    play_and_expect("scene_noncontinuable", &p, "abfxe");
    assert_int_equal(p.code, (ULONG)STATUS_NONCONTINUABLE_EXCEPTION);
}

static void test_through_our_frames_between_two_drivers(void **state)
{
    struct probe p = {.argument = NOWHERE, .callee = scene_b("bare_read")};
    struct probe q = {.argument = (ULONG)STATUS_NO_SUCH_FILE, .callee = scene_b("bare_raise")};
    struct probe r = {.argument = NOWHERE, .callee = scene_b("callee_finally")};

    play_and_expect("scene_call_through", &p, "fxe");
    assert_ptr_not_equal(arch_image_find(p.at), scene_image());
    play_and_expect("scene_call_through", &q, "fxe");
    assert_int_equal(q.code, (ULONG)STATUS_NO_SUCH_FILE);
    play_and_expect("scene_finally_through", &r, "f123xe");
}

static scene_fn *around;

static void check_registers(void *probe)
{
    struct arch_try barrier;

    if (ARCH_TRY(&barrier)) {
        scene("set_registers_probe")(probe);
        check_registers_around(around);
        arch_try_pop(&barrier);
    }
}

static void test_registers_at_the_except_body(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = NOWHERE};

    around = scene("registers_direct");
    machine_run(check_registers, &p);
    assert_string_equal(p.log, "x");

    assert_int_equal(play("scene_finally_normal", &q), RETURNED); /* fills in call_through */
    q.used = 0;
    memset(q.log, 0, sizeof(q.log));
    q.callee = scene_b("callee_clobber");
    around = scene("registers_through");
    machine_run(check_registers, &q);
    assert_string_equal(q.log, "x");
}

static void test_floating_point_exceptions(void **state)
{
    expect_code("scene_simd_divide", 0, STATUS_FLOAT_MULTIPLE_FAULTS);
    expect_code("scene_simd_inexact", 0, STATUS_FLOAT_MULTIPLE_TRAPS);
    expect_code("scene_x87_divide", 0, STATUS_FLOAT_DIVIDE_BY_ZERO);
}

#define INSIDE 0x10

static void test_unwinding_on_request(void **state)
{
    for (unsigned how = 0; how < 3; how++) {
        static const ULONG64 values[] = {0, 0x1122334455667788ull, 42};
        struct probe outside = {.argument = how}, inside = {.argument = how | INSIDE};
        play_and_expect("scene_unwind", &outside, "01Oe");
        assert_true(outside.info[0] == values[how]);
        play_and_expect("scene_unwind", &inside, "0Ie"); /* the __try block is not left */
        assert_true(inside.info[0] == values[how]);
    }
}

static void test_a_language_handler_of_the_drivers_own(void **state)
{
    struct probe search = {.argument = NOWHERE, .hash = ExceptionContinueSearch};
    struct probe go_on = {.argument = NOWHERE, .hash = ExceptionContinueExecution, .code = 2};
    struct probe nonsense = {.argument = NOWHERE, .hash = 17};

    play_and_expect("scene_own_handler", &search, "dfuxe");
    play_and_expect("scene_own_handler", &go_on, "dnne");
    assert_int_equal(play("scene_own_handler", &nonsense), UNHANDLED);
    assert_int_equal((ULONG)ending.record.ExceptionCode, (ULONG)STATUS_INVALID_DISPOSITION);
}

static void test_a_fault_in_code_that_was_moved_by_a_patch(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = NOWHERE};

    play_and_expect("scene_beside_patch", &p, "fxe");
    assert_in_range(p.at, scene_image()->base, scene_image()->base + scene_image()->size - 1);
    assert_int_equal(p.rip, p.at);
    play_and_expect("scene_continue_beside_patch", &q, "frn");
}

static void test_nobody_handles_it(void **state)
{
    struct probe p = {.argument = NOWHERE}, q = {.argument = (ULONG)STATUS_NO_SUCH_FILE};

    assert_int_equal(play("bare_read", &p), UNHANDLED);
    assert_int_equal((ULONG)ending.record.ExceptionCode, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_ptr_equal(arch_image_find(ending.context.Rip), scene_image());
    assert_int_equal(play("bare_raise", &q), UNHANDLED);
    assert_int_equal((ULONG)ending.record.ExceptionCode, (ULONG)STATUS_NO_SUCH_FILE);
}

struct catching {
    scene_fn *fn;
    struct probe *probe;
    NTSTATUS status;
};

static void catch_it(void *catching_)
{
    struct catching *catching = catching_;
    struct arch_try t;

    if (ARCH_CATCH(&t)) {
        catching->fn(catching->probe);
        arch_try_pop(&t);
    } else {
        catching->status = t.exception.ExceptionCode;
    }
    assert_null(machine_thread()->arch.records);
    assert_ptr_equal(machine_thread()->arch.gate_top, machine_thread()->arch.records_high);
}

static void test_our_own_code_may_catch(void **state)
{
    struct probe p = {.argument = NOWHERE};
    struct catching catching = {scene("callee_finally"), &p, STATUS_SUCCESS};

    machine_run(catch_it, &catching);
    assert_int_equal((ULONG)catching.status, (ULONG)STATUS_ACCESS_VIOLATION);
    assert_string_equal(p.log, "12");

    catching.fn = scene("scene_finally_normal");
    catching.status = STATUS_SUCCESS;
    machine_run(catch_it, &catching);
    assert_int_equal((ULONG)catching.status, (ULONG)STATUS_SUCCESS);
}

static void read_under_catch(void *status)
{
    struct arch_try t;

    if (ARCH_CATCH(&t)) {
        if (*(const volatile char *volatile)NOWHERE)
            *(NTSTATUS *)status = STATUS_SUCCESS;
        arch_try_pop(&t);
    } else {
        *(NTSTATUS *)status = t.exception.ExceptionCode;
    }
}

static void test_our_own_code_may_fault_where_it_catches(void **state)
{
    NTSTATUS status = STATUS_PENDING;

    machine_run(read_under_catch, &status);
    assert_int_equal((ULONG)status, (ULONG)STATUS_ACCESS_VIOLATION);
}

static void probe_range(const char *name, void *address, ULONG64 length, ULONG64 alignment, NTSTATUS status)
{
    struct probe p = {.argument = (ULONG64)address, .info = {length, alignment}};

    assert_int_equal(play(name, &p), RETURNED);
    assert_int_equal(p.code, (ULONG)status);
    assert_string_equal(p.log, status ? "" : "n");
}

static void test_probing(void **state)
{
    char *pages = hmem_reserve(HMEM_USER, 3, 1, 0);
    char *last = (char *)(HMEM_USER_PROBE - 16);

    hmem_commit(pages, 2, HMEM_RW);
    pages[0] = 5;
    probe_range("scene_probe_read", pages, 100, 1, 0);
    probe_range("scene_probe_read", pages + 1, 100, 4, STATUS_DATATYPE_MISALIGNMENT);
    probe_range("scene_probe_read", pages + 1, 0, 4, 0);
    probe_range("scene_probe_read", (void *)~0ull, 0, 4, 0);
    probe_range("scene_probe_read", last, 16, 1, 0);
    probe_range("scene_probe_read", last, 17, 1, STATUS_ACCESS_VIOLATION);
    probe_range("scene_probe_read", pages, ~0ull, 1, STATUS_ACCESS_VIOLATION);
    probe_range("scene_probe_read", (void *)scene_image()->base, 4, 1, STATUS_ACCESS_VIOLATION);
    probe_range("scene_probe_read", pages + 2 * PAGE_SIZE, 8, 1, 0); /* touches nothing */
    probe_range("scene_probe_write", pages, 2 * PAGE_SIZE, 1, 0);
    probe_range("scene_probe_write", pages + PAGE_SIZE, PAGE_SIZE + 1, 1, STATUS_ACCESS_VIOLATION);
    probe_range("scene_probe_write", pages + 2, 8, 8, STATUS_DATATYPE_MISALIGNMENT);
    assert_int_equal(pages[0], 5);
    hmem_protect(pages, 1, HMEM_R);
    probe_range("scene_probe_write", pages, 8, 1, STATUS_ACCESS_VIOLATION);
    hmem_release(pages, 3);
}

static void test_guarded_copies(void **state)
{
    char *pages = hmem_reserve(HMEM_USER, 2, 1, 0);
    char to[1024] = {0}, from[1024];

    assert_true(NT_SUCCESS(arch_init()));
    hmem_commit(pages, 1, HMEM_RW);
    for (unsigned i = 0; i < sizeof(from); i++)
        from[i] = (char)(i * 7);
    for (unsigned length = 0; length < 1000; length += 37) {
        memset(to, 0, sizeof(to));
        assert_int_equal(arch_copy_guarded(to, from, length), STATUS_SUCCESS);
        assert_memory_equal(to, from, length);
        assert_int_equal(to[length], 0);
    }
    assert_int_equal(arch_copy_guarded(pages, from, 1000), STATUS_SUCCESS);
    assert_int_equal(arch_copy_guarded(to, pages + PAGE_SIZE - 8, 9), STATUS_ACCESS_VIOLATION);
    assert_int_equal(arch_copy_guarded(pages + PAGE_SIZE - 600, from, 601), STATUS_ACCESS_VIOLATION);
    assert_int_equal(arch_copy_guarded(to, (void *)0x8000000000000000ull, 1), STATUS_ACCESS_VIOLATION);
    hmem_release(pages, 2);
}

static void repeat(const char *name, scene_fn *callee, ULONG64 argument, unsigned times, const char *what)
{
    struct probe p = {.argument = argument, .callee = callee, .code = times};
    uint64_t start = now_ns();

    assert_int_equal(play(name, &p), RETURNED);
    assert_int_equal(p.frame_count, times);
    print_message("%s: %.0f ns\n", what, (double)(now_ns() - start) / times);
}

static void test_many_times(void **state)
{
    repeat("loop_faults", NULL, NOWHERE, 10000, "fault to __except");
    repeat("loop_raises", NULL, (ULONG)STATUS_NO_SUCH_FILE, 100000, "raise to __except");
    repeat("loop_through", scene_b("bare_read"), NOWHERE, 10000,
           "fault in a second driver to __except of the first");
    repeat("loop_through", scene_b("bare_raise"), (ULONG)STATUS_NO_SUCH_FILE, 100000, "raise, the same way");
}

int exception_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_of_nothing),
        cmocka_unit_test(test_a_write_to_nothing),
        cmocka_unit_test(test_addresses_outside_the_reservation_are_the_users),
        cmocka_unit_test(test_a_call_to_nothing),
        cmocka_unit_test(test_an_address_that_is_not_canonical),
        cmocka_unit_test(test_traps_and_their_codes),
        cmocka_unit_test(test_debug_services),
        cmocka_unit_test(test_raising),
        cmocka_unit_test(test_filters_run_before_any_finally),
        cmocka_unit_test(test_finally_without_an_exception),
        cmocka_unit_test(test_nested_filters),
        cmocka_unit_test(test_an_except_body_right_behind_the_call),
        cmocka_unit_test(test_an_exception_in_an_except_body_goes_outwards),
        cmocka_unit_test(test_a_collided_unwind),
        cmocka_unit_test(test_an_exception_caught_within_a_finally),
        cmocka_unit_test(test_a_filter_that_raises),
        cmocka_unit_test(test_continuing_after_the_cause_is_gone),
        cmocka_unit_test(test_continuing_elsewhere),
        cmocka_unit_test(test_what_is_not_continuable),
        cmocka_unit_test(test_through_our_frames_between_two_drivers),
        cmocka_unit_test(test_registers_at_the_except_body),
        cmocka_unit_test(test_floating_point_exceptions),
        cmocka_unit_test(test_unwinding_on_request),
        cmocka_unit_test(test_a_language_handler_of_the_drivers_own),
        cmocka_unit_test(test_a_fault_in_code_that_was_moved_by_a_patch),
        cmocka_unit_test(test_nobody_handles_it),
        cmocka_unit_test(test_our_own_code_may_catch),
        cmocka_unit_test(test_our_own_code_may_fault_where_it_catches),
        cmocka_unit_test(test_probing),
        cmocka_unit_test(test_guarded_copies),
        cmocka_unit_test(test_many_times),
    };
    return cmocka_run_group_tests_name("arch: exceptions", tests, scenes_setup, scenes_teardown);
}

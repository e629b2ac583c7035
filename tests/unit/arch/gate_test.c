/* SPDX-License-Identifier: MIT */
/*
 * Gates: arguments, results and registers pass unchanged, records are linked
 * for as long as the call lasts, checks run around it.
 */
#include "least_machine.h"

#include <string.h>

typedef uint64_t NTAPI many_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                               uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                               uint64_t, uint64_t, uint64_t, uint64_t);

static struct arch_record seen_record;
static struct arch_record *seen_link;
static unsigned entered, left;

static uint64_t NTAPI take_many(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                                uint64_t g, uint64_t h, uint64_t i, uint64_t j, uint64_t k, uint64_t l,
                                uint64_t m, uint64_t n, uint64_t o, uint64_t p, uint64_t q, uint64_t r,
                                uint64_t s, uint64_t t)
{
    uint64_t all[] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t};

    for (unsigned index = 0; index < countof(all); index++)
        if (all[index] != index + 1)
            return index;
    seen_link = machine_thread()->arch.records;
    seen_record = *seen_link;
    return 0xFEEDFACECAFEBEEFull;
}

static uint64_t NTAPI sum_varargs(unsigned count, ...)
{
    __builtin_ms_va_list list;
    uint64_t sum = 0;

    __builtin_ms_va_start(list, count);
    for (unsigned i = 0; i < count; i++)
        sum += __builtin_va_arg(list, uint64_t);
    __builtin_ms_va_end(list);
    return sum;
}

static double NTAPI floats(double a, float b, double c, float d, double e)
{
    return a + 10 * (double)b + 100 * c + 1000 * (double)d + 10000 * e;
}

static uint64_t NTAPI nothing(void)
{
    return 7;
}

static const struct export_entry many_entry = {"test",         "many", (const void *)take_many, 0, 15,
                                               X_CALLS_DRIVER, 0};
static const struct export_entry varargs_entry = {"test",    "varargs", (const void *)sum_varargs, 0, 15,
                                                  X_VARARGS, 0};
static const struct export_entry floats_entry = {"test", "floats", (const void *)floats, 0, 15, X_PLAIN, 0};
static const struct export_entry nothing_entry = {"test",  "nothing", (const void *)nothing, 0, 15,
                                                  X_PLAIN, 0};

__attribute__((noinline)) static uint64_t call_many(many_fn *fn)
{
    uint64_t result = fn(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
    __asm__ volatile("");
    return result;
}

static void count_enter(const struct export_entry *entry, const struct arch_record *record)
{
    entered += record->entry == entry && machine_thread()->arch.records == record;
    __asm__ volatile("xorps %%xmm6, %%xmm6; xorps %%xmm0, %%xmm0; xorl %%ecx, %%ecx; xorl %%esi, %%esi" ::
                         : "xmm0", "xmm6", "rcx", "rsi");
}

static void count_leave(const struct export_entry *entry, const struct arch_record *record)
{
    left += record->entry == entry && machine_thread()->arch.records == record;
    __asm__ volatile("xorps %%xmm7, %%xmm7; xorps %%xmm0, %%xmm0; xorl %%eax, %%eax; xorl %%edi, %%edi" ::
                         : "xmm0", "xmm7", "rax", "rdi");
}

static void check_calls(void *kind_)
{
    enum arch_gate_kind kind = *(enum arch_gate_kind *)kind_;
    struct arch_thread *thread = &machine_thread()->arch;
    void *top = thread->gate_top;

    memset(&seen_record, 0, sizeof(seen_record));
    assert_true(call_many((many_fn *)arch_gate(&many_entry, kind)) == 0xFEEDFACECAFEBEEFull);
    assert_null(thread->records);
    assert_ptr_equal(thread->gate_top, top);
    assert_int_equal(seen_record.type, ARCH_RECORD_GATE);
    assert_ptr_equal(seen_record.entry, &many_entry);
    assert_in_range(seen_record.rip, (uintptr_t)call_many, (uintptr_t)call_many + 512);
    assert_in_range(seen_record.rsp, (uintptr_t)thread->stack_low, (uintptr_t)thread->stack_high);
    assert_in_range((uintptr_t)seen_link, (uintptr_t)thread->records_low, (uintptr_t)thread->records_high);

    uint64_t NTAPI (*varargs)(unsigned, ...) = arch_gate(&varargs_entry, kind);
    assert_int_equal(varargs(9, 1ull, 2ull, 3ull, 4ull, 5ull, 6ull, 7ull, 8ull, 1ull << 40),
                     36 + (1ull << 40));

    double NTAPI (*fp)(double, float, double, float, double) = arch_gate(&floats_entry, kind);
    assert_true(fp(1, 2, 3, 4, 5) == 54321);
}

static void test_a_gate_passes_everything_and_links_its_record(void **state)
{
    enum arch_gate_kind kind = ARCH_GATE_RECORD;

    machine_run(check_calls, &kind);
}

static void test_a_checked_gate_also_calls_the_checks(void **state)
{
    enum arch_gate_kind kind = ARCH_GATE_CHECKED;

    arch_ops.gate_enter = count_enter;
    arch_ops.gate_leave = count_leave;
    entered = left = 0;
    machine_run(check_calls, &kind);
    arch_ops.gate_enter = arch_ops.gate_leave = NULL;
    assert_int_equal(entered, 3);
    assert_int_equal(left, 3);
}

/* xmm6-15, rbx, rbp, rsi, rdi, r12-15 across a gate whose checks clobber what SysV lets them. */
static void check_registers(void *kind)
{
    check_registers_around(arch_gate(&nothing_entry, *(enum arch_gate_kind *)kind));
}

static void test_registers_survive_both_kinds(void **state)
{
    enum arch_gate_kind kind = ARCH_GATE_RECORD;

    machine_run(check_registers, &kind);
    kind = ARCH_GATE_CHECKED;
    arch_ops.gate_enter = count_enter;
    arch_ops.gate_leave = count_leave;
    machine_run(check_registers, &kind);
    arch_ops.gate_enter = arch_ops.gate_leave = NULL;
}

static void test_one_gate_per_export_and_kind(void **state)
{
    const void *plain = arch_gate(&many_entry, ARCH_GATE_RECORD);

    assert_ptr_equal(arch_gate(&many_entry, ARCH_GATE_RECORD), plain);
    assert_ptr_not_equal(arch_gate(&many_entry, ARCH_GATE_CHECKED), plain);
    assert_ptr_not_equal(arch_gate(&nothing_entry, ARCH_GATE_RECORD), plain);
}

static void measure(void *unused)
{
    enum { ROUNDS = 1000000 };
    uint64_t NTAPI (*volatile direct)(void) = nothing;
    uint64_t NTAPI (*volatile gate)(void) = arch_gate(&nothing_entry, ARCH_GATE_RECORD);
    uint64_t start = now_ns();

    for (int i = 0; i < ROUNDS; i++)
        direct();
    uint64_t middle = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        gate();
    print_message("gate: %.1f ns over a direct call\n",
                  ((double)(now_ns() - middle) - (double)(middle - start)) / ROUNDS);
}

static void test_cost_of_a_gate(void **state)
{
    machine_run(measure, NULL);
}

int gate_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gate_passes_everything_and_links_its_record),
        cmocka_unit_test(test_a_checked_gate_also_calls_the_checks),
        cmocka_unit_test(test_registers_survive_both_kinds),
        cmocka_unit_test(test_one_gate_per_export_and_kind),
        cmocka_unit_test(test_cost_of_a_gate),
    };
    return cmocka_run_group_tests_name("arch: gates", tests, NULL, NULL);
}

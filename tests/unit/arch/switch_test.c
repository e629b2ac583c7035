/* SPDX-License-Identifier: MIT */
/*
 * Context switch and GS base: what survives, and what it costs.
 */
#include "least_machine.h"

#include "host/signals.h"

static struct arch_context first, second;
static _Alignas(16) char stack[65536];
static ULONG seen_mxcsr;
static USHORT seen_fpcw;

static void ping(void *arg)
{
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(seen_mxcsr), "=m"(seen_fpcw));
    *(int *)arg += 1;
    for (;;) {
        ULONG mxcsr = 0x3F80;
        USHORT fpcw = 0x0F7F;
        __asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(fpcw));
        arch_switch(&second, &first);
        *(int *)arg += 1;
    }
}

static void test_a_context_starts_with_its_argument_and_initial_fp_control(void **state)
{
    int count = 0;

    arch_context_init(&second, stack, sizeof(stack), ping, &count);
    arch_switch(&first, &second);
    assert_int_equal(count, 1);
    assert_int_equal(seen_mxcsr, INITIAL_MXCSR);
    assert_int_equal(seen_fpcw, INITIAL_FPCSR);
    arch_switch(&first, &second);
    assert_int_equal(count, 2);
}

static void test_fp_control_belongs_to_the_context(void **state)
{
    int count = 0;
    ULONG mxcsr;
    USHORT fpcw;

    arch_context_init(&second, stack, sizeof(stack), ping, &count);
    arch_switch(&first, &second);
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(fpcw));
    assert_int_equal(mxcsr & ~0x3Fu, INITIAL_MXCSR);
    assert_int_equal(fpcw, 0x037F);
}

static struct arch_context *call_and_leave(void *arg)
{
    *(int *)arg += 1;
    arch_switch(&second, &first);
    *(int *)arg += 1;
    return &first;
}

static void test_a_call_may_switch_and_ends_with_its_return(void **state)
{
    int count = 0;

    for (int i = 1; i < 4; i++) {
        arch_context_init_call(&second, stack, sizeof(stack), call_and_leave, &count);
        arch_switch(&first, &second);
        assert_int_equal(count, 2 * i - 1);
        arch_switch(&first, &second);
        assert_int_equal(count, 2 * i);
    }
}

/* ms_abi code expects rbx, rbp, rsi, rdi, r12-15 and xmm6-15 back from whatever it calls. */
__attribute__((ms_abi, noinline)) static void switch_from_ms_abi(void)
{
    arch_switch(&first, &second);
}

static void dirty(void *arg)
{
    for (;;) {
        __asm__ volatile(
            "xorps %%xmm6, %%xmm6; xorps %%xmm10, %%xmm10; xorps %%xmm15, %%xmm15; xorl %%esi, %%esi; "
            "xorl %%edi, %%edi; xorl %%ebx, %%ebx; xorl %%r12d, %%r12d; xorl %%r15d, %%r15d" ::
                : "xmm6", "xmm10", "xmm15", "rsi", "rdi", "rbx", "r12", "r15");
        arch_switch(&second, &first);
    }
}

static void test_nonvolatile_registers_of_ms_abi_code_survive(void **state)
{
    arch_context_init(&second, stack, sizeof(stack), dirty, NULL);
    check_registers_around(switch_from_ms_abi);
}

static void test_gs_base(void **state)
{
    uint64_t region[4] = {11, 22, 33, 44};
    uint64_t value;
    void *before = arch_get_gs();

    arch_set_gs(region);
    __asm__ volatile("movq %%gs:8, %0" : "=r"(value));
    assert_int_equal(value, 22);
    assert_ptr_equal(arch_get_gs(), region);
    host_set_gs(region + 1); /* the kernel's way, where the instructions are not allowed */
    __asm__ volatile("movq %%gs:8, %0" : "=r"(value));
    assert_int_equal(value, 33);
    assert_ptr_equal(host_get_gs(), region + 1);
    arch_set_gs(before);
}

static void test_cost_of_a_switch(void **state)
{
    enum { ROUNDS = 1000000 };
    int count = 0;

    arch_context_init(&second, stack, sizeof(stack), dirty, &count);
    uint64_t start = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        arch_switch(&first, &second);
    print_message("switch: %.1f ns\n", (double)(now_ns() - start) / ROUNDS / 2);
}

int switch_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_context_starts_with_its_argument_and_initial_fp_control),
        cmocka_unit_test(test_fp_control_belongs_to_the_context),
        cmocka_unit_test(test_a_call_may_switch_and_ends_with_its_return),
        cmocka_unit_test(test_nonvolatile_registers_of_ms_abi_code_survive),
        cmocka_unit_test(test_gs_base),
        cmocka_unit_test(test_cost_of_a_switch),
    };
    return cmocka_run_group_tests_name("arch: context switch", tests, NULL, NULL);
}

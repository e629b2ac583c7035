/* SPDX-License-Identifier: MIT */
/*
 * The injected call: ticks come while a driver computes, each clobbers every
 * register, and the result must be that of an undisturbed run.
 */
#include "scenes.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "host/host.h"

static volatile bool ticking;
static unsigned ticks_seen, preemptions, refused;
static bool allowed;
static unsigned walked_wrong;

static bool may_preempt(ULONG64 rip)
{
    ticks_seen++;
    if (!rip || !allowed) {
        refused++;
        return false;
    }
    return true;
}

static void preempt(void)
{
    const struct arch_record *record = machine_thread()->arch.records;
    ULONG64 frames[4];
    CONTEXT context;

    preemptions++;
    arch_capture(&context);
    if (record->type != ARCH_RECORD_TRAP || arch_walk(&context, frames, 4) < 1 || frames[0] != record->rip)
        walked_wrong++;
    __asm__ volatile("fninit; fldpi; fldpi; fldpi" ::: "st", "st(1)", "st(2)");
    __asm__ volatile(".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\tpcmpeqd %%xmm\\n, %%xmm\\n\n\t.endr" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                           "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vzeroall" ::: "memory");
}

static void *tick(void *thread)
{
    while (ticking) {
        pthread_kill(*(pthread_t *)thread, host_tick_signal());
        nanosleep(&(struct timespec){0, 50000}, NULL);
    }
    return NULL;
}

static double compute(const char *name, unsigned rounds)
{
    struct probe p = {.code = rounds};

    assert_int_equal(play(name, &p), RETURNED);
    return p.result;
}

static unsigned with_ticks(void (*fn)(void))
{
    pthread_t self = pthread_self(), ticker;

    ticks_seen = preemptions = refused = walked_wrong = 0;
    arch_ops.may_preempt = may_preempt;
    arch_ops.preempt = preempt;
    assert_true(NT_SUCCESS(arch_init()));
    ticking = true;
    assert_int_equal(pthread_create(&ticker, NULL, tick, &self), 0);
    fn();
    ticking = false;
    pthread_join(ticker, NULL);
    arch_ops.may_preempt = NULL;
    assert_int_equal(walked_wrong, 0);
    return preemptions;
}

static double undisturbed, disturbed, undisturbed_avx, disturbed_avx;

static void compute_disturbed(void)
{
    disturbed = compute("compute", 30000000);
    disturbed_avx = compute("compute_x87", 10000000);
}

static void test_registers_survive_preemption(void **state)
{
    allowed = true;
    undisturbed = compute("compute", 30000000);
    undisturbed_avx = compute("compute_x87", 10000000);
    unsigned count = with_ticks(compute_disturbed);
    print_message("%u preemptions\n", count);
    assert_in_range(count, 10, 1000000);
    assert_true(disturbed == undisturbed);
    assert_true(disturbed_avx == undisturbed_avx);
}

static void faults_under_ticks(void)
{
    struct probe p = {.argument = 0x1230, .code = 20000, .callee = scene_b("bare_read")};

    assert_int_equal(play("loop_through", &p), RETURNED);
    assert_int_equal(p.frame_count, 20000);
}

static void test_faults_and_preemption_together(void **state)
{
    allowed = true;
    with_ticks(faults_under_ticks);
    assert_in_range(ticks_seen, 10, 1000000);
}

static void test_no_preemption_where_it_is_refused(void **state)
{
    allowed = false;
    assert_int_equal(with_ticks(compute_disturbed), 0);
    assert_in_range(refused, 10, 1000000);
}

static void spin_outside(void)
{
    uint64_t start = now_ns();

    while (now_ns() - start < 20000000)
        ;
}

static void test_a_tick_in_a_thread_without_nt_does_nothing(void **state)
{
    allowed = true;
    with_ticks(spin_outside);
    assert_int_equal(ticks_seen, 0);
}

int preempt_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_survive_preemption),
        cmocka_unit_test(test_faults_and_preemption_together),
        cmocka_unit_test(test_no_preemption_where_it_is_refused),
        cmocka_unit_test(test_a_tick_in_a_thread_without_nt_does_nothing),
    };
    return cmocka_run_group_tests_name("arch: preemption", tests, scenes_setup, scenes_teardown);
}

/* SPDX-License-Identifier: MIT */
/*
 * The least machine (least_machine.h).
 */
#include "least_machine.h"

#include <stdlib.h>
#include <time.h>
#include "host/memory.h"

#define STACK_PAGES 32

static _Thread_local struct test_vp *volatile vp; /* a tick may look at any time */
static struct arch_context host_context;
static void (*run_fn)(void *);
static void *run_arg;

uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct test_thread *machine_thread(void)
{
    return vp ? (struct test_thread *)vp->pcr.Prcb.CurrentThread : NULL;
}

_Noreturn void machine_leave(void)
{
    arch_switch(&machine_thread()->context, &host_context);
    __builtin_unreachable();
}

static void run_and_return(void *unused)
{
    run_fn(run_arg);
    machine_leave();
}

void machine_run(void (*fn)(void *), void *arg)
{
    struct test_thread *thread = aligned_alloc(64, ALIGN_UP(sizeof(*thread), 64));
    void *stack = hmem_reserve(HMEM_STACK, STACK_PAGES, 1, 1);
    void *gs = arch_get_gs();

    *thread = (struct test_thread){0};
    assert_true(NT_SUCCESS(hmem_commit(stack, STACK_PAGES, HMEM_RW)));
    arch_thread_init(&thread->arch, stack, STACK_PAGES * PAGE_SIZE);
    arch_context_init(&thread->context, thread->arch.stack_low,
                      (size_t)((char *)thread->arch.stack_high - (char *)thread->arch.stack_low),
                      run_and_return, NULL);
    struct test_vp *fresh = calloc(1, sizeof(*fresh));
    fresh->pcr.Self = &fresh->pcr;
    fresh->pcr.Prcb.CurrentThread = (PKTHREAD)thread;
    run_fn = fn;
    run_arg = arg;
    assert_true(NT_SUCCESS(arch_init())); /* cmocka takes the signals for itself before each test */
    vp = fresh;
    arch_set_gs(vp);
    arch_switch(&host_context, &thread->context);
    arch_set_gs(gs);
    struct test_vp *used = vp;
    vp = NULL;
    free(used);
    hmem_release(stack, STACK_PAGES);
    free(thread);
}

void registers_around(const void *fn, uint64_t out[18]);

void check_registers_around(const void *fn)
{
    uint64_t out[18];

    registers_around(fn, out);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(out[i], i + 1);
    for (unsigned i = 6; i < 16; i++)
        assert_int_equal(out[i + 2], 100 + i);
}

/* SPDX-License-Identifier: MIT */
/*
 * The whole at once: eight NT threads on two carriers, preempted every 50 us and
 * resumed on whichever carrier is free, while they fault, raise and compute in
 * two drivers with our frames between.
 */
#include "scenes.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "base/lock.h"
#include "host/host.h"
#include "host/memory.h"

#define JOBS        8
#define CARRIERS    2
#define STACK_PAGES 32

struct job {
    struct test_thread thread;
    struct probe probe;
    scene_fn *fn;
    void *stack;
    struct carrier *last;
    bool done;
};

struct carrier {
    struct test_vp vp; /* GS base */
    struct arch_context host;
    pthread_t pthread;
    unsigned runs;
};

static struct job jobs[JOBS];
static struct carrier carriers[CARRIERS];
static struct job *ready[JOBS];
static unsigned ready_count, done_count, migrations, switches;
static rl_lock ready_lock;

static struct carrier *this_carrier(void)
{
    void *gs = arch_get_gs();

    for (unsigned i = 0; i < CARRIERS; i++)
        if (gs == &carriers[i].vp)
            return &carriers[i];
    return NULL;
}

static struct arch_thread *current(void)
{
    struct carrier *carrier = this_carrier();
    struct job *job = carrier ? (struct job *)carrier->vp.pcr.Prcb.CurrentThread : NULL;

    return job ? &job->thread.arch : NULL;
}

static bool may_preempt(ULONG64 rip)
{
    return rip != 0;
}

/* Registers are saved when the carrier gets control: only then is the job published again. */
static void to_carrier(void)
{
    struct carrier *carrier = this_carrier();
    struct job *job = (struct job *)carrier->vp.pcr.Prcb.CurrentThread;

    arch_switch(&job->thread.context, &carrier->host);
}

static void job_main(void *job_)
{
    struct job *job = job_;
    struct arch_try barrier;

    if (ARCH_TRY(&barrier)) {
        job->fn(&job->probe);
        arch_try_pop(&barrier);
    }
    job->done = true;
    to_carrier();
}

static void make_ready(struct job *job)
{
    rl_lock_acquire(&ready_lock);
    ready[ready_count++] = job;
    rl_lock_release(&ready_lock);
}

/* Preferably one that another carrier ran last. */
static struct job *take_ready(const struct carrier *carrier)
{
    struct job *job = NULL;

    rl_lock_acquire(&ready_lock);
    if (ready_count) {
        unsigned i = 0;
        while (i + 1 < ready_count && ready[i]->last == carrier)
            i++;
        job = ready[i];
        memmove(ready + i, ready + i + 1, (--ready_count - i) * sizeof(ready[0]));
    }
    rl_lock_release(&ready_lock);
    return job;
}

static void run_job(struct carrier *carrier, struct job *job)
{
    __atomic_add_fetch(&switches, 1, __ATOMIC_RELAXED);
    if (job->last && job->last != carrier)
        __atomic_add_fetch(&migrations, 1, __ATOMIC_RELAXED);
    job->last = carrier;
    carrier->runs++;
    carrier->vp.pcr.Prcb.CurrentThread = (PKTHREAD)job;
    arch_switch(&carrier->host, &job->thread.context);
    carrier->vp.pcr.Prcb.CurrentThread = NULL;
    if (job->done)
        __atomic_add_fetch(&done_count, 1, __ATOMIC_RELEASE);
    else
        make_ready(job);
}

static void *carry(void *carrier_)
{
    struct carrier *carrier = carrier_;
    void *gs = arch_get_gs();

    arch_thread_prepare();
    arch_set_gs(&carrier->vp);
    while (__atomic_load_n(&done_count, __ATOMIC_ACQUIRE) < JOBS) {
        struct job *job = take_ready(carrier);
        if (job)
            run_job(carrier, job);
        else
            sched_yield();
    }
    arch_set_gs(gs);
    arch_thread_restore();
    return NULL;
}

static void set_up_job(struct job *job, const char *name, scene_fn *callee, unsigned rounds)
{
    *job = (struct job){.fn = scene(name), .probe = {.argument = 0x1230, .code = rounds, .callee = callee}};
    scene_prepare(&job->probe);
    job->stack = hmem_reserve(HMEM_STACK, STACK_PAGES, 1, 1);
    assert_true(NT_SUCCESS(hmem_commit(job->stack, STACK_PAGES, HMEM_RW)));
    arch_thread_init(&job->thread.arch, job->stack, STACK_PAGES * PAGE_SIZE);
    char *low = job->thread.arch.stack_low;
    arch_context_init(&job->thread.context, low, (size_t)((char *)job->thread.arch.stack_high - low),
                      job_main, job);
    make_ready(job);
}

static void run_all(void)
{
    for (unsigned i = 0; i < CARRIERS; i++) {
        carriers[i].vp.pcr.Self = &carriers[i].vp.pcr;
        assert_int_equal(pthread_create(&carriers[i].pthread, NULL, carry, &carriers[i]), 0);
    }
    while (__atomic_load_n(&done_count, __ATOMIC_ACQUIRE) < JOBS) {
        for (unsigned i = 0; i < CARRIERS; i++)
            pthread_kill(carriers[i].pthread, host_tick_signal());
        nanosleep(&(struct timespec){0, 50000}, NULL);
    }
    for (unsigned i = 0; i < CARRIERS; i++)
        pthread_join(carriers[i].pthread, NULL);
}

static void test_threads_that_fault_are_preempted_and_migrate(void **state)
{
    enum { FAULTS = 5000, RAISES = 50000, ROUNDS = 5000000, COMPUTING = 2 };
    struct probe alone = {.code = ROUNDS};

    play("compute", &alone);
    arch_ops.current = current;
    arch_ops.may_preempt = may_preempt;
    arch_ops.preempt = to_carrier;
    assert_true(NT_SUCCESS(arch_init()));
    for (unsigned i = 0; i < COMPUTING; i++)
        set_up_job(&jobs[i], "compute", NULL, ROUNDS);
    for (unsigned i = COMPUTING; i < JOBS - 1; i++)
        set_up_job(&jobs[i], "loop_through", scene_b("callee_work_and_read"), FAULTS);
    set_up_job(&jobs[JOBS - 1], "loop_through", scene_b("bare_raise"), RAISES);
    run_all();
    print_message("%u and %u switches, %u to another carrier\n", carriers[0].runs, carriers[1].runs,
                  migrations);
    for (unsigned i = 0; i < COMPUTING; i++)
        assert_true(jobs[i].probe.result == alone.result);
    for (unsigned i = COMPUTING; i < JOBS; i++)
        assert_int_equal(jobs[i].probe.frame_count, jobs[i].probe.code);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_null(jobs[i].thread.arch.records);
        hmem_release(jobs[i].stack, STACK_PAGES);
    }
    assert_in_range(migrations, 1, 10000000);
}

int migrate_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads_that_fault_are_preempted_and_migrate)};

    return cmocka_run_group_tests_name("arch: migration", tests, scenes_setup, scenes_teardown);
}

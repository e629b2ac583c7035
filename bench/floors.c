/* SPDX-License-Identifier: MIT */
/*
 * What the computer itself takes for something comparable: the floors. A
 * sample is about a millisecond of rounds.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

static double per_round_ns(double start, unsigned rounds)
{
    return (bench_now() - start) * 1e9 / rounds;
}

/* malloc and free of 512 bytes. */
double floor_malloc(void *context)
{
    unsigned rounds = bench_rounds(50000);
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++) {
        void *volatile block = malloc(512);
        free(block);
    }
    return per_round_ns(start, rounds);
}

/* getppid, which nothing caches. */
double floor_syscall(void *context)
{
    unsigned rounds = bench_rounds(3000);
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++)
        syscall(SYS_getppid);
    return per_round_ns(start, rounds);
}

static __attribute__((noinline)) void count(volatile unsigned *counter)
{
    ++*counter;
}

/* A call through a pointer that the compiler cannot see through. */
double floor_call(void *context)
{
    void (*volatile routine)(volatile unsigned *) = count;
    unsigned rounds = bench_rounds(500000);
    volatile unsigned counter = 0;
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++)
        routine(&counter);
    return per_round_ns(start, rounds);
}

static __attribute__((noinline, noreturn)) void jump(jmp_buf there)
{
    longjmp(there, 1);
}

/* setjmp and the longjmp back to it. */
double floor_jump(void *context)
{
    volatile unsigned left = bench_rounds(50000);
    unsigned rounds = left;
    double start = bench_now();
    jmp_buf here;

    setjmp(here);
    if (left-- > 0)
        jump(here);
    return per_round_ns(start, rounds);
}

static void take_signal(int number)
{
    (void)number;
}

/* A signal to oneself: sent, handled, returned from. */
double floor_signal(void *context)
{
    struct sigaction action = {.sa_handler = take_signal}, former;
    unsigned rounds = bench_rounds(1000);
    pid_t process = getpid(), thread = (pid_t)syscall(SYS_gettid);

    sigaction(SIGUSR2, &action, &former);
    double start = bench_now();
    for (unsigned i = 0; i < rounds; i++)
        syscall(SYS_tgkill, process, thread, SIGUSR2);
    double result = per_round_ns(start, rounds);
    sigaction(SIGUSR2, &former, NULL);
    return result;
}

static void *end_at_once(void *argument)
{
    return argument;
}

/* pthread_create and pthread_join. */
double floor_pthread(void *context)
{
    unsigned rounds = bench_rounds(100);
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end_at_once, NULL) != 0)
            bench_fail("no thread could be made");
        pthread_join(thread, NULL);
    }
    return per_round_ns(start, rounds);
}

/* ---- two threads on one core that wake each other ---- */

struct ball {
    uint32_t side;
    unsigned rounds;
    int core;
};

static void stay_on(int core)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void play(struct ball *ball, uint32_t side)
{
    for (unsigned i = 0; i < ball->rounds; i++) {
        while (__atomic_load_n(&ball->side, __ATOMIC_ACQUIRE) != side)
            syscall(SYS_futex, &ball->side, FUTEX_WAIT_PRIVATE, !side, NULL, NULL, 0);
        __atomic_store_n(&ball->side, !side, __ATOMIC_RELEASE);
        syscall(SYS_futex, &ball->side, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void *other_side(void *argument)
{
    struct ball *ball = argument;

    stay_on(ball->core);
    play(ball, 1);
    return NULL;
}

double floor_futex(void *context)
{
    struct ball ball = {.rounds = bench_rounds(500), .core = sched_getcpu()};
    cpu_set_t former;
    pthread_t thread;

    pthread_getaffinity_np(pthread_self(), sizeof(former), &former);
    stay_on(ball.core);
    double start = bench_now();
    if (pthread_create(&thread, NULL, other_side, &ball) != 0)
        bench_fail("no thread could be made");
    play(&ball, 0);
    pthread_join(thread, NULL);
    double result = per_round_ns(start, ball.rounds);
    pthread_setaffinity_np(pthread_self(), sizeof(former), &former);
    return result;
}

/* ---- how far this computer's cores are independent at this moment ---- */

static void *loop(void *argument)
{
    unsigned rounds = bench_rounds(30000);

    for (unsigned i = 0; i < rounds; i++)
        syscall(SYS_getppid);
    return argument;
}

static double threads_seconds(unsigned threads)
{
    pthread_t thread[BENCH_DEVICES];
    double start = bench_now();

    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, loop, NULL) != 0)
            bench_fail("no thread could be made");
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return bench_now() - start;
}

double floor_scale(void *context)
{
    double one = threads_seconds(1);

    return one / threads_seconds(*(unsigned *)context) * 100;
}

/* SPDX-License-Identifier: MIT */
/*
 * Four threads that use one machine at once, in a process which handles SIGSEGV
 * itself: faults of the process still reach its handler while the machine lives,
 * those of the driver never do, and after rgl_machine_destroy everything is as
 * it was before.
 *
 *     cc threads.c $(pkg-config --cflags --libs ringless) -pthread -o threads
 *     ./threads dispatch-separate.sys exceptions.sys
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ringless/ringless.h>

#define THREADS 4
#define ROUNDS  200

static rgl_machine *machine;
static _Thread_local sigjmp_buf back;
static unsigned own_faults;

static void must(const char *what, rgl_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, rgl_message());
    exit(1);
}

static void on_fault(int signal)
{
    (void)signal;
    __atomic_add_fetch(&own_faults, 1, __ATOMIC_RELAXED);
    siglongjmp(back, 1);
}

/* The process's own fault, as a garbage collector or a debugger's probe would make one. */
static void fault(void)
{
    volatile int *volatile nowhere = (volatile int *)16;

    if (sigsetjmp(back, 1) == 0)
        *nowhere = 1;
}

static void *work(void *context)
{
    unsigned char mine[16], got[16];
    struct rgl_io io;
    rgl_file *file;

    memset(mine, 'a' + *(int *)context, sizeof(mine));
    must("open", rgl_open(machine, "\\\\.\\Separate", 0, &file, NULL));
    for (int i = 0; i < ROUNDS; i++) {
        int64_t place = *(int *)context * (int64_t)sizeof(mine);
        must("write", rgl_write(file, mine, sizeof(mine), place, &io));
        must("read", rgl_read(file, got, sizeof(got), place, &io));
        if (memcmp(mine, got, sizeof(mine)) != 0) {
            fprintf(stderr, "another thread's data\n");
            exit(1);
        }
        if (i % 50 == 0)
            fault();
    }
    must("close", rgl_close(file));
    return NULL;
}

static void four_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static bool same_mask(const sigset_t *a, const sigset_t *b)
{
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        if (sigismember(a, signal) != sigismember(b, signal))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct sigaction own = {.sa_handler = on_fault}, now;
    sigset_t before, after;
    stack_t stack_before, stack;

    if (argc < 2) {
        fprintf(stderr, "usage: threads .../dispatch-separate.sys [DRIVER.sys...]\n");
        return 2;
    }
    sigaction(SIGSEGV, &own, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    sigaltstack(NULL, &stack_before);
    must("machine", rgl_machine_create(NULL, &machine));
    for (int i = 1; i < argc; i++)
        must("load", rgl_driver_load_file(machine, argv[i], NULL, NULL));
    four_threads();
    rgl_machine_destroy(machine);

    sigaction(SIGSEGV, NULL, &now);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    sigaltstack(NULL, &stack);
    fault();
    printf("faults of the process's own: %u\n", own_faults);
    printf("handler restored: %s\n", now.sa_handler == on_fault ? "yes" : "no");
    printf("mask restored: %s\n", same_mask(&before, &after) ? "yes" : "no");
    printf("signal stack restored: %s\n", stack.ss_sp == stack_before.ss_sp ? "yes" : "no");
    return 0;
}

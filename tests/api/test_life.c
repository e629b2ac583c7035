/* SPDX-License-Identifier: MIT */
/*
 * The life of machines in a process: one after the other, refused configurations, who may call, fork, a bug
 * check and the end while other threads are inside, what threads leave behind.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "api_test.h"

enum { OTHERS = 3 };

static void many_machines_one_after_the_other(void **state)
{
    struct rgl_config config;
    struct rgl_io io;
    char echo[4];

    (void)state;
    for (int i = 0; i < 20; i++) {
        rgl_config_init(&config);
        config.simulated = i % 2;
        config.seed = (unsigned)i;
        rgl_machine *machine = new_machine(&config);
        rgl_file *file = open_pender(machine, 0);
        must(rgl_ioctl(file, PENDER_ECHO, "abc", 4, echo, 4, &io));
        assert_string_equal(echo, "abc");
        rgl_machine_destroy(machine); /* with the handle open and the driver loaded */
    }
}

static void one_at_a_time(void **state)
{
    rgl_machine *machine = new_machine(NULL), *second = machine;

    (void)state;
    assert_int_equal(rgl_machine_create(NULL, &second), RGL_STATUS_BUSY);
    assert_null(second);
    rgl_machine_destroy(machine);
    assert_int_equal(rgl_advance(machine, 1), STATUS_INVALID_DEVICE_STATE);
    rgl_machine_destroy(machine); /* nothing */
}

static void refused(struct rgl_config config)
{
    rgl_machine *machine;

    assert_true(rgl_machine_create(&config, &machine) < 0);
    assert_null(machine);
    assert_string_not_equal(rgl_message(), "");
}

static void a_refused_machine_leaves_nothing(void **state)
{
    struct rgl_config config;

    (void)state;
    rgl_config_init(&config);
    config.cpus = 65;
    refused(config);
    rgl_config_init(&config);
    config.tick_signal = SIGUSR1;
    refused(config);
    rgl_config_init(&config);
    config.ram_bytes = 1ull << 62;
    refused(config);
    rgl_machine_destroy(new_machine(NULL));
}

static void *call_once(void *context)
{
    return (void *)(intptr_t)rgl_advance(context, 1);
}

static void a_seeded_machine_has_one_thread(void **state)
{
    struct rgl_config config;
    pthread_t thread;
    void *status;

    (void)state;
    rgl_config_init(&config);
    config.simulated = true;
    rgl_machine *machine = new_machine(&config);
    pthread_create(&thread, NULL, call_once, machine);
    pthread_join(thread, &status);
    assert_int_equal((rgl_status)(intptr_t)status, RGL_STATUS_WRONG_THREAD);
    must(rgl_advance(machine, 1));
    rgl_machine_destroy(machine);
}

static int in_child(rgl_machine *machine, rgl_file *file)
{
    rgl_machine *second;
    rgl_request *request;
    struct rgl_operation_args args = {.operation = RGL_OP_READ};

    if (rgl_advance(machine, 1) != RGL_STATUS_AFTER_FORK || rgl_close(file) != RGL_STATUS_AFTER_FORK)
        return 1;
    if (rgl_machine_create(NULL, &second) != RGL_STATUS_AFTER_FORK || rgl_completion_fd(machine) != -1)
        return 2;
    if (rgl_submit(file, &args, &request) != RGL_STATUS_AFTER_FORK || rgl_poll(machine) != 0)
        return 3;
    rgl_machine_destroy(machine);
    return 0;
}

static void a_forked_child_may_not_call(void **state)
{
    rgl_machine *machine = new_machine(NULL);
    rgl_file *file = open_pender(machine, 0);
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(machine, file));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    must(rgl_close(file));
    rgl_machine_destroy(machine);
}

/* ---- other threads inside ---- */

struct inside {
    rgl_machine *machine;
    unsigned entered;
};

static void *block(void *context)
{
    struct inside *inside = context;
    rgl_file *file = open_pender(inside->machine, 0);

    __atomic_add_fetch(&inside->entered, 1, __ATOMIC_SEQ_CST);
    return (void *)(intptr_t)rgl_ioctl(file, PENDER_BLOCK, NULL, 0, NULL, 0, NULL);
}

static void start_blocked(struct inside *inside, pthread_t *threads)
{
    for (int i = 0; i < OTHERS; i++)
        pthread_create(&threads[i], NULL, block, inside);
    while (__atomic_load_n(&inside->entered, __ATOMIC_SEQ_CST) < OTHERS)
        usleep(1000);
    usleep(20000);
}

static void all_return(pthread_t *threads, rgl_status wanted)
{
    for (int i = 0; i < OTHERS; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((rgl_status)(intptr_t)status, wanted);
    }
}

static void a_bug_check_ends_every_call(void **state)
{
    struct inside inside = {.machine = new_machine(NULL)};
    pthread_t threads[OTHERS];
    rgl_file *file = open_pender(inside.machine, 0);

    (void)state;
    start_blocked(&inside, threads);
    assert_int_equal(rgl_ioctl(file, PENDER_STOP, NULL, 0, NULL, 0, NULL), RGL_STATUS_BUG_CHECK);
    all_return(threads, RGL_STATUS_BUG_CHECK);
    assert_int_equal(rgl_bug_check(inside.machine)->code, 0xE2);
    assert_int_equal(rgl_bug_check(inside.machine)->parameters[2], 3);
    assert_int_equal(rgl_advance(inside.machine, 1), RGL_STATUS_BUG_CHECK);
    rgl_machine_destroy(inside.machine);
    rgl_machine_destroy(new_machine(NULL));
}

static void the_end_ends_every_call(void **state)
{
    struct inside inside = {.machine = new_machine(NULL)};
    pthread_t threads[OTHERS];

    (void)state;
    start_blocked(&inside, threads);
    rgl_machine_destroy(inside.machine);
    all_return(threads, STATUS_SYSTEM_SHUTDOWN);
    rgl_machine_destroy(new_machine(NULL));
}

/* ---- what threads leave ---- */

static bool tick_blocked(void)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, SIGRTMIN + 4);
}

static void *signal_stack(void)
{
    stack_t stack;

    sigaltstack(NULL, &stack);
    return stack.ss_sp;
}

static void *visit(void *context)
{
    rgl_file *file = open_pender(context, 0);
    char echo[100000];

    must(rgl_ioctl(file, PENDER_ECHO, echo, sizeof(echo), echo, sizeof(echo), NULL));
    must(rgl_close(file));
    return NULL;
}

/* More threads, one after the other, than the user range would hold if one left its memory there. */
static void a_thread_takes_its_memory_along(void **state)
{
    rgl_machine *machine = new_machine(NULL);
    pthread_t thread;

    (void)state;
    for (int i = 0; i < 1500; i++) {
        pthread_create(&thread, NULL, visit, machine);
        pthread_join(thread, NULL);
    }
    rgl_machine_destroy(machine);
}

static pthread_barrier_t barrier;

/* A thread that outlives two machines. */
static void *outlive(void *context)
{
    rgl_machine **machine = context;
    sigset_t tick;

    sigemptyset(&tick);
    sigaddset(&tick, SIGRTMIN + 4);
    pthread_sigmask(SIG_BLOCK, &tick, NULL);
    for (int i = 0; i < 2; i++) {
        pthread_barrier_wait(&barrier);
        visit(*machine);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier); /* the machine is gone */
    }
    return NULL;
}

static void a_thread_may_see_several_machines(void **state)
{
    rgl_machine *machine;
    pthread_t thread;

    (void)state;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, outlive, &machine);
    for (int i = 0; i < 2; i++) {
        machine = new_machine(NULL);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        rgl_machine_destroy(machine);
        pthread_barrier_wait(&barrier);
    }
    pthread_join(thread, NULL);
}

static void the_signal_state_comes_back(void **state)
{
    void *before = signal_stack();
    sigset_t tick;

    (void)state;
    sigemptyset(&tick);
    sigaddset(&tick, SIGRTMIN + 4);
    pthread_sigmask(SIG_BLOCK, &tick, NULL);
    rgl_machine *machine = new_machine(NULL);
    assert_ptr_not_equal(signal_stack(), before);
    assert_false(tick_blocked());
    rgl_machine_destroy(machine);
    assert_true(tick_blocked());
    assert_ptr_equal(signal_stack(), before);
    pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
}

/* ---- what is printed ---- */

struct lines {
    unsigned whole, other;
};

static void take_line(void *context, const char *driver, const char *line)
{
    struct lines *lines = context;
    char piece[8];

    assert_string_equal(driver, "pender");
    if (sscanf(line, "print %7s end", piece) == 1 && strlen(line) == 6 + strlen(piece) + 4)
        lines->whole++;
    else
        lines->other++;
}

static void *print(void *context)
{
    rgl_file *file = open_pender(context, 0);

    for (int i = 0; i < 200; i++)
        must(rgl_ioctl(file, PENDER_PRINT, "text", 4, NULL, 0, NULL));
    must(rgl_close(file));
    return NULL;
}

/* Two pieces of one thread are a line; pieces of several may mix, but none is lost and no callback runs twice
 * at once. */
static void printed_text_arrives_whole(void **state)
{
    struct lines lines = {0};
    struct rgl_config config;
    pthread_t threads[4];

    (void)state;
    rgl_config_init(&config);
    config.debug_line = take_line;
    config.debug_context = &lines;
    rgl_machine *machine = new_machine(&config);
    print(machine);
    assert_int_equal(lines.whole, 200);
    assert_int_equal(lines.other, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, print, machine);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(lines.whole + lines.other, 1000); /* as many lines as newlines */
    rgl_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_machines_one_after_the_other),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(a_refused_machine_leaves_nothing),
        cmocka_unit_test(a_seeded_machine_has_one_thread),
        cmocka_unit_test(a_forked_child_may_not_call),
        cmocka_unit_test(a_bug_check_ends_every_call),
        cmocka_unit_test(the_end_ends_every_call),
        cmocka_unit_test(a_thread_takes_its_memory_along),
        cmocka_unit_test(a_thread_may_see_several_machines),
        cmocka_unit_test(the_signal_state_comes_back),
        cmocka_unit_test(printed_text_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A driver terminates the user process that the API acts as: which calls end,
 * what can still be done, and that nothing of it stays in the machine.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "api_test.h"

#define TERMINATING ((rgl_status)0xC000010A)
#define END_HELD    PENDER(1) /* the device controls of terminate.sys */
#define WAIT        PENDER(4)
#define END_OTHERS  PENDER(5)

static unsigned failed_checks;

static void line(void *context, const char *driver, const char *text)
{
    (void)context;
    (void)driver;
    if (strstr(text, "FAIL") != NULL) {
        failed_checks++;
        print_error("%s\n", text);
    }
}

static rgl_machine *machine_of(unsigned cpus)
{
    struct rgl_config config;
    rgl_machine *machine;

    rgl_config_init(&config);
    config.cpus = cpus;
    config.debug_line = line;
    failed_checks = 0;
    must(rgl_machine_create(&config, &machine));
    must(rgl_driver_load_file(machine, SYS "/terminate.sys", NULL, NULL));
    return machine;
}

static rgl_file *open_ended(rgl_machine *machine, unsigned flags)
{
    rgl_file *file;

    must(rgl_open(machine, "\\Device\\Ended", flags, &file, NULL));
    return file;
}

static rgl_status control(rgl_file *file, uint32_t code)
{
    return rgl_ioctl(file, code, NULL, 0, NULL, 0, NULL);
}

/* ---- a thread inside, one outside of any call ---- */

struct other {
    rgl_machine *machine;
    pthread_t thread;
    pthread_barrier_t opened, go_on;
    rgl_status in_call, afterwards;
};

static void *wait_inside(void *arg)
{
    struct other *other = arg;
    rgl_file *file = open_ended(other->machine, 0);

    pthread_barrier_wait(&other->opened);
    other->in_call = control(file, WAIT);
    rgl_close(file);
    other->afterwards = rgl_open(other->machine, "\\Device\\Ended", 0, &file, NULL);
    if (other->afterwards >= 0)
        rgl_close(file);
    return NULL;
}

static void *stay_outside(void *arg)
{
    struct other *other = arg;
    rgl_file *file = open_ended(other->machine, 0);

    pthread_barrier_wait(&other->opened);
    pthread_barrier_wait(&other->go_on);
    other->in_call = control(file, WAIT);
    rgl_close(file);
    other->afterwards = rgl_open(other->machine, "\\Device\\Ended", 0, &file, NULL);
    if (other->afterwards >= 0)
        rgl_close(file);
    return NULL;
}

static void begin(struct other *other, rgl_machine *machine, void *(*body)(void *))
{
    other->machine = machine;
    pthread_barrier_init(&other->opened, NULL, 2);
    pthread_barrier_init(&other->go_on, NULL, 2);
    pthread_create(&other->thread, NULL, body, other);
    pthread_barrier_wait(&other->opened);
}

static void end(struct other *other)
{
    pthread_join(other->thread, NULL);
    pthread_barrier_destroy(&other->opened);
    pthread_barrier_destroy(&other->go_on);
}

static void end_with(unsigned cpus)
{
    rgl_machine *machine = machine_of(cpus);
    rgl_file *file = open_ended(machine, 0), *async = open_ended(machine, RGL_OPEN_ASYNC);
    rgl_event *event;
    struct other inside, outside;
    struct rgl_operation_args args = {.operation = RGL_OP_READ};
    rgl_request *request, *late = NULL;
    struct rgl_io io;

    begin(&inside, machine, wait_inside);
    begin(&outside, machine, stay_outside);
    usleep(20000);
    must(rgl_submit(async, &args, &request));
    assert_int_equal(control(file, END_HELD), TERMINATING);

    assert_int_equal(control(file, END_HELD), TERMINATING);
    assert_non_null(strstr(rgl_message(), "TERMINATING"));
    assert_int_equal(rgl_submit(async, &args, &late), TERMINATING);
    assert_int_equal(rgl_event_create(machine, true, false, &event), TERMINATING);
    assert_null(rgl_user_alloc(machine, 16));
    must(rgl_request_wait(request, 5000, &io));
    assert_int_equal(io.status, STATUS_CANCELLED);
    rgl_request_release(request);
    rgl_request_release(late);
    pthread_barrier_wait(&outside.go_on);
    end(&inside);
    end(&outside);
    assert_int_equal(inside.in_call, TERMINATING);
    assert_int_equal(inside.afterwards, TERMINATING);
    assert_int_equal(outside.in_call, TERMINATING);
    assert_int_equal(outside.afterwards, TERMINATING);
    must(rgl_close(file));
    must(rgl_close(async));
    must(rgl_driver_unload(machine, "terminate"));
    must(rgl_driver_load_file(machine, SYS "/pender.sys", NULL, NULL));
    assert_int_equal(failed_checks, 0);
    rgl_machine_destroy(machine);
}

static void threads_end(void **state)
{
    (void)state;
    end_with(1);
    end_with(4);
}

/* The others end, and the process stays: their pthreads begin anew. */
static void others_end(void **state)
{
    rgl_machine *machine = machine_of(2);
    rgl_file *file = open_ended(machine, 0);
    struct other inside;

    (void)state;
    begin(&inside, machine, wait_inside);
    usleep(20000);
    must(control(file, END_OTHERS));
    end(&inside);
    assert_int_equal(inside.in_call, TERMINATING);
    assert_int_equal(inside.afterwards, RGL_STATUS_SUCCESS);
    assert_int_equal(control(file, END_HELD), TERMINATING);
    must(rgl_close(file));
    assert_int_equal(failed_checks, 0);
    rgl_machine_destroy(machine);
}

/* Threads call all the time while the process ends. */
static void *call_on(void *arg)
{
    struct other *other = arg;
    rgl_status status;
    rgl_file *file;

    do {
        status = rgl_open(other->machine, "\\Device\\Ended", 0, &file, NULL);
        if (status >= 0)
            rgl_close(file);
    } while (status >= 0);
    other->in_call = status;
    return NULL;
}

static void in_the_middle_of_it(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        rgl_machine *machine = machine_of(1 + round % 4);
        rgl_file *file = open_ended(machine, 0);
        struct other others[3];

        for (unsigned i = 0; i < 3; i++) {
            others[i].machine = machine;
            pthread_create(&others[i].thread, NULL, call_on, &others[i]);
        }
        usleep(1000 * (round % 5));
        assert_int_equal(control(file, END_HELD), TERMINATING);
        for (unsigned i = 0; i < 3; i++) {
            pthread_join(others[i].thread, NULL);
            assert_int_equal(others[i].in_call, TERMINATING);
        }
        must(rgl_close(file));
        must(rgl_driver_unload(machine, "terminate"));
        assert_int_equal(failed_checks, 0);
        rgl_machine_destroy(machine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_end),
        cmocka_unit_test(others_end),
        cmocka_unit_test(in_the_middle_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Asynchronous requests: completion by poll and by wait, cancelling, releasing early, many at once, events.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "api_test.h"

static rgl_machine *machine;
static rgl_file *sender; /* synchronous, for the codes that complete others */

static int start(void **state)
{
    machine = new_machine(*state);
    sender = open_pender(machine, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rgl_machine_destroy(machine);
    return 0;
}

static void count(void *context, const struct rgl_io *io)
{
    (void)io;
    __atomic_add_fetch((unsigned *)context, 1, __ATOMIC_RELAXED);
}

static rgl_request *pending_read(rgl_file *file, void *buffer, size_t length, unsigned *counter)
{
    struct rgl_operation_args args = {
        .operation = RGL_OP_READ, .out = buffer, .out_length = length, .done = count, .context = counter};
    rgl_request *request;

    assert_int_equal(rgl_submit(file, &args, &request), RGL_STATUS_PENDING);
    return request;
}

static rgl_status release_one(void)
{
    return rgl_ioctl(sender, PENDER_RELEASE, NULL, 0, NULL, 0, NULL);
}

static void a_wait_delivers(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    char buffer[5] = "";
    struct rgl_io io;
    unsigned done = 0;
    rgl_request *request = pending_read(file, buffer, 4, &done);

    (void)state;
    assert_int_equal(rgl_request_wait(request, 0, &io), RGL_STATUS_TIMEOUT);
    must(release_one());
    must(rgl_request_wait(request, 5000, &io));
    assert_int_equal(io.status, RGL_STATUS_SUCCESS);
    assert_int_equal(io.information, 4);
    assert_string_equal(buffer, "pppp");
    assert_int_equal(done, 1);
    must(rgl_request_wait(request, 0, &io)); /* again: the same answer, no second callback */
    assert_int_equal(done, 1);
    rgl_request_release(request);
    rgl_poll(machine);
    assert_int_equal(done, 1);
    must(rgl_close(file));
}

static void poll_until(const unsigned *counter, unsigned wanted)
{
    struct pollfd fd = {.fd = rgl_completion_fd(machine), .events = POLLIN};

    while (__atomic_load_n(counter, __ATOMIC_RELAXED) < wanted) {
        assert_int_equal(poll(&fd, 1, 5000), 1);
        rgl_poll(machine);
    }
}

static void a_descriptor_says_when_to_poll(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    struct pollfd fd = {.fd = rgl_completion_fd(machine), .events = POLLIN};
    char buffer[1];
    unsigned done = 0;
    rgl_request *request = pending_read(file, buffer, 1, &done);

    (void)state;
    rgl_poll(machine);
    assert_int_equal(poll(&fd, 1, 0), 0);
    must(release_one());
    poll_until(&done, 1);
    assert_int_equal(buffer[0], 'p');
    rgl_request_release(request);
    must(rgl_close(file));
}

static void an_immediate_error_is_delivered_too(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    unsigned done = 0;
    struct rgl_operation_args args = {.operation = RGL_OP_READ, .done = count, .context = &done};
    rgl_request *request;

    (void)state;
    assert_int_equal(rgl_submit(file, &args, &request), STATUS_INVALID_PARAMETER);
    assert_non_null(request);
    assert_int_equal(rgl_poll(machine), 1);
    assert_int_equal(done, 1);
    rgl_request_release(request);
    assert_int_equal(rgl_submit(sender, &args, &request), STATUS_INVALID_PARAMETER); /* not asynchronous */
    assert_null(request);
    must(rgl_close(file));
}

static void cancel_ends_what_is_pending(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    char buffer[8];
    struct rgl_io io;
    unsigned done = 0;
    rgl_request *first = pending_read(file, buffer, 8, &done), *second = pending_read(file, buffer, 8, &done);

    (void)state;
    must(rgl_cancel(file));
    must(rgl_request_wait(first, 5000, &io));
    assert_int_equal(io.status, STATUS_CANCELLED);
    must(rgl_request_wait(second, 5000, &io));
    assert_int_equal(io.status, STATUS_CANCELLED);
    assert_int_equal(done, 2);
    assert_int_equal(release_one(), STATUS_NO_MORE_ENTRIES);
    rgl_request_release(first);
    rgl_request_release(second);
    must(rgl_close(file));
}

static void a_released_request_goes_on_without_its_result(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    char *buffer = malloc(64);
    unsigned done = 0;

    (void)state;
    rgl_request_release(pending_read(file, buffer, 64, &done));
    free(buffer); /* nobody writes it any more */
    must(release_one());
    rgl_advance(machine, 20);
    rgl_poll(machine);
    assert_int_equal(done, 0);
    must(rgl_close(file));
}

/* Left pending: closing the handle lets the driver's cleanup cancel them; and what the embedder still holds
 * when the machine ends can be released afterwards. */
static void the_end_of_the_machine_ends_requests(void **state)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    char buffer[8];
    struct rgl_io io;
    unsigned done = 0;
    rgl_request *request = pending_read(file, buffer, 8, &done);

    rgl_machine_destroy(machine);
    assert_int_equal(rgl_request_wait(request, 0, &io), STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(done, 0);
    start(state);
    rgl_request_release(request);
}

enum { SENDERS = 4, EACH = 16 };

static void *send_many(void *context)
{
    rgl_file *file = open_pender(machine, RGL_OPEN_ASYNC);
    static __thread char buffers[EACH][16];
    rgl_request *requests[EACH];
    struct rgl_io io;

    for (int i = 0; i < EACH; i++)
        requests[i] = pending_read(file, buffers[i], 16, context);
    for (int i = 0; i < EACH; i++) {
        must(rgl_request_wait(requests[i], 20000, &io));
        assert_int_equal(io.information, 16);
        assert_int_equal(buffers[i][15], 'p');
        rgl_request_release(requests[i]);
    }
    must(rgl_close(file));
    return NULL;
}

static void sixty_four_are_outstanding(void **state)
{
    pthread_t threads[SENDERS];
    unsigned done = 0, released = 0;

    (void)state;
    for (int i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_many, &done);
    while (released < SENDERS * EACH) {
        if (release_one() >= 0)
            released++;
        else
            usleep(1000);
        if (released % 3 == 0)
            rgl_poll(machine); /* sometimes takes what a sender waits for */
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(done, SENDERS * EACH);
}

static void a_driver_sets_a_users_event(void **state)
{
    rgl_event *event;
    uint64_t handle;

    (void)state;
    must(rgl_event_create(machine, false, false, &event));
    assert_int_equal(rgl_event_wait(event, 0), RGL_STATUS_TIMEOUT);
    handle = rgl_event_handle(event);
    must(rgl_ioctl(sender, PENDER_SIGNAL, &handle, sizeof(handle), NULL, 0, NULL));
    assert_int_equal(rgl_event_wait(event, 5000), RGL_STATUS_SUCCESS);
    assert_int_equal(rgl_event_wait(event, 0), RGL_STATUS_TIMEOUT); /* it reset itself */
    must(rgl_event_set(event, true));
    assert_int_equal(rgl_event_wait(event, -1), RGL_STATUS_SUCCESS);
    rgl_event_close(event);
    assert_true(rgl_ioctl(sender, PENDER_SIGNAL, &handle, sizeof(handle), NULL, 0, NULL) < 0);
}

static void user_memory_is_used_in_place(void **state)
{
    unsigned char *buffer = rgl_user_alloc(machine, 5000);
    struct rgl_io io;

    (void)state;
    assert_non_null(buffer);
    assert_true((uintptr_t)buffer + 5000 < 0x7FFF0000);
    memset(buffer, 7, 5000);
    must(rgl_ioctl(sender, PENDER_ECHO, buffer, 5000, buffer, 5000, &io));
    assert_int_equal(io.information, 5000);
    rgl_user_free(machine, buffer);
}

#define ANYWHERE(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define SEEDED(test)   cmocka_unit_test_prestate_setup_teardown(test, start, stop, &seeded)

int main(void)
{
    static struct rgl_config seeded;
    const struct CMUnitTest tests[] = {
        ANYWHERE(a_wait_delivers),
        SEEDED(a_wait_delivers),
        ANYWHERE(an_immediate_error_is_delivered_too),
        SEEDED(an_immediate_error_is_delivered_too),
        ANYWHERE(cancel_ends_what_is_pending),
        SEEDED(cancel_ends_what_is_pending),
        ANYWHERE(a_released_request_goes_on_without_its_result),
        SEEDED(a_released_request_goes_on_without_its_result),
        ANYWHERE(the_end_of_the_machine_ends_requests),
        SEEDED(the_end_of_the_machine_ends_requests),
        ANYWHERE(a_driver_sets_a_users_event),
        SEEDED(a_driver_sets_a_users_event),
        ANYWHERE(user_memory_is_used_in_place),
        SEEDED(user_memory_is_used_in_place),
        ANYWHERE(a_descriptor_says_when_to_poll),
        ANYWHERE(sixty_four_are_outstanding),
    };

    rgl_config_init(&seeded);
    seeded.simulated = true;
    seeded.seed = 11;
    seeded.cpus = 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

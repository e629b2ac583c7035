/* SPDX-License-Identifier: MIT */
/*
 * A machine from C: loads a driver, opens its device, writes, reads, flushes,
 * sends control codes; then the same with asynchronous requests whose completions
 * arrive on an eventfd, as an event loop would take them.
 *
 *     cc requests.c $(pkg-config --cflags --libs ringless) -o requests
 *     ./requests dispatch-separate.sys
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ringless/ringless.h>

static void must(const char *what, rgl_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, rgl_message());
    exit(1);
}

static void debug_line(void *context, const char *driver, const char *line)
{
    (void)context;
    printf("[%s] %s\n", driver, line);
}

static void synchronous(rgl_machine *machine)
{
    rgl_file *file;
    struct rgl_io io;
    char text[32];

    must("open", rgl_open(machine, "\\\\.\\Separate", 0, &file, &io));
    must("write", rgl_write(file, "kernel mode", 11, 0, &io));
    printf("wrote %llu bytes\n", (unsigned long long)io.information);
    must("read", rgl_read(file, text, sizeof(text), 7, &io));
    printf("read %llu bytes: %.*s\n", (unsigned long long)io.information, (int)io.information, text);
    must("flush", rgl_flush(file, &io));
    rgl_status status = rgl_ioctl(file, 0x222000, NULL, 0, NULL, 0, &io);
    printf("a control code that it does not know: %s\n", rgl_status_name(status));
    must("close", rgl_close(file));
}

static void done(void *context, const struct rgl_io *io)
{
    printf("%s: %s, %llu bytes\n", (const char *)context, rgl_status_name(io->status),
           (unsigned long long)io->information);
}

/* The event loop of a program that has other things to do as well. */
static void take_completions(rgl_machine *machine, unsigned count)
{
    struct pollfd fd = {.fd = rgl_completion_fd(machine), .events = POLLIN};

    while (count != 0) {
        if (poll(&fd, 1, 5000) != 1) {
            fprintf(stderr, "no completion came\n");
            exit(1);
        }
        count -= rgl_poll(machine);
    }
}

static void asynchronous(rgl_machine *machine)
{
    struct rgl_operation_args write = {
        .operation = RGL_OP_WRITE, .in = "later", .in_length = 5, .done = done, .context = "write"};
    char text[8] = "";
    struct rgl_operation_args read = {
        .operation = RGL_OP_READ, .out = text, .out_length = sizeof(text), .done = done, .context = "read"};
    rgl_request *request;
    rgl_file *file;

    must("open", rgl_open(machine, "\\\\.\\Separate", RGL_OPEN_ASYNC, &file, NULL));
    must("write", rgl_submit(file, &write, &request));
    take_completions(machine, 1);
    rgl_request_release(request);
    must("read", rgl_submit(file, &read, &request));
    take_completions(machine, 1);
    rgl_request_release(request);
    printf("the data: %.5s\n", text);
    must("close", rgl_close(file));
}

int main(int argc, char **argv)
{
    struct rgl_config config;
    rgl_machine *machine;

    if (argc != 2) {
        fprintf(stderr, "usage: requests .../dispatch-separate.sys\n");
        return 2;
    }
    rgl_config_init(&config);
    config.debug_line = debug_line;
    must("machine", rgl_machine_create(&config, &machine));
    must("load", rgl_driver_load_file(machine, argv[1], NULL, NULL));
    synchronous(machine);
    asynchronous(machine);
    rgl_machine_destroy(machine);
    return 0;
}

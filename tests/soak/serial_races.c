/* SPDX-License-Identifier: MIT */
/*
 * Completion, cancel and time-out racing on the sample serial16550: writes that
 * are queued, being sent or done, reads that find data or wait, all of them
 * canceled or late at any moment, while the other end types. Each request must
 * end exactly once, in one of the ways that are right for it; what is read must
 * be what was typed, in order; nothing may be left, and the verifier must be
 * content.
 *
 *   serial_races SYS seeds FIRST COUNT ROUNDS    one machine after another, each with its seed
 *   serial_races SYS real CPUS THREADS SECONDS   threads that share the port
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ringless/ringless.h"

#define SET_BAUD_RATE 0x1b0004u
#define SET_TIMEOUTS  0x1b001cu
#define GET_STATS     0x1b008cu

#define STATUS_CANCELLED ((rgl_status)0xC0000120)

/* A hundred times as fast as a PC's: a character takes as long as a few calls, so that its end meets them. */
#define FAST "uart16550,clock=184320000"

#define OUTSTANDING 12
#define LONGEST     48
#define TYPED_MAX   16

struct request {
    rgl_request *request;
    bool write;
    unsigned length;
    unsigned char data[LONGEST];
};

struct worker {
    pthread_t thread;
    unsigned state;
    bool reads; /* it also reads and types: one thread does */
    struct request *requests[OUTSTANDING];
    unsigned count, ended[4]; /* done, canceled, late, all */
    const char *failed;
};

static rgl_machine *machine;
static rgl_file *port;
static bool simulated;
static unsigned char typed, expected; /* the next byte that is typed, and that is read */
static bool in_order;

static unsigned draw(struct worker *worker, unsigned n)
{
    worker->state = worker->state * 1664525u + 1013904223u;
    return (worker->state >> 16) % n;
}

static bool fail(struct worker *worker, const char *why)
{
    if (worker->failed == NULL)
        worker->failed = why;
    return false;
}

static bool control(uint32_t code, const void *in, size_t length)
{
    return rgl_ioctl(port, code, in, length, NULL, 0, NULL) == 0;
}

/* Only one thread reads where the order is judged. */
static void look_at_data(const struct request *request, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (request->data[i] != expected++)
            in_order = false;
}

static bool judge(struct worker *worker, const struct request *request, const struct rgl_io *io)
{
    bool whole = request->write ? io->information == request->length
                                : io->information >= 1 && io->information <= request->length;
    bool part = request->write ? io->information <= request->length : io->information == 0;

    worker->ended[3]++;
    if (io->status == RGL_STATUS_SUCCESS && whole) {
        worker->ended[0]++;
        if (!request->write)
            look_at_data(request, io->information);
        return true;
    }
    worker->ended[1] += io->status == STATUS_CANCELLED;
    worker->ended[2] += io->status == RGL_STATUS_TIMEOUT;
    if ((io->status == STATUS_CANCELLED || io->status == RGL_STATUS_TIMEOUT) && part)
        return true;
    fprintf(stderr, "a %s of %u bytes ended with 0x%08X, %llu\n", request->write ? "write" : "read",
            request->length, (unsigned)io->status, (unsigned long long)io->information);
    return fail(worker, "a request ended wrongly");
}

/* The oldest request. In the end it must be over within ten seconds; before, it may take longer than that
 * wait. */
static bool end_one(struct worker *worker, int64_t timeout_ms)
{
    struct rgl_io io = {0};
    rgl_status status;

    if (worker->count == 0)
        return true;
    status = rgl_request_wait(worker->requests[0]->request, timeout_ms, &io);
    if (status == RGL_STATUS_TIMEOUT && io.status != RGL_STATUS_TIMEOUT)
        return timeout_ms < 10000 || fail(worker, "a request never ended");
    if (status == RGL_STATUS_BUG_CHECK || status == RGL_STATUS_HANG)
        return fail(worker, "the machine stopped");
    if (!judge(worker, worker->requests[0], &io))
        return false;
    rgl_request_release(worker->requests[0]->request);
    free(worker->requests[0]);
    worker->count--;
    memmove(worker->requests, worker->requests + 1, worker->count * sizeof(worker->requests[0]));
    return true;
}

static bool submit(struct worker *worker)
{
    struct request *request = calloc(1, sizeof(*request));
    struct rgl_operation_args args;

    request->write = !worker->reads || draw(worker, 2) == 0;
    request->length = 1 + draw(worker, LONGEST);
    args = (struct rgl_operation_args){.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ};
    if (request->write)
        args.in = request->data, args.in_length = request->length;
    else
        args.out = request->data, args.out_length = request->length;
    rgl_submit(port, &args, &request->request);
    if (request->request == NULL) {
        free(request);
        return fail(worker, rgl_message());
    }
    worker->requests[worker->count++] = request;
    return true;
}

/* Not more than the driver keeps without a read. */
static bool type(struct worker *worker)
{
    unsigned char bytes[TYPED_MAX];
    unsigned length = 1 + draw(worker, TYPED_MAX);

    if (!worker->reads || (unsigned char)(typed - expected) + length > 200)
        return true;
    for (unsigned i = 0; i < length; i++)
        bytes[i] = typed++;
    return rgl_model_input(machine, "uart16550", bytes, length) == 0 || fail(worker, rgl_message());
}

static bool set_timeouts(struct worker *worker)
{
    uint32_t ms = draw(worker, 3) * 1000, timeouts[5] = {0, 0, ms, 0, ms};

    return control(SET_TIMEOUTS, timeouts, sizeof(timeouts)) || fail(worker, rgl_message());
}

static bool set_speed(struct worker *worker)
{
    static const uint32_t speeds[] = {300, 9600, 115200, 115200};

    return control(SET_BAUD_RATE, &speeds[draw(worker, 4)], sizeof(uint32_t)) || fail(worker, rgl_message());
}

static bool pass_time(struct worker *worker)
{
    if (!simulated)
        return true;
    rgl_advance(machine, draw(worker, 8) == 0 ? 1100 : draw(worker, 4));
    return true;
}

static bool one_step(struct worker *worker)
{
    switch (draw(worker, 16)) {
    case 0 ... 6:
        return worker->count == OUTSTANDING ? end_one(worker, 1) : submit(worker);
    case 7 ... 8:
        return end_one(worker, draw(worker, 3));
    case 9 ... 10:
        return type(worker);
    case 11:
        return draw(worker, 4) != 0 || rgl_cancel(port) >= 0 || fail(worker, rgl_message());
    case 12:
        return set_timeouts(worker);
    case 13:
        return !simulated || set_speed(worker);
    default:
        return pass_time(worker);
    }
}

static bool end_all(struct worker *worker)
{
    bool good = rgl_cancel(port) >= 0;

    while (good && worker->count != 0)
        good = end_one(worker, 10000);
    return good || fail(worker, rgl_message());
}

static bool start(const char *sys, const char *model, const struct rgl_config *config)
{
    char path[1000];

    snprintf(path, sizeof(path), "%s/serial16550.sys", sys);
    typed = expected = 0;
    in_order = true;
    simulated = config->simulated;
    return rgl_machine_create(config, &machine) == 0 && rgl_model_add(machine, model) == 0 &&
           rgl_driver_load_file(machine, path, NULL, NULL) == 0 &&
           rgl_open(machine, "\\\\.\\COM1", RGL_OPEN_ASYNC, &port, NULL) == 0;
}

/* The port, without a loss of its own, has given what was typed. */
static const char *look_at_end(void)
{
    uint32_t stats[6] = {0};
    const struct rgl_report *report = rgl_bug_check(machine);

    if (report == NULL && rgl_violations(machine) != 0)
        report = rgl_violation(machine, 0);
    if (report != NULL)
        return report->text;
    if (rgl_ioctl(port, GET_STATS, NULL, 0, stats, sizeof(stats), NULL) != 0)
        return rgl_message();
    return in_order || stats[3] + stats[4] != 0 ? NULL
                                                : "bytes were read that were not typed, or in another order";
}

static bool finish(const char *failed, const char *line)
{
    const struct rgl_report *report;

    if (failed == NULL)
        failed = look_at_end();
    if (failed != NULL)
        fprintf(stderr, "serial_races %s: %s\n", line, failed);
    rgl_close(port);
    rgl_driver_unload(machine, "serial16550");
    report = rgl_violations(machine) != 0 ? rgl_violation(machine, 0) : rgl_bug_check(machine);
    if (failed == NULL && report != NULL)
        fprintf(stderr, "serial_races %s: %s\n", line, failed = report->text);
    rgl_machine_destroy(machine);
    return failed == NULL;
}

static bool one_seed(const char *sys, unsigned seed, unsigned rounds, unsigned *ended)
{
    struct worker worker = {.state = seed * 2654435761u, .reads = true};
    struct rgl_config config;
    char line[100];

    snprintf(line, sizeof(line), "%s seeds %u 1 %u", sys, seed, rounds);
    rgl_config_init(&config);
    config.simulated = true;
    config.seed = seed;
    config.cpus = 1 + seed / 4 % 4;
    if (!start(sys, seed % 4 == 0 ? "uart16550" : FAST, &config)) {
        fprintf(stderr, "serial_races %s: %s\n", line, rgl_message());
        return false;
    }
    for (unsigned i = 0; i < rounds && one_step(&worker); i++)
        ;
    if (worker.failed == NULL)
        end_all(&worker);
    for (unsigned i = 0; i < 4; i++)
        ended[i] += worker.ended[i];
    return finish(worker.failed, line);
}

static int seeds(const char *sys, unsigned first, unsigned count, unsigned rounds)
{
    unsigned ended[4] = {0}, failures = 0;

    for (unsigned seed = first; seed < first + count; seed++)
        failures += !one_seed(sys, seed, rounds, ended);
    printf("%u seeds, %u failures; %u requests: %u done, %u canceled, %u late\n", count, failures, ended[3],
           ended[0], ended[1], ended[2]);
    return failures != 0;
}

static time_t until;

static void *work(void *context)
{
    struct worker *worker = context;

    while (time(NULL) < until && one_step(worker))
        ;
    if (worker->failed == NULL)
        end_all(worker);
    return NULL;
}

static int real(const char *sys, unsigned cpus, unsigned threads, unsigned seconds)
{
    struct worker *workers = calloc(threads, sizeof(*workers));
    unsigned ended[4] = {0};
    struct rgl_config config;
    const char *failed = NULL;

    rgl_config_init(&config);
    config.cpus = cpus;
    if (!start(sys, FAST, &config)) {
        fprintf(stderr, "serial_races: %s\n", rgl_message());
        return 1;
    }
    until = time(NULL) + seconds;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.state = i * 2654435761u, .reads = i == 0};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        failed = failed != NULL ? failed : workers[i].failed;
        for (unsigned k = 0; k < 4; k++)
            ended[k] += workers[i].ended[k];
    }
    printf("%u requests: %u done, %u canceled, %u late\n", ended[3], ended[0], ended[1], ended[2]);
    free(workers);
    return !finish(failed, "real");
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[2], "seeds") == 0)
        return seeds(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    if (argc == 6 && strcmp(argv[2], "real") == 0)
        return real(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    fprintf(stderr, "usage: serial_races SYS seeds FIRST COUNT ROUNDS | SYS real CPUS THREADS SECONDS\n");
    return 2;
}

/* SPDX-License-Identifier: MIT */
/*
 * Completion, cancel, close and waiting too long, racing on the samples
 * startio-ramdisk (StartIo and the I/O manager's device queue) and csq-queue (a
 * cancel-safe queue): threads open handles, send reads and writes, cancel them,
 * close the handle with requests outstanding, and wait for a while or to the end.
 * Each request must end exactly once, in one of the ways that are right for it;
 * none may be left, and the verifier must be content.
 *
 *   queue_races SYS seeds FIRST COUNT ROUNDS    one machine after another, each with its seed
 *   queue_races SYS real CPUS THREADS SECONDS   threads that share the devices
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ringless/ringless.h"

#define STATUS_CANCELLED        ((rgl_status)0xC0000120)
#define STATUS_DEVICE_NOT_READY ((rgl_status)0xC00000A3)
#define STATUS_DEVICE_BUSY      ((rgl_status)0x80000011)

#define HANDLES     4
#define OUTSTANDING 10
#define LONGEST     64
#define REGION      1024 /* of the disk, for each thread */

struct request {
    rgl_request *request;
    bool write, disk;
    unsigned length;
    unsigned char data[LONGEST];
};

struct handle {
    rgl_file *file; /* NULL: closed */
    bool disk;
    struct request *requests[OUTSTANDING];
    unsigned count;
};

struct worker {
    pthread_t thread;
    unsigned state, number;
    struct handle handles[HANDLES];
    unsigned ended[4]; /* done, canceled, refused, all */
    const char *failed;
};

static rgl_machine *machine;
static bool simulated;

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

/* What the disk gives is what this thread wrote there: its number plus one in each byte, or the zeros before.
 */
static bool is_own(const struct worker *worker, const struct request *request, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (request->data[i] != 0 && request->data[i] != (unsigned char)(worker->number + 1))
            return false;
    return true;
}

static bool is_refusal(const struct request *request, rgl_status status)
{
    return !request->disk && status == (request->write ? STATUS_DEVICE_NOT_READY : STATUS_DEVICE_BUSY);
}

static bool judge(struct worker *worker, const struct request *request, const struct rgl_io *io)
{
    bool whole = request->disk ? io->information == request->length : io->information <= request->length;

    worker->ended[3]++;
    if (io->status == RGL_STATUS_SUCCESS && whole) {
        worker->ended[0]++;
        return !request->disk || request->write || is_own(worker, request, io->information) ||
               fail(worker, "another thread's bytes were read from the disk");
    }
    worker->ended[1] += io->status == STATUS_CANCELLED;
    worker->ended[2] += is_refusal(request, io->status);
    /* The mailbox's writes are never pending. */
    if (io->information == 0 && ((io->status == STATUS_CANCELLED && (request->disk || !request->write)) ||
                                 is_refusal(request, io->status)))
        return true;
    fprintf(stderr, "a %s of %u bytes ended with 0x%08X, %llu\n", request->write ? "write" : "read",
            request->length, (unsigned)io->status, (unsigned long long)io->information);
    return fail(worker, "a request ended wrongly");
}

/* The oldest request of a handle. In the end it must be over within ten seconds. */
static bool end_one(struct worker *worker, struct handle *handle, int64_t timeout_ms)
{
    struct rgl_io io = {0};
    rgl_status status;

    if (handle->count == 0)
        return true;
    status = rgl_request_wait(handle->requests[0]->request, timeout_ms, &io);
    if (status == RGL_STATUS_TIMEOUT)
        return timeout_ms < 10000 || fail(worker, "a request never ended");
    if (status == RGL_STATUS_BUG_CHECK || status == RGL_STATUS_HANG)
        return fail(worker, "the machine stopped");
    if (!judge(worker, handle->requests[0], &io))
        return false;
    rgl_request_release(handle->requests[0]->request);
    free(handle->requests[0]);
    handle->count--;
    memmove(handle->requests, handle->requests + 1, handle->count * sizeof(handle->requests[0]));
    return true;
}

static bool open_one(struct worker *worker, struct handle *handle)
{
    handle->disk = draw(worker, 2) == 0;
    return rgl_open(machine, handle->disk ? "\\Device\\RamDisk" : "\\Device\\Mailbox", RGL_OPEN_ASYNC,
                    &handle->file, NULL) == 0 ||
           fail(worker, rgl_message());
}

/*
 * What waits in the mailbox is canceled by CLEANUP; what the disk has ends by itself. A handle whose requests
 * are outstanding is closed like any other.
 */
static bool close_one(struct worker *worker, struct handle *handle)
{
    if (rgl_close(handle->file) < 0)
        return fail(worker, rgl_message());
    handle->file = NULL;
    while (handle->count != 0)
        if (!end_one(worker, handle, 10000))
            return false;
    return true;
}

static bool submit(struct worker *worker, struct handle *handle)
{
    struct request *request = calloc(1, sizeof(*request));
    struct rgl_operation_args args = {0};

    request->disk = handle->disk;
    request->write = draw(worker, 2) == 0;
    request->length = handle->disk ? 1 + draw(worker, LONGEST) : draw(worker, LONGEST + 1);
    memset(request->data, request->write ? (int)worker->number + 1 : 0, request->length);
    args.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ;
    args.offset = handle->disk ? worker->number * REGION + draw(worker, REGION - LONGEST) : 0;
    if (request->write)
        args.in = request->data, args.in_length = request->length;
    else
        args.out = request->data, args.out_length = request->length;
    rgl_submit(handle->file, &args, &request->request);
    if (request->request == NULL) {
        free(request);
        return fail(worker, rgl_message());
    }
    handle->requests[handle->count++] = request;
    return true;
}

static bool one_step(struct worker *worker)
{
    struct handle *handle = &worker->handles[draw(worker, HANDLES)];

    if (handle->file == NULL)
        return open_one(worker, handle);
    switch (draw(worker, 16)) {
    case 0 ... 8:
        return handle->count == OUTSTANDING ? end_one(worker, handle, 1) : submit(worker, handle);
    case 9 ... 11:
        return end_one(worker, handle, draw(worker, 3));
    case 12 ... 13:
        return rgl_cancel(handle->file) >= 0 || fail(worker, rgl_message());
    case 14:
        return draw(worker, 3) != 0 || close_one(worker, handle);
    default:
        if (simulated)
            rgl_advance(machine, draw(worker, 4));
        return true;
    }
}

static bool end_all(struct worker *worker)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        struct handle *handle = &worker->handles[i];

        if (handle->file == NULL)
            continue;
        if (draw(worker, 2) == 0 && rgl_cancel(handle->file) < 0)
            return fail(worker, rgl_message());
        if (!close_one(worker, handle))
            return false;
    }
    return true;
}

static bool start(const char *sys, const struct rgl_config *config)
{
    static const char *const names[] = {"startio-ramdisk", "csq-queue"};
    char path[1000];

    simulated = config->simulated;
    if (rgl_machine_create(config, &machine) != 0)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s.sys", sys, names[i]);
        if (rgl_driver_load_file(machine, path, NULL, NULL) != 0)
            return false;
    }
    return true;
}

static const struct rgl_report *first_report(void)
{
    return rgl_violations(machine) != 0 ? rgl_violation(machine, 0) : rgl_bug_check(machine);
}

static bool finish(const char *failed, const char *line)
{
    if (first_report() != NULL)
        failed = first_report()->text;
    if (failed == NULL &&
        (rgl_driver_unload(machine, "csq-queue") != 0 || rgl_driver_unload(machine, "startio-ramdisk") != 0))
        failed = "a driver could not be unloaded";
    if (first_report() != NULL)
        failed = first_report()->text;
    if (failed != NULL)
        fprintf(stderr, "queue_races %s: %s\n", line, failed);
    rgl_machine_destroy(machine);
    return failed == NULL;
}

static bool one_seed(const char *sys, unsigned seed, unsigned rounds, unsigned *ended)
{
    struct worker worker = {.state = seed * 2654435761u};
    struct rgl_config config;
    char line[1100];

    snprintf(line, sizeof(line), "%s seeds %u 1 %u", sys, seed, rounds);
    rgl_config_init(&config);
    config.simulated = true;
    config.seed = seed;
    config.cpus = 1 + seed % 4;
    if (!start(sys, &config)) {
        fprintf(stderr, "queue_races %s: %s\n", line, rgl_message());
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

static void tell(const unsigned *ended)
{
    printf("%u requests: %u done, %u canceled, %u refused\n", ended[3], ended[0], ended[1], ended[2]);
}

static int seeds(const char *sys, unsigned first, unsigned count, unsigned rounds)
{
    unsigned ended[4] = {0}, failures = 0;

    for (unsigned seed = first; seed < first + count; seed++)
        failures += !one_seed(sys, seed, rounds, ended);
    printf("%u seeds, %u failures; ", count, failures);
    tell(ended);
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
    if (!start(sys, &config)) {
        fprintf(stderr, "queue_races: %s\n", rgl_message());
        return 1;
    }
    until = time(NULL) + seconds;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.state = (i + 1) * 2654435761u, .number = i};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        failed = failed != NULL ? failed : workers[i].failed;
        for (unsigned k = 0; k < 4; k++)
            ended[k] += workers[i].ended[k];
    }
    tell(ended);
    free(workers);
    return !finish(failed, "real");
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[2], "seeds") == 0)
        return seeds(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    if (argc == 6 && strcmp(argv[2], "real") == 0)
        return real(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    fprintf(stderr, "usage: queue_races SYS seeds FIRST COUNT ROUNDS | SYS real CPUS THREADS SECONDS\n");
    return 2;
}

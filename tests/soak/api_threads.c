/* SPDX-License-Identifier: MIT */
/*
 * Host threads that use one machine at once, more of them than virtual
 * processors: opens, requests that are answered at once, requests that wait
 * for NT threads, asynchronous ones with waits and time-outs, events, closes;
 * threads end and others come. Usage: SYS-FOLDER CPUS THREADS ROUNDS SEED.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../bench/codes.h"
#include "ringless/ringless.h"

#define THREADS_MAX 64

struct worker {
    pthread_t thread;
    unsigned number, rounds, seed;
    const char *failed;
};

static rgl_machine *machine;

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static bool rounds_of(rgl_file *file, uint32_t code, uint32_t rounds)
{
    return rgl_ioctl(file, code, &rounds, sizeof(rounds), NULL, 0, NULL) == 0;
}

static bool echo(rgl_file *file, unsigned seed)
{
    unsigned char bytes[256], wanted[256];
    struct rgl_io io;
    size_t length = 1 + seed % sizeof(bytes);

    for (size_t i = 0; i < length; i++)
        bytes[i] = wanted[i] = (unsigned char)(seed + i);
    return rgl_ioctl(file, BENCH_ECHO, bytes, length, bytes, length, &io) == 0 && io.information == length &&
           memcmp(bytes, wanted, length) == 0;
}

static bool open_and_close(unsigned device)
{
    rgl_file *file;
    char name[32];

    snprintf(name, sizeof(name), "\\Device\\Bench%u", device % BENCH_DEVICES);
    return rgl_open(machine, name, 0, &file, NULL) == 0 && rgl_close(file) == 0;
}

static bool asynchronous(rgl_file *file, unsigned choice)
{
    uint32_t rounds = choice % 4 + 1;
    struct rgl_operation_args args = {.operation = RGL_OP_IOCTL,
                                      .code = choice & 8 ? BENCH_PINGPONG : BENCH_NOP,
                                      .in = &rounds,
                                      .in_length = sizeof(rounds)};
    rgl_request *request = NULL;
    struct rgl_io io = {0};
    rgl_status status = rgl_submit(file, &args, &request);
    bool good = status == 0 || status == RGL_STATUS_PENDING;

    good = good && rgl_request_wait(request, -1, &io) == 0 && io.status == 0;
    if (request != NULL)
        rgl_request_release(request);
    return good;
}

static bool event_round(unsigned choice)
{
    rgl_event *event;
    bool good = rgl_event_create(machine, choice & 1, false, &event) == 0;

    if (!good)
        return false;
    good = rgl_event_wait(event, choice & 2 ? 0 : 1) == RGL_STATUS_TIMEOUT;
    good = good && rgl_event_set(event, true) == 0 && rgl_event_wait(event, -1) == 0;
    rgl_event_close(event);
    return good;
}

static const char *one_round(rgl_file *file, rgl_file *async, unsigned *state)
{
    unsigned choice = next(state);

    switch (next(state) % 8) {
    case 0:
        return rounds_of(file, BENCH_PINGPONG, choice % 8 + 1) ? NULL : "two threads";
    case 1:
        return rounds_of(file, BENCH_DPC, choice % 8 + 1) ? NULL : "DPCs";
    case 2:
        return rounds_of(file, BENCH_THREAD, 1) ? NULL : "a thread";
    case 3:
        return open_and_close(choice) ? NULL : "open and close";
    case 4:
        return asynchronous(async, choice) ? NULL : "an asynchronous request";
    case 5:
        return event_round(choice) ? NULL : "an event";
    case 6:
        return rounds_of(file, BENCH_FAULT, 2) ? NULL : "faults";
    default:
        return echo(file, choice) ? NULL : "echo";
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    unsigned state = worker->seed * 7919u + worker->number;
    rgl_file *file, *async;
    char name[32];

    snprintf(name, sizeof(name), "\\Device\\Bench%u", worker->number % 4); /* some share one */
    if (rgl_open(machine, name, 0, &file, NULL) < 0 ||
        rgl_open(machine, name, RGL_OPEN_ASYNC, &async, NULL) < 0) {
        worker->failed = "open";
        return NULL;
    }
    for (unsigned i = 0; i < worker->rounds && worker->failed == NULL; i++)
        worker->failed = one_round(file, async, &state);
    if (worker->failed != NULL)
        fprintf(stderr, "%s: %s\n", worker->failed, rgl_message());
    rgl_close(async);
    rgl_close(file);
    return NULL;
}

static bool start_machine(const char *folder, unsigned cpus)
{
    struct rgl_config config;
    rgl_status entry = 0;
    rgl_driver *driver;
    char path[4096];

    rgl_config_init(&config);
    config.cpus = cpus;
    snprintf(path, sizeof(path), "%s/bench.sys", folder);
    return rgl_machine_create(&config, &machine) >= 0 &&
           rgl_driver_load_file(machine, path, &driver, &entry) >= 0;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS_MAX];
    unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    bool good = true;

    if (argc != 6 || threads > THREADS_MAX) {
        fprintf(stderr, "SYS-FOLDER CPUS THREADS ROUNDS SEED\n");
        return 2;
    }
    if (!start_machine(argv[1], (unsigned)atoi(argv[2]))) {
        fprintf(stderr, "%s\n", rgl_message());
        return 1;
    }
    for (unsigned i = 0; i < threads; i++) {
        workers[i] =
            (struct worker){.number = i, .rounds = (unsigned)atoi(argv[4]), .seed = (unsigned)atoi(argv[5])};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        good = good && workers[i].failed == NULL;
    }
    good = good && rgl_bug_check(machine) == NULL && rgl_violations(machine) == 0;
    rgl_machine_destroy(machine);
    return good ? 0 : 1;
}

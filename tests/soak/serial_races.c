/* SPDX-License-Identifier: MIT */
/*
 * Completion, cancel and time-out racing on the sample serial16550: writes that
 * are queued, being sent or done, reads that find data or wait, all of them
 * canceled or late at any moment, while the other end types. Each request must
 * end exactly once, in one of the ways that are right for it; what is read must
 * be what was typed, in order; nothing may be left, and the verifier must be
 * content.
 * races.h says how it is called.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "races.h"

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
    struct race race;
    struct request *requests[OUTSTANDING];
    unsigned count;
};

static rgl_file *port;
static unsigned char typed, expected; /* the next byte that is typed, and that is read */
static bool in_order;

/* One thread also reads and types. */
static bool reads(const struct worker *worker)
{
    return worker->race.number == 0;
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

    worker->race.ended[RACE_ALL]++;
    if (io->status == RGL_STATUS_SUCCESS && whole) {
        worker->race.ended[RACE_DONE]++;
        if (!request->write)
            look_at_data(request, io->information);
        return true;
    }
    worker->race.ended[RACE_CANCELED] += io->status == STATUS_CANCELLED;
    worker->race.ended[RACE_OTHER] += io->status == RGL_STATUS_TIMEOUT;
    if ((io->status == STATUS_CANCELLED || io->status == RGL_STATUS_TIMEOUT) && part)
        return true;
    fprintf(stderr, "a %s of %u bytes ended with 0x%08X, %llu\n", request->write ? "write" : "read",
            request->length, (unsigned)io->status, (unsigned long long)io->information);
    return race_fail(&worker->race, "a request ended wrongly");
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
        return timeout_ms < 10000 || race_fail(&worker->race, "a request never ended");
    if (status == RGL_STATUS_BUG_CHECK || status == RGL_STATUS_HANG)
        return race_fail(&worker->race, "the machine stopped");
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

    request->write = !reads(worker) || race_draw(&worker->race, 2) == 0;
    request->length = 1 + race_draw(&worker->race, LONGEST);
    args = (struct rgl_operation_args){.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ};
    if (request->write)
        args.in = request->data, args.in_length = request->length;
    else
        args.out = request->data, args.out_length = request->length;
    rgl_submit(port, &args, &request->request);
    if (request->request == NULL) {
        free(request);
        return race_fail(&worker->race, rgl_message());
    }
    worker->requests[worker->count++] = request;
    return true;
}

/* Not more than the driver keeps without a read. */
static bool type(struct worker *worker)
{
    unsigned char bytes[TYPED_MAX];
    unsigned length = 1 + race_draw(&worker->race, TYPED_MAX);

    if (!reads(worker) || (unsigned char)(typed - expected) + length > 200)
        return true;
    for (unsigned i = 0; i < length; i++)
        bytes[i] = typed++;
    return rgl_model_input(race_machine, "uart16550", bytes, length) == 0 ||
           race_fail(&worker->race, rgl_message());
}

static bool set_timeouts(struct worker *worker)
{
    uint32_t ms = race_draw(&worker->race, 3) * 1000, timeouts[5] = {0, 0, ms, 0, ms};

    return control(SET_TIMEOUTS, timeouts, sizeof(timeouts)) || race_fail(&worker->race, rgl_message());
}

static bool set_speed(struct worker *worker)
{
    static const uint32_t speeds[] = {300, 9600, 115200, 115200};

    return control(SET_BAUD_RATE, &speeds[race_draw(&worker->race, 4)], sizeof(uint32_t)) ||
           race_fail(&worker->race, rgl_message());
}

static bool pass_time(struct worker *worker)
{
    if (!race_simulated)
        return true;
    rgl_advance(race_machine, race_draw(&worker->race, 8) == 0 ? 1100 : race_draw(&worker->race, 4));
    return true;
}

static bool one_step(struct race *race)
{
    struct worker *worker = (struct worker *)race;
    switch (race_draw(&worker->race, 16)) {
    case 0 ... 6:
        return worker->count == OUTSTANDING ? end_one(worker, 1) : submit(worker);
    case 7 ... 8:
        return end_one(worker, race_draw(&worker->race, 3));
    case 9 ... 10:
        return type(worker);
    case 11:
        return race_draw(&worker->race, 4) != 0 || rgl_cancel(port) >= 0 ||
               race_fail(&worker->race, rgl_message());
    case 12:
        return set_timeouts(worker);
    case 13:
        return !race_simulated || set_speed(worker);
    default:
        return pass_time(worker);
    }
}

static bool end_all(struct race *race)
{
    struct worker *worker = (struct worker *)race;
    bool good = rgl_cancel(port) >= 0;

    while (good && worker->count != 0)
        good = end_one(worker, 10000);
    return good || race_fail(&worker->race, rgl_message());
}

static bool start(const char *sys, unsigned seed, const struct rgl_config *config)
{
    char path[1000];

    snprintf(path, sizeof(path), "%s/serial16550.sys", sys);
    typed = expected = 0;
    in_order = true;
    return rgl_machine_create(config, &race_machine) == 0 &&
           rgl_model_add(race_machine, seed % 4 == 0 ? "uart16550" : FAST) == 0 &&
           rgl_driver_load_file(race_machine, path, NULL, NULL) == 0 &&
           rgl_open(race_machine, "\\\\.\\COM1", RGL_OPEN_ASYNC, &port, NULL) == 0;
}

/* The port, without a loss of its own, has given what was typed. */
static const char *look_at_end(void)
{
    uint32_t stats[6] = {0};

    if (rgl_ioctl(port, GET_STATS, NULL, 0, stats, sizeof(stats), NULL) != 0)
        return rgl_message();
    return in_order || stats[3] + stats[4] != 0 ? NULL
                                                : "bytes were read that were not typed, or in another order";
}

static const char *finish(void)
{
    const char *wrong = look_at_end();

    rgl_close(port);
    if (rgl_driver_unload(race_machine, "serial16550") != 0 && wrong == NULL)
        wrong = "the driver could not be unloaded";
    return wrong;
}

int main(int argc, char **argv)
{
    static const struct race_program serial = {"serial_races", "late", sizeof(struct worker), start, one_step,
                                               end_all,        finish};

    return race_main(&serial, argc, argv);
}

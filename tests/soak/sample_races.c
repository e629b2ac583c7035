/* SPDX-License-Identifier: MIT */
/*
 * I/O, cancel, close, time-outs and the driver's own removal racing on the
 * samples custom-timer-dpc (a timer and a write run for one read), keyboard
 * (interrupt, reads and their cancel routine), and, in turn from seed to seed,
 * controller-two-drives (two devices, one controller object) and dma-scatter
 * (scatter/gather lists through map registers). Each request must end exactly
 * once, in one of the ways that its driver has; keys are read as typed, a drive gives
 * what its thread wrote; nothing may be left, and the verifier must be content.
 * races.h says how it is called.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "races.h"

#define STATUS_CANCELLED        ((rgl_status)0xC0000120)
#define STATUS_IO_TIMEOUT       ((rgl_status)0xC00000B5)
#define STATUS_DEVICE_BUSY      ((rgl_status)0x80000011)
#define STATUS_DEVICE_NOT_READY ((rgl_status)0xC00000A3)

#define HANDLES     4
#define OUTSTANDING 8
#define LONGEST     9000 /* more than two pages */
#define REGION      4096 /* of a drive, for each thread */
#define TYPED_MAX   20

enum kind { LETTERBOX, KEYBOARD, DRIVE0, DRIVE1, SCATTER };

static const struct device {
    const char *name;
    unsigned longest; /* request */
} devices[] = {
    [LETTERBOX] = {"\\Device\\Letterbox", 64},  [KEYBOARD] = {"\\Device\\Keyboard0", 8},
    [DRIVE0] = {"\\Device\\Drive0", 600},       [DRIVE1] = {"\\Device\\Drive1", 600},
    [SCATTER] = {"\\Device\\Scatter", LONGEST},
};

struct request {
    rgl_request *request;
    enum kind kind;
    bool write;
    unsigned length;
    unsigned char data[];
};

struct handle {
    rgl_file *file; /* NULL: closed */
    enum kind kind;
    struct request *requests[OUTSTANDING];
    unsigned count;
};

struct worker {
    struct race race;
    struct handle handles[HANDLES];
};

static char letterbox_path[1000];
static atomic_uint replacements; /* of the letterbox's driver, begun: it may be away */
static bool scatter;             /* rather than the drives */
static unsigned typed, expected; /* codes */

/* One thread types, and one handle of it reads the keyboard: that sees the order. */
static enum kind draw_kind(struct worker *worker, const struct handle *handle)
{
    unsigned drawn = race_draw(&worker->race, 4);

    if (worker->race.number == 0 && handle == worker->handles)
        return KEYBOARD;
    if (drawn == 0)
        return LETTERBOX;
    return scatter ? SCATTER : DRIVE0 + drawn % 2;
}

/* The keys q to p, over and over: a code down, a code up. */
static unsigned char code_at(unsigned at)
{
    return (unsigned char)(0x10 + at / 2 % 10 + at % 2 * 0x80);
}

static bool are_typed(const struct request *request, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (request->data[i] != code_at(expected++))
            return false;
    return true;
}

/* A drive has a region for each thread; the scatter/gather device's memory is everybody's. */
static bool are_written(const struct worker *worker, const struct request *request)
{
    for (unsigned i = 0; i < request->length; i++)
        if (request->data[i] != 0 &&
            (request->kind == SCATTER ? request->data[i] > 64 : request->data[i] != worker->race.number + 1))
            return false;
    return true;
}

static bool look_at_data(struct worker *worker, const struct request *request, uint64_t length)
{
    if (request->write || request->kind == LETTERBOX)
        return true;
    if (request->kind == KEYBOARD)
        return are_typed(request, length) ||
               race_fail(&worker->race, "keys were read that were not typed so");
    return are_written(worker, request) ||
           race_fail(&worker->race, "bytes were read that nobody wrote there");
}

static bool is_refusal(const struct request *request, rgl_status status)
{
    return request->kind == LETTERBOX &&
           (request->write ? status == STATUS_DEVICE_NOT_READY
                           : status == STATUS_DEVICE_BUSY || status == STATUS_IO_TIMEOUT);
}

static bool judge(struct worker *worker, const struct request *request, const struct rgl_io *io)
{
    bool part = request->kind == LETTERBOX || (request->kind == KEYBOARD && io->information != 0);

    worker->race.ended[RACE_ALL]++;
    if (io->status == RGL_STATUS_SUCCESS &&
        (io->information == request->length || (part && io->information < request->length))) {
        worker->race.ended[RACE_DONE]++;
        return look_at_data(worker, request, io->information);
    }
    worker->race.ended[RACE_CANCELED] += io->status == STATUS_CANCELLED;
    worker->race.ended[RACE_OTHER] += is_refusal(request, io->status);
    if (io->information == 0 &&
        ((io->status == STATUS_CANCELLED && request->kind == KEYBOARD) || is_refusal(request, io->status)))
        return true;
    fprintf(stderr, "a %s of %u bytes at %s ended with 0x%08X, %llu\n", request->write ? "write" : "read",
            request->length, devices[request->kind].name, (unsigned)io->status,
            (unsigned long long)io->information);
    return race_fail(&worker->race, "a request ended wrongly");
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
        return timeout_ms < 10000 || race_fail(&worker->race, "a request never ended");
    if (status == RGL_STATUS_BUG_CHECK || status == RGL_STATUS_HANG)
        return race_fail(&worker->race, "the machine stopped");
    if (!judge(worker, handle->requests[0], &io))
        return false;
    rgl_request_release(handle->requests[0]->request);
    free(handle->requests[0]);
    handle->count--;
    memmove(handle->requests, handle->requests + 1, handle->count * sizeof(handle->requests[0]));
    return true;
}

/* The letterbox is away while its driver is replaced. */
static bool open_one(struct worker *worker, struct handle *handle)
{
    handle->kind = draw_kind(worker, handle);
    if (rgl_open(race_machine, devices[handle->kind].name, RGL_OPEN_ASYNC, &handle->file, NULL) == 0)
        return true;
    handle->file = NULL;
    return (handle->kind == LETTERBOX && replacements != 0) || race_fail(&worker->race, rgl_message());
}

static bool close_one(struct worker *worker, struct handle *handle)
{
    if (rgl_close(handle->file) < 0)
        return race_fail(&worker->race, rgl_message());
    handle->file = NULL;
    while (handle->count != 0)
        if (!end_one(worker, handle, 10000))
            return false;
    return true;
}

static struct request *make_request(struct worker *worker, enum kind kind)
{
    bool keys = kind == KEYBOARD;
    unsigned length = keys + race_draw(&worker->race, devices[kind].longest + !keys);
    struct request *request = calloc(1, sizeof(*request) + length);

    request->kind = kind;
    request->write = !keys && race_draw(&worker->race, 2) == 0;
    request->length = length;
    memset(request->data, request->write ? (int)worker->race.number + 1 : 0, length);
    return request;
}

static bool submit(struct worker *worker, struct handle *handle)
{
    struct request *request = make_request(worker, handle->kind);
    struct rgl_operation_args args = {.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ};

    if (handle->kind == DRIVE0 || handle->kind == DRIVE1)
        args.offset = worker->race.number * REGION + race_draw(&worker->race, REGION - 600);
    if (request->write)
        args.in = request->data, args.in_length = request->length;
    else
        args.out = request->data, args.out_length = request->length;
    rgl_submit(handle->file, &args, &request->request);
    if (request->request == NULL) {
        free(request);
        return race_fail(&worker->race, rgl_message());
    }
    handle->requests[handle->count++] = request;
    return true;
}

/* Not more than the driver's ring and the controller keep without a read. */
static bool type(struct worker *worker)
{
    char keys[TYPED_MAX / 2 + 1] = "";
    unsigned count = 1 + race_draw(&worker->race, TYPED_MAX / 2);

    if (worker->race.number != 0 || typed - expected + 2 * count > 60)
        return true;
    for (unsigned i = 0; i < count; i++, typed += 2)
        keys[i] = "qwertyuiop"[typed / 2 % 10];
    return rgl_model_input(race_machine, "i8042", keys, count) == 0 ||
           race_fail(&worker->race, rgl_message());
}

/*
 * The driver goes under whoever uses it: at once, or when the last handle has been closed. It comes back when
 * it has gone; until then its name is taken.
 */
static bool replace(struct worker *worker)
{
    if (race_draw(&worker->race, 4) != 0)
        return true;
    if (race_draw(&worker->race, 2) == 0) {
        replacements++;
        rgl_driver_unload(race_machine, "custom-timer-dpc");
    } else if (replacements != 0) {
        rgl_driver_load_file(race_machine, letterbox_path, NULL, NULL);
    }
    return race_report() == NULL || race_fail(&worker->race, "a report");
}

static bool one_step(struct race *race)
{
    struct worker *worker = (struct worker *)race;
    struct handle *handle = &worker->handles[race_draw(race, HANDLES)];

    if (handle->file == NULL)
        return open_one(worker, handle);
    switch (race_draw(race, 16)) {
    case 0 ... 6:
        return handle->count == OUTSTANDING ? end_one(worker, handle, 1) : submit(worker, handle);
    case 7 ... 9:
        return end_one(worker, handle, race_draw(race, 3));
    case 10:
        return rgl_cancel(handle->file) >= 0 || race_fail(race, rgl_message());
    case 11:
        return race_draw(race, 3) != 0 || close_one(worker, handle);
    case 12:
        return replace(worker);
    case 13:
        return type(worker);
    default:
        if (race_simulated)
            rgl_advance(race_machine, race_draw(race, 8) == 0 ? 600 : race_draw(race, 4));
        return true;
    }
}

static bool end_all(struct race *race)
{
    struct worker *worker = (struct worker *)race;

    for (unsigned i = 0; i < HANDLES; i++) {
        struct handle *handle = &worker->handles[i];

        if (handle->file == NULL)
            continue;
        if ((handle->kind == KEYBOARD || race_draw(race, 2) == 0) && rgl_cancel(handle->file) < 0)
            return race_fail(race, rgl_message());
        if (!close_one(worker, handle))
            return false;
    }
    return true;
}

static bool load(const char *sys, const char *name)
{
    char path[1000];

    snprintf(path, sizeof(path), "%s/%s.sys", sys, name);
    return rgl_driver_load_file(race_machine, path, NULL, NULL) == 0;
}

static bool start(const char *sys, unsigned seed, const struct rgl_config *config)
{
    const char *engine = seed / 2 % 2 == 0 ? "dma-engine" : "dma-engine,address-bits=24";

    snprintf(letterbox_path, sizeof(letterbox_path), "%s/custom-timer-dpc.sys", sys);
    scatter = seed % 2 == 0;
    typed = expected = 0;
    replacements = 0;
    return rgl_machine_create(config, &race_machine) == 0 &&
           rgl_model_add(race_machine, scatter ? engine : "dma-engine") == 0 &&
           rgl_model_add(race_machine, "i8042") == 0 && load(sys, "custom-timer-dpc") &&
           load(sys, "keyboard") && load(sys, scatter ? "dma-scatter" : "controller-two-drives");
}

static void count_loaded(void *context, const struct rgl_driver_info *info)
{
    *(unsigned *)context += strcmp(info->service, "keyboard") != 0;
}

/*
 * The letterbox's driver may be away. The last request's reference to its file may go a moment after the
 * request was seen to end: then Unload is called when it has gone. The keyboard has no Unload routine.
 */
static const char *finish(void)
{
    unsigned loaded = 0;

    rgl_driver_unload(race_machine, scatter ? "dma-scatter" : "controller-two-drives");
    rgl_driver_unload(race_machine, "custom-timer-dpc");
    for (unsigned i = 0; i < 100; i++) {
        loaded = 0;
        rgl_for_each_driver(race_machine, count_loaded, &loaded);
        if (loaded == 0 || race_report() != NULL)
            break;
        rgl_idle(race_machine, 10);
    }
    return loaded == 0 ? NULL : "a driver could not be unloaded";
}

int main(int argc, char **argv)
{
    static const struct race_program samples = {
        "sample_races", "refused or late", sizeof(struct worker), start, one_step, end_all, finish};

    return race_main(&samples, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/*
 * Completion, cancel, close and waiting too long, racing on the samples
 * startio-ramdisk (StartIo and the I/O manager's device queue) and csq-queue (a
 * cancel-safe queue): threads open handles, send reads and writes, cancel them,
 * close the handle with requests outstanding, and wait for a while or to the end.
 * Each request must end exactly once, in one of the ways that are right for it;
 * none may be left, and the verifier must be content.
 * races.h says how it is called.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "races.h"

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
    struct race race;
    struct handle handles[HANDLES];
};

/* What the disk gives is what this thread wrote there: its number plus one in each byte, or the zeros before.
 */
static bool is_own(const struct worker *worker, const struct request *request, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (request->data[i] != 0 && request->data[i] != (unsigned char)(worker->race.number + 1))
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

    worker->race.ended[RACE_ALL]++;
    if (io->status == RGL_STATUS_SUCCESS && whole) {
        worker->race.ended[RACE_DONE]++;
        return !request->disk || request->write || is_own(worker, request, io->information) ||
               race_fail(&worker->race, "another thread's bytes were read from the disk");
    }
    worker->race.ended[RACE_CANCELED] += io->status == STATUS_CANCELLED;
    worker->race.ended[RACE_OTHER] += is_refusal(request, io->status);
    /* The mailbox's writes are never pending. */
    if (io->information == 0 && ((io->status == STATUS_CANCELLED && (request->disk || !request->write)) ||
                                 is_refusal(request, io->status)))
        return true;
    fprintf(stderr, "a %s of %u bytes ended with 0x%08X, %llu\n", request->write ? "write" : "read",
            request->length, (unsigned)io->status, (unsigned long long)io->information);
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

static bool open_one(struct worker *worker, struct handle *handle)
{
    handle->disk = race_draw(&worker->race, 2) == 0;
    return rgl_open(race_machine, handle->disk ? "\\Device\\RamDisk" : "\\Device\\Mailbox", RGL_OPEN_ASYNC,
                    &handle->file, NULL) == 0 ||
           race_fail(&worker->race, rgl_message());
}

/*
 * What waits in the mailbox is canceled by CLEANUP; what the disk has ends by itself. A handle whose requests
 * are outstanding is closed like any other.
 */
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

static bool submit(struct worker *worker, struct handle *handle)
{
    struct request *request = calloc(1, sizeof(*request));
    struct rgl_operation_args args = {0};

    request->disk = handle->disk;
    request->write = race_draw(&worker->race, 2) == 0;
    request->length =
        handle->disk ? 1 + race_draw(&worker->race, LONGEST) : race_draw(&worker->race, LONGEST + 1);
    memset(request->data, request->write ? (int)worker->race.number + 1 : 0, request->length);
    args.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ;
    args.offset =
        handle->disk ? worker->race.number * REGION + race_draw(&worker->race, REGION - LONGEST) : 0;
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

static bool one_step(struct race *race)
{
    struct worker *worker = (struct worker *)race;
    struct handle *handle = &worker->handles[race_draw(&worker->race, HANDLES)];

    if (handle->file == NULL)
        return open_one(worker, handle);
    switch (race_draw(&worker->race, 16)) {
    case 0 ... 8:
        return handle->count == OUTSTANDING ? end_one(worker, handle, 1) : submit(worker, handle);
    case 9 ... 11:
        return end_one(worker, handle, race_draw(&worker->race, 3));
    case 12 ... 13:
        return rgl_cancel(handle->file) >= 0 || race_fail(&worker->race, rgl_message());
    case 14:
        return race_draw(&worker->race, 3) != 0 || close_one(worker, handle);
    default:
        if (race_simulated)
            rgl_advance(race_machine, race_draw(&worker->race, 4));
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
        if (race_draw(&worker->race, 2) == 0 && rgl_cancel(handle->file) < 0)
            return race_fail(&worker->race, rgl_message());
        if (!close_one(worker, handle))
            return false;
    }
    return true;
}

static bool start(const char *sys, unsigned seed, const struct rgl_config *config)
{
    static const char *const names[] = {"startio-ramdisk", "csq-queue"};
    char path[1000];

    if (rgl_machine_create(config, &race_machine) != 0)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s.sys", sys, names[i]);
        if (rgl_driver_load_file(race_machine, path, NULL, NULL) != 0)
            return false;
    }
    return true;
}

static const char *finish(void)
{
    bool gone = rgl_driver_unload(race_machine, "csq-queue") == 0 &&
                rgl_driver_unload(race_machine, "startio-ramdisk") == 0;
    return gone ? NULL : "a driver could not be unloaded";
}

int main(int argc, char **argv)
{
    static const struct race_program queues = {
        "queue_races", "refused", sizeof(struct worker), start, one_step, end_all, finish};

    return race_main(&queues, argc, argv);
}

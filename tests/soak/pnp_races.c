/* SPDX-License-Identifier: MIT */
/*
 * Plugging, pulling out, stopping, starting, removing, ejecting and power, racing with
 * I/O on the sample trio: a bus, a function driver, an upper and a lower filter.
 * Threads open lines, read, write, cancel and close, while lines and the bus
 * itself come, go and change. Each request must end exactly once, in a way that is right
 * for it; what is read has been through the upper filter; no device, handle or
 * request may be left, and the verifier must be content.
 * races.h says how it is called.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "races.h"

#define STATUS_CANCELLED      ((rgl_status)0xC0000120)
#define STATUS_NO_SUCH_DEVICE ((rgl_status)0xC000000E)
#define STATUS_DELETE_PENDING ((rgl_status)0xC0000056)

#define PLUG   0x222000u
#define UNPLUG 0x222004u

#define BUS        "ROOT\\TRIO-BUS"
#define BUS_CLASS  "{6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0001}"
#define LINE_CLASS "{6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0002}"

#define SLOTS       4
#define LINES       16 /* looked at, of those that are there */
#define HANDLES     3
#define OUTSTANDING 8
#define LONGEST     60
#define NAME        220

struct request {
    rgl_request *request;
    bool write;
    unsigned length;
    char data[LONGEST];
};

struct handle {
    rgl_file *file; /* NULL: closed */
    struct request *requests[OUTSTANDING];
    unsigned count;
};

struct worker {
    struct race race;
    struct handle handles[HANDLES];
};

static const char *const drivers[] = {"trio-bus", "trio-line", "trio-upper", "trio-lower"};
static const char registry[] =
    "Windows Registry Editor Version 5.00\n\n"
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\CriticalDeviceDatabase\\TRIO#LINE]\n"
    "\"Service\"=\"trio-line\"\n"
    "\"ClassGUID\"=\"{6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0003}\"\n"
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\{6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0003}]"
    "\n"
    "\"UpperFilters\"=hex(7):74,00,72,00,69,00,6f,00,2d,00,75,00,70,00,70,00,65,00,72,00,00,00,00,00\n"
    "\"LowerFilters\"=hex(7):74,00,72,00,69,00,6f,00,2d,00,6c,00,6f,00,77,00,65,00,72,00,00,00,00,00\n";

/* ---- who is there ---- */

struct lines {
    char names[LINES][NAME];
    unsigned count;
};

static void see_node(void *context, const struct rgl_devnode_info *info)
{
    struct lines *lines = context;

    if (lines->count < LINES && strncmp(info->instance_path, "TRIO\\", 5) == 0)
        snprintf(lines->names[lines->count++], NAME, "%s", info->instance_path);
}

/* One of the lines, or "". */
static void draw_line(struct worker *worker, char *name)
{
    struct lines lines = {.count = 0};

    rgl_for_each_devnode(race_machine, see_node, &lines);
    snprintf(name, NAME, "%s", lines.count ? lines.names[race_draw(&worker->race, lines.count)] : "");
}

/* The interface's link: the instance path with '#', and the class. */
static rgl_file *open_interface(const char *instance, const char *class, unsigned flags)
{
    char link[NAME + 60];
    rgl_file *file = NULL;

    snprintf(link, sizeof(link), "\\??\\%s#%s", instance, class);
    for (char *at = link + 4; *at != '\0'; at++)
        if (*at == '\\')
            *at = '#';
    return rgl_open(race_machine, link, flags, &file, NULL) == 0 ? file : NULL;
}

/* ---- requests ---- */

static bool is_upper_case(const struct request *request, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        if (!isupper((unsigned char)request->data[i]))
            return false;
    return true;
}

static bool judge(struct worker *worker, const struct request *request, const struct rgl_io *io)
{
    bool good = request->write ? io->information == request->length
                               : io->information >= 1 && io->information <= request->length;

    worker->race.ended[RACE_ALL]++;
    if (io->status == RGL_STATUS_SUCCESS && good) {
        worker->race.ended[RACE_DONE]++;
        return request->write || is_upper_case(request, io->information) ||
               race_fail(&worker->race, "what was read had not been through the upper filter");
    }
    worker->race.ended[RACE_CANCELED] += io->status == STATUS_CANCELLED;
    worker->race.ended[RACE_OTHER] +=
        io->status == STATUS_NO_SUCH_DEVICE || io->status == STATUS_DELETE_PENDING;
    if (io->information == 0 && (io->status == STATUS_CANCELLED || io->status == STATUS_NO_SUCH_DEVICE ||
                                 io->status == STATUS_DELETE_PENDING))
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

static bool submit(struct worker *worker, struct handle *handle)
{
    struct request *request = calloc(1, sizeof(*request));
    struct rgl_operation_args args;

    request->write = race_draw(&worker->race, 2) == 0;
    request->length = 1 + race_draw(&worker->race, LONGEST);
    memset(request->data, 'a' + (int)race_draw(&worker->race, 26), request->length);
    args = (struct rgl_operation_args){.operation = request->write ? RGL_OP_WRITE : RGL_OP_READ};
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

static void open_one(struct worker *worker, struct handle *handle)
{
    char name[NAME];

    draw_line(worker, name);
    if (name[0] != '\0')
        handle->file = open_interface(name, LINE_CLASS, RGL_OPEN_ASYNC);
}

/* ---- changes: each may be refused, by a driver or since the device is in no state for it ---- */

static void change_slot(struct worker *worker, uint32_t code)
{
    uint32_t slot = race_draw(&worker->race, SLOTS);
    rgl_file *bus = open_interface(BUS "\\0000", BUS_CLASS, 0);

    if (bus == NULL)
        return;
    rgl_ioctl(bus, code, &slot, sizeof(slot), NULL, 0, NULL);
    rgl_close(bus);
}

static void change_device(struct worker *worker)
{
    static rgl_status (*const changes[])(rgl_machine *, const char *) = {
        rgl_pnp_stop,   rgl_pnp_start,           rgl_pnp_start, rgl_pnp_query_remove,
        rgl_pnp_remove, rgl_pnp_surprise_remove, rgl_pnp_eject};
    char name[NAME];

    draw_line(worker, name);
    if (race_draw(&worker->race, 8) == 0)
        snprintf(name, sizeof(name), BUS "\\0000");
    if (name[0] != '\0')
        changes[race_draw(&worker->race, sizeof(changes) / sizeof(changes[0]))](race_machine, name);
}

/* A stack's power, or everybody's; awake again at once, so that requests are not held for ever. */
static void change_power(struct worker *worker)
{
    char name[NAME];

    if (race_draw(&worker->race, 6) == 0) {
        rgl_system_power(race_machine, 3);
        rgl_system_power(race_machine, 0);
        return;
    }
    draw_line(worker, name);
    if (name[0] == '\0')
        return;
    rgl_device_power(race_machine, name, 1 + race_draw(&worker->race, 3));
    rgl_device_power(race_machine, name, 0);
}

static bool change(struct worker *worker)
{
    switch (race_draw(&worker->race, 7)) {
    case 0 ... 1:
        change_slot(worker, PLUG);
        break;
    case 2:
        change_slot(worker, UNPLUG);
        break;
    case 3:
        rgl_pnp_start(race_machine, BUS "\\0000"); /* it may have been removed */
        break;
    case 4:
        change_power(worker);
        break;
    default:
        change_device(worker);
    }
    return race_report() == NULL || race_fail(&worker->race, "a report");
}

/* ---- the race ---- */

static bool one_step(struct race *race)
{
    struct worker *worker = (struct worker *)race;
    struct handle *handle = &worker->handles[race_draw(race, HANDLES)];
    unsigned drawn = race_draw(race, 16);

    if (drawn < 3)
        return change(worker);
    if (handle->file == NULL) {
        open_one(worker, handle);
        return race_report() == NULL || race_fail(race, "a report");
    }
    switch (drawn) {
    case 3 ... 9:
        return handle->count == OUTSTANDING ? end_one(worker, handle, 1) : submit(worker, handle);
    case 10 ... 11:
        return end_one(worker, handle, race_draw(race, 3));
    case 12:
        return rgl_cancel(handle->file) >= 0 || race_fail(race, rgl_message());
    case 13 ... 14:
        return close_one(worker, handle);
    default:
        if (race_simulated)
            rgl_advance(race_machine, race_draw(race, 4));
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
        if (rgl_cancel(handle->file) < 0)
            return race_fail(race, rgl_message());
        if (!close_one(worker, handle))
            return false;
    }
    return true;
}

static bool start(const char *sys, unsigned seed, const struct rgl_config *config)
{
    char path[1000];

    if (rgl_machine_create(config, &race_machine) != 0 ||
        rgl_registry_load(race_machine, registry, sizeof(registry) - 1) != 0)
        return false;
    for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s.sys", sys, drivers[i]);
        if (rgl_driver_load_file(race_machine, path, NULL, NULL) != 0)
            return false;
    }
    return rgl_pnp_add(race_machine, BUS, NULL) == 0;
}

static void count_loaded(void *context, const struct rgl_driver_info *info)
{
    for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        *(unsigned *)context += strcmp(info->service, drivers[i]) == 0;
}

/* The bus goes with what is on it; then the drivers can go, now or when the last close has come to its end.
 */
static const char *finish(void)
{
    unsigned loaded = 0;

    rgl_pnp_surprise_remove(race_machine, BUS "\\0000");
    for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        rgl_driver_unload(race_machine, drivers[i]);
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
    static const struct race_program pnp = {
        "pnp_races", "of devices that had gone", sizeof(struct worker), start, one_step, end_all, finish};

    return race_main(&pnp, argc, argv);
}

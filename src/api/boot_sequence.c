/* SPDX-License-Identifier: MIT */
/*
 * The drivers and devices that a machine starts with, in the order in which
 * Windows would start them (SV-04): boot-start drivers and the devices that
 * they serve; all other devices, with whatever drivers they need; system-start
 * and auto-start drivers; then the rest as given. Runs on the host side.
 */
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/pnp.h"
#include "host/host.h"

enum start { BOOT, SYSTEM, AUTO, DEMAND };

struct entry {
    const char *path;
    char service[IO_SERVICE_NAME_BYTES];
    struct io_boot_info info;
    bool done;
};

struct device {
    const char *hardware_id;
    char instance[RGL_INSTANCE_ROOM];
    rgl_status status;
    unsigned problem;
    bool tried;
};

struct sequence {
    rgl_machine *machine;
    const struct rgl_boot *boot;
    struct entry *entries;
    struct device *devices;
    bool stopped, typed; /* typed: some start by themselves */
};

static void name_service(struct entry *entry)
{
    const char *slash = strrchr(entry->path, '/'), *name = slash != NULL ? slash + 1 : entry->path;
    const char *dot = strrchr(name, '.');
    size_t length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);

    length = MIN(length, sizeof(entry->service) - 1);
    memcpy(entry->service, name, length);
}

static NTSTATUS read_infos(void *arg)
{
    struct sequence *s = arg;

    for (unsigned i = 0; i < s->boot->driver_count; i++)
        io_boot_read(s->entries[i].service, &s->entries[i].info);
    return STATUS_SUCCESS;
}

static NTSTATUS is_loaded(void *arg)
{
    PDRIVER_OBJECT driver = io_find_driver(arg);

    if (driver != NULL)
        ob_dereference(driver);
    return driver != NULL ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* A driver that a device needed is there already. */
static void load(struct sequence *s, struct entry *entry)
{
    bool looked = s->typed && api_call(is_loaded, entry->service, KernelMode) == STATUS_SUCCESS;
    rgl_status status = STATUS_SUCCESS, entered = 0;

    entry->done = true;
    if (!looked)
        status = rgl_driver_load_file(s->machine, entry->path, NULL, &entered);
    s->stopped = !s->boot->driver_loaded(s->boot->context, entry->path, status);
}

struct question {
    const char *service, *other;
};

static NTSTATUS depends(void *arg)
{
    const struct question *q = arg;

    return io_boot_depends(q->service, q->other) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* It waits for one of the same start type that has not been started. */
static bool waits(struct sequence *s, const struct entry *entry)
{
    for (unsigned i = 0; i < s->boot->driver_count; i++) {
        struct question q = {entry->service, s->entries[i].service};
        if (s->entries[i].done || &s->entries[i] == entry || s->entries[i].info.start != entry->info.start)
            continue;
        /* SV-07: what it depends on comes first. */
        if (api_call(depends, &q, KernelMode) == STATUS_SUCCESS)
            return true;
    }
    return false;
}

/* The next of that start type; in a circle of dependencies the first. */
static struct entry *next_of(struct sequence *s, enum start start)
{
    struct entry *best = NULL, *waiting = NULL;

    for (unsigned i = 0; i < s->boot->driver_count; i++) {
        struct entry *entry = &s->entries[i];
        if (entry->done || entry->info.start != (ULONG)start)
            continue;
        if (start == AUTO && waits(s, entry)) {
            waiting = waiting != NULL ? waiting : entry;
            continue;
        }
        /* SV-05, SV-06: by group; within one as given. */
        if (best == NULL || entry->info.rank < best->info.rank)
            best = entry;
    }
    return best != NULL ? best : waiting;
}

static void load_all(struct sequence *s, enum start start)
{
    struct entry *entry;

    while (!s->stopped && ke_bugcheck_happened() == NULL && (entry = next_of(s, start)) != NULL)
        load(s, entry);
}

static bool has(const struct sequence *s, enum start first, enum start last)
{
    for (unsigned i = 0; i < s->boot->driver_count; i++)
        if (s->entries[i].info.start >= (ULONG)first && s->entries[i].info.start <= (ULONG)last)
            return true;
    return false;
}

static void add_devices(struct sequence *s)
{
    for (unsigned i = 0; i < s->boot->device_count && !s->stopped && ke_bugcheck_happened() == NULL; i++) {
        s->devices[i].tried = true;
        s->devices[i].status = rgl_pnp_add(s->machine, s->devices[i].hardware_id, s->devices[i].instance);
    }
}

static NTSTATUS set_phase(void *arg)
{
    pnp_boot_phase(*(bool *)arg);
    return STATUS_SUCCESS;
}

static void boot_phase(bool begins)
{
    api_call(set_phase, &begins, KernelMode);
}

/* SV-04: what a machine does with drivers that are to start by themselves. */
static void start_by_type(struct sequence *s)
{
    if (has(s, BOOT, BOOT)) {
        load_all(s, BOOT);
        /* SV-04, SV-11: boot devices; a device that needs any other driver waits. */
        boot_phase(true);
        add_devices(s);
        /* SV-04: then all the others, with any driver but a disabled one. */
        boot_phase(false);
    } else {
        add_devices(s);
    }
    /* SV-04, SV-10: among them those that find devices which no bus lists. */
    load_all(s, SYSTEM);
    /* SV-04: as the service control manager would. */
    load_all(s, AUTO);
}

static NTSTATUS look_again(void *arg)
{
    pnp_look_again();
    return STATUS_SUCCESS;
}

static NTSTATUS look_at(void *arg)
{
    struct device *device = arg;
    WCHAR wide[API_PNP_ID];
    struct pnp_node *node = api_pnp_wide(device->instance, wide, countof(wide)) ? pnp_find(wide) : NULL;

    if (node == NULL)
        return STATUS_SUCCESS;
    device->status = node->problem_status;
    device->problem = node->problem;
    pnp_dereference(node);
    return STATUS_SUCCESS;
}

static void tell_device(struct sequence *s, struct device *device)
{
    if (device->instance[0] != '\0' && ke_bugcheck_happened() == NULL)
        api_call(look_at, device, KernelMode);
    if (device->problem != 0)
        api_fail(device->status, "problem %u: %s", device->problem, pnp_problem_text(device->problem));
    s->stopped =
        !s->boot->device_added(s->boot->context, device->hardware_id, device->instance, device->status);
}

static void tell_devices(struct sequence *s)
{
    for (unsigned i = 0; i < s->boot->device_count && !s->stopped; i++)
        if (s->devices[i].tried)
            tell_device(s, &s->devices[i]);
}

/* Nothing starts by itself: everything as given. */
static void start_as_given(struct sequence *s)
{
    for (unsigned i = 0; i < s->boot->driver_count && !s->stopped && ke_bugcheck_happened() == NULL; i++)
        if (!s->entries[i].done)
            load(s, &s->entries[i]);
}

static void run(struct sequence *s)
{
    s->typed = has(s, BOOT, AUTO);
    rgl_load_begin(s->machine);
    if (s->typed)
        start_by_type(s);
    start_as_given(s);
    if (ke_bugcheck_happened() == NULL)
        rgl_load_end(s->machine);
    if (s->stopped || ke_bugcheck_happened() != NULL)
        return;
    if (s->typed)
        api_call(look_again, NULL, KernelMode);
    else
        add_devices(s);
    tell_devices(s);
}

rgl_status rgl_boot(rgl_machine *machine, const struct rgl_boot *boot)
{
    struct sequence s = {.machine = machine, .boot = boot};
    rgl_status status;

    if (!api_enter(&status))
        return status;
    s.entries = calloc(boot->driver_count + 1, sizeof(*s.entries));
    s.devices = calloc(boot->device_count + 1, sizeof(*s.devices));
    status = STATUS_INSUFFICIENT_RESOURCES;
    if (s.entries != NULL && s.devices != NULL) {
        for (unsigned i = 0; i < boot->driver_count; i++) {
            s.entries[i].path = boot->drivers[i];
            name_service(&s.entries[i]);
            api_image_offer(boot->drivers[i]);
        }
        for (unsigned i = 0; i < boot->device_count; i++)
            s.devices[i].hardware_id = boot->devices[i];
        host_hold_choices(true); /* looking is no event of the machine */
        status = api_call(read_infos, &s, KernelMode);
        host_hold_choices(false);
        if (status >= 0)
            run(&s);
    }
    free(s.entries);
    free(s.devices);
    api_leave();
    return ke_bugcheck_happened() != NULL ? RGL_STATUS_BUG_CHECK : api_ok(status);
}

/* SPDX-License-Identifier: MIT */
/* The machine as the embedder sees it: its making and its end, time, names of statuses. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/request.h"
#include "cm/cm.h"
#include "models/model.h"
#include "rtl/rtl.h"
#include "vf/vf.h"

struct rgl_machine api_machine;

#define MS 10000ull /* in 100 ns */

void rgl_config_init(struct rgl_config *config)
{
    *config = (struct rgl_config){.size = sizeof(*config), .verify = RGL_VERIFY_STANDARD};
}

const char *rgl_version(void)
{
    return RINGLESS_VERSION;
}

const char *rgl_status_name(rgl_status status)
{
    static const struct {
        rgl_status status;
        const char *name;
    } own[] = {
        {RGL_STATUS_BUG_CHECK, "RGL_STATUS_BUG_CHECK"},
        {RGL_STATUS_NOT_AN_IMAGE, "RGL_STATUS_NOT_AN_IMAGE"},
        {RGL_STATUS_CANNOT_LOAD, "RGL_STATUS_CANNOT_LOAD"},
        {RGL_STATUS_WRONG_THREAD, "RGL_STATUS_WRONG_THREAD"},
        {RGL_STATUS_AFTER_FORK, "RGL_STATUS_AFTER_FORK"},
        {RGL_STATUS_BUSY, "RGL_STATUS_BUSY"},
        {RGL_STATUS_HANG, "RGL_STATUS_HANG"},
    };

    for (unsigned i = 0; i < countof(own); i++)
        if (own[i].status == status)
            return own[i].name;
    return rtl_status_name(status);
}

bool rgl_status_by_name(const char *name, rgl_status *status)
{
    static const struct {
        const char *name;
        NTSTATUS status;
    } names[] = {
#define NAME_AND_VALUE(name_, value_) {#name_, (NTSTATUS)(value_)},
        NT_STATUS_LIST(NAME_AND_VALUE)
#undef NAME_AND_VALUE
    };

    for (unsigned i = 0; i < countof(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *status = names[i].status;
            return true;
        }
    }
    return false;
}

rgl_status rgl_machine_create(const struct rgl_config *config, rgl_machine **machine)
{
    struct rgl_config checked;
    NTSTATUS status;

    rgl_config_init(&checked);
    if (config != NULL)
        memcpy(&checked, config, MIN(config->size, sizeof(checked)));
    if (api_machine.alive)
        return api_fail(RGL_STATUS_BUSY, "a machine lives in this process already");
    if (checked.cpus > 64)
        return api_fail(STATUS_INVALID_PARAMETER, "more than 64 virtual processors");
    if (checked.ram_bytes == 0)
        checked.ram_bytes = 64ull << 20;
    if (checked.watchdog_seconds == 0)
        checked.watchdog_seconds = 10;
    api_machine = (struct rgl_machine){.config = checked, .owner = (uint64_t)pthread_self()};
    api_thread_init();
    status = api_boot(&api_machine.config);
    if (!NT_SUCCESS(status)) {
        api_shutdown();
        return api_fail(status, "the machine cannot start: %s",
                        rtl_status_name(status) ? rtl_status_name(status) : "?");
    }
    api_debug_init();
    vf_start((enum vf_level)checked.verify);
    api_image_files_init(checked.simulated);
    api_machine.alive = true;
    *machine = &api_machine;
    return api_ok(STATUS_SUCCESS);
}

static void unload_one(PDRIVER_OBJECT driver, void *context)
{
    *(PDRIVER_OBJECT *)context = driver;
}

/* Unloads the driver loaded last, until one refuses. */
static NTSTATUS unload_all(void *arg)
{
    PDRIVER_OBJECT driver, former = NULL;

    for (;;) {
        driver = NULL;
        io_for_each_driver(unload_one, &driver);
        if (driver == NULL || driver == former)
            return STATUS_SUCCESS;
        former = driver;
        io_unload_driver(driver);
    }
}

static NTSTATUS send_shutdown(void *arg)
{
    /* LC-12: this is how drivers hear of it. */
    io_send_shutdown(false);
    /* LC-12: and those that wait for the file systems. */
    io_send_shutdown(true);
    return STATUS_SUCCESS;
}

static void close_files(rgl_machine *machine)
{
    while (machine->files != NULL)
        rgl_close(machine->files);
}

rgl_status rgl_shutdown(rgl_machine *machine)
{
    rgl_status status;

    if (!api_may_call(&status))
        return status;
    close_files(machine);
    status = api_call(send_shutdown, NULL, KernelMode);
    machine->shut_down = true;
    return api_ok(status);
}

void rgl_machine_destroy(rgl_machine *machine)
{
    rgl_status status;

    if (machine == NULL || (!api_may_call(&status) && status != STATUS_SYSTEM_SHUTDOWN))
        return;
    /* LC-12: after a shutdown nobody calls Unload. */
    if (!machine->shut_down && ke_bugcheck_happened() == NULL) {
        close_files(machine);
        api_call(unload_all, NULL, KernelMode);
    }
    while (machine->files != NULL) { /* the machine stopped: nothing closes them any more */
        struct rgl_file *file = machine->files;
        machine->files = file->next;
        free(file);
    }
    while (machine->drivers != NULL) {
        struct rgl_driver *driver = machine->drivers;
        machine->drivers = driver->next;
        free(driver);
    }
    api_debug_fini();
    rgl_trace_stop(machine);
    api_requests_stop();
    vf_stop();
    machine->alive = false;
    api_shutdown();
}

static NTSTATUS idle(void *arg)
{
    ke_host_idle(*(uint64_t *)arg);
    return STATUS_SUCCESS;
}

static NTSTATUS delay(void *arg)
{
    LARGE_INTEGER interval = {.QuadPart = -(LONGLONG) * (uint64_t *)arg};

    return KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

rgl_status rgl_advance(rgl_machine *machine, uint64_t ms)
{
    uint64_t time = ms * MS;

    return api_ok(api_call(delay, &time, KernelMode));
}

rgl_status rgl_idle(rgl_machine *machine, uint64_t ms)
{
    uint64_t time = ms * MS;

    return api_ok(api_call(machine->config.simulated ? delay : idle, &time, KernelMode));
}

struct registry_text {
    const void *bytes;
    size_t length;
    unsigned line;
    char message[200];
};

static NTSTATUS load_registry(void *arg)
{
    struct registry_text *text = arg;

    return cm_load_reg_text(text->bytes, text->length, &text->line, text->message, sizeof(text->message));
}

rgl_status rgl_registry_load(rgl_machine *machine, const void *bytes, size_t length)
{
    struct registry_text text = {.bytes = bytes, .length = length};
    rgl_status status = api_call(load_registry, &text, KernelMode);

    if (status < 0 && text.message[0] != '\0')
        return api_fail(status, "line %u: %s", text.line, text.message);
    return api_ok(status);
}

struct model_text {
    const char *description;
    char message[200];
};

static NTSTATUS add_model(void *arg)
{
    struct model_text *text = arg;

    return model_add(text->description, text->message, sizeof(text->message));
}

rgl_status rgl_model_add(rgl_machine *machine, const char *description)
{
    struct model_text text = {.description = description};
    rgl_status status = api_call(add_model, &text, KernelMode);

    if (status < 0 && text.message[0] != '\0')
        return api_fail(status, "%s", text.message);
    return api_ok(status);
}

/* SPDX-License-Identifier: MIT */
/* The machine as the embedder sees it: its making and its end, time, names of statuses. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/inf.h"
#include "po/po.h"
#include "api/request.h"
#include "cm/cm.h"
#include "models/model.h"
#include "pnp/pnp.h"
#include "rtl/rtl.h"
#include "vf/vf.h"

struct rgl_machine api_machine;

#define MS                  10000ull /* in 100 ns */
#define SPECIAL_POOL_BLOCKS 8192
#define SPECIAL_POOL_MOST   30000

static bool taken; /* from rgl_machine_create until rgl_machine_destroy has ended */

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
    *machine = NULL;
    if (checked.cpus > 64)
        return api_fail(STATUS_INVALID_PARAMETER, "more than 64 virtual processors");
    if (checked.verify > RGL_VERIFY_ALL)
        return api_fail(STATUS_INVALID_PARAMETER, "there is no verify level %d", (int)checked.verify);
    if (checked.tick_signal != 0 && (checked.tick_signal < SIGRTMIN || checked.tick_signal > SIGRTMAX))
        return api_fail(STATUS_INVALID_PARAMETER, "signal %d is no real-time signal", checked.tick_signal);
    if (checked.special_pool_blocks > SPECIAL_POOL_MOST)
        return api_fail(STATUS_INVALID_PARAMETER, "special pool has at most %u blocks", SPECIAL_POOL_MOST);
    if (checked.special_pool_blocks == 0)
        checked.special_pool_blocks = SPECIAL_POOL_BLOCKS;
    if (checked.ram_bytes == 0)
        checked.ram_bytes = 64ull << 20;
    if (checked.watchdog_seconds == 0)
        checked.watchdog_seconds = 10;
    if (!api_thread_init())
        return api_fail(RGL_STATUS_AFTER_FORK, "a forked process may only exec or exit");
    if (__atomic_exchange_n(&taken, true, __ATOMIC_ACQUIRE))
        return api_fail(RGL_STATUS_BUSY, "a machine lives in this process already");
    api_machine = (struct rgl_machine){.config = checked, .owner = (uint64_t)pthread_self()};
    status = api_boot(&api_machine.config);
    if (!NT_SUCCESS(status)) {
        api_shutdown();
        __atomic_store_n(&taken, false, __ATOMIC_RELEASE);
        if (status == STATUS_INSUFFICIENT_RESOURCES)
            return api_fail(status, "the machine cannot start: the host gives it too little memory, address "
                                    "space or too few threads (ulimit -v, -d, -f, -u)");
        return api_fail(status, "the machine cannot start: %s",
                        rtl_status_name(status) ? rtl_status_name(status) : "?");
    }
    api_debug_init();
    vf_start((enum vf_level)checked.verify);
    api_image_files_init(checked.simulated);
    api_inf_init();
    api_new_machine();
    *machine = &api_machine;
    return api_ok(STATUS_SUCCESS);
}

static void unload_one(PDRIVER_OBJECT driver, void *context)
{
    *(PDRIVER_OBJECT *)context = driver;
}

/* Removes all devices, then unloads the driver loaded last, until one refuses. */
static NTSTATUS unload_all(void *arg)
{
    PDRIVER_OBJECT driver, former = NULL;

    pnp_remove_all();
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
    const POWER_ACTION *action = arg;
    /* LC-12: this is how drivers hear of it. */
    io_send_shutdown(false);
    /* LC-12, SR-39: and those that wait for the file systems. */
    io_send_shutdown(true);
    /* PW-32: devices go off when nobody writes to them any more. */
    return po_set_system_power(PowerSystemShutdown, *action, true);
}

static void close_files(rgl_machine *machine)
{
    while (machine->files != NULL)
        rgl_close(machine->files);
}

rgl_status api_shut_down(rgl_machine *machine, POWER_ACTION action)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    close_files(machine);
    status = api_call(send_shutdown, &action, KernelMode);
    machine->shut_down = true;
    api_leave();
    return api_ok(status);
}

rgl_status rgl_shutdown(rgl_machine *machine)
{
    return api_shut_down(machine, PowerActionShutdown);
}

/* Of files that were not closed, as the machine was cut off; and of drivers. */
static void forget_handles(rgl_machine *machine)
{
    struct rgl_file *next;

    for (struct rgl_file *file = machine->files; file != NULL; file = next) {
        next = file->next;
        free(file);
    }
    machine->files = NULL;
    while (machine->drivers != NULL) {
        struct rgl_driver *driver = machine->drivers;
        machine->drivers = driver->next;
        free(driver);
    }
}

static bool begin_closing(rgl_machine *machine)
{
    bool mine;

    api_lock();
    mine = !machine->closing;
    if (mine) {
        machine->closer = (uint64_t)pthread_self();
        __atomic_store_n(&machine->closing, true, __ATOMIC_SEQ_CST);
    }
    api_unlock();
    return mine;
}

/* How long calls that are about to return are waited for. Those that wait themselves are cut off. */
#define LEAVE_MS 200

void rgl_machine_destroy(rgl_machine *machine)
{
    rgl_status status;

    if (machine == NULL || (!api_may_call(&status) && status != STATUS_SYSTEM_SHUTDOWN) ||
        !begin_closing(machine))
        return;
    /* LC-12: after a shutdown nobody calls Unload. */
    if (!machine->shut_down && ke_bugcheck_happened() == NULL && api_others_left(LEAVE_MS)) {
        close_files(machine);
        api_call(unload_all, NULL, KernelMode);
    }
    api_expel_threads();
    model_stop_all();
    api_debug_fini();
    rgl_trace_stop(machine);
    api_requests_stop();
    forget_handles(machine);
    vf_stop();
    __atomic_store_n(&machine->alive, false, __ATOMIC_SEQ_CST);
    api_shutdown();
    api_inf_end();
    __atomic_store_n(&taken, false, __ATOMIC_RELEASE);
}

static NTSTATUS idle(void *arg)
{
    ke_host_idle(*(uint64_t *)arg);
    return STATUS_SUCCESS;
}

static NTSTATUS delay(void *arg)
{
    LARGE_INTEGER interval = api_timeout((int64_t)(*(uint64_t *)arg / MS));

    return KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

#define TIMEOUT_MAX_MS (INT64_MAX / (int64_t)MS)

LARGE_INTEGER api_timeout(int64_t ms)
{
    return (LARGE_INTEGER){.QuadPart = -MIN(ms, TIMEOUT_MAX_MS) * (int64_t)MS};
}

rgl_status rgl_advance(rgl_machine *machine, uint64_t ms)
{
    uint64_t time = MIN(ms, (uint64_t)TIMEOUT_MAX_MS) * MS;

    return api_ok(api_call(delay, &time, KernelMode));
}

rgl_status rgl_idle(rgl_machine *machine, uint64_t ms)
{
    uint64_t time = MIN(ms, (uint64_t)TIMEOUT_MAX_MS) * MS;

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

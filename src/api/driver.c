/* SPDX-License-Identifier: MIT */
/* Loading and unloading drivers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "api/api.h"
#include "pnp/pnp.h"
#include "rtl/rtl.h"
#include "vf/vf.h"

static NTSTATUS load(void *arg)
{
    struct {
        struct io_load_request request;
        struct io_load_result result;
    } *both = arg;

    NTSTATUS status = io_load_driver(&both->request, &both->result);
    if (NT_SUCCESS(status))
        pnp_look_again();
    return status;
}

/* NULL when the C library has no memory. */
static rgl_driver *new_handle(rgl_machine *machine, PDRIVER_OBJECT object)
{
    rgl_driver *driver = calloc(1, sizeof(*driver));

    if (driver == NULL)
        return NULL;
    snprintf(driver->service, sizeof(driver->service), "%s", io_driver_service(object));
    api_lock();
    driver->next = machine->drivers;
    machine->drivers = driver;
    api_unlock();
    return driver;
}

static rgl_status explain(const struct io_load_result *result)
{
    const char *name = rtl_status_name(result->status);

    if (result->error.result == LDR_NOT_AN_IMAGE)
        return api_fail(RGL_STATUS_NOT_AN_IMAGE, "%s", result->error.text);
    if (result->error.result == LDR_CANNOT_LOAD)
        return api_fail(RGL_STATUS_CANNOT_LOAD, "%s", result->error.text);
    if (result->entry_ran && name != NULL)
        return api_fail(result->status, "DriverEntry returned %s", name);
    if (result->entry_ran)
        return api_fail(result->status, "DriverEntry returned 0x%08X", (unsigned)result->status);
    if (result->error.text[0] != '\0')
        return api_fail(result->status, "%s", result->error.text);
    return api_ok(result->status);
}

static rgl_status load_bytes(rgl_machine *machine, const char *name, const char *path, const void *bytes,
                             size_t length, rgl_driver **driver, rgl_status *entry_status)
{
    struct {
        struct io_load_request request;
        struct io_load_result result;
    } both = {.request = {.file_name = name, .path = path, .bytes = bytes, .length = length}};
    rgl_status status;

    both.request.checked_gates = vf_wants_gates() || machine->config.simulated;
    both.request.deterministic = machine->config.simulated;
    status = api_call(load, &both, KernelMode);
    if (entry_status != NULL)
        *entry_status = both.result.entry_ran ? both.result.status : status;
    if (status == RGL_STATUS_BUG_CHECK)
        return status;
    if (status < 0)
        return explain(&both.result);
    if (driver != NULL)
        *driver = new_handle(machine, both.result.driver);
    return api_ok(status);
}

rgl_status rgl_driver_load(rgl_machine *machine, const char *name, const void *bytes, size_t length,
                           rgl_driver **driver, rgl_status *entry_status)
{
    rgl_status status = load_bytes(machine, name, NULL, bytes, length, driver, entry_status);

    if (status >= 0)
        api_image_withdraw(name); /* a file of that name would be another one */
    return status;
}

unsigned char *api_read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    struct stat status;

    if (file != NULL && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size < (1 << 30)) {
        *length = (size_t)status.st_size;
        bytes = malloc(*length + 1);
        if (bytes != NULL && fread(bytes, 1, *length, file) != *length) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file != NULL)
        fclose(file);
    return bytes;
}

rgl_status rgl_driver_load_file(rgl_machine *machine, const char *path, rgl_driver **driver,
                                rgl_status *entry_status)
{
    const char *slash = strrchr(path, '/');
    size_t length;
    unsigned char *bytes = api_read_file(path, &length);
    rgl_status status;

    if (bytes == NULL)
        return api_fail(RGL_STATUS_NOT_AN_IMAGE, "cannot read %s", path);
    char *whole = realpath(path, NULL);
    api_image_folder(path);
    status =
        load_bytes(machine, slash != NULL ? slash + 1 : path, whole, bytes, length, driver, entry_status);
    if (status >= 0)
        api_image_loaded(whole != NULL ? whole : path);
    free(whole);
    free(bytes);
    return status;
}

static NTSTATUS begin_phase(void *arg)
{
    io_load_phase_begin();
    return STATUS_SUCCESS;
}

static NTSTATUS end_phase(void *arg)
{
    return io_load_phase_end();
}

rgl_status rgl_load_begin(rgl_machine *machine)
{
    return api_ok(api_call(begin_phase, NULL, KernelMode));
}

rgl_status rgl_load_end(rgl_machine *machine)
{
    return api_ok(api_call(end_phase, NULL, KernelMode));
}

static NTSTATUS unload(void *arg)
{
    NTSTATUS status = pnp_unload_driver(arg);

    ex_drain_work();
    return status;
}

rgl_status rgl_driver_unload(rgl_machine *machine, const char *service)
{
    rgl_status status = api_call(unload, (void *)service, KernelMode);

    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return api_fail(status, "no driver %s is loaded", service);
    return api_ok(status);
}

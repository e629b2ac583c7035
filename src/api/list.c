/* SPDX-License-Identifier: MIT */
/*
 * Listings: the NT side collects into a growing array, the host side visits
 * it, so that the embedder's code runs with nothing held.
 */
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "host/host.h"
#include "rtl/rtl.h"

#define TAG_LIST 0x7473694C /* "List" */

struct row {
    union {
        struct rgl_driver_info driver;
        struct rgl_device_info device;
        struct rgl_irp_info irp;
        struct rgl_pool_info pool;
    };
    char text[2][160];
};

struct rows {
    struct row *rows;
    unsigned count, room;
    PDRIVER_OBJECT driver; /* whose devices are collected */
};

static struct row *add(struct rows *rows)
{
    if (rows->count == rows->room) {
        unsigned room = rows->room * 2 + 32;
        struct row *more = mm_alloc(room * sizeof(*more), TAG_LIST);
        if (more == NULL)
            return NULL;
        if (rows->count != 0)
            memcpy(more, rows->rows, rows->count * sizeof(*more));
        mm_free(rows->rows);
        rows->rows = more;
        rows->room = room;
    }
    return &rows->rows[rows->count++];
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);

    length = MIN(length, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static void name_text(char *to, size_t size, const void *object)
{
    WCHAR name[160];
    ULONG length = ob_query_name(object, name, sizeof(name));

    rtl_utf8_from_wide(to, size, name, MIN(length, sizeof(name)) / sizeof(WCHAR));
}

static void count_device(PDEVICE_OBJECT device, void *context)
{
    (*(unsigned *)context)++;
}

static void add_driver(PDRIVER_OBJECT driver, void *context)
{
    struct ldr_image *image = io_driver_image(driver);
    struct row *row = image != NULL ? add(context) : NULL; /* the system's own are not loaded */

    if (row == NULL)
        return;
    copy_text(row->text[0], sizeof(row->text[0]), io_driver_service(driver));
    copy_text(row->text[1], sizeof(row->text[1]), image->name);
    row->driver = (struct rgl_driver_info){
        .base = (uintptr_t)image->base, .size = image->size, .has_unload = driver->DriverUnload != NULL};
    io_for_each_device(driver, count_device, &row->driver.devices);
}

static void add_device(PDEVICE_OBJECT device, void *context)
{
    struct rows *rows = context;
    struct row *row = io_device_number(device) != 0 ? add(rows) : NULL; /* 0: the root of the device tree */
    PDEVICE_OBJECT lower = io_lower_device(device);

    if (row == NULL)
        return;
    copy_text(row->text[0], sizeof(row->text[0]), io_driver_service(rows->driver));
    name_text(row->text[1], sizeof(row->text[1]), device);
    row->device = (struct rgl_device_info){.id = io_device_number(device),
                                           .lower = lower != NULL ? io_device_number(lower) : 0,
                                           .stack_size = (unsigned)device->StackSize,
                                           .open_handles = (unsigned)device->ReferenceCount,
                                           .device_type = device->DeviceType,
                                           .flags = device->Flags};
}

static void add_devices_of(PDRIVER_OBJECT driver, void *context)
{
    struct rows *rows = context;

    rows->driver = driver;
    io_for_each_device(driver, add_device, rows);
}

static void add_irp(PIRP irp, void *context)
{
    struct row *row = add(context);

    if (row == NULL)
        return;
    row->irp = (struct rgl_irp_info){
        .number = io_irp_number(irp), .cancelable = irp->CancelRoutine != NULL, .major = "?"};
    if (irp->CurrentLocation < 1 || irp->CurrentLocation > irp->StackCount)
        return;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    row->irp.major = rtl_major_name(location->MajorFunction);
    if (location->DeviceObject == NULL)
        return;
    copy_text(row->text[0], sizeof(row->text[0]), io_driver_service(location->DeviceObject->DriverObject));
    name_text(row->text[1], sizeof(row->text[1]), location->DeviceObject);
}

static void add_tag(const struct mm_pool_tag_totals *totals, void *context)
{
    struct row *row = totals->blocks != 0 ? add(context) : NULL;

    if (row == NULL)
        return;
    row->pool = (struct rgl_pool_info){.blocks = totals->blocks, .bytes = totals->bytes};
    for (int i = 0; i < 4; i++) {
        char c = (char)(totals->tag >> (8 * i));
        row->pool.tag[i] = c >= ' ' && c <= '~' ? c : '.';
    }
}

static NTSTATUS collect_drivers(void *arg)
{
    io_for_each_driver(add_driver, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS collect_devices(void *arg)
{
    io_for_each_driver(add_devices_of, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS collect_irps(void *arg)
{
    io_for_each_irp(add_irp, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS collect_tags(void *arg)
{
    mm_pool_for_each_tag(add_tag, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS free_rows(void *arg)
{
    mm_free(((struct rows *)arg)->rows);
    return STATUS_SUCCESS;
}

void rgl_for_each_driver(rgl_machine *machine, void (*visit)(void *context, const struct rgl_driver_info *),
                         void *context)
{
    rgl_status status;
    struct rows rows = {0};

    if (!api_enter(&status))
        return;
    api_call(collect_drivers, &rows, KernelMode);
    for (unsigned i = 0; i < rows.count; i++) {
        rows.rows[i].driver.service = rows.rows[i].text[0];
        rows.rows[i].driver.image = rows.rows[i].text[1];
        visit(context, &rows.rows[i].driver);
    }
    api_call(free_rows, &rows, KernelMode);
    api_leave();
}

void rgl_for_each_device(rgl_machine *machine, void (*visit)(void *context, const struct rgl_device_info *),
                         void *context)
{
    rgl_status status;
    struct rows rows = {0};

    if (!api_enter(&status))
        return;
    api_call(collect_devices, &rows, KernelMode);
    for (unsigned i = 0; i < rows.count; i++) {
        rows.rows[i].device.service = rows.rows[i].text[0];
        rows.rows[i].device.name = rows.rows[i].text[1];
        visit(context, &rows.rows[i].device);
    }
    api_call(free_rows, &rows, KernelMode);
    api_leave();
}

void rgl_for_each_irp(rgl_machine *machine, void (*visit)(void *context, const struct rgl_irp_info *),
                      void *context)
{
    rgl_status status;
    struct rows rows = {0};

    if (!api_enter(&status))
        return;
    api_call(collect_irps, &rows, KernelMode);
    for (unsigned i = 0; i < rows.count; i++) {
        rows.rows[i].irp.service = rows.rows[i].text[0];
        rows.rows[i].irp.device = rows.rows[i].text[1];
        visit(context, &rows.rows[i].irp);
    }
    api_call(free_rows, &rows, KernelMode);
    api_leave();
}

void rgl_for_each_pool_tag(rgl_machine *machine, void (*visit)(void *context, const struct rgl_pool_info *),
                           void *context)
{
    rgl_status status;
    struct rows rows = {0};

    if (!api_enter(&status))
        return;
    api_call(collect_tags, &rows, KernelMode);
    for (unsigned i = 0; i < rows.count; i++)
        visit(context, &rows.rows[i].pool);
    api_call(free_rows, &rows, KernelMode);
    api_leave();
}

void rgl_for_each_export(void (*visit)(void *context, const struct rgl_export_info *), void *context)
{
    for (const struct export_entry *x = __start_rl_exports; x < __stop_rl_exports; x++)
        visit(context, &(struct rgl_export_info){.module = x->module,
                                                 .name = x->name,
                                                 .min_irql = x->min_irql,
                                                 .max_irql = x->max_irql,
                                                 .data = x->flags & X_DATA});
}

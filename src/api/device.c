/* SPDX-License-Identifier: MIT */
/*
 * Device models of the embedder: his callbacks between the bus and his state.
 * A device's lock is held around each, except stop and destroyed. Nothing here
 * but adding and destroying uses the C library, since most calls come from
 * NT stacks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/model.h"
#include "base/lock.h"
#include "hal/hal.h"
#include "models/model.h"

struct rgl_device {
    struct model model;
    struct rgl_device_model own; /* name is not kept */
    struct hal_port_range ports;
    struct hal_mmio_range memory;
    struct hal_pin pin;
    struct hal_timer timer;
    rl_lock lock;
    uint64_t timer_due; /* guarded by the lock; NO_TIME: stopped */
};

#define NO_TIME UINT64_MAX

static ULONG read_port(void *context, USHORT offset, unsigned width)
{
    rgl_device *device = context;
    ULONG value;

    rl_lock_acquire(&device->lock);
    value = device->own.port_read(device->own.context, offset, width);
    rl_lock_release(&device->lock);
    return value;
}

static void write_port(void *context, USHORT offset, ULONG value, unsigned width)
{
    rgl_device *device = context;

    rl_lock_acquire(&device->lock);
    device->own.port_write(device->own.context, offset, value, width);
    rl_lock_release(&device->lock);
}

static void read_memory(void *context, uint64_t offset, void *value, unsigned width)
{
    rgl_device *device = context;
    uint64_t read;

    rl_lock_acquire(&device->lock);
    read = device->own.memory_read(device->own.context, offset, width);
    rl_lock_release(&device->lock);
    __builtin_memcpy(value, &read, MIN(width, sizeof(read)));
}

static void write_memory(void *context, uint64_t offset, const void *value, unsigned width)
{
    rgl_device *device = context;
    uint64_t written = 0;

    __builtin_memcpy(&written, value, MIN(width, sizeof(written)));
    rl_lock_acquire(&device->lock);
    device->own.memory_write(device->own.context, offset, written, width);
    rl_lock_release(&device->lock);
}

/* It may have been stopped or started anew while this waited for the lock. */
static void timer_strikes(void *context)
{
    rgl_device *device = context;

    rl_lock_acquire(&device->lock);
    if (device->timer_due <= hal_now_ns()) {
        device->timer_due = NO_TIME;
        device->own.timer(device->own.context);
    }
    rl_lock_release(&device->lock);
}

static NTSTATUS take_input(struct model *model, const void *data, size_t length, char *message, size_t size)
{
    rgl_device *device = container_of(model, rgl_device, model);
    NTSTATUS status;

    rl_lock_acquire(&device->lock);
    status = device->own.input(device->own.context, data, length);
    rl_lock_release(&device->lock);
    return status;
}

static void stop(struct model *model)
{
    rgl_device *device = container_of(model, rgl_device, model);

    if (device->own.stop != NULL)
        device->own.stop(device->own.context);
}

static void unplug(rgl_device *device)
{
    hal_timer_stop(&device->timer);
    if (device->ports.link.Flink != NULL)
        hal_remove_ports(&device->ports);
    if (device->memory.link.Flink != NULL)
        hal_remove_mmio(&device->memory);
    if (device->model.pin != NULL)
        hal_remove_pin(&device->pin);
}

static void destroy(struct model *model)
{
    rgl_device *device = container_of(model, rgl_device, model);

    unplug(device);
    if (device->own.destroyed != NULL)
        device->own.destroyed(device->own.context);
    free(device);
}

static const struct model_ops with_input = {take_input, stop, destroy};
static const struct model_ops without_input = {NULL, stop, destroy};

static rgl_device *new_device(const struct rgl_device_model *model)
{
    rgl_device *device = calloc(1, sizeof(*device));

    if (device == NULL)
        return NULL;
    rgl_device_model_init(&device->own);
    memcpy(&device->own, model, MIN(model->size, sizeof(device->own)));
    device->model.ops = device->own.input != NULL ? &with_input : &without_input;
    device->timer_due = NO_TIME;
    hal_timer_init(&device->timer, timer_strikes, device);
    device->ports = (struct hal_port_range){.first = device->own.port,
                                            .count = device->own.port_count,
                                            .context = device,
                                            .read = device->own.port_read != NULL ? read_port : NULL,
                                            .write = device->own.port_write != NULL ? write_port : NULL};
    device->memory = (struct hal_mmio_range){.first = device->own.memory,
                                             .length = device->own.memory_length,
                                             .context = device,
                                             .read = device->own.memory_read != NULL ? read_memory : NULL,
                                             .write = device->own.memory_write != NULL ? write_memory : NULL};
    return device;
}

static NTSTATUS plug_in(rgl_device *device, char *message, size_t size)
{
    const struct rgl_device_model *own = &device->own;
    NTSTATUS status = STATUS_SUCCESS;

    if (own->line >= 0) {
        status = hal_add_pin(&device->pin, (ULONG)own->line);
        if (!NT_SUCCESS(status))
            snprintf(message, size, "there is no interrupt line %d", own->line);
        else
            device->model.pin = &device->pin;
    }
    if (NT_SUCCESS(status) && own->port_count != 0 && !NT_SUCCESS(status = hal_add_ports(&device->ports)))
        snprintf(message, size, "the ports from 0x%x are no ports, or taken", own->port);
    if (NT_SUCCESS(status) && own->memory_length != 0 && !NT_SUCCESS(status = hal_add_mmio(&device->memory)))
        snprintf(message, size, "device memory is whole pages outside of RAM that nobody has: not 0x%llx",
                 (unsigned long long)own->memory);
    return status;
}

void rgl_device_model_init(struct rgl_device_model *model)
{
    *model = (struct rgl_device_model){.size = sizeof(*model), .line = -1};
}

static rgl_status add(const struct rgl_device_model *model, rgl_device **made, char *message, size_t size)
{
    struct model_description description = {.name = "device", .instance = model->name};
    rgl_device *device = new_device(model);
    NTSTATUS status;

    if (device == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = plug_in(device, message, size);
    if (NT_SUCCESS(status))
        status = model_register(&device->model, &description, message, size);
    if (!NT_SUCCESS(status)) {
        unplug(device);
        free(device);
        return status;
    }
    if (made != NULL)
        *made = device;
    return status;
}

rgl_status rgl_device_model_add(rgl_machine *machine, const struct rgl_device_model *model,
                                rgl_device **device)
{
    char message[200] = "";
    rgl_status status;

    if (!api_model_enter(&status))
        return status;
    status = api_model_answer(add(model, device, message, sizeof(message)), message);
    api_leave();
    return status;
}

void rgl_device_interrupt(rgl_device *device, bool raised)
{
    if (device->model.pin != NULL)
        hal_set_pin(&device->pin, raised);
}

uint64_t rgl_device_now_ns(const rgl_device *device)
{
    return hal_now_ns();
}

bool rgl_device_memory_read(rgl_device *device, uint64_t physical, void *to, size_t length)
{
    return hal_memory_read(physical, to, length);
}

bool rgl_device_memory_write(rgl_device *device, uint64_t physical, const void *from, size_t length)
{
    return hal_memory_write(physical, from, length);
}

void rgl_device_timer_start(rgl_device *device, uint64_t delay_ns)
{
    if (device->own.timer == NULL)
        return;
    if (__builtin_add_overflow(hal_now_ns(), delay_ns, &device->timer_due))
        device->timer_due = NO_TIME - 1;
    hal_timer_start(&device->timer, delay_ns);
}

void rgl_device_timer_stop(rgl_device *device)
{
    device->timer_due = NO_TIME;
}

void rgl_device_lock(rgl_device *device)
{
    rl_lock_acquire(&device->lock);
}

void rgl_device_unlock(rgl_device *device)
{
    rl_lock_release(&device->lock);
}

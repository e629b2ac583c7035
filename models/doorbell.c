/* SPDX-License-Identifier: MIT */
/*
 * doorbell,port=P,line=L: the least device that interrupts, for trying out
 * interrupt service routines. It holds its line up from when it rings until the
 * driver tells it to be quiet. Eight ports:
 *
 *   +0 read   1: it rings            write  1: ring, 0: be quiet
 *   +1 read   how often it has rung  write  N: ring in N x 100 us
 *   +2 read   the last byte of input
 *   +4 write  (32 bits) a message-signaled interrupt with this data
 */
#include "base/lock.h"
#include "hal/hal.h"
#include "host/host.h"
#include "models/doorbell.h"
#include "nt/status.h"

#define PORTS           8
#define STEP_NS         100000
#define MESSAGE_ADDRESS 0xFEE00000ull

struct doorbell {
    struct model model;
    struct hal_port_range ports;
    struct hal_pin pin;
    struct hal_timer timer;
    rl_lock lock; /* guards what follows */
    bool rings;
    UCHAR count, input;
};

static void set(struct doorbell *bell, bool rings)
{
    rl_lock_acquire(&bell->lock);
    bell->count += rings && !bell->rings;
    bell->rings = rings;
    hal_set_pin(&bell->pin, rings);
    rl_lock_release(&bell->lock);
}

static void ring(void *context)
{
    set(context, true);
}

static ULONG read_port(void *context, USHORT offset, unsigned width_bytes)
{
    struct doorbell *bell = context;
    ULONG value = ~0u;

    rl_lock_acquire(&bell->lock);
    if (offset == 0)
        value = bell->rings;
    else if (offset == 1)
        value = bell->count;
    else if (offset == 2)
        value = bell->input;
    rl_lock_release(&bell->lock);
    return value;
}

static void write_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct doorbell *bell = context;

    if (offset == 0)
        set(bell, value & 1);
    else if (offset == 1)
        hal_timer_start(&bell->timer, (uint64_t)(value & 0xFF) * STEP_NS);
    else if (offset == 4 && width_bytes == 4)
        hal_send_message(MESSAGE_ADDRESS, value);
}

static NTSTATUS input(struct model *model, const void *data, size_t length, char *message, size_t size)
{
    struct doorbell *bell = container_of(model, struct doorbell, model);

    if (length == 0)
        return STATUS_SUCCESS;
    rl_lock_acquire(&bell->lock);
    bell->input = ((const UCHAR *)data)[length - 1];
    rl_lock_release(&bell->lock);
    set(bell, true);
    return STATUS_SUCCESS;
}

static void stop(struct model *model)
{
    hal_timer_stop(&container_of(model, struct doorbell, model)->timer);
}

static void destroy(struct model *model)
{
    struct doorbell *bell = container_of(model, struct doorbell, model);

    hal_timer_stop(&bell->timer);
    hal_remove_pin(&bell->pin);
    hal_remove_ports(&bell->ports);
    host_free(bell);
}

static const struct model_ops ops = {input, stop, destroy};

static bool number(const struct model_description *description, const char *key, uint64_t limit,
                   uint64_t *value)
{
    const char *text = model_value(description, key);

    return text == NULL || (model_number(text, value) && *value < limit);
}

static NTSTATUS put_in(struct doorbell *bell, const struct model_description *description, char *message,
                       size_t size)
{
    NTSTATUS status = hal_add_ports(&bell->ports);

    if (status != STATUS_SUCCESS) {
        host_snprintf(message, size, "another device has ports at 0x%x", bell->ports.first);
        return status;
    }
    hal_add_pin(&bell->pin, bell->pin.line);
    status = model_register(&bell->model, description, message, size);
    if (status != STATUS_SUCCESS) {
        hal_remove_pin(&bell->pin);
        hal_remove_ports(&bell->ports);
    }
    return status;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    static const char *const keys[] = {"port", "line", NULL};
    uint64_t port = 0x300, line = 5;

    if (!model_only_keys(description, keys, message, size))
        return STATUS_INVALID_PARAMETER;
    if (!number(description, "port", 0x10000 - PORTS + 1, &port) ||
        !number(description, "line", HAL_LINES, &line)) {
        host_snprintf(message, size, "doorbell wants port=P and line=L below %u", HAL_LINES);
        return STATUS_INVALID_PARAMETER;
    }
    struct doorbell *bell = host_alloc(sizeof(*bell));
    bell->model = (struct model){.ops = &ops, .pin = &bell->pin};
    bell->ports = (struct hal_port_range){
        .first = (USHORT)port, .count = PORTS, .context = bell, .read = read_port, .write = write_port};
    bell->pin.line = (ULONG)line;
    hal_timer_init(&bell->timer, ring, bell);
    NTSTATUS status = put_in(bell, description, message, size);
    if (status != STATUS_SUCCESS)
        host_free(bell);
    return status;
}

const struct model_type model_doorbell = {
    "doorbell", "doorbell,port=P,line=L: holds its line up from when it rings until it is told to be quiet",
    create};

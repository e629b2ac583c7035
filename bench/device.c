/* SPDX-License-Identifier: MIT */
/*
 * A device that costs nothing itself: port 0 is there, a write to port 1 is an
 * edge on the line, the register is there.
 */
#include "bench.h"

static rgl_device *device;

static void port_write(void *context, unsigned offset, uint32_t value, unsigned width)
{
    (void)context;
    (void)value;
    (void)width;
    if (offset != 1)
        return;
    rgl_device_interrupt(device, true);
    rgl_device_interrupt(device, false);
}

static uint64_t memory_read(void *context, uint64_t offset, unsigned width)
{
    (void)context;
    (void)offset;
    (void)width;
    return 1;
}

void bench_device_add(rgl_machine *machine)
{
    struct rgl_device_model model;

    rgl_device_model_init(&model);
    model.name = "bench";
    model.port = BENCH_DEVICE_PORT;
    model.port_count = 2;
    model.port_write = port_write;
    model.memory = BENCH_DEVICE_MEMORY;
    model.memory_length = 4096;
    model.memory_read = memory_read;
    model.line = BENCH_DEVICE_LINE;
    if (rgl_device_model_add(machine, &model, &device) < 0)
        bench_fail("the device: %s", rgl_message());
}

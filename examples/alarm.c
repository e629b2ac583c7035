/* SPDX-License-Identifier: MIT */
/*
 * A device of one's own: an alarm card with two registers, a timer and an
 * interrupt line, and a driver that uses it.
 *
 *     cc alarm.c $(pkg-config --cflags --libs ringless) -o alarm
 *     ./alarm alarm.sys
 */
#include <stdio.h>
#include <stdlib.h>
#include <ringless/ringless.h>

struct card {
    rgl_device *device;
    bool rings;
};

static void port_write(void *context, unsigned offset, uint32_t value, unsigned width)
{
    struct card *card = context;

    if (offset != 0 || width != 4)
        return;
    if (value != 0)
        rgl_device_timer_start(card->device, value * 1000000ull);
    else
        rgl_device_timer_stop(card->device);
}

static void timer(void *context)
{
    struct card *card = context;

    card->rings = true;
    rgl_device_interrupt(card->device, true);
}

/* The reading silences it. */
static uint32_t port_read(void *context, unsigned offset, unsigned width)
{
    struct card *card = context;
    bool rings = card->rings;

    (void)width;
    if (offset != 4)
        return 0xFFFFFFFF;
    card->rings = false;
    rgl_device_interrupt(card->device, false);
    return rings;
}

static rgl_status plug_in(rgl_machine *machine, struct card *card)
{
    struct rgl_device_model model;

    rgl_device_model_init(&model);
    model.name = "alarm";
    model.context = card;
    model.port = 0x300;
    model.port_count = 5;
    model.port_read = port_read;
    model.port_write = port_write;
    model.line = 5;
    model.timer = timer;
    return rgl_device_model_add(machine, &model, &card->device);
}

static void must(const char *what, rgl_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, rgl_message());
    exit(1);
}

int main(int argc, char **argv)
{
    struct card card = {0};
    struct rgl_config config;
    rgl_machine *machine;
    rgl_file *file;

    if (argc != 2) {
        fprintf(stderr, "usage: alarm .../alarm.sys\n");
        return 2;
    }
    rgl_config_init(&config);
    config.simulated = true; /* virtual time: nobody waits for the bell */
    must("machine", rgl_machine_create(&config, &machine));
    must("card", plug_in(machine, &card));
    must("load", rgl_driver_load_file(machine, argv[1], NULL, NULL));
    must("open", rgl_open(machine, "\\Device\\Alarm", 0, &file, NULL));
    for (uint32_t ms = 50; ms <= 50000; ms *= 10) {
        uint64_t before = rgl_device_now_ns(card.device);
        must("wait", rgl_ioctl(file, 0x222000, &ms, sizeof(ms), NULL, 0, NULL));
        printf("set to %u ms, it rang after %.0f ms\n", ms, (rgl_device_now_ns(card.device) - before) / 1e6);
    }
    rgl_machine_destroy(machine);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The machine around a model under test, turned by hand: ports, pins by their
 * line, timers, time. Include it once, after cmocka.
 */
#ifndef FAKE_HAL_H
#define FAKE_HAL_H

#include "hal/hal.h"
#include "models/model.h"
#include "nt/status.h"

#define FAKES 8

static uint64_t fake_now;
static struct hal_port_range *fake_ports[FAKES];
static struct hal_timer *fake_timers[FAKES];
static bool fake_lines[HAL_LINES];
static unsigned fake_edges[HAL_LINES]; /* how often a line rose */
static char fake_message[200];

uint64_t hal_now_ns(void)
{
    return fake_now;
}

NTSTATUS hal_add_ports(struct hal_port_range *range)
{
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_ports[i] != NULL && range->first < fake_ports[i]->first + fake_ports[i]->count &&
            fake_ports[i]->first < range->first + range->count)
            return STATUS_CONFLICTING_ADDRESSES;
    }
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_ports[i] == NULL) {
            fake_ports[i] = range;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

void hal_remove_ports(struct hal_port_range *range)
{
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_ports[i] == range)
            fake_ports[i] = NULL;
    }
}

NTSTATUS hal_add_pin(struct hal_pin *pin, ULONG number)
{
    assert_true(number < HAL_LINES);
    pin->line = number;
    return STATUS_SUCCESS;
}

void hal_set_pin(struct hal_pin *pin, bool asserted)
{
    fake_edges[pin->line] += asserted && !pin->asserted;
    pin->asserted = asserted;
    fake_lines[pin->line] = asserted;
}

void hal_remove_pin(struct hal_pin *pin)
{
    hal_set_pin(pin, false);
}

void hal_timer_init(struct hal_timer *timer, void (*fn)(void *), void *context)
{
    *timer = (struct hal_timer){.fn = fn, .context = context};
}

void hal_timer_stop(struct hal_timer *timer)
{
    timer->armed = false;
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_timers[i] == timer)
            fake_timers[i] = NULL;
    }
}

void hal_timer_start(struct hal_timer *timer, uint64_t delay_ns)
{
    hal_timer_stop(timer);
    timer->armed = true;
    timer->due_ns = fake_now + delay_ns;
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_timers[i] == NULL) {
            fake_timers[i] = timer;
            return;
        }
    }
    fail_msg("more timers than the fake has");
}

static struct hal_timer *first_timer(void)
{
    struct hal_timer *first = NULL;

    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_timers[i] != NULL && (first == NULL || fake_timers[i]->due_ns < first->due_ns))
            first = fake_timers[i];
    }
    return first;
}

/* Lets time pass; timers strike when they are due. */
static void pass(uint64_t ns)
{
    uint64_t end = fake_now + ns;

    for (struct hal_timer *timer = first_timer(); timer != NULL && timer->due_ns <= end;
         timer = first_timer()) {
        fake_now = timer->due_ns;
        hal_timer_stop(timer);
        timer->fn(timer->context);
    }
    fake_now = end;
}

static struct hal_port_range *port_range(USHORT port)
{
    for (unsigned i = 0; i < FAKES; i++) {
        if (fake_ports[i] != NULL && (USHORT)(port - fake_ports[i]->first) < fake_ports[i]->count)
            return fake_ports[i];
    }
    fail_msg("nobody answers at port 0x%x", port);
    return NULL;
}

static UCHAR in(USHORT port)
{
    struct hal_port_range *range = port_range(port);

    return (UCHAR)range->read(range->context, (USHORT)(port - range->first), 1);
}

static void out(USHORT port, UCHAR value)
{
    struct hal_port_range *range = port_range(port);

    range->write(range->context, (USHORT)(port - range->first), value, 1);
}

static NTSTATUS try_to_make(const struct model_type *type, const char *text)
{
    struct model_description description;

    assert_true(model_parse(&description, text, fake_message, sizeof(fake_message)));
    return type->create(&description, fake_message, sizeof(fake_message));
}

static void make(const struct model_type *type, const char *text)
{
    if (!NT_SUCCESS(try_to_make(type, text)))
        fail_msg("%s: %s", text, fake_message);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The timer of a PC: three counters at ports 0x40 to 0x43, of which the first
 * is IRQ 0 and the third the speaker's, and the speaker's gate at port 0x61.
 */
#include "models/timer8254.h"
#include "base/lock.h"
#include "hal/hal.h"
#include "host/host.h"
#include "nt/status.h"

enum {
    CONTROL_PORT = 3,
    READ_BACK = 3, /* instead of a counter's number */
    LATCH = 0x30,  /* these bits zero: latch the count */
    NO_COUNT = 0x20,
    NO_STATUS = 0x10,
    GATE_2 = 0x01,
    SPEAKER_BITS = 0x0F, /* what of port 0x61 can be written */
    REFRESH = 0x10,
    OUTPUT_2 = 0x20,
    BIOS_CLOCK = 0x36,  /* counter 0: both bytes, square wave, 65536: 18.2 a second */
    BIOS_REFRESH = 0x54 /* counter 1: low byte, rate */
};

#define SECOND_NS  1000000000ull
#define REFRESH_NS 15085

struct timer8254 {
    struct model model;
    struct hal_port_range ports, speaker;
    struct hal_pin pin;
    struct hal_timer timer;
    rl_lock lock;
    struct timer_counter counters[3];
    UCHAR speaker_bits;
};

static uint64_t tick_now(void)
{
    return (uint64_t)((unsigned __int128)hal_now_ns() * TIMER_HZ / SECOND_NS);
}

static uint64_t begin_of_tick(uint64_t tick)
{
    return (uint64_t)(((unsigned __int128)tick * SECOND_NS + TIMER_HZ - 1) / TIMER_HZ);
}

/* The line as it is now, and again when the output will rise. */
static void update(struct timer8254 *timer)
{
    uint64_t tick = tick_now(), rise = counter_next_rise(&timer->counters[0], tick);
    uint64_t now = hal_now_ns();

    hal_set_pin(&timer->pin, counter_output(&timer->counters[0], tick));
    if (rise != 0)
        hal_timer_start(&timer->timer, MAX(begin_of_tick(rise), now + 1) - now);
}

/* The output was low before it rose: the edge is what interrupts. */
static void output_rises(void *context)
{
    struct timer8254 *timer = context;

    rl_lock_acquire(&timer->lock);
    if (counter_output(&timer->counters[0], tick_now()))
        hal_set_pin(&timer->pin, false);
    update(timer);
    rl_lock_release(&timer->lock);
}

static void read_back(struct timer8254 *timer, UCHAR command, uint64_t tick)
{
    for (unsigned i = 0; i < countof(timer->counters); i++) {
        if (!(command >> (i + 1) & 1))
            continue;
        if (!(command & NO_COUNT))
            counter_latch_count(&timer->counters[i], tick);
        if (!(command & NO_STATUS))
            counter_latch_status(&timer->counters[i], tick);
    }
}

static void write_control(struct timer8254 *timer, UCHAR command, uint64_t tick)
{
    unsigned number = command >> 6;

    if (number == READ_BACK)
        read_back(timer, command, tick);
    else if (!(command & LATCH))
        counter_latch_count(&timer->counters[number], tick);
    else
        counter_program(&timer->counters[number], command, tick);
}

static ULONG read_port(void *context, USHORT offset, unsigned width_bytes)
{
    struct timer8254 *timer = context;
    UCHAR value = 0xFF; /* the control word cannot be read */

    if (offset == CONTROL_PORT)
        return ~0u;
    rl_lock_acquire(&timer->lock);
    value = counter_read(&timer->counters[offset], tick_now());
    rl_lock_release(&timer->lock);
    return value | ~0xFFu;
}

static void write_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct timer8254 *timer = context;
    uint64_t tick = tick_now();

    rl_lock_acquire(&timer->lock);
    if (offset == CONTROL_PORT)
        write_control(timer, (UCHAR)value, tick);
    else
        counter_write(&timer->counters[offset], (UCHAR)value, tick);
    update(timer);
    rl_lock_release(&timer->lock);
}

static ULONG read_speaker(void *context, USHORT offset, unsigned width_bytes)
{
    struct timer8254 *timer = context;
    UCHAR value;

    rl_lock_acquire(&timer->lock);
    value = timer->speaker_bits;
    if (counter_output(&timer->counters[2], tick_now()))
        value |= OUTPUT_2;
    if (hal_now_ns() / REFRESH_NS % 2)
        value |= REFRESH;
    rl_lock_release(&timer->lock);
    return value | ~0xFFu;
}

static void write_speaker(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct timer8254 *timer = context;

    rl_lock_acquire(&timer->lock);
    timer->speaker_bits = (UCHAR)(value & SPEAKER_BITS);
    counter_set_gate(&timer->counters[2], value & GATE_2, tick_now());
    rl_lock_release(&timer->lock);
}

/* ---- making ---- */

static void destroy(struct model *model)
{
    struct timer8254 *timer = container_of(model, struct timer8254, model);

    hal_remove_ports(&timer->ports);
    hal_remove_ports(&timer->speaker);
    hal_timer_stop(&timer->timer);
    hal_remove_pin(&timer->pin);
    host_free(timer);
}

static const struct model_ops operations = {.destroy = destroy};

/* As a BIOS leaves it. */
static void begin(struct timer8254 *timer)
{
    uint64_t tick = tick_now();

    timer->counters[0].gate = timer->counters[1].gate = true;
    counter_program(&timer->counters[0], BIOS_CLOCK, tick);
    counter_write(&timer->counters[0], 0, tick);
    counter_write(&timer->counters[0], 0, tick);
    counter_program(&timer->counters[1], BIOS_REFRESH & 0x3F, tick);
    counter_write(&timer->counters[1], 18, tick);
    counter_program(&timer->counters[2], BIOS_CLOCK, tick);
}

static NTSTATUS add_ports(struct timer8254 *timer)
{
    NTSTATUS status;

    timer->ports = (struct hal_port_range){
        .first = 0x40, .count = 4, .context = timer, .read = read_port, .write = write_port};
    timer->speaker = (struct hal_port_range){
        .first = 0x61, .count = 1, .context = timer, .read = read_speaker, .write = write_speaker};
    status = hal_add_ports(&timer->ports);
    if (!NT_SUCCESS(status))
        return status;
    status = hal_add_ports(&timer->speaker);
    if (!NT_SUCCESS(status))
        hal_remove_ports(&timer->ports);
    return status;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    static const char *const keys[] = {NULL};
    struct timer8254 *timer;
    NTSTATUS status;

    if (!model_only_keys(description, keys, message, size))
        return STATUS_INVALID_PARAMETER;
    timer = host_alloc(sizeof(*timer));
    timer->model.ops = &operations;
    timer->model.pin = &timer->pin;
    hal_timer_init(&timer->timer, output_rises, timer);
    begin(timer);
    status = add_ports(timer);
    if (!NT_SUCCESS(status)) {
        host_snprintf(message, size, "something answers at ports 0x40 to 0x43 or 0x61 already");
        host_free(timer);
        return status;
    }
    hal_add_pin(&timer->pin, 0);
    rl_lock_acquire(&timer->lock);
    update(timer);
    rl_lock_release(&timer->lock);
    status = model_register(&timer->model, description, message, size);
    if (!NT_SUCCESS(status))
        destroy(&timer->model);
    return status;
}

const struct model_type model_timer8254 = {
    "timer8254", "timer8254: the PC's timer (IRQ 0, ports 0x40 to 0x43) and speaker gate (0x61)", create};

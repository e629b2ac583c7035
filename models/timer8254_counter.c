/* SPDX-License-Identifier: MIT */
/*
 * One counter in its six modes, by the number of ticks since its count was
 * loaded (or, in modes 1 and 5, since its gate rose).
 */
#include "models/timer8254.h"

enum { MODE_ONCE = 0, MODE_SHOT = 1, MODE_RATE = 2, MODE_SQUARE = 3, MODE_STROBE = 4, MODE_HARD_STROBE = 5 };
enum { ACCESS_LOW = 1, ACCESS_HIGH = 2, ACCESS_BOTH = 3, STATUS_OUTPUT = 0x80, STATUS_NULL = 0x40 };

static unsigned mode_of(const struct timer_counter *counter)
{
    unsigned mode = counter->control >> 1 & 7;

    return mode > MODE_HARD_STROBE ? mode - 4 : mode;
}

static unsigned access_of(const struct timer_counter *counter)
{
    return counter->control >> 4 & 3;
}

static bool is_bcd(const struct timer_counter *counter)
{
    return counter->control & 1;
}

static bool waits_for_trigger(const struct timer_counter *counter)
{
    return mode_of(counter) == MODE_SHOT || mode_of(counter) == MODE_HARD_STROBE;
}

/* The gate stops counting, but for the modes in which its edge starts it. */
static bool is_counting(const struct timer_counter *counter)
{
    if (!counter->loaded)
        return false;
    return waits_for_trigger(counter) ? counter->triggered : counter->gate;
}

static uint64_t elapsed(const struct timer_counter *counter, uint64_t tick)
{
    return is_counting(counter) ? tick - counter->started : counter->held;
}

/* ---- what is seen ---- */

static ULONG period_of(const struct timer_counter *counter)
{
    return is_bcd(counter) ? 10000 : 0x10000;
}

static ULONG value_at(const struct timer_counter *counter, uint64_t ticks)
{
    ULONG n = counter->reload, high = (n + 1) / 2, within = (ULONG)(ticks % n);

    switch (mode_of(counter)) {
    case MODE_RATE:
        return n - within;
    case MODE_SQUARE: /* by twos, in each half from the even number at or below the count */
        return (n & ~1u) - 2 * (within < high ? within : within - high);
    default:
        return (ULONG)((n + period_of(counter) - ticks % period_of(counter)) % period_of(counter));
    }
}

static USHORT encoded(const struct timer_counter *counter, ULONG value)
{
    value %= period_of(counter);
    if (!is_bcd(counter))
        return (USHORT)value;
    return (USHORT)(value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10);
}

static ULONG decoded(const struct timer_counter *counter, USHORT value)
{
    ULONG number = value;

    if (is_bcd(counter))
        number = (value >> 12) * 1000u + (value >> 8 & 15) * 100u + (value >> 4 & 15) * 10u + (value & 15u);
    return number == 0 ? period_of(counter) : number;
}

bool counter_output(const struct timer_counter *counter, uint64_t tick)
{
    uint64_t ticks = elapsed(counter, tick);
    unsigned mode = mode_of(counter);

    if (!counter->loaded)
        return mode != MODE_ONCE;
    switch (mode) {
    case MODE_ONCE:
        return ticks >= counter->reload;
    case MODE_SHOT:
        return !counter->triggered || ticks >= counter->reload;
    case MODE_RATE:
        return !counter->gate || ticks % counter->reload != counter->reload - 1;
    case MODE_SQUARE:
        return !counter->gate || ticks % counter->reload < (counter->reload + 1) / 2;
    default:
        return ticks != counter->reload || !is_counting(counter);
    }
}

uint64_t counter_next_rise(const struct timer_counter *counter, uint64_t tick)
{
    uint64_t ticks = elapsed(counter, tick), n = counter->reload;
    unsigned mode = mode_of(counter);

    if (!is_counting(counter))
        return 0;
    if (mode == MODE_RATE || mode == MODE_SQUARE)
        return n == 1 ? 0 : counter->started + (ticks / n + 1) * n;
    if (mode == MODE_STROBE || mode == MODE_HARD_STROBE)
        n++;
    return ticks < n ? counter->started + n : 0;
}

/* ---- the ports ---- */

static USHORT count_now(const struct timer_counter *counter, uint64_t tick)
{
    return counter->loaded ? encoded(counter, value_at(counter, elapsed(counter, tick))) : 0;
}

void counter_program(struct timer_counter *counter, UCHAR control, uint64_t tick)
{
    bool gate = counter->gate;

    *counter = (struct timer_counter){.control = control & 0x3F, .reload = 0x10000, .gate = gate};
}

void counter_latch_count(struct timer_counter *counter, uint64_t tick)
{
    if (counter->latched_bytes != 0)
        return; /* until it is read */
    counter->latched = count_now(counter, tick);
    counter->latched_bytes = access_of(counter) == ACCESS_BOTH ? 2 : 1;
}

void counter_latch_status(struct timer_counter *counter, uint64_t tick)
{
    if (counter->status_latched)
        return;
    counter->status = (UCHAR)(counter->control | (counter_output(counter, tick) ? STATUS_OUTPUT : 0) |
                              (counter->loaded ? 0 : STATUS_NULL));
    counter->status_latched = true;
}

/* Which byte of a count is read now: with both, low and high in turn. */
static UCHAR byte_of(struct timer_counter *counter, USHORT count)
{
    bool high = access_of(counter) == ACCESS_HIGH;

    if (access_of(counter) == ACCESS_BOTH) {
        high = counter->high_next;
        counter->high_next = !high;
    }
    return (UCHAR)(high ? count >> 8 : count);
}

UCHAR counter_read(struct timer_counter *counter, uint64_t tick)
{
    if (counter->status_latched) {
        counter->status_latched = false;
        return counter->status;
    }
    if (counter->latched_bytes == 0)
        return byte_of(counter, count_now(counter, tick));
    counter->latched_bytes--;
    return byte_of(counter, counter->latched);
}

/* A new count of modes 2 and 3 is used from the next period on; of the others it begins at once. */
static void load(struct timer_counter *counter, USHORT count, uint64_t tick)
{
    uint64_t ticks = elapsed(counter, tick), n = counter->reload;
    bool goes_on = is_counting(counter) && (mode_of(counter) == MODE_RATE || mode_of(counter) == MODE_SQUARE);

    counter->reload = decoded(counter, count);
    counter->loaded = true;
    if (waits_for_trigger(counter))
        return;
    counter->started = goes_on ? counter->started + ticks / n * n : tick;
    counter->held = 0;
}

void counter_write(struct timer_counter *counter, UCHAR byte, uint64_t tick)
{
    unsigned access = access_of(counter);

    if (access == ACCESS_BOTH && !counter->write_high_next) {
        counter->low_written = byte;
        counter->write_high_next = true;
        if (mode_of(counter) == MODE_ONCE)
            counter->loaded = false; /* it stops between the bytes */
        return;
    }
    counter->write_high_next = false;
    load(counter,
         access == ACCESS_BOTH   ? (USHORT)(byte << 8 | counter->low_written)
         : access == ACCESS_HIGH ? (USHORT)(byte << 8)
                                 : byte,
         tick);
}

/* The rising edge starts modes 1, 5 and, anew, 2 and 3; in the others the count goes on where it was. */
void counter_set_gate(struct timer_counter *counter, bool gate, uint64_t tick)
{
    unsigned mode = mode_of(counter);

    if (gate == counter->gate)
        return;
    if (!gate) {
        if (!waits_for_trigger(counter))
            counter->held = elapsed(counter, tick);
        counter->gate = false;
        return;
    }
    counter->gate = true;
    if (waits_for_trigger(counter)) {
        counter->triggered = counter->loaded;
        counter->started = tick;
    } else {
        counter->started = mode == MODE_RATE || mode == MODE_SQUARE ? tick : tick - counter->held;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * The three events of the CMOS clock: its periodic rate, the end of a second's
 * update, the alarm. Each sets its flag in register C whether or not it may
 * interrupt; the flags are worked out from the time that has passed when
 * somebody looks, and a timer runs only for events that interrupt and whose
 * flag is not set. IRQ 8 is up while a flag and its enable bit are.
 */
#include "hal/rtc.h"
#include "hal/hal.h"
#include "host/host.h"

enum { PERIODIC = 0x40, ALARM = 0x20, UPDATE = 0x10, ENABLES = 0x70, ANY = 0x80, RATE = 0x0F };

#define LINE         8
#define SECOND_100NS 10000000ll
#define CRYSTAL_HZ   32768
#define DAY_SECONDS  86400

static const UCHAR *registers;
static UCHAR flags;
static int64_t seen; /* the time up to which events have been noted */
static struct hal_pin pin;
static struct hal_timer timer;

/* Cycles of the crystal in a period; 0: no rate is selected. The two slowest codes repeat others. */
static int64_t cycles_of_period(void)
{
    unsigned rate = registers[RTC_REGISTER_A] & RATE;

    if (rate == 0)
        return 0;
    return 1ll << (rate <= 2 ? rate + 6 : rate - 1);
}

static int64_t periods_until(int64_t time)
{
    return (int64_t)((__int128)time * CRYSTAL_HZ / (SECOND_100NS * cycles_of_period()));
}

static int64_t begin_of_period(int64_t number)
{
    __int128 scaled = (__int128)number * cycles_of_period() * SECOND_100NS;

    return (int64_t)((scaled + CRYSTAL_HZ - 1) / CRYSTAL_HZ);
}

static bool is_running(void)
{
    return !(registers[RTC_REGISTER_B] & RTC_B_SET);
}

static bool alarm_between(int64_t from, int64_t to)
{
    for (int64_t second = MAX(from, to - DAY_SECONDS) + 1; second <= to; second++) {
        if (rtc_is_alarm(second))
            return true;
    }
    return false;
}

static void note_events(int64_t now)
{
    int64_t before = seen / SECOND_100NS, second = now / SECOND_100NS;

    if (cycles_of_period() != 0 && periods_until(now) != periods_until(seen))
        flags |= PERIODIC;
    if (is_running() && second != before) {
        flags |= UPDATE;
        if (alarm_between(before, second))
            flags |= ALARM;
    }
    seen = now;
}

/* Of the events that would interrupt and whose flags are not set, the first; 0: none. */
static int64_t next_event(int64_t now)
{
    UCHAR wanted = registers[RTC_REGISTER_B] & ENABLES & (UCHAR)~flags;
    int64_t second = (now / SECOND_100NS + 1) * SECOND_100NS, due = 0;

    if ((wanted & PERIODIC) && cycles_of_period() != 0)
        due = begin_of_period(periods_until(now) + 1);
    if ((wanted & (UPDATE | ALARM)) && is_running() && (due == 0 || second < due))
        due = second;
    return due;
}

static void set_timer(int64_t now)
{
    int64_t due = next_event(now);

    if (due != 0)
        hal_timer_start(&timer, (uint64_t)MAX(due - now, 1ll) * 100);
}

static bool interrupts(void)
{
    return (flags & registers[RTC_REGISTER_B] & ENABLES) != 0;
}

void rtc_catch_up(void)
{
    int64_t now = (int64_t)host_system_time();

    note_events(now);
    hal_set_pin(&pin, interrupts());
    set_timer(now);
}

UCHAR rtc_take_flags(void)
{
    UCHAR value;

    rtc_catch_up();
    value = (UCHAR)(flags | (interrupts() ? ANY : 0));
    flags = 0;
    rtc_catch_up();
    return value;
}

void rtc_init(const UCHAR *of_registers, void (*due)(void *))
{
    registers = of_registers;
    flags = 0;
    seen = (int64_t)host_system_time();
    hal_timer_init(&timer, due, NULL);
    hal_add_pin(&pin, LINE);
}

void rtc_fini(void)
{
    if (timer.fn == NULL)
        return;
    hal_timer_stop(&timer);
    timer.fn = NULL;
}

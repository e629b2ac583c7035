/* SPDX-License-Identifier: MIT */
/*
 * The CMOS clock (MC146818) at ports 0x70 and 0x71: the machine's time as
 * calendar digits, BCD or binary, 24 or 12 hours, and 114 bytes of memory.
 * While the SET bit is on, the time registers are ordinary memory; turning it
 * off sets the clock from them. What interrupts is in rtc.c. Its own lock:
 * index and data go together.
 */
#include "hal/internal.h"
#include "hal/rtc.h"
#include "base/lock.h"
#include "host/host.h"
#include "host/memory.h"

enum {
    SECONDS = 0,
    SECONDS_ALARM = 1,
    MINUTES = 2,
    MINUTES_ALARM = 3,
    HOURS = 4,
    HOURS_ALARM = 5,
    WEEKDAY = 6,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    REGISTER_A = RTC_REGISTER_A,
    REGISTER_B = RTC_REGISTER_B,
    REGISTER_C = RTC_REGISTER_C,
    REGISTER_D = 13,
    BASE_MEMORY = 0x15,
    EXTENDED_MEMORY = 0x17,
    CHECKSUM = 0x2E,
    EXTENDED_MEMORY_2 = 0x30,
    CENTURY = 0x32,
    B_24_HOURS = 0x02,
    B_BINARY = 0x04,
    B_SET = RTC_B_SET,
    B_UPDATE_INTERRUPT = 0x10,
    ANY_TIME = 0xC0, /* of an alarm: this digit does not matter */
    D_VALID = 0x80,
    PM = 0x80
};

#define SECOND_100NS 10000000ll
#define DAY_SECONDS  86400ll
#define DAYS_TO_1970 134774ll /* from 1601 */

struct calendar {
    unsigned year, month, day, hour, minute, second, weekday; /* weekday: 1 is Sunday */
};

static UCHAR memory[128];
static UCHAR selected;
static int64_t offset_seconds; /* what setting the clock has added to the machine's time */
static rl_lock cmos_lock;

/* Days since 1970 to a date, by eras of 400 years that begin in March. */
static void civil_from_days(int64_t days, struct calendar *out)
{
    int64_t shifted = days + 719468, era = shifted / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100), march = (5 * of_year + 2) / 153;

    out->day = of_year - (153 * march + 2) / 5 + 1;
    out->month = march < 10 ? march + 3 : march - 9;
    out->year = (unsigned)(year + era * 400 + (out->month <= 2));
    out->weekday = (unsigned)((days + 4) % 7) + 1;
}

static int64_t days_from_civil(const struct calendar *date)
{
    int64_t year = (int64_t)date->year - (date->month <= 2), era = year / 400;
    unsigned of_era = (unsigned)(year - era * 400),
             march = date->month > 2 ? date->month - 3 : date->month + 9;
    unsigned of_year = (153 * march + 2) / 5 + date->day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t machine_seconds(void)
{
    return (int64_t)host_system_time() / SECOND_100NS;
}

/* The clock's time at a second of the machine. */
static void clock_at(int64_t machine_second, struct calendar *out)
{
    int64_t seconds = machine_second + offset_seconds;

    civil_from_days(seconds / DAY_SECONDS - DAYS_TO_1970, out);
    out->hour = (unsigned)(seconds % DAY_SECONDS / 3600);
    out->minute = (unsigned)(seconds % 3600 / 60);
    out->second = (unsigned)(seconds % 60);
}

static UCHAR encode(unsigned value)
{
    return (UCHAR)(memory[REGISTER_B] & B_BINARY ? value : value / 10 << 4 | value % 10);
}

static unsigned decode(UCHAR value)
{
    return memory[REGISTER_B] & B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static UCHAR encode_hour(unsigned hour)
{
    if (memory[REGISTER_B] & B_24_HOURS)
        return encode(hour);
    return (UCHAR)(encode(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? PM : 0));
}

static unsigned decode_hour(UCHAR value)
{
    if (memory[REGISTER_B] & B_24_HOURS)
        return decode(value);
    return decode(value & (UCHAR)~PM) % 12 + (value & PM ? 12 : 0);
}

static bool alarm_matches(UCHAR alarm, UCHAR encoded)
{
    return (alarm & ANY_TIME) == ANY_TIME || alarm == encoded;
}

bool rtc_is_alarm(int64_t machine_second)
{
    struct calendar time;

    clock_at(machine_second, &time);
    return alarm_matches(memory[SECONDS_ALARM], encode(time.second)) &&
           alarm_matches(memory[MINUTES_ALARM], encode(time.minute)) &&
           alarm_matches(memory[HOURS_ALARM], encode_hour(time.hour));
}

/* Puts the time into the registers, so that they stand still while SET is on. */
static void latch(void)
{
    struct calendar now;

    clock_at(machine_seconds(), &now);
    memory[SECONDS] = encode(now.second);
    memory[MINUTES] = encode(now.minute);
    memory[HOURS] = encode_hour(now.hour);
    memory[WEEKDAY] = encode(now.weekday);
    memory[DAY] = encode(now.day);
    memory[MONTH] = encode(now.month);
    memory[YEAR] = encode(now.year % 100);
    memory[CENTURY] = encode(now.year / 100);
}

static void set_clock(void)
{
    struct calendar date = {.year = decode(memory[CENTURY]) * 100 + decode(memory[YEAR]),
                            .month = decode(memory[MONTH]),
                            .day = decode(memory[DAY])};
    int64_t seconds;

    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31)
        return; /* no date: the clock goes on as it was */
    seconds = (days_from_civil(&date) + DAYS_TO_1970) * DAY_SECONDS + decode_hour(memory[HOURS]) * 3600ll +
              decode(memory[MINUTES]) * 60ll + decode(memory[SECONDS]);
    offset_seconds = seconds - machine_seconds();
}

static bool is_time(UCHAR index)
{
    return index == SECONDS || index == MINUTES || index == HOURS || (index >= WEEKDAY && index <= YEAR) ||
           index == CENTURY;
}

static UCHAR read_register(UCHAR index)
{
    if (is_time(index) && !(memory[REGISTER_B] & B_SET))
        latch();
    if (index == REGISTER_C)
        return rtc_take_flags();
    return memory[index];
}

static void write_time(UCHAR index, UCHAR value)
{
    bool running = !(memory[REGISTER_B] & B_SET);

    if (running)
        latch();
    memory[index] = value;
    if (running)
        set_clock();
}

static void write_register(UCHAR index, UCHAR value)
{
    UCHAR before = memory[REGISTER_B];

    if (is_time(index)) {
        write_time(index, value);
        return;
    }
    if (index == REGISTER_C || index == REGISTER_D)
        return; /* read only */
    if (index == REGISTER_A)
        value &= 0x7F; /* no update is ever in progress */
    if (index == REGISTER_B && (value & B_SET)) {
        value &= (UCHAR)~B_UPDATE_INTERRUPT;
        if (!(before & B_SET))
            latch();
    }
    memory[index] = value;
    if (index == REGISTER_B && !(value & B_SET) && (before & B_SET))
        set_clock();
}

UCHAR hal_cmos_read(UCHAR index)
{
    UCHAR value;

    rl_lock_acquire(&cmos_lock);
    value = read_register(index & 0x7F);
    rl_lock_release(&cmos_lock);
    return value;
}

void hal_cmos_write(UCHAR index, UCHAR value)
{
    rl_lock_acquire(&cmos_lock);
    rtc_catch_up();
    write_register(index & 0x7F, value);
    rtc_catch_up();
    rl_lock_release(&cmos_lock);
}

static void event_due(void *context)
{
    rl_lock_acquire(&cmos_lock);
    rtc_catch_up();
    rl_lock_release(&cmos_lock);
}

static ULONG read_port(void *context, USHORT offset, unsigned width_bytes)
{
    return offset == 0 ? 0xFF : hal_cmos_read(selected) | 0xFFFFFF00;
}

static void write_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    if (offset == 0)
        selected = value & 0x7F; /* bit 7 masks the NMI */
    else
        hal_cmos_write(selected, (UCHAR)value);
    if (offset == 0 && width_bytes >= 2)
        hal_cmos_write(selected, (UCHAR)(value >> 8));
}

static void store_word(unsigned index, uint64_t value)
{
    value = MIN(value, 0xFFFFull);
    memory[index] = (UCHAR)value;
    memory[index + 1] = (UCHAR)(value >> 8);
}

/* The configuration bytes that a BIOS leaves, with the sum that covers 0x10..0x2D. */
static void fill_configuration(void)
{
    uint64_t extended = (hmem_ram_bytes() - 0x100000) >> 10;
    USHORT sum = 0;

    __builtin_memset(memory, 0, sizeof(memory));
    memory[REGISTER_A] = 0x26;
    memory[REGISTER_B] = B_24_HOURS;
    memory[REGISTER_D] = D_VALID;
    store_word(BASE_MEMORY, 640);
    store_word(EXTENDED_MEMORY, extended);
    store_word(EXTENDED_MEMORY_2, extended);
    for (unsigned i = 0x10; i < CHECKSUM; i++)
        sum = (USHORT)(sum + memory[i]);
    memory[CHECKSUM] = (UCHAR)(sum >> 8);
    memory[CHECKSUM + 1] = (UCHAR)sum;
}

NTSTATUS hal_cmos_init(void)
{
    static struct hal_port_range range = {.first = 0x70, .count = 2, .read = read_port, .write = write_port};

    offset_seconds = 0;
    selected = 0;
    fill_configuration();
    rtc_init(memory, event_due);
    return hal_add_ports(&range);
}

void hal_cmos_fini(void)
{
    rtc_fini();
}

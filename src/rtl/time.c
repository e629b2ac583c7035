/* SPDX-License-Identifier: MIT */
/*
 * System time (100 ns units since 1601, Gregorian throughout) to and from
 * broken-down time and seconds since 1970 and 1980. The machine's time zone is
 * UTC. Any IRQL for resident buffers.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/status.h"

#define UNITS_PER_SECOND 10000000ull
#define UNITS_PER_MS     10000ull
#define MS_PER_DAY       86400000ull
#define DAYS_PER_400Y    146097
#define SECONDS_TO_1970  11644473600ull
#define SECONDS_TO_1980  11960006400ull

/* Days before month m (0..11) of a year that begins in March: the leap day comes last. */
static unsigned days_before_month(unsigned m)
{
    return (153 * m + 2) / 5;
}

/* 1601-01-01 is day 0; day 306 of the year that began on 1600-03-01. */
static unsigned day_number(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    unsigned since_1600 = y - 1600;
    return since_1600 * 365 + since_1600 / 4 - since_1600 / 100 + since_1600 / 400 + days_before_month(m) +
           day - 1 - 306;
}

static void from_day_number(unsigned days, TIME_FIELDS *fields)
{
    unsigned n = days + 306, cycle = n / DAYS_PER_400Y, in_cycle = n % DAYS_PER_400Y;
    unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
    unsigned m = (5 * in_year + 2) / 153, month = m < 10 ? m + 3 : m - 9;
    fields->Day = (CSHORT)(in_year - days_before_month(m) + 1);
    fields->Month = (CSHORT)month;
    fields->Year = (CSHORT)(1600 + cycle * 400 + year + (month <= 2));
    fields->Weekday = (CSHORT)((days + 1) % 7); /* day 0 was a Monday */
}

/* Truncates to milliseconds. */
EXPORT(ntoskrnl, RtlTimeToTimeFields, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, TIME_FIELDS *TimeFields)
{
    ULONGLONG ms = (ULONGLONG)Time->QuadPart / UNITS_PER_MS;
    unsigned of_day = (unsigned)(ms % MS_PER_DAY);
    from_day_number((unsigned)(ms / MS_PER_DAY), TimeFields);
    TimeFields->Hour = (CSHORT)(of_day / 3600000);
    TimeFields->Minute = (CSHORT)(of_day / 60000 % 60);
    TimeFields->Second = (CSHORT)(of_day / 1000 % 60);
    TimeFields->Milliseconds = (CSHORT)(of_day % 1000);
}

static bool in_range(CSHORT value, CSHORT low, CSHORT high)
{
    return value >= low && value <= high;
}

static CSHORT days_of_month(CSHORT year, CSHORT month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* FALSE, and nothing written, if a field is out of its range. Weekday is not looked at. */
EXPORT(ntoskrnl, RtlTimeFieldsToTime, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlTimeFieldsToTime(TIME_FIELDS *TimeFields, PLARGE_INTEGER Time)
{
    if (!in_range(TimeFields->Year, 1601, 30827) || !in_range(TimeFields->Month, 1, 12) ||
        !in_range(TimeFields->Day, 1, days_of_month(TimeFields->Year, TimeFields->Month)) ||
        !in_range(TimeFields->Hour, 0, 23) || !in_range(TimeFields->Minute, 0, 59) ||
        !in_range(TimeFields->Second, 0, 59) || !in_range(TimeFields->Milliseconds, 0, 999))
        return FALSE;
    ULONGLONG day = day_number(TimeFields->Year, TimeFields->Month, TimeFields->Day);
    ULONGLONG ms = day * MS_PER_DAY + TimeFields->Hour * 3600000ull + TimeFields->Minute * 60000ull +
                   TimeFields->Second * 1000ull + TimeFields->Milliseconds;
    Time->QuadPart = (LONGLONG)(ms * UNITS_PER_MS);
    return TRUE;
}

/* FALSE if the time is before `origin` or more than 32 bits of seconds after it. */
static BOOLEAN seconds_since(PLARGE_INTEGER time, ULONGLONG origin, PULONG seconds)
{
    ULONGLONG since = (ULONGLONG)time->QuadPart / UNITS_PER_SECOND - origin;
    if (time->QuadPart < 0 || since > 0xFFFFFFFFull)
        return FALSE;
    *seconds = (ULONG)since;
    return TRUE;
}

EXPORT(ntoskrnl, RtlTimeToSecondsSince1970, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return seconds_since(Time, SECONDS_TO_1970, ElapsedSeconds);
}

EXPORT(ntoskrnl, RtlTimeToSecondsSince1980, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return seconds_since(Time, SECONDS_TO_1980, ElapsedSeconds);
}

EXPORT(ntoskrnl, RtlSecondsSince1970ToTime, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (LONGLONG)((SECONDS_TO_1970 + ElapsedSeconds) * UNITS_PER_SECOND);
}

EXPORT(ntoskrnl, RtlSecondsSince1980ToTime, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (LONGLONG)((SECONDS_TO_1980 + ElapsedSeconds) * UNITS_PER_SECOND);
}

EXPORT(ntoskrnl, RtlSystemTimeToLocalTime, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    *LocalTime = *SystemTime;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlLocalTimeToSystemTime, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    *SystemTime = *LocalTime;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * The exports that tell the time. In a simulated machine asking is a
 * scheduling point and costs a little virtual time, so that a driver that polls
 * for a deadline gets there.
 */
#include "ke/dispatch.h"

enum { TICK_100NS = 156250, COUNTER_HZ = 10000000 };

/* System time in 100 ns since 1601. IRQL: any. */
EXPORT(ntoskrnl, KeQuerySystemTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    ke_sched_point();
    CurrentTime->QuadPart = (LONGLONG)host_system_time();
}

EXPORT(ntoskrnl, KeQuerySystemTimePrecise, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    KeQuerySystemTime(CurrentTime);
}

/* Time since the machine started, in 100 ns. IRQL: any. */
EXPORT(ntoskrnl, KeQueryInterruptTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONGLONG NTAPI KeQueryInterruptTime(VOID)
{
    ke_sched_point();
    return host_interrupt_time();
}

EXPORT(ntoskrnl, KeQueryInterruptTimePrecise, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONGLONG NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    ke_sched_point();
    *QpcTimeStamp = host_counter_ns() / 100;
    return host_interrupt_time();
}

/* The machine never sleeps in this sense: the same as interrupt time. */
EXPORT(ntoskrnl, KeQueryUnbiasedInterruptTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(VOID)
{
    return KeQueryInterruptTime();
}

/* Clock interrupts since the start, each KeQueryTimeIncrement long. IRQL: any. */
EXPORT(ntoskrnl, KeQueryTickCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeQueryTickCount(PLARGE_INTEGER CurrentCount)
{
    CurrentCount->QuadPart = (LONGLONG)(KeQueryInterruptTime() / TICK_100NS);
}

EXPORT(ntoskrnl, KeQueryTimeIncrement, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeQueryTimeIncrement(VOID)
{
    return TICK_100NS;
}

/* A counter of 10 MHz and, if asked for, its frequency. IRQL: any. */
EXPORT(ntoskrnl, KeQueryPerformanceCounter, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
EXPORT(hal, KeQueryPerformanceCounter, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    ke_sched_point();
    if (PerformanceFrequency != NULL)
        PerformanceFrequency->QuadPart = COUNTER_HZ;
    return (LARGE_INTEGER){.QuadPart = (LONGLONG)(host_counter_ns() / 100)};
}

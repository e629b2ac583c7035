/* SPDX-License-Identifier: MIT */
/*
 * The PC speaker, driven as on every PC: counter 2 of the timer at 0x42, gated
 * at 0x61; a model there hears it.
 */
#include "hal/exports.h"
#include "hal/internal.h"

enum {
    TIMER_HZ = 1193182,
    TIMER_2 = 0x42,
    TIMER_CONTROL = 0x43,
    SPEAKER = 0x61,
    SQUARE_WAVE_2 = 0xB6,
    SPEAKER_ON = 3
};

/* FALSE: the timer cannot make that frequency. 0 is silence. */
EXPORT(hal, HalMakeBeep, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI HalMakeBeep(ULONG Frequency)
{
    ULONG divisor, gate = hal_port_read(SPEAKER, 1) & ~(ULONG)SPEAKER_ON;

    hal_port_write(SPEAKER, gate, 1);
    if (Frequency == 0)
        return TRUE;
    divisor = TIMER_HZ / Frequency;
    if (divisor == 0 || divisor > 0xFFFF)
        return FALSE;
    hal_port_write(TIMER_CONTROL, SQUARE_WAVE_2, 1);
    hal_port_write(TIMER_2, divisor & 0xFF, 1);
    hal_port_write(TIMER_2, divisor >> 8, 1);
    hal_port_write(SPEAKER, gate | SPEAKER_ON, 1);
    return TRUE;
}

/* SPDX-License-Identifier: MIT */
/*
 * The interrupting half of the CMOS clock; with the lock of cmos.c held.
 */
#ifndef HAL_RTC_H
#define HAL_RTC_H

#include "base/base.h"

enum { RTC_REGISTER_A = 10, RTC_REGISTER_B = 11, RTC_REGISTER_C = 12, RTC_B_SET = 0x80 };

/* registers: the clock's 128 bytes. due: called without any lock, and calls rtc_catch_up with it held. */
void rtc_init(const UCHAR *registers, void (*due)(void *));
void rtc_fini(void);
/* Notes what has happened up to now, under the registers as they were, and sets the timer for what is next. A
 * register is changed between two calls. */
void rtc_catch_up(void);
UCHAR rtc_take_flags(void); /* what reading register C gives */

/* ---- cmos.c ---- */
/* Whether the alarm is set for that second of the clock. */
bool rtc_is_alarm(int64_t second_of_machine);

#endif

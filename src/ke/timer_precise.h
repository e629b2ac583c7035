/* SPDX-License-Identifier: MIT */
/* A timer whose period is in units of 100 ns, for the executive's timers. */
#ifndef KE_TIMER_PRECISE_H
#define KE_TIMER_PRECISE_H

#include "ke/ke.h"

struct ke_precise_timer {
    KTIMER timer; /* offset 0: what is waited for */
    uint64_t period_100ns;
};

void ke_precise_timer_init(struct ke_precise_timer *timer, TIMER_TYPE type);
/* As KeSetTimerEx. IRQL: <= DISPATCH_LEVEL. */
bool ke_precise_timer_set(struct ke_precise_timer *timer, LARGE_INTEGER due, uint64_t period_100ns,
                          PKDPC dpc);
bool ke_timer_is_set(const KTIMER *timer);

#endif

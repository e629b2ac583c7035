/* SPDX-License-Identifier: MIT */
/*
 * A counter of the 8254: what it has counted is worked out from the time when
 * somebody looks.
 */
#ifndef MODEL_TIMER8254_H
#define MODEL_TIMER8254_H

#include "models/model.h"

#define TIMER_HZ 1193182

struct timer_counter {
    UCHAR control; /* bits 5..0 as programmed: access, mode, BCD */
    ULONG reload;  /* 1 to 65536 */
    bool loaded;   /* a count was written since the control word */
    bool gate;
    bool triggered;   /* modes 1 and 5 */
    uint64_t started; /* tick of the count's load or of the trigger */
    uint64_t held;    /* ticks counted before the gate closed */
    USHORT latched;
    UCHAR latched_bytes; /* how many of them are still to be read */
    UCHAR status;
    bool status_latched;
    bool high_next, write_high_next; /* the second byte's turn */
    UCHAR low_written;
};

void counter_program(struct timer_counter *counter, UCHAR control, uint64_t tick);
void counter_write(struct timer_counter *counter, UCHAR byte, uint64_t tick);
UCHAR counter_read(struct timer_counter *counter, uint64_t tick);
void counter_latch_count(struct timer_counter *counter, uint64_t tick);
void counter_latch_status(struct timer_counter *counter, uint64_t tick);
void counter_set_gate(struct timer_counter *counter, bool gate, uint64_t tick);
bool counter_output(const struct timer_counter *counter, uint64_t tick);
/* The next tick after this one at which the output rises; 0: it does not. */
uint64_t counter_next_rise(const struct timer_counter *counter, uint64_t tick);

extern const struct model_type model_timer8254;

#endif

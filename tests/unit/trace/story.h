/* SPDX-License-Identifier: MIT */
/* A made-up machine that tells the trace a request's way through two drivers. */
#ifndef TRACE_TEST_STORY_H
#define TRACE_TEST_STORY_H

#include "base/seams.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define STORY_FILTER ((void *)0x200000400010ull) /* filter.sys */
#define STORY_SERIAL ((void *)0x200000500020ull) /* serial.sys */

struct story {
    DRIVER_OBJECT driver;
    DEVICE_OBJECT device, filter;
    KDPC dpc;
    KTIMER timer;
    IRP irp;
    IO_STACK_LOCATION locations[2];
    WCHAR text[32];
};
extern struct story *story; /* in the machine's memory */

void story_begin(void);                    /* once: the machine's memory */
void story_is_on(int vp, unsigned thread); /* vp -1: the host side */
void story_takes(uint64_t ns);
void story_tell(void); /* a load, a request that goes down, pends, is completed in a DPC, is finished */
extern bool story_irp_is_known; /* the I/O manager's, number 4 */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files that look for things left behind share: a leak is all of one
 * kind, with the first few of them by name.
 */
#ifndef VF_LEAKS_INTERNAL_H
#define VF_LEAKS_INTERNAL_H

#include "vf/leaks.h"
#include "vf/irps_left.h"
#include "hal/hal.h"
#include "ke/held.h"
#include "nt/bugcodes.h"

#define SHOWN 8

struct item {
    const void *object;
    size_t size; /* pool */
    ULONG tag;
    bool paged;
    const void *owner;  /* code of the driver */
    const void *record; /* of ke/held.h */
};

struct leak {
    const void *base; /* of the image */
    size_t bytes;
    ULONG64 thunks; /* where the rewriter moved code of the image, a call among it perhaps */
    size_t thunk_bytes;
    const char *kind; /* "lookaside list" */
    const char *cure; /* "ExDeleteNPagedLookasideList" */
    ULONG code;
    ULONG64 p[4];
    unsigned count;
    size_t pool_bytes;
    enum ke_held_kind wanted;
    bool pool;
    struct item items[SHOWN];
};

/* A driver that goes. */
struct going {
    PDRIVER_OBJECT driver;
    const char *when;
    bool stays; /* something may still call into the image */
};

bool vf_leak_is_image_s(const struct leak *leak,
                        const void *address); /* code of the driver's, moved or not */
void vf_leak_add(struct leak *leak, struct item item);
struct leak vf_leak_of(const struct going *going, const char *kind, const char *cure);
bool vf_leak_report(const struct going *going, struct leak *leak); /* false: there is none */

/* One kind after the other. */
void vf_look_at_pool(struct going *going);
void vf_look_at_ranges(struct going *going);
void vf_look_at_held(struct going *going);
void vf_look_at_requests(struct going *going);
void vf_look_at_interrupts(struct going *going);
void vf_look_at_controllers(struct going *going);
void vf_look_at_dma(struct going *going);
void vf_look_at_timers(struct going *going);
void vf_look_at_threads(struct going *going);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Playing the scenes of the driver in driver/faults.c on an NT thread.
 */
#ifndef SCENES_H
#define SCENES_H

#include "least_machine.h"

#include "driver/faults.h"

enum outcome { RETURNED, UNHANDLED, BUGCHECK };

struct ending {
    enum outcome outcome;
    EXCEPTION_RECORD record; /* UNHANDLED, BUGCHECK */
    CONTEXT context;
    ULONG code;
    ULONG64 p[4];
    char sentence[256];
    ULONG64 frames[16]; /* of the driver, from the context */
    unsigned frame_count;
};

extern struct ending ending;
extern KIRQL test_irql;

typedef void NTAPI scene_fn(struct probe *probe);

scene_fn *scene(const char *name);   /* of the first image */
scene_fn *scene_b(const char *name); /* of a second image of the same driver */
struct arch_image *scene_image(void);

void scene_prepare(struct probe *probe); /* fills in the addresses of our routines; play does it too */

/* Plays it; what became of it is in `ending`. The probe's call_through is a gate to our code. */
enum outcome play(const char *name, struct probe *probe);
/* Plays it, demands that it returns, and compares the log. */
void play_and_expect(const char *name, struct probe *probe, const char *log);

void *page_of_nothing(void); /* a user page that is reserved and not there */

int scenes_setup(void **state);
int scenes_teardown(void **state);

#endif

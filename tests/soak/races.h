/* SPDX-License-Identifier: MIT */
/*
 * What a race on drivers is made of, whatever they are: a machine for each
 * seed, or one for threads that share it; the end of both. A program gives the
 * steps.
 *
 *   PROGRAM SYS seeds FIRST COUNT ROUNDS    one machine after another, each with its seed
 *   PROGRAM SYS real CPUS THREADS SECONDS [SEED]   threads that share the devices; the seed is the machine's
 * make, 1 if not given
 */
#ifndef RACES_H
#define RACES_H

#include <pthread.h>
#include "ringless/ringless.h"

enum { RACE_DONE, RACE_CANCELED, RACE_OTHER, RACE_ALL, RACE_ENDS };

/* A thread; the program's own struct begins with it. */
struct race {
    pthread_t thread;
    unsigned state, number; /* of the choices; 0.. */
    unsigned ended[RACE_ENDS];
    const char *failed;
};

struct race_program {
    const char *name;
    const char *other;  /* what the requests of RACE_OTHER are called */
    size_t worker_size; /* of the struct that begins with a race; zeroed when it begins */
    bool (*start)(const char *sys, unsigned seed, const struct rgl_config *config); /* makes race_machine */
    bool (*step)(struct race *race);    /* false: it failed, or the machine is gone */
    bool (*end_all)(struct race *race); /* what is outstanding */
    /* The drivers go. NULL, or what is wrong beside what the verifier reports. */
    const char *(*finish)(void);
};

extern rgl_machine *race_machine;
extern bool race_simulated;

unsigned race_draw(struct race *race, unsigned n);
bool race_fail(struct race *race, const char *why); /* false; the first reason stays */
const struct rgl_report *race_report(void);         /* the first violation, or the bug check; NULL: neither */
int race_main(const struct race_program *program, int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's parts. A measurement is a pair of functions that each take
 * one sample, of the thing and of its floor; they are sampled by turns and the
 * medians are printed, so what else the computer does hits both alike.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codes.h"
#include "ringless/ringless.h"

/* One sample, in the line's unit. */
typedef double sample(void *context);

struct line {
    const char *name, *unit;
    sample *value;
    void *context;
    const char *floor_name;
    sample *floor;
    void *floor_context;
    unsigned runs;
};

/* ---- line.c ---- */
extern bool bench_quick;         /* a few small samples: shows that everything works */
extern bool bench_check;         /* print which goals are met, instead */
extern const char *bench_suffix; /* of the names: "" or ".verify" */
bool bench_goals_read(const char *path);
bool bench_goals_met(void);
void bench_line(const struct line *line);
unsigned bench_rounds(unsigned rounds); /* fewer when quick */
double bench_now(void);                 /* seconds */
void bench_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* ---- floors.c: ns per round, but for the percentage ---- */
sample floor_malloc, floor_syscall, floor_futex, floor_call, floor_jump, floor_signal, floor_pthread;
sample floor_scale; /* context: unsigned, how many threads; percent of linear of a loop of system calls */

/* ---- machine.c ---- */
extern const char *bench_folder; /* where the program lies: ringless and sys/ are beside it */
void bench_machine(unsigned cpus, enum rgl_verify verify);
void bench_simulated_machine(enum rgl_verify verify);
void bench_machine_end(void);
rgl_file *bench_open(unsigned device);
void bench_path(char *path, size_t size, const char *name);

/* ---- device.c ---- */
void bench_device_add(rgl_machine *machine);

/* ---- groups of lines ---- */
void bench_driver_lines(void);    /* inside a driver */
void bench_request_lines(void);   /* through a handle */
void bench_interrupt_lines(void); /* in a simulated machine */
void bench_scale_line(unsigned cores);
void bench_process_lines(enum rgl_verify verify);

#endif

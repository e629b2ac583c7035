/* SPDX-License-Identifier: MIT */
/*
 * The boundary to Linux. Only src/host calls glibc; everything above asks here.
 * Two implementations behind the same calls: real (N pthreads, CLOCK_MONOTONIC,
 * ticks by a real-time signal) and simulated (--seed: one carrier, a virtual
 * clock, every scheduling choice drawn from a seeded generator).
 */
#ifndef HOST_H
#define HOST_H

#include "base/base.h"

struct host_config {
    bool simulated;
    uint64_t seed;
    unsigned cpus;      /* virtual processors, 1..64 */
    uint64_t ram_bytes; /* simulated RAM, default 64 MiB */
    int tick_signal;    /* real-time signal number, 0: SIGRTMIN+4 */
};

NTSTATUS host_init(const struct host_config *config);
void host_fini(void);
bool host_simulated(void);

/* Time, 100 ns units. Interrupt time starts at 0 with the machine; system time is NT's (since 1601). */
uint64_t host_interrupt_time(void);
uint64_t host_system_time(void);
uint64_t host_counter_ns(void);          /* for KeQueryPerformanceCounter; virtual under simulation */
uint64_t host_monotonic_ns(void);        /* always real: watchdog, bench */
void host_advance(uint64_t delta_100ns); /* simulated clock only */

/* Seeded choice: 0..n-1. In a real machine always 0. Each call is one draw. */
uint32_t host_choose(uint32_t n);
/* A simulated machine draws nothing until that is taken back: the schedules of a seed do not depend on what
 * runs meanwhile. */
void host_hold_choices(bool hold);
uint64_t host_random(void); /* entropy; under simulation drawn from the seed */

/* Carriers and helper pthreads. */
typedef struct host_thread host_thread;
host_thread *host_thread_create(const char *name, void (*fn)(void *), void *arg);
void host_thread_join(host_thread *thread);
int host_tid(void);
void host_signal_thread(int tid); /* send the tick signal */
int host_tick_signal(void);       /* its number */
void host_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns /* 0: none */);
void host_futex_wake(uint32_t *word, int count);
void host_cpu_relax(void);
void host_yield(void);

/* Host heap: never on an NT stack (see host_nt_safe below for what may). */
void *host_alloc(size_t size); /* zeroed; aborts with a message when out of memory */
void host_free(void *p);

unsigned host_cpu_count(void);    /* cores this process may use, 64 at most */
void host_eventfd_signal(int fd); /* adds one to an eventfd; never waits */

void host_locks_abandoned(
    bool abandoned); /* the machine stopped: who holds an rl_lock for long never releases it */

/* Output that cannot be lost and takes no lock: write(2). */
void host_write(int fd, const char *text, size_t length);
_Noreturn void host_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Formatting without glibc's locks and without floating point: usable on NT stacks. %d %u %x %llx %p %s %c
 * %ws widths. */
int host_snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int host_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The real host: CLOCK_MONOTONIC, the wall clock, the kernel's entropy. All of
 * it goes through the vDSO or a system call without locks or errno, so it may
 * be used on NT stacks.
 */
#include "host/internal.h"
#include "nt/status.h"

#include <sys/random.h>
#include <time.h>

static uint64_t boot_ns;          /* CLOCK_MONOTONIC at host_init */
static uint64_t boot_system_time; /* NT system time at host_init */

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

uint64_t host_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static NTSTATUS real_init(const struct host_config *config)
{
    (void)config;
    boot_ns = clock_ns(CLOCK_MONOTONIC);
    boot_system_time = clock_ns(CLOCK_REALTIME) / 100 + HOST_EPOCH_1601_TO_1970;
    return STATUS_SUCCESS;
}

static uint64_t real_counter_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC) - boot_ns;
}

static uint64_t real_interrupt_time(void)
{
    return real_counter_ns() / 100;
}

/* System time runs with interrupt time from the value read at start: a step of the host's wall clock does not
 * move the machine's absolute timers. */
static uint64_t real_system_time(void)
{
    return boot_system_time + real_interrupt_time();
}

static void real_advance(uint64_t delta_100ns)
{
    (void)delta_100ns;
    host_panic("host_advance: the clock of a real machine cannot be moved");
}

static uint32_t real_choose(uint32_t n)
{
    (void)n;
    return STATUS_SUCCESS;
}

static uint64_t real_random(void)
{
    uint64_t value;
    while (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value)
        ;
    return value;
}

const struct host_twin host_real_twin = {
    .init = real_init,
    .interrupt_time = real_interrupt_time,
    .system_time = real_system_time,
    .counter_ns = real_counter_ns,
    .advance = real_advance,
    .choose = real_choose,
    .random = real_random,
};

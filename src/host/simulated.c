/* SPDX-License-Identifier: MIT */
/*
 * The simulated host: a virtual clock that moves only when told to, and one
 * generator (xoshiro256**, seeded by splitmix64) from which every choice is
 * drawn. One host thread drives a simulated machine, so there are no locks.
 */
#include "host/internal.h"
#include "nt/status.h"

/* 2024-01-01 00:00:00 UTC: where every simulated machine's wall clock starts. */
#define SIMULATED_BOOT_TIME (HOST_EPOCH_1601_TO_1970 + 1704067200ull * 10000000ull)

static uint64_t now_100ns;
static uint64_t state[4];
static bool held; /* nothing is drawn: every choice is the last option */

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static NTSTATUS simulated_init(const struct host_config *config)
{
    uint64_t seed = config->seed;
    for (unsigned i = 0; i < 4; i++)
        state[i] = splitmix(&seed);
    now_100ns = 0;
    held = false;
    return STATUS_SUCCESS;
}

static uint64_t simulated_random(void)
{
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate_left(state[3], 45);
    return result;
}

/* Multiply-shift: one draw for every n, no rejection, bias below 2^-32. */
static uint32_t simulated_choose(uint32_t n)
{
    return held ? n - 1 : (uint32_t)(((simulated_random() >> 32) * n) >> 32);
}

static uint64_t simulated_interrupt_time(void)
{
    return now_100ns;
}

static uint64_t simulated_system_time(void)
{
    return SIMULATED_BOOT_TIME + now_100ns;
}

static uint64_t simulated_counter_ns(void)
{
    return now_100ns * 100;
}

static void simulated_advance(uint64_t delta_100ns)
{
    now_100ns += delta_100ns;
}

void host_hold_choices(bool hold)
{
    held = hold;
}

const struct host_twin host_simulated_twin = {
    .init = simulated_init,
    .interrupt_time = simulated_interrupt_time,
    .system_time = simulated_system_time,
    .counter_ns = simulated_counter_ns,
    .advance = simulated_advance,
    .choose = simulated_choose,
    .random = simulated_random,
};

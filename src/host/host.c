/* SPDX-License-Identifier: MIT */
/*
 * Chooses the real or the simulated host and passes the calls that differ on
 * to it. The configuration is fixed from host_init to host_fini.
 */
#include "host/internal.h"
#include "nt/status.h"

#include <signal.h>

static const struct host_twin *twin = &host_real_twin;
static bool initialized;
int host_tick_signal_number;

static bool config_is_valid(const struct host_config *config)
{
    if (config->cpus < 1 || config->cpus > 64)
        return false;
    return config->tick_signal == 0 || (config->tick_signal >= SIGRTMIN && config->tick_signal <= SIGRTMAX);
}

NTSTATUS host_init(const struct host_config *config)
{
    if (initialized)
        return STATUS_INVALID_DEVICE_STATE; /* one live machine per process */
    if (!config_is_valid(config))
        return STATUS_INVALID_PARAMETER;
    twin = config->simulated ? &host_simulated_twin : &host_real_twin;
    host_tick_signal_number = config->tick_signal ? config->tick_signal : SIGRTMIN + 4;
    NTSTATUS status = twin->init(config);
    initialized = NT_SUCCESS(status);
    return status;
}

void host_fini(void)
{
    twin = &host_real_twin;
    initialized = false;
}

bool host_simulated(void)
{
    return twin == &host_simulated_twin;
}

int host_tick_signal(void)
{
    return host_tick_signal_number;
}

uint64_t host_interrupt_time(void)
{
    return twin->interrupt_time();
}

uint64_t host_system_time(void)
{
    return twin->system_time();
}

uint64_t host_counter_ns(void)
{
    return twin->counter_ns();
}

void host_advance(uint64_t delta_100ns)
{
    twin->advance(delta_100ns);
}

uint32_t host_choose(uint32_t n)
{
    return twin->choose(n);
}

uint64_t host_random(void)
{
    return twin->random();
}

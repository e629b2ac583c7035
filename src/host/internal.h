/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/host share: the table of operations that differ
 * between the real and the simulated host. One is chosen by host_init and
 * never changes while the machine lives.
 */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "host/host.h"

/* 100 ns units from 1601-01-01 to 1970-01-01. */
#define HOST_EPOCH_1601_TO_1970 116444736000000000ull

struct host_twin {
    NTSTATUS (*init)(const struct host_config *config);
    uint64_t (*interrupt_time)(void);
    uint64_t (*system_time)(void);
    uint64_t (*counter_ns)(void);
    void (*advance)(uint64_t delta_100ns);
    uint32_t (*choose)(uint32_t n);
    uint64_t (*random)(void);
};

extern const struct host_twin host_real_twin;
extern const struct host_twin host_simulated_twin;

extern int host_tick_signal_number; /* set by host_init */

#endif

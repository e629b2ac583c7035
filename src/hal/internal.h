/* SPDX-License-Identifier: MIT */
/*
 * The parts of the simulated machine, each with its own file. They are set up
 * once, before the first driver runs.
 */
#ifndef HAL_INTERNAL_H
#define HAL_INTERNAL_H

#include "hal/hal.h"

NTSTATUS hal_ports_init(void);
void hal_ports_fini(void);
void hal_mmio_fini(void);
void hal_interrupts_init(void);
void hal_vectors_init(void);
/* The state of its line. True: it is to be requested, without the caller's locks. */
bool hal_vector_assert(ULONG number, bool asserted);
void hal_vector_request(ULONG number);
bool hal_software_interrupt(unsigned vector);
NTSTATUS hal_vector_pulse(ULONG number); /* STATUS_INVALID_DEVICE_STATE: not connected */
void hal_timers_init(void);
/* Links a finished range for readers that take no lock; the caller holds the lock of the list's writers. */
static inline void hal_publish(LIST_ENTRY *ranges, LIST_ENTRY *link)
{
    link->Flink = ranges->Flink;
    link->Blink = ranges;
    ranges->Flink->Blink = link;
    __atomic_store_n(&ranges->Flink, link, __ATOMIC_RELEASE);
}

bool hal_mmio_read(uint64_t pa, void *value, unsigned width_bytes);
bool hal_mmio_write(uint64_t pa, const void *value, unsigned width_bytes);

NTSTATUS hal_cmos_init(void);
void hal_cmos_fini(void);
NTSTATUS hal_pci_init(void);
void hal_pci_fini(void);

bool hal_msr_read(ULONG msr, uint64_t *value);
bool hal_msr_write(ULONG msr, uint64_t value);
void hal_msr_init(void);

NTSTATUS hal_processor_init(void);
void hal_processor_fini(void);
uint64_t hal_tsc(void);
void hal_halt(void);
uint64_t hal_control_register_read(unsigned number);
bool hal_control_register_write(unsigned number, uint64_t value);

void hal_firmware_init(void); /* BIOS area: SMBIOS and ACPI tables */

#endif

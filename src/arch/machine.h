/* SPDX-License-Identifier: MIT */
/*
 * The privileged face of the simulated CPU: what `in`, `out`, rdmsr, cpuid ...
 * of a driver reach. The rewriter and the trap fallback call these; hal sets
 * the port and MSR handlers, ke the IRQL ones.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "base/base.h"

struct machine_ops {
    ULONG (*port_read)(USHORT port, unsigned width_bytes); /* nothing there: all ones */
    void (*port_write)(USHORT port, ULONG value, unsigned width_bytes);
    bool (*mmio_read)(uint64_t pa, void *value, unsigned width_bytes); /* false: no device */
    bool (*mmio_write)(uint64_t pa, const void *value, unsigned width_bytes);
    bool (*msr_read)(ULONG msr, uint64_t *value); /* false: #GP */
    bool (*msr_write)(ULONG msr, uint64_t value);
    uint64_t (*tsc)(void);
    void (*set_interrupt_flag)(bool enabled); /* cli / sti / popf */
    bool (*interrupt_flag)(void);
    void (*set_cr8)(uint64_t irql);                     /* mov cr8, reg */
    uint64_t (*control_register_read)(unsigned number); /* cr0, cr2, cr3, cr4 */
    bool (*control_register_write)(unsigned number, uint64_t value);
    void (*halt)(void);                 /* hlt: wait for an interrupt */
    bool (*interrupt)(unsigned vector); /* int n; false: nobody has it */
};
extern struct machine_ops machine_ops;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine around the CPU: port and memory space of device
 * models, MSRs, CMOS clock, PCI configuration ports, BIOS area. Sets
 * machine_ops. Device models register ranges here.
 */
#ifndef HAL_H
#define HAL_H

#include "ke/ke.h"
#include "arch/machine.h"

struct hal_port_range {
    LIST_ENTRY link;
    USHORT first, count;
    void *context;
    ULONG (*read)(void *context, USHORT offset, unsigned width_bytes);
    void (*write)(void *context, USHORT offset, ULONG value, unsigned width_bytes);
};

struct hal_mmio_range {
    LIST_ENTRY link;
    uint64_t first, length; /* physical, beyond RAM, page aligned */
    void *context;
    void (*read)(void *context, uint64_t offset, void *value, unsigned width_bytes);
    void (*write)(void *context, uint64_t offset, const void *value, unsigned width_bytes);
};

/* A function on the PCI bus: its configuration space, as the ports 0xCF8/0xCFC and HalGetBusData see it. */
struct hal_pci_function {
    LIST_ENTRY link;
    UCHAR bus, device, function;
    void *context;
    void (*read)(void *context, ULONG offset, void *buffer, ULONG length);
    void (*write)(void *context, ULONG offset, const void *buffer, ULONG length);
};

NTSTATUS hal_init(void);
void hal_fini(void);
NTSTATUS hal_add_ports(struct hal_port_range *range); /* STATUS_CONFLICTING_ADDRESSES */
NTSTATUS hal_add_mmio(struct hal_mmio_range *range);
void hal_remove_ports(struct hal_port_range *range);
void hal_remove_mmio(struct hal_mmio_range *range);
ULONG hal_port_read(USHORT port, unsigned width_bytes);
void hal_port_write(USHORT port, ULONG value, unsigned width_bytes);
NTSTATUS
hal_add_pci(struct hal_pci_function *function); /* STATUS_CONFLICTING_ADDRESSES: the place is taken */
void hal_remove_pci(struct hal_pci_function *function);
/* Whole or part of a function's configuration space: bytes done; 0: no such bus; 2 with an invalid vendor: no
 * such function. */
ULONG hal_pci_read(ULONG bus, ULONG device, ULONG function, ULONG offset, void *buffer, ULONG length);
ULONG hal_pci_write(ULONG bus, ULONG device, ULONG function, ULONG offset, const void *buffer, ULONG length);
UCHAR hal_cmos_read(UCHAR index);
void hal_cmos_write(UCHAR index, UCHAR value);
void hal_set_msr(ULONG msr, uint64_t value); /* an embedder's or model's own MSR */

#endif

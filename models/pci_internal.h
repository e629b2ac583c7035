/* SPDX-License-Identifier: MIT */
/*
 * Offsets and bits of configuration space, and what the files of a PCI
 * function share. All of it with the function's lock held.
 */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include "models/pci.h"

enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09,
    PCI_CACHE_LINE = 0x0C,
    PCI_LATENCY = 0x0D,
    PCI_HEADER_TYPE = 0x0E,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2C,
    PCI_SUBSYSTEM = 0x2E,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3C,
    PCI_INTERRUPT_PIN = 0x3D,
    PCI_FIRST_CAPABILITY = 0x40,

    COMMAND_IO = 0x0001,
    COMMAND_MEMORY = 0x0002,
    COMMAND_MASTER = 0x0004,
    COMMAND_PARITY = 0x0040,
    COMMAND_SERR = 0x0100,
    COMMAND_INTX_OFF = 0x0400,
    STATUS_INTERRUPT = 0x08, /* of the low byte */
    STATUS_CAPABILITIES = 0x10,
    HEADER_MULTIFUNCTION = 0x80,

    CAPABILITY_POWER = 0x01,
    CAPABILITY_MSI = 0x05,
    CAPABILITY_MSIX = 0x11,
    MSI_PENDING = 0x14 /* the pending bits, from the capability's begin */
};

static inline ULONG pci_get(const UCHAR *space, unsigned offset, unsigned width_bytes)
{
    ULONG value = 0;

    __builtin_memcpy(&value, space + offset, width_bytes);
    return value;
}

static inline void pci_put(UCHAR *space, unsigned offset, ULONG value, unsigned width_bytes)
{
    __builtin_memcpy(space + offset, &value, width_bytes);
}

/* ---- pci_bar.c ---- */
bool pci_bars_init(struct pci_function *function, char *message, size_t size);
void pci_bars_assign(struct pci_function *function); /* as firmware does, once the place is taken */
void pci_bars_update(struct pci_function *function); /* decode what command, power and BARs say */
void pci_bars_fini(struct pci_function *function);

/* ---- pci_message.c ---- */
bool pci_messages_init(struct pci_function *function, char *message, size_t size);
void pci_messages_fini(struct pci_function *function);
void pci_interrupts_update(struct pci_function *function); /* after a change of control, mask or power */
/* Whether an access to a BAR is one of the MSI-X structures', and then its outcome. */
bool pci_msix_read(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t *value,
                   unsigned width_bytes);
bool pci_msix_write(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t value,
                    unsigned width_bytes);

/* ---- pci_power.c ---- */
bool pci_power_init(struct pci_function *function, char *message, size_t size);
unsigned pci_power_state(const struct pci_function *function); /* 0..3 */

/* ---- pci.c ---- */
void pci_config_begin(struct pci_function *function); /* configuration space as at power on */
UCHAR pci_capability(struct pci_function *function, const UCHAR *bytes, const UCHAR *writable,
                     unsigned length);

#endif

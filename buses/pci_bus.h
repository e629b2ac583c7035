/* SPDX-License-Identifier: MIT */
/*
 * The system's PCI bus driver, \Driver\pci: a device of the root bus with the
 * identifier ACPI\PNP0A03 stands for bus 0 as soon as a model sits there, and
 * each of the bus's functions is a PDO of this driver. What the host side may
 * call is in pci_root.c; everything else runs on the PnP thread, but for
 * configuration accesses, which the HAL orders itself.
 *
 * Rules: PNP-0A, PNP-0B, PNP-0F, PNP-10.
 */
#ifndef PCI_BUS_H
#define PCI_BUS_H

#include "hal/hal.h"
#include "pnp/pnp.h"

#define PCI_BUS_TAG  0x42696350 /* "PciB" */
#define PCI_BARS     6
#define PCI_NO_LINE  0xFF
#define PCI_ALL_ONES 0xFFFF

/* Offsets and bits of configuration space, PCI 3.0 and the capabilities' own specifications. */
enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09,
    PCI_HEADER_TYPE = 0x0E,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2C,
    PCI_SUBSYSTEM = 0x2E,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3C,
    PCI_INTERRUPT_PIN = 0x3D,

    COMMAND_IO = 0x0001,
    COMMAND_MEMORY = 0x0002,
    COMMAND_MASTER = 0x0004,
    COMMAND_INTX_OFF = 0x0400,
    STATUS_CAPABILITIES = 0x0010,
    HEADER_MULTIFUNCTION = 0x80,

    CAPABILITY_POWER = 0x01,
    CAPABILITY_MSI = 0x05,
    CAPABILITY_MSIX = 0x11
};

struct pci_bus {
    PDEVICE_OBJECT self, lower, pdo;
    LIST_ENTRY children; /* struct pci_child.link, in the order of their places */
};

struct pci_decoder { /* a base address register */
    bool present, is_ports, is_64bit, prefetchable;
    uint64_t size, boot, assigned; /* where firmware put it; where it was started; 0: nowhere */
};

struct pci_child {
    LIST_ENTRY link;
    PDEVICE_OBJECT self;
    struct pci_bus *bus;
    bool present;  /* found by the last look at the bus */
    bool reported; /* the PnP manager has been told of it: it will send REMOVE when it is told that it went */
    bool started;
    DEVICE_POWER_STATE power;
    UCHAR device, function; /* 0..31, 0..7 */
    USHORT vendor_id, device_id, subsystem_vendor_id, subsystem_id;
    ULONG class_code; /* 0xCCSSPP */
    UCHAR revision, pin, line;
    struct pci_decoder decoders[PCI_BARS];
    bool decodes;                    /* at boot */
    UCHAR power_at, msi_at, msix_at; /* capabilities; 0: absent */
    unsigned msi_messages, msix_messages;
    /* What START_DEVICE assigned, to be programmed again after a power state that forgot it. */
    ULONG *vectors; /* of messages */
    unsigned vector_count;
    bool interrupts_by_line;
};

/* ---- pci_config.c ---- */
ULONG pci_read(const struct pci_child *child, ULONG offset, unsigned width_bytes);
void pci_write(const struct pci_child *child, ULONG offset, ULONG value, unsigned width_bytes);
ULONG pci_read_buffer(const struct pci_child *child, ULONG offset, void *buffer, ULONG length); /* bytes */
ULONG pci_write_buffer(const struct pci_child *child, ULONG offset, const void *buffer, ULONG length);
/* What a place on the bus shows; false: nothing is there. */
bool pci_identify(struct pci_child *child, UCHAR device, UCHAR function);
/* Its base address registers and capabilities: once, before anybody uses it. */
void pci_examine(struct pci_child *child);
bool pci_is_same(const struct pci_child *one, const struct pci_child *other);
bool pci_has_functions(void); /* somebody sits on the bus */

/* ---- pci_program.c: registers as START_DEVICE wants them ---- */
NTSTATUS pci_start(struct pci_child *child, const CM_RESOURCE_LIST *raw);
void pci_stop(struct pci_child *child);
void pci_set_power(struct pci_child *child, DEVICE_POWER_STATE state);
void pci_forget(struct pci_child *child); /* what was assigned */
/* An entry of the MSI-X table. Message: which of those that were assigned. */
NTSTATUS pci_set_entry(struct pci_child *child, ULONG entry, ULONG message);
NTSTATUS pci_mask_entry(struct pci_child *child, ULONG entry, bool masked);

/* ---- pci_id.c ---- */
WCHAR *pci_id(const struct pci_child *child,
              BUS_QUERY_ID_TYPE type); /* paged pool; NULL: none, or no memory */
WCHAR *pci_text(const struct pci_child *child, DEVICE_TEXT_TYPE type);
void pci_capabilities(const struct pci_child *child, DEVICE_CAPABILITIES *capabilities);

/* ---- pci_requirements.c: lists in paged pool; NULL: needs nothing ---- */
PCM_RESOURCE_LIST pci_boot_resources(const struct pci_child *child);
PIO_RESOURCE_REQUIREMENTS_LIST pci_requirements(const struct pci_child *child);

/* ---- pci_interface.c ---- */
/* STATUS_NOT_SUPPORTED: none of that name. */
NTSTATUS pci_query_interface(struct pci_child *child, PIO_STACK_LOCATION location);

/* ---- pci_child.c ---- */
NTSTATUS pci_child_create(struct pci_bus *bus, const struct pci_child *description, struct pci_child **child);
void pci_child_destroy(struct pci_child *child);
NTSTATUS pci_child_pnp(struct pci_child *child, PIRP irp);
NTSTATUS pci_child_power(struct pci_child *child, PIRP irp);
NTSTATUS pci_complete(PIRP irp, NTSTATUS status);

/* ---- pci_bus.c ---- */
PDRIVER_OBJECT pci_driver(void);

#endif

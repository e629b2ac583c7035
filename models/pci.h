/* SPDX-License-Identifier: MIT */
/*
 * A function on PCI bus 0, for models that sit on it: configuration space by
 * its description, base address registers that decode where the driver or the
 * bus driver puts them, INTx, MSI and MSI-X, power management, bus mastering.
 * After the PCI Local Bus Specification 3.0 and PCI Bus Power Management 1.2.
 *
 * A model fills the first part of a struct pci_function, calls pci_add, and
 * from then on answers accesses to its BARs. The callbacks run with no lock of
 * this file held, on any virtual processor and on several at once: the model
 * guards its state with an rl_lock of its own, and may call everything below
 * but pci_add and pci_remove with that lock held.
 */
#ifndef PCI_H
#define PCI_H

#include "base/lock.h"
#include "hal/hal.h"

#define PCI_BARS         6
#define PCI_CONFIG_BYTES 256
#define PCI_MSIX_MAX     2048

struct pci_function;

enum pci_bar_kind {
    PCI_BAR_NONE,
    PCI_BAR_PORTS,     /* I/O space: 4 to 256 bytes */
    PCI_BAR_REGISTERS, /* memory space, every access is a call of the model: from 16 bytes on */
    PCI_BAR_MEMORY     /* memory space that is memory (a frame buffer): from 4 KiB on */
};

/* Accesses are of 1, 2, 4 or 8 bytes (ports: up to 4), naturally aligned, inside the BAR. */
struct pci_ops {
    uint64_t (*read)(struct pci_function *function, unsigned bar, uint64_t offset, unsigned width_bytes);
    void (*write)(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t value,
                  unsigned width_bytes);
    /* The function came from D3hot to D0 and forgets everything, as at power on. NULL: it keeps its state. */
    void (*reset)(struct pci_function *function);
};

struct pci_bar {
    /* The model's. */
    enum pci_bar_kind kind;
    bool is_64bit, prefetchable;
    uint64_t size;    /* bytes, a power of two */
    uint64_t address; /* where the firmware puts it; 0: pci_add finds a place */
    /* pci_add's: the bytes of a PCI_BAR_MEMORY, as the device reaches them; they begin as zeros. */
    UCHAR *memory;
    /* This component's. */
    uint64_t decoded; /* where the BAR answers now; 0: nowhere */
    struct pci_function *function;
    struct hal_port_range ports;
    struct hal_mmio_range registers;
    unsigned window; /* of its memory */
};

struct pci_msix {
    unsigned vectors; /* 0: none; at most PCI_MSIX_MAX */
    unsigned bar;     /* a BAR with registers that holds the table and the pending bits */
    ULONG table_offset, pending_offset;
};

struct pci_function {
    /* The model's: who it is. Place and ids as configuration space shows them. */
    UCHAR device, function; /* 0..31, 0..7 */
    USHORT vendor_id, device_id, subsystem_vendor_id, subsystem_id;
    ULONG class_code; /* base class, subclass, programming interface: 0xCCSSPP */
    UCHAR revision;
    UCHAR interrupt_pin;  /* 1..4: INTA..INTD; 0: no line */
    unsigned msi_vectors; /* 0: no MSI; else a power of two up to 32 */
    struct pci_msix msix;
    bool power_management, loses_state_in_d3;
    bool decode_off; /* the firmware leaves I/O and memory space disabled */
    struct pci_bar bars[PCI_BARS];
    const struct pci_ops *ops;
    void *context;
    /* This component's, under the lock. */
    rl_lock lock;
    struct hal_pci_function place;
    struct hal_pin pin;
    bool asserted; /* what the device wants of its interrupt */
    UCHAR config[PCI_CONFIG_BYTES], writable[PCI_CONFIG_BYTES], cleared_by_one[PCI_CONFIG_BYTES];
    UCHAR capabilities_end;          /* where the next capability can go */
    UCHAR last_capability;           /* of the list; 0: the list is empty */
    UCHAR msi_at, msix_at, power_at; /* capabilities' offsets; 0: absent */
    ULONG msi_pending;               /* a bit a vector */
    ULONG *msix_table;               /* four a vector, as the driver sees them */
    uint64_t msix_pending[PCI_MSIX_MAX / 64];
};

/*
 * Puts the function on the bus, at device and function, with its BARs assigned, its interrupt line routed and
 * I/O and memory space enabled, as PC firmware does it; bus mastering is off. On the host side. Errors:
 * STATUS_CONFLICTING_ADDRESSES, the place is taken; STATUS_INVALID_PARAMETER: *message says why.
 * Owns: borrows the function until pci_remove.
 */
NTSTATUS pci_add(struct pci_function *function, char *message, size_t size);
void pci_remove(struct pci_function *function);

/* Pulled out while the machine runs: it decodes nothing and interrupts nobody; and put back, as at power on.
 */
void pci_unplug(struct pci_function *function);
void pci_plug(struct pci_function *function);

/* A further capability: length bytes from the id on (the second, the link, is filled in), and which of their
 * bits software can write. Before pci_add's function is used. Returns its offset; 0: there is no room. */
UCHAR pci_add_capability(struct pci_function *function, const UCHAR *bytes, const UCHAR *writable,
                         unsigned length);

/*
 * The device's interrupt condition. By line: INTx follows it. With MSI or MSI-X enabled: becoming true sends
 * message 0. Devices with several messages use pci_send_message.
 */
void pci_set_interrupt(struct pci_function *function, bool asserted);
/* Sends a message, or keeps it pending while its vector is masked. false: messages are not enabled. */
bool pci_send_message(struct pci_function *function, unsigned vector);

/* Bus mastering. false: not enabled in the command register, or not all of it is RAM. */
bool pci_memory_read(struct pci_function *function, uint64_t pa, void *to, size_t length);
bool pci_memory_write(struct pci_function *function, uint64_t pa, const void *from, size_t length);

/* What the driver reads at an offset of configuration space, for models that look at their own. */
ULONG pci_config_read(struct pci_function *function, ULONG offset, unsigned width_bytes);

#endif

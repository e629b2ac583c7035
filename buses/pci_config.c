/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of a function, and what it tells: who it is, its base
 * address registers with their sizes, its capabilities. Registers are sized
 * with decoding off, and get back what the firmware wrote.
 */
#include "pci_bus.h"

enum {
    BAR_IS_PORTS = 0x1,
    BAR_64BIT = 0x4,
    BAR_PREFETCHABLE = 0x8,
    PORT_MASK = 0xFFFFFFFC,
    MEMORY_MASK = 0xFFFFFFF0,
    MSI_CONTROL = 2,
    MSIX_CONTROL = 2,
    MOST_CAPABILITIES = 48
};

ULONG pci_read_buffer(const struct pci_child *child, ULONG offset, void *buffer, ULONG length)
{
    return hal_pci_read(0, child->device, child->function, offset, buffer, length);
}

ULONG pci_write_buffer(const struct pci_child *child, ULONG offset, const void *buffer, ULONG length)
{
    return hal_pci_write(0, child->device, child->function, offset, buffer, length);
}

ULONG pci_read(const struct pci_child *child, ULONG offset, unsigned width_bytes)
{
    ULONG value = 0;
    pci_read_buffer(child, offset, &value, width_bytes);
    return value;
}

void pci_write(const struct pci_child *child, ULONG offset, ULONG value, unsigned width_bytes)
{
    pci_write_buffer(child, offset, &value, width_bytes);
}

/* ---- base address registers ---- */

static ULONG register_of(unsigned index)
{
    return PCI_BAR0 + index * 4;
}

/* All ones read back without the bits that the size leaves out. */
static ULONG size_mask(const struct pci_child *child, unsigned index)
{
    ULONG before = pci_read(child, register_of(index), 4), mask;
    pci_write(child, register_of(index), ~0u, 4);
    mask = pci_read(child, register_of(index), 4);
    pci_write(child, register_of(index), before, 4);
    return mask;
}

static void size_one(struct pci_child *child, unsigned index)
{
    struct pci_decoder *decoder = &child->decoders[index];
    ULONG value = pci_read(child, register_of(index), 4), mask = size_mask(child, index);
    uint64_t wide;
    if (mask == 0)
        return;
    decoder->present = true;
    decoder->is_ports = value & BAR_IS_PORTS;
    decoder->is_64bit = !decoder->is_ports && (value & BAR_64BIT) && index + 1 < PCI_BARS;
    decoder->prefetchable = !decoder->is_ports && (value & BAR_PREFETCHABLE);
    wide = 0xFFFFFFFF00000000ull | (mask & (decoder->is_ports ? PORT_MASK : MEMORY_MASK));
    decoder->boot = value & (decoder->is_ports ? PORT_MASK : MEMORY_MASK);
    if (decoder->is_64bit) {
        decoder->boot |= (uint64_t)pci_read(child, register_of(index + 1), 4) << 32;
        wide = (wide & 0xFFFFFFFF) | (uint64_t)size_mask(child, index + 1) << 32;
    }
    decoder->size = decoder->is_ports ? (~wide + 1) & 0xFFFF : ~wide + 1;
}

static void size_all(struct pci_child *child)
{
    ULONG command = pci_read(child, PCI_COMMAND, 2);
    pci_write(child, PCI_COMMAND, command & ~(ULONG)(COMMAND_IO | COMMAND_MEMORY), 2);
    for (unsigned i = 0; i < PCI_BARS; i += child->decoders[i].is_64bit ? 2 : 1)
        size_one(child, i);
    pci_write(child, PCI_COMMAND, command, 2);
    child->decodes = (command & (COMMAND_IO | COMMAND_MEMORY)) != 0;
}

/* ---- capabilities ---- */

static void note_capability(struct pci_child *child, UCHAR at, UCHAR id)
{
    if (id == CAPABILITY_POWER)
        child->power_at = at;
    if (id == CAPABILITY_MSI) {
        child->msi_at = at;
        child->msi_messages = 1u << (pci_read(child, at + MSI_CONTROL, 2) >> 1 & 7);
    }
    if (id == CAPABILITY_MSIX) {
        child->msix_at = at;
        child->msix_messages = (pci_read(child, at + MSIX_CONTROL, 2) & 0x7FF) + 1;
    }
}

static void find_capabilities(struct pci_child *child)
{
    UCHAR at = (UCHAR)pci_read(child, PCI_CAPABILITIES, 1);
    if (!(pci_read(child, PCI_STATUS, 2) & STATUS_CAPABILITIES))
        return;
    for (unsigned i = 0; at >= 0x40 && i < MOST_CAPABILITIES; i++) {
        note_capability(child, at, (UCHAR)pci_read(child, at, 1));
        at = (UCHAR)pci_read(child, at + 1u, 1) & 0xFC;
    }
}

/* ---- who is there ---- */

static void read_identity(struct pci_child *child)
{
    child->device_id = (USHORT)pci_read(child, PCI_DEVICE, 2);
    child->subsystem_vendor_id = (USHORT)pci_read(child, PCI_SUBSYSTEM_VENDOR, 2);
    child->subsystem_id = (USHORT)pci_read(child, PCI_SUBSYSTEM, 2);
    child->class_code = pci_read(child, PCI_CLASS, 4) & 0xFFFFFF;
    child->revision = (UCHAR)pci_read(child, PCI_REVISION, 1);
    child->pin = (UCHAR)pci_read(child, PCI_INTERRUPT_PIN, 1);
    child->line = (UCHAR)pci_read(child, PCI_INTERRUPT_LINE, 1);
}

/* Functions beyond the first only of devices that say so. */
static bool may_exist(UCHAR device, UCHAR function)
{
    struct pci_child first = {.device = device};
    return function == 0 || pci_read(&first, PCI_VENDOR, 2) == PCI_ALL_ONES ||
           (pci_read(&first, PCI_HEADER_TYPE, 1) & HEADER_MULTIFUNCTION);
}

bool pci_identify(struct pci_child *child, UCHAR device, UCHAR function)
{
    *child = (struct pci_child){.device = device, .function = function, .power = PowerDeviceD0};
    if (!may_exist(device, function))
        return false;
    child->vendor_id = (USHORT)pci_read(child, PCI_VENDOR, 2);
    if (child->vendor_id == PCI_ALL_ONES || child->vendor_id == 0)
        return false;
    read_identity(child);
    return true;
}

/* The same device in the same place: what it decodes need not be looked at again. */
bool pci_is_same(const struct pci_child *one, const struct pci_child *other)
{
    return one->device == other->device && one->function == other->function &&
           one->vendor_id == other->vendor_id && one->device_id == other->device_id &&
           one->subsystem_vendor_id == other->subsystem_vendor_id &&
           one->subsystem_id == other->subsystem_id && one->revision == other->revision &&
           one->class_code == other->class_code;
}

void pci_examine(struct pci_child *child)
{
    size_all(child);
    find_capabilities(child);
}

bool pci_has_functions(void)
{
    struct pci_child child;
    for (UCHAR device = 0; device < 32; device++)
        for (UCHAR function = 0; function < 8; function++)
            if (pci_identify(&child, device, function))
                return true;
    return false;
}

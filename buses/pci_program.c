/* SPDX-License-Identifier: MIT */
/*
 * Programming a function: its base address registers with what was assigned,
 * its messages, and what the command register lets it do. The raw resources
 * name neither registers nor messages; they come in the order of the
 * requirements, so each goes to the first register of its kind and size that
 * has none yet. Rules: PNP-00 (the bus's side), INT-14.
 */
#include "pci_bus.h"
#include "arch/machine.h"
#include "rtl/exports.h"

enum {
    MSI_CONTROL = 2,
    MSI_ADDRESS = 4,
    MSI_ADDRESS_HIGH = 8,
    MSI_DATA_32 = 8,
    MSI_DATA_64 = 0x0C,
    MSI_ENABLE = 0x0001,
    MSI_COUNT_SHIFT = 4,
    MSI_COUNT_MASK = 0x0070,
    MSI_64BIT = 0x0080,

    MSIX_CONTROL = 2,
    MSIX_TABLE = 4,
    MSIX_ENABLE = 0x8000,
    MSIX_MASK_ALL = 0x4000,
    MSIX_BAR_MASK = 7,
    MSIX_ENTRY_BYTES = 16,
    MSIX_ENTRY_CONTROL = 12,
    MSIX_ENTRY_MASKED = 1,

    POWER_CONTROL = 4,
    POWER_STATE_MASK = 3
};

/* ---- taking over what was assigned ---- */

static void place(struct pci_child *child, bool is_ports, uint64_t start, uint64_t length)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_decoder *decoder = &child->decoders[i];
        if (!decoder->present || decoder->is_ports != is_ports || decoder->size != length ||
            decoder->assigned != 0)
            continue;
        decoder->assigned = start;
        return;
    }
}

static void count_messages(struct pci_child *child, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    if (d->Type == CmResourceTypeInterrupt && (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE))
        child->vector_count += MAX(d->u.MessageInterrupt.Raw.MessageCount, 1);
}

static void note_interrupt(struct pci_child *child, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    if (!(d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)) {
        child->interrupts_by_line = true;
        return;
    }
    for (ULONG i = 0; i < MAX(d->u.MessageInterrupt.Raw.MessageCount, 1); i++)
        child->vectors[child->vector_count++] = d->u.MessageInterrupt.Raw.Vector + i;
}

static void note(struct pci_child *child, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    ULONGLONG start, length;
    switch (d->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        length = RtlCmDecodeMemIoResource((PCM_PARTIAL_RESOURCE_DESCRIPTOR)d, &start);
        place(child, d->Type == CmResourceTypePort, start, length);
        break;
    case CmResourceTypeInterrupt:
        note_interrupt(child, d);
        break;
    default:
        break;
    }
}

void pci_forget(struct pci_child *child)
{
    for (unsigned i = 0; i < PCI_BARS; i++)
        child->decoders[i].assigned = 0;
    mm_free(child->vectors);
    child->vectors = NULL;
    child->vector_count = 0;
    child->interrupts_by_line = false;
}

static NTSTATUS remember(struct pci_child *child, const CM_RESOURCE_LIST *raw)
{
    const CM_PARTIAL_RESOURCE_LIST *list = &raw->List[0].PartialResourceList;
    pci_forget(child);
    for (ULONG i = 0; i < list->Count; i++)
        count_messages(child, list->PartialDescriptors + i);
    if (child->vector_count != 0) {
        child->vectors = mm_alloc(child->vector_count * sizeof(ULONG), PCI_BUS_TAG);
        child->vector_count = 0;
        if (!child->vectors)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < list->Count; i++)
        note(child, list->PartialDescriptors + i);
    return STATUS_SUCCESS;
}

/* ---- registers ---- */

static ULONG register_of(unsigned index)
{
    return PCI_BAR0 + index * 4;
}

static ULONG write_addresses(const struct pci_child *child)
{
    ULONG decoding = 0;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_decoder *decoder = &child->decoders[i];
        if (!decoder->present || decoder->assigned == 0)
            continue;
        pci_write(child, register_of(i), (ULONG)decoder->assigned, 4);
        if (decoder->is_64bit)
            pci_write(child, register_of(i + 1), (ULONG)(decoder->assigned >> 32), 4);
        decoding |= decoder->is_ports ? COMMAND_IO : COMMAND_MEMORY;
    }
    return decoding;
}

/* ---- MSI-X ---- */

static uint64_t table_of(const struct pci_child *child)
{
    ULONG where = pci_read(child, child->msix_at + MSIX_TABLE, 4);
    const struct pci_decoder *decoder = &child->decoders[MIN(where & MSIX_BAR_MASK, PCI_BARS - 1)];
    uint64_t base = decoder->assigned ? decoder->assigned : decoder->boot;
    return base ? base + (where & ~(ULONG)MSIX_BAR_MASK) : 0;
}

static void write_entry(const struct pci_child *child, ULONG entry, unsigned offset, ULONG value)
{
    machine_ops.mmio_write(table_of(child) + (uint64_t)entry * MSIX_ENTRY_BYTES + offset, &value, 4);
}

NTSTATUS pci_mask_entry(struct pci_child *child, ULONG entry, bool masked)
{
    if (!child->started || entry >= child->msix_messages || child->vector_count == 0 || table_of(child) == 0)
        return STATUS_INVALID_PARAMETER;
    write_entry(child, entry, MSIX_ENTRY_CONTROL, masked ? MSIX_ENTRY_MASKED : 0);
    return STATUS_SUCCESS;
}

NTSTATUS pci_set_entry(struct pci_child *child, ULONG entry, ULONG message)
{
    if (!child->started || entry >= child->msix_messages || message >= child->vector_count ||
        table_of(child) == 0)
        return STATUS_INVALID_PARAMETER;
    write_entry(child, entry, 0, (ULONG)HAL_MESSAGE_ADDRESS);
    write_entry(child, entry, 4, 0);
    write_entry(child, entry, 8, child->vectors[message]);
    return STATUS_SUCCESS;
}

/* Each message its entry; those of the table that were not assigned stay masked. Rules: INT-14. */
static void enable_msix(struct pci_child *child)
{
    pci_write(child, child->msix_at + MSIX_CONTROL, MSIX_ENABLE | MSIX_MASK_ALL, 2);
    for (ULONG i = 0; i < child->msix_messages; i++) {
        pci_mask_entry(child, i, true);
        /* INT-14: of MSI-X every message has an entry of its own. */
        if (NT_SUCCESS(pci_set_entry(child, i, i)))
            pci_mask_entry(child, i, false);
    }
    pci_write(child, child->msix_at + MSIX_CONTROL, MSIX_ENABLE, 2);
}

/* ---- MSI ---- */

static void enable_msi(struct pci_child *child)
{
    ULONG at = child->msi_at, control = pci_read(child, at + MSI_CONTROL, 2);
    ULONG count = (ULONG)__builtin_ctz(child->vector_count) << MSI_COUNT_SHIFT;
    pci_write(child, at + MSI_ADDRESS, (ULONG)HAL_MESSAGE_ADDRESS, 4);
    if (control & MSI_64BIT)
        pci_write(child, at + MSI_ADDRESS_HIGH, 0, 4);
    /* INT-14: one address and data; the device adds the number of the message. */
    pci_write(child, at + (control & MSI_64BIT ? MSI_DATA_64 : MSI_DATA_32), child->vectors[0], 2);
    pci_write(child, at + MSI_CONTROL, (control & ~(ULONG)MSI_COUNT_MASK) | count | MSI_ENABLE, 2);
}

static void disable_messages(const struct pci_child *child)
{
    if (child->msi_at)
        pci_write(child, child->msi_at + MSI_CONTROL,
                  pci_read(child, child->msi_at + MSI_CONTROL, 2) & ~(ULONG)MSI_ENABLE, 2);
    if (child->msix_at)
        pci_write(child, child->msix_at + MSIX_CONTROL,
                  pci_read(child, child->msix_at + MSIX_CONTROL, 2) & ~(ULONG)MSIX_ENABLE, 2);
}

/* ---- on and off ---- */

static ULONG command_of(const struct pci_child *child)
{
    return pci_read(child, PCI_COMMAND, 2) &
           ~(ULONG)(COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
}

static void program(struct pci_child *child)
{
    ULONG command = command_of(child), decoding;
    pci_write(child, PCI_COMMAND, command | COMMAND_INTX_OFF, 2);
    disable_messages(child);
    decoding = write_addresses(child);
    pci_write(child, PCI_COMMAND, command | decoding | COMMAND_MASTER | COMMAND_INTX_OFF, 2);
    if (child->line < HAL_LINES)
        pci_write(child, PCI_INTERRUPT_LINE, child->line, 1);
    if (child->vector_count != 0 && child->msix_at)
        enable_msix(child);
    else if (child->vector_count != 0 && child->msi_at)
        enable_msi(child);
    else if (child->interrupts_by_line)
        pci_write(child, PCI_COMMAND, command | decoding | COMMAND_MASTER, 2);
}

static void write_power(const struct pci_child *child, ULONG state)
{
    ULONG at = child->power_at + POWER_CONTROL, control;
    if (!child->power_at)
        return;
    control = pci_read(child, at, 2);
    pci_write(child, at, (control & ~(ULONG)POWER_STATE_MASK) | state, 2);
}

NTSTATUS pci_start(struct pci_child *child, const CM_RESOURCE_LIST *raw)
{
    write_power(child, 0);
    child->power = PowerDeviceD0;
    child->started = true;
    if (!raw || raw->Count == 0) {
        pci_forget(child);
        return STATUS_SUCCESS;
    }
    NTSTATUS status = remember(child, raw);
    if (NT_SUCCESS(status))
        program(child);
    else
        child->started = false;
    return status;
}

void pci_stop(struct pci_child *child)
{
    if (!child->started)
        return;
    disable_messages(child);
    pci_write(child, PCI_COMMAND, command_of(child) | COMMAND_INTX_OFF, 2);
    pci_forget(child);
    child->started = false;
}

/* What a function forgets on its way back is written again. */
void pci_set_power(struct pci_child *child, DEVICE_POWER_STATE state)
{
    if (state < PowerDeviceD0 || state > PowerDeviceD3 || state == child->power)
        return;
    write_power(child, (ULONG)(state - PowerDeviceD0));
    child->power = state;
    if (state == PowerDeviceD0 && child->started)
        program(child);
}

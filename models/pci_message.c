/* SPDX-License-Identifier: MIT */
/*
 * How a function interrupts: by its pin, or with MSI or MSI-X enabled by
 * messages. A message whose vector is masked, or whose function may not master
 * the bus, stays pending and is sent when that ends.
 */
#include "models/pci_internal.h"
#include "host/host.h"

/* Message signaled interrupts, from the capability's begin: 64-bit address, mask bits. */
enum {
    MSI_CONTROL = 2,
    MSI_ADDRESS = 4,
    MSI_ADDRESS_HIGH = 8,
    MSI_DATA = 0x0C,
    MSI_MASK = 0x10,
    MSI_BYTES = MSI_PENDING + 4,
    MSI_ENABLE = 0x0001,
    MSI_ENABLED_SHIFT = 4,
    MSI_64BIT = 0x0080,
    MSI_MASKABLE = 0x0100,

    MSIX_CONTROL = 2,
    MSIX_TABLE = 4,
    MSIX_PENDING = 8,
    MSIX_BYTES = 0x0C,
    MSIX_ENABLE = 0x8000,
    MSIX_MASK_ALL = 0x4000,
    MSIX_ENTRY_BYTES = 16,
    MSIX_ENTRY_MASKED = 1
};

static ULONG control_of(const struct pci_function *function, UCHAR capability)
{
    return capability == 0 ? 0 : pci_get(function->config, capability + 2u, 2);
}

static bool msi_enabled(const struct pci_function *function)
{
    return (control_of(function, function->msi_at) & MSI_ENABLE) != 0;
}

static bool msix_enabled(const struct pci_function *function)
{
    return (control_of(function, function->msix_at) & MSIX_ENABLE) != 0;
}

static bool may_send(const struct pci_function *function)
{
    return pci_power_state(function) == 0 &&
           (pci_get(function->config, PCI_COMMAND, 2) & COMMAND_MASTER) != 0;
}

/* ---- MSI ---- */

static void send_msi(struct pci_function *function, unsigned vector)
{
    const UCHAR *at = function->config + function->msi_at;
    ULONG allocated = 1u << (control_of(function, function->msi_at) >> MSI_ENABLED_SHIFT & 7);
    uint64_t address = pci_get(at, MSI_ADDRESS, 4) | (uint64_t)pci_get(at, MSI_ADDRESS_HIGH, 4) << 32;

    hal_send_message(address, (pci_get(at, MSI_DATA, 2) & ~(allocated - 1)) | (vector & (allocated - 1)));
}

/* Fewer vectors than the device has may be allocated: then several share one. */
static unsigned msi_vector(const struct pci_function *function, unsigned vector)
{
    ULONG allocated = 1u << (control_of(function, function->msi_at) >> MSI_ENABLED_SHIFT & 7);

    return vector & (MIN(allocated, function->msi_vectors) - 1);
}

static void flush_msi(struct pci_function *function)
{
    ULONG ready = function->msi_pending & ~pci_get(function->config, function->msi_at + MSI_MASK, 4);

    for (unsigned vector = 0; vector < function->msi_vectors; vector++) {
        if (!(ready >> vector & 1) || !may_send(function))
            continue;
        function->msi_pending &= ~(1u << vector);
        send_msi(function, vector);
    }
}

/* ---- MSI-X ---- */

static void flush_msix(struct pci_function *function)
{
    if ((control_of(function, function->msix_at) & MSIX_MASK_ALL) || !may_send(function))
        return;
    for (unsigned vector = 0; vector < function->msix.vectors; vector++) {
        const ULONG *entry = &function->msix_table[vector * 4];
        uint64_t bit = 1ull << vector % 64;

        if (!(function->msix_pending[vector / 64] & bit) || (entry[3] & MSIX_ENTRY_MASKED))
            continue;
        function->msix_pending[vector / 64] &= ~bit;
        hal_send_message(entry[0] | (uint64_t)entry[1] << 32, entry[2]);
    }
}

static bool inside(uint64_t offset, ULONG first, uint64_t bytes)
{
    return offset - first < bytes;
}

static uint64_t pending_bytes(const struct pci_function *function)
{
    return (uint64_t)(function->msix.vectors + 63) / 64 * 8;
}

bool pci_msix_read(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t *value,
                   unsigned width_bytes)
{
    const struct pci_msix *msix = &function->msix;
    const UCHAR *from = NULL;

    if (msix->vectors == 0 || bar != msix->bar)
        return false;
    if (inside(offset, msix->table_offset, (uint64_t)msix->vectors * MSIX_ENTRY_BYTES))
        from = (const UCHAR *)function->msix_table + (offset - msix->table_offset);
    else if (inside(offset, msix->pending_offset, pending_bytes(function)))
        from = (const UCHAR *)function->msix_pending + (offset - msix->pending_offset);
    if (from == NULL)
        return false;
    rl_lock_acquire(&function->lock);
    *value = 0;
    __builtin_memcpy(value, from, width_bytes);
    rl_lock_release(&function->lock);
    return true;
}

bool pci_msix_write(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t value,
                    unsigned width_bytes)
{
    const struct pci_msix *msix = &function->msix;

    if (msix->vectors == 0 || bar != msix->bar)
        return false;
    if (inside(offset, msix->pending_offset, pending_bytes(function)))
        return true; /* read only */
    if (!inside(offset, msix->table_offset, (uint64_t)msix->vectors * MSIX_ENTRY_BYTES))
        return false;
    if (width_bytes < 4)
        return true; /* the table takes doublewords and quadwords */
    rl_lock_acquire(&function->lock);
    __builtin_memcpy((UCHAR *)function->msix_table + (offset - msix->table_offset), &value, width_bytes);
    pci_interrupts_update(function);
    rl_lock_release(&function->lock);
    return true;
}

/* ---- both, and the pin ---- */

void pci_interrupts_update(struct pci_function *function)
{
    bool messages = msi_enabled(function) || msix_enabled(function);
    bool off = messages || pci_power_state(function) != 0 ||
               (pci_get(function->config, PCI_COMMAND, 2) & COMMAND_INTX_OFF) != 0;

    if (function->interrupt_pin != 0)
        hal_set_pin(&function->pin, function->asserted && !off);
    if (msix_enabled(function))
        flush_msix(function);
    else if (msi_enabled(function))
        flush_msi(function);
}

/* With the lock held. */
static bool send(struct pci_function *function, unsigned vector)
{
    if (msix_enabled(function)) {
        vector %= function->msix.vectors;
        function->msix_pending[vector / 64] |= 1ull << vector % 64;
    } else if (msi_enabled(function)) {
        function->msi_pending |= 1u << msi_vector(function, vector);
    } else {
        return false;
    }
    pci_interrupts_update(function);
    return true;
}

bool pci_send_message(struct pci_function *function, unsigned vector)
{
    bool sent;

    rl_lock_acquire(&function->lock);
    sent = send(function, vector);
    rl_lock_release(&function->lock);
    return sent;
}

void pci_set_interrupt(struct pci_function *function, bool asserted)
{
    bool rises;

    rl_lock_acquire(&function->lock);
    rises = asserted && !function->asserted;
    function->asserted = asserted;
    if (!rises || !send(function, 0))
        pci_interrupts_update(function);
    rl_lock_release(&function->lock);
}

/* ---- making ---- */

static bool add_msi(struct pci_function *function)
{
    unsigned log = (unsigned)__builtin_ctz(function->msi_vectors);
    UCHAR bytes[MSI_BYTES] = {CAPABILITY_MSI}, writable[MSI_BYTES] = {0};

    pci_put(bytes, MSI_CONTROL, log << 1 | MSI_64BIT | MSI_MASKABLE, 2);
    pci_put(writable, MSI_CONTROL, MSI_ENABLE | 7u << MSI_ENABLED_SHIFT, 2);
    pci_put(writable, MSI_ADDRESS, ~3u, 4);
    pci_put(writable, MSI_ADDRESS_HIGH, ~0u, 4);
    pci_put(writable, MSI_DATA, 0xFFFF, 2);
    pci_put(writable, MSI_MASK, (ULONG)((1ull << function->msi_vectors) - 1), 4);
    function->msi_at = pci_capability(function, bytes, writable, sizeof(bytes));
    return function->msi_at != 0;
}

static bool add_msix(struct pci_function *function)
{
    UCHAR bytes[MSIX_BYTES] = {CAPABILITY_MSIX}, writable[MSIX_BYTES] = {0};

    pci_put(bytes, MSIX_CONTROL, function->msix.vectors - 1, 2);
    pci_put(bytes, MSIX_TABLE, function->msix.table_offset | function->msix.bar, 4);
    pci_put(bytes, MSIX_PENDING, function->msix.pending_offset | function->msix.bar, 4);
    pci_put(writable, MSIX_CONTROL, MSIX_ENABLE | MSIX_MASK_ALL, 2);
    function->msix_at = pci_capability(function, bytes, writable, sizeof(bytes));
    function->msix_table = host_alloc((size_t)function->msix.vectors * MSIX_ENTRY_BYTES);
    return function->msix_at != 0;
}

static bool msix_fits(const struct pci_function *function)
{
    const struct pci_msix *msix = &function->msix;
    uint64_t table = (uint64_t)msix->vectors * MSIX_ENTRY_BYTES, pending = pending_bytes(function), size;

    if (msix->vectors > PCI_MSIX_MAX || msix->bar >= PCI_BARS ||
        function->bars[msix->bar].kind != PCI_BAR_REGISTERS)
        return false;
    size = function->bars[msix->bar].size;
    return msix->table_offset % 8 == 0 && msix->pending_offset % 8 == 0 &&
           msix->table_offset + table <= size && msix->pending_offset + pending <= size &&
           (msix->table_offset + table <= msix->pending_offset ||
            msix->pending_offset + pending <= msix->table_offset);
}

bool pci_messages_init(struct pci_function *function, char *message, size_t size)
{
    unsigned vectors = function->msi_vectors;

    if (vectors > 32 || (vectors & (vectors - 1)) != 0)
        host_snprintf(message, size, "MSI has 1, 2, 4, 8, 16 or 32 vectors");
    else if (function->msix.vectors != 0 && !msix_fits(function))
        host_snprintf(message, size, "the MSI-X table and pending bits do not fit into a BAR with registers");
    else if ((vectors != 0 && !add_msi(function)) || (function->msix.vectors != 0 && !add_msix(function)))
        host_snprintf(message, size, "there is no room for the capabilities");
    else
        return true;
    return false;
}

void pci_messages_fini(struct pci_function *function)
{
    host_free(function->msix_table);
    function->msix_table = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * A PCI function's configuration space: 256 bytes, of which each bit is
 * constant, writable, or cleared by writing one. What a write means is worked
 * out afterwards from the whole space, so that bytes, words and doublewords do
 * the same. The function's lock guards everything; its callbacks run outside.
 */
#include "models/pci_internal.h"
#include "host/host.h"
#include "nt/status.h"

#define FIRST_LINE      16 /* where INTA of device 0 leads */
#define LINES           4
#define STATUS_CLEARED  0xF9 /* of the high byte: error bits, which software clears */
#define INVALID_VENDOR  0xFFFF
#define CAPABILITY_NEXT 1

/* INTA..INTD of neighbours lead to different lines. */
static ULONG line_of(const struct pci_function *function)
{
    return FIRST_LINE + (ULONG)(function->device + function->interrupt_pin - 1) % LINES;
}

static USHORT command_mask(const struct pci_function *function)
{
    USHORT mask = COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR | COMMAND_INTX_OFF;

    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (function->bars[i].kind != PCI_BAR_NONE)
            mask |= function->bars[i].kind == PCI_BAR_PORTS ? COMMAND_IO : COMMAND_MEMORY;
    }
    return mask;
}

/* Identity and the writable bits; capabilities and BARs add theirs. */
static void describe(struct pci_function *function)
{
    UCHAR *config = function->config;

    pci_put(config, PCI_VENDOR, function->vendor_id, 2);
    pci_put(config, PCI_DEVICE, function->device_id, 2);
    pci_put(config, PCI_REVISION, function->revision, 1);
    pci_put(config, PCI_CLASS, function->class_code, 3);
    pci_put(config, PCI_SUBSYSTEM_VENDOR, function->subsystem_vendor_id, 2);
    pci_put(config, PCI_SUBSYSTEM, function->subsystem_id, 2);
    pci_put(config, PCI_INTERRUPT_PIN, function->interrupt_pin, 1);
    pci_put(function->writable, PCI_COMMAND, command_mask(function), 2);
    pci_put(function->writable, PCI_CACHE_LINE, 0xFF, 1);
    pci_put(function->writable, PCI_LATENCY, 0xF8, 1);
    pci_put(function->writable, PCI_INTERRUPT_LINE, 0xFF, 1);
    function->cleared_by_one[PCI_STATUS + 1] = STATUS_CLEARED;
}

/* Everything that software wrote is forgotten. */
void pci_config_begin(struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++)
        function->config[i] &= (UCHAR) ~(function->writable[i] | function->cleared_by_one[i]);
    function->msi_pending = 0;
    __builtin_memset(function->msix_pending, 0, sizeof(function->msix_pending));
    for (unsigned i = 0; i < function->msix.vectors; i++) {
        __builtin_memset(&function->msix_table[i * 4], 0, 12);
        function->msix_table[i * 4 + 3] = 1; /* masked */
    }
}

/* ---- capabilities ---- */

UCHAR pci_capability(struct pci_function *function, const UCHAR *bytes, const UCHAR *writable,
                     unsigned length)
{
    UCHAR at = function->capabilities_end, *previous = &function->config[PCI_CAPABILITIES];

    if (length < 2 || length > PCI_CONFIG_BYTES - (unsigned)at)
        return 0;
    if (function->last_capability != 0)
        previous = &function->config[function->last_capability + CAPABILITY_NEXT];
    __builtin_memcpy(&function->config[at], bytes, length);
    if (writable != NULL)
        __builtin_memcpy(&function->writable[at + 2], writable + 2, length - 2);
    function->config[at + CAPABILITY_NEXT] = 0;
    *previous = at;
    function->last_capability = at;
    function->capabilities_end = (UCHAR)MIN(ALIGN_UP(at + length, 4u), 0xFCu);
    function->config[PCI_STATUS] |= STATUS_CAPABILITIES;
    return at;
}

UCHAR pci_add_capability(struct pci_function *function, const UCHAR *bytes, const UCHAR *writable,
                         unsigned length)
{
    UCHAR at;

    rl_lock_acquire(&function->lock);
    at = pci_capability(function, bytes, writable, length);
    rl_lock_release(&function->lock);
    return at;
}

/* ---- access ---- */

static bool is_there(const struct pci_function *function, ULONG number)
{
    USHORT vendor = INVALID_VENDOR;

    hal_pci_read(function->place.bus, function->device, number, PCI_VENDOR, &vendor, sizeof(vendor));
    return vendor != INVALID_VENDOR;
}

/* Function 0 tells that others share its device. */
static bool has_siblings(const struct pci_function *function)
{
    for (ULONG number = 1; number < 8; number++) {
        if (function->function == 0 && is_there(function, number))
            return true;
    }
    return false;
}

static UCHAR read_byte(const struct pci_function *function, ULONG offset)
{
    UCHAR value = function->config[offset];

    if (offset == PCI_STATUS && function->asserted)
        value |= STATUS_INTERRUPT;
    if (function->msi_at != 0 && offset - function->msi_at - MSI_PENDING < 4)
        value = (UCHAR)(function->msi_pending >> (offset - function->msi_at - MSI_PENDING) * 8);
    return value;
}

static void read_space(void *context, ULONG offset, void *buffer, ULONG length)
{
    struct pci_function *function = context;
    bool header = offset <= PCI_HEADER_TYPE && PCI_HEADER_TYPE - offset < length;
    bool siblings = header && has_siblings(function);

    rl_lock_acquire(&function->lock);
    for (ULONG i = 0; i < length; i++)
        ((UCHAR *)buffer)[i] = read_byte(function, offset + i);
    rl_lock_release(&function->lock);
    if (siblings)
        ((UCHAR *)buffer)[PCI_HEADER_TYPE - offset] |= HEADER_MULTIFUNCTION;
}

static void write_byte(struct pci_function *function, ULONG offset, UCHAR value)
{
    UCHAR *byte = &function->config[offset];

    *byte = (UCHAR)((*byte & ~function->writable[offset]) | (value & function->writable[offset]));
    *byte &= (UCHAR) ~(value & function->cleared_by_one[offset]);
}

static void write_space(void *context, ULONG offset, const void *buffer, ULONG length)
{
    struct pci_function *function = context;
    unsigned before;
    bool reset;

    rl_lock_acquire(&function->lock);
    before = pci_power_state(function);
    for (ULONG i = 0; i < length; i++)
        write_byte(function, offset + i, ((const UCHAR *)buffer)[i]);
    reset = before == 3 && pci_power_state(function) == 0 && function->loses_state_in_d3;
    if (reset) {
        pci_config_begin(function);
        function->asserted = false;
    }
    pci_bars_update(function);
    pci_interrupts_update(function);
    rl_lock_release(&function->lock);
    if (reset && function->ops != NULL && function->ops->reset != NULL)
        function->ops->reset(function);
}

ULONG pci_config_read(struct pci_function *function, ULONG offset, unsigned width_bytes)
{
    ULONG value = 0;

    read_space(function, offset, &value, width_bytes);
    return value;
}

/* ---- bus mastering ---- */

static bool is_master(struct pci_function *function)
{
    return !function->place.absent && (pci_config_read(function, PCI_COMMAND, 2) & COMMAND_MASTER) != 0;
}

bool pci_memory_read(struct pci_function *function, uint64_t pa, void *to, size_t length)
{
    return is_master(function) && hal_memory_read(pa, to, length);
}

bool pci_memory_write(struct pci_function *function, uint64_t pa, const void *from, size_t length)
{
    return is_master(function) && hal_memory_write(pa, from, length);
}

/* ---- on and off the bus ---- */

static bool build(struct pci_function *function, char *message, size_t size)
{
    function->capabilities_end = PCI_FIRST_CAPABILITY;
    function->place = (struct hal_pci_function){.device = function->device,
                                                .function = function->function,
                                                .context = function,
                                                .read = read_space,
                                                .write = write_space};
    describe(function);
    if (function->vendor_id == INVALID_VENDOR || function->interrupt_pin > 4) {
        host_snprintf(message, size, "vendor 0xFFFF means no function, and the pins are A to D");
        return false;
    }
    return pci_bars_init(function, message, size) && pci_power_init(function, message, size) &&
           pci_messages_init(function, message, size);
}

/* What firmware leaves: addresses in the BARs, the line that the pin leads to, decoding on. */
static void configure(struct pci_function *function)
{
    pci_config_begin(function);
    pci_bars_assign(function);
    if (function->interrupt_pin != 0)
        function->config[PCI_INTERRUPT_LINE] = (UCHAR)line_of(function);
    else
        function->config[PCI_INTERRUPT_LINE] = 0xFF;
    if (!function->decode_off)
        function->config[PCI_COMMAND] |= function->writable[PCI_COMMAND] & (COMMAND_IO | COMMAND_MEMORY);
}

NTSTATUS pci_add(struct pci_function *function, char *message, size_t size)
{
    NTSTATUS status;

    if (!build(function, message, size)) {
        pci_messages_fini(function);
        pci_bars_fini(function);
        return STATUS_INVALID_PARAMETER;
    }
    if (function->interrupt_pin != 0)
        hal_add_pin(&function->pin, line_of(function));
    configure(function);
    status = hal_add_pci(&function->place);
    if (status == STATUS_SUCCESS) {
        rl_lock_acquire(&function->lock);
        pci_bars_update(function);
        rl_lock_release(&function->lock);
        return status;
    }
    host_snprintf(message, size, "there is no place at device %u, function %u", function->device,
                  function->function);
    if (function->interrupt_pin != 0)
        hal_remove_pin(&function->pin);
    pci_messages_fini(function);
    pci_bars_fini(function);
    return status;
}

void pci_remove(struct pci_function *function)
{
    hal_remove_pci(&function->place);
    if (function->interrupt_pin != 0)
        hal_remove_pin(&function->pin);
    pci_bars_fini(function);
    pci_messages_fini(function);
}

void pci_unplug(struct pci_function *function)
{
    hal_pci_set_absent(&function->place, true);
    rl_lock_acquire(&function->lock);
    function->asserted = false;
    pci_config_begin(function);
    pci_bars_update(function);
    pci_interrupts_update(function);
    rl_lock_release(&function->lock);
    if (function->ops != NULL && function->ops->reset != NULL)
        function->ops->reset(function);
}

void pci_plug(struct pci_function *function)
{
    rl_lock_acquire(&function->lock);
    configure(function);
    pci_bars_update(function);
    rl_lock_release(&function->lock);
    hal_pci_set_absent(&function->place, false);
}

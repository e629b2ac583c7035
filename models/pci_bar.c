/* SPDX-License-Identifier: MIT */
/*
 * Base address registers. Their low bits are constant and their address bits
 * writable down to the BAR's size: writing all ones and reading back gives the
 * size. A BAR answers where it stands as soon as its space is enabled in the
 * command register, also while it is moved; at address 0, in RAM or where
 * another device answers already it answers nowhere.
 */
#include "models/pci_internal.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/status.h"

#define IS_PORTS        1u
#define IS_64BIT        4u
#define IS_PREFETCHABLE 8u

static unsigned register_of(const struct pci_bar *bar)
{
    return PCI_BAR0 + 4 * (unsigned)(bar - bar->function->bars);
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static const char *what_is_wrong(const struct pci_bar *bar, unsigned number)
{
    uint64_t least = bar->kind == PCI_BAR_PORTS ? 4 : bar->kind == PCI_BAR_REGISTERS ? 16 : PAGE_SIZE;

    if (!is_power_of_two(bar->size) || bar->size < least)
        return "a BAR's size is a power of two: ports from 4, registers from 16, memory from 4096 bytes";
    if (bar->kind == PCI_BAR_PORTS && (bar->size > 256 || bar->is_64bit || bar->prefetchable))
        return "a BAR with ports has at most 256 of them, and is neither 64-bit nor prefetchable";
    if (bar->kind != PCI_BAR_PORTS && bar->size > 1ull << 30)
        return "a BAR has at most 1 GiB";
    if (bar->is_64bit && (number == PCI_BARS - 1 || bar[1].kind != PCI_BAR_NONE))
        return "a 64-bit BAR takes the next one's place too";
    if (bar->address % bar->size != 0)
        return "a BAR's address is a multiple of its size";
    return NULL;
}

/* ---- accesses ---- */

/* The BAR may be moved between the look that found it and the access: then nobody answers. */
static bool is_inside(const struct pci_bar *bar, uint64_t offset, unsigned width_bytes)
{
    return offset <= bar->size - width_bytes;
}

static uint64_t read_piece(struct pci_bar *bar, uint64_t offset, unsigned width_bytes)
{
    struct pci_function *function = bar->function;
    unsigned number = (unsigned)(bar - function->bars);
    uint64_t value = 0;

    if (!is_inside(bar, offset, width_bytes))
        return ~0ull;
    if (bar->kind == PCI_BAR_MEMORY) {
        __builtin_memcpy(&value, bar->memory + offset, width_bytes);
        return value;
    }
    if (pci_msix_read(function, number, offset, &value, width_bytes))
        return value;
    return function->ops != NULL && function->ops->read != NULL
               ? function->ops->read(function, number, offset, width_bytes)
               : ~0ull;
}

static void write_piece(struct pci_bar *bar, uint64_t offset, uint64_t value, unsigned width_bytes)
{
    struct pci_function *function = bar->function;
    unsigned number = (unsigned)(bar - function->bars);

    if (!is_inside(bar, offset, width_bytes))
        return;
    if (bar->kind == PCI_BAR_MEMORY)
        __builtin_memcpy(bar->memory + offset, &value, width_bytes);
    else if (!pci_msix_write(function, number, offset, value, width_bytes) && function->ops != NULL &&
             function->ops->write != NULL)
        function->ops->write(function, number, offset, value, width_bytes);
}

static void read_registers(void *context, uint64_t offset, void *value, unsigned width_bytes)
{
    uint64_t piece = read_piece(context, offset, width_bytes);

    __builtin_memcpy(value, &piece, width_bytes);
}

static void write_registers(void *context, uint64_t offset, const void *value, unsigned width_bytes)
{
    uint64_t piece = 0;

    __builtin_memcpy(&piece, value, width_bytes);
    write_piece(context, offset, piece, width_bytes);
}

/* A port access that is not aligned is one of bytes; beyond the BAR nothing answers. */
static ULONG read_ports(void *context, USHORT offset, unsigned width_bytes)
{
    struct pci_bar *bar = context;
    ULONG value = 0;

    if (offset % width_bytes == 0)
        return (ULONG)read_piece(bar, offset, width_bytes);
    for (unsigned i = 0; i < width_bytes; i++)
        value |= (offset + i < bar->size ? (ULONG)read_piece(bar, offset + i, 1) & 0xFF : 0xFFu) << i * 8;
    return value;
}

static void write_ports(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct pci_bar *bar = context;

    if (offset % width_bytes == 0) {
        write_piece(bar, offset, value, width_bytes);
        return;
    }
    for (unsigned i = 0; i < width_bytes && offset + i < bar->size; i++)
        write_piece(bar, offset + i, value >> i * 8 & 0xFF, 1);
}

/* ---- decoding ---- */

static uint64_t address_of(const struct pci_bar *bar)
{
    const UCHAR *config = bar->function->config;
    uint64_t address = pci_get(config, register_of(bar), 4) & (bar->kind == PCI_BAR_PORTS ? ~3u : ~15u);

    if (bar->is_64bit)
        address |= (uint64_t)pci_get(config, register_of(bar) + 4, 4) << 32;
    return address;
}

static bool is_enabled(const struct pci_bar *bar)
{
    ULONG command = pci_get(bar->function->config, PCI_COMMAND, 2);

    return pci_power_state(bar->function) == 0 &&
           (command & (bar->kind == PCI_BAR_PORTS ? COMMAND_IO : COMMAND_MEMORY)) != 0;
}

/* The links stay as they are until the range is published: somebody may still be looking through it. */
static bool decode_ports(struct pci_bar *bar, uint64_t address)
{
    if (address + bar->size > 0x10000)
        return false;
    bar->ports.first = (USHORT)address;
    bar->ports.count = (USHORT)bar->size;
    bar->ports.context = bar;
    bar->ports.read = read_ports;
    bar->ports.write = write_ports;
    return NT_SUCCESS(hal_add_ports(&bar->ports));
}

static bool decode_memory(struct pci_bar *bar, uint64_t address)
{
    bar->registers.first = address;
    bar->registers.length = bar->size;
    bar->registers.context = bar;
    bar->registers.read = read_registers;
    bar->registers.write = write_registers;
    if (!NT_SUCCESS(hal_add_mmio(&bar->registers)))
        return false;
    if (bar->kind == PCI_BAR_MEMORY)
        hmem_window_place(bar->window, address >> PAGE_SHIFT);
    return true;
}

static void stop_decoding(struct pci_bar *bar)
{
    if (bar->decoded == 0)
        return;
    bar->decoded = 0;
    if (bar->kind == PCI_BAR_MEMORY)
        hmem_window_place(bar->window, HMEM_NO_PFN);
    if (bar->kind == PCI_BAR_PORTS)
        hal_remove_ports(&bar->ports);
    else
        hal_remove_mmio(&bar->registers);
}

static void update(struct pci_bar *bar)
{
    uint64_t wanted = is_enabled(bar) ? address_of(bar) : 0;

    if (bar->decoded == wanted)
        return;
    stop_decoding(bar);
    if (wanted != 0 && (bar->kind == PCI_BAR_PORTS ? decode_ports(bar, wanted) : decode_memory(bar, wanted)))
        bar->decoded = wanted;
}

void pci_bars_update(struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (function->bars[i].kind != PCI_BAR_NONE)
            update(&function->bars[i]);
    }
}

/* ---- making ---- */

static void describe(struct pci_bar *bar)
{
    struct pci_function *function = bar->function;
    uint64_t mask = ~(bar->size - 1);
    ULONG type = bar->kind == PCI_BAR_PORTS
                     ? IS_PORTS
                     : (bar->is_64bit ? IS_64BIT : 0) | (bar->prefetchable ? IS_PREFETCHABLE : 0);

    pci_put(function->config, register_of(bar), type, 4);
    pci_put(function->writable, register_of(bar), (ULONG)mask, 4);
    if (bar->is_64bit)
        pci_put(function->writable, register_of(bar) + 4, (ULONG)(mask >> 32), 4);
}

bool pci_bars_init(struct pci_function *function, char *message, size_t size)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bars[i];
        const char *wrong = bar->kind == PCI_BAR_NONE ? NULL : what_is_wrong(bar, i);

        bar->function = function;
        bar->decoded = 0;
        if (wrong != NULL) {
            host_snprintf(message, size, "BAR %u: %s", i, wrong);
            return false;
        }
        if (bar->kind == PCI_BAR_NONE)
            continue;
        describe(bar);
        if (bar->kind == PCI_BAR_MEMORY)
            bar->memory = hmem_window_create(bar->size / PAGE_SIZE, &bar->window);
        if (bar->kind == PCI_BAR_MEMORY && bar->memory == NULL) {
            host_snprintf(message, size, "BAR %u: the host has no memory for it", i);
            return false;
        }
    }
    return true;
}

static void assign(struct pci_bar *bar)
{
    uint64_t address = bar->address;

    if (address == 0)
        address = bar->address = hal_pci_assign(bar->kind == PCI_BAR_PORTS, bar->size);
    pci_put(bar->function->config, register_of(bar),
            (ULONG)address | pci_get(bar->function->config, register_of(bar), 4), 4);
    if (bar->is_64bit)
        pci_put(bar->function->config, register_of(bar) + 4, (ULONG)(address >> 32), 4);
}

void pci_bars_assign(struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (function->bars[i].kind != PCI_BAR_NONE)
            assign(&function->bars[i]);
    }
}

void pci_bars_fini(struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bars[i];
        if (bar->function != NULL)
            stop_decoding(bar);
        if (bar->memory != NULL)
            hmem_window_destroy(bar->window);
        bar->memory = NULL;
    }
}

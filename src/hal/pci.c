/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus, bus number 0: configuration mechanism 1 at ports 0xCF8 and
 * 0xCFC, and the functions that models put on the bus. An empty place answers
 * all ones, as a master abort does.
 */
#include "hal/internal.h"
#include "base/lock.h"

#define CONFIG_BYTES   256u
#define INVALID_VENDOR 0xFFFF

/* Where firmware puts BARs. */
#define PORTS_FIRST  0xC000u
#define PORTS_END    0x10000u
#define MEMORY_FIRST 0xC0000000u
#define MEMORY_END   0xFEB00000u

static LIST_ENTRY functions = {&functions, &functions};
static rl_lock functions_lock;
static ULONG address; /* the latch at 0xCF8 */
static uint64_t next_port, next_memory;
static ULONG changes;

static struct hal_pci_function *find(ULONG bus, ULONG device, ULONG function)
{
    LIST_ENTRY *it = __atomic_load_n(&functions.Flink, __ATOMIC_ACQUIRE);

    for (; it != &functions; it = it->Flink) {
        struct hal_pci_function *there = container_of(it, struct hal_pci_function, link);
        if (there->bus == bus && there->device == device && there->function == function && !there->absent)
            return there;
    }
    return NULL;
}

/* Owns: borrows the function until hal_remove_pci. */
NTSTATUS hal_add_pci(struct hal_pci_function *function)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;

    if (function->bus != 0 || function->device > 31 || function->function > 7)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&functions_lock);
    if (find(function->bus, function->device, function->function) == NULL) {
        hal_publish(&functions, &function->link);
        __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
        status = STATUS_SUCCESS;
    }
    rl_lock_release(&functions_lock);
    return status;
}

void hal_remove_pci(struct hal_pci_function *function)
{
    rl_lock_acquire(&functions_lock);
    list_remove(&function->link);
    __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
    rl_lock_release(&functions_lock);
}

void hal_pci_set_absent(struct hal_pci_function *function, bool absent)
{
    __atomic_store_n(&function->absent, absent, __ATOMIC_RELEASE);
    __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
}

ULONG hal_pci_changes(void)
{
    return __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
}

static ULONG clip(ULONG offset, ULONG length)
{
    return offset >= CONFIG_BYTES ? 0 : MIN(length, CONFIG_BYTES - offset);
}

ULONG hal_pci_read(ULONG bus, ULONG device, ULONG function, ULONG offset, void *buffer, ULONG length)
{
    struct hal_pci_function *there;
    USHORT vendor = INVALID_VENDOR;

    if (bus != 0)
        return 0;
    there = find(bus, device, function);
    if (there == NULL) {
        length = MIN(length, (ULONG)sizeof(vendor));
        __builtin_memcpy(buffer, &vendor, length);
        return length;
    }
    length = clip(offset, length);
    if (length != 0)
        there->read(there->context, offset, buffer, length);
    return length;
}

ULONG hal_pci_write(ULONG bus, ULONG device, ULONG function, ULONG offset, const void *buffer, ULONG length)
{
    struct hal_pci_function *there = bus == 0 ? find(bus, device, function) : NULL;

    length = there != NULL ? clip(offset, length) : 0;
    if (length != 0)
        there->write(there->context, offset, buffer, length);
    return length;
}

/* The function that the latch names, if its enable bit is on. */
static struct hal_pci_function *selected(void)
{
    if (!(address & 0x80000000))
        return NULL;
    return find(address >> 16 & 0xFF, address >> 11 & 0x1F, address >> 8 & 7);
}

static ULONG read_data(USHORT offset, unsigned width_bytes)
{
    struct hal_pci_function *function = selected();
    ULONG value = ~0u, at = (address & 0xFC) + offset;

    if (function != NULL && clip(at, width_bytes) == width_bytes)
        function->read(function->context, at, &value, width_bytes);
    return value;
}

static void write_data(USHORT offset, ULONG value, unsigned width_bytes)
{
    struct hal_pci_function *function = selected();
    ULONG at = (address & 0xFC) + offset;

    if (function != NULL && clip(at, width_bytes) == width_bytes)
        function->write(function->context, at, &value, width_bytes);
}

static ULONG read_port(void *context, USHORT offset, unsigned width_bytes)
{
    if (offset >= 4)
        return read_data((USHORT)(offset - 4), width_bytes);
    return offset == 0 && width_bytes == 4 ? address : ~0u; /* the latch is reached as four bytes only */
}

static void write_port(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    if (offset >= 4)
        write_data((USHORT)(offset - 4), value, width_bytes);
    else if (offset == 0 && width_bytes == 4)
        address = value & 0x80FFFFFC;
}

uint64_t hal_pci_assign(bool is_ports, uint64_t size)
{
    uint64_t *next = is_ports ? &next_port : &next_memory, end = is_ports ? PORTS_END : MEMORY_END, at;

    rl_lock_acquire(&functions_lock);
    at = ALIGN_UP(*next, size);
    if (at + size <= end)
        *next = at + size;
    else
        at = 0;
    rl_lock_release(&functions_lock);
    return at;
}

NTSTATUS hal_pci_init(void)
{
    static struct hal_port_range range = {.first = 0xCF8, .count = 8, .read = read_port, .write = write_port};

    address = 0;
    changes = 0;
    next_port = PORTS_FIRST;
    next_memory = MEMORY_FIRST;
    list_init(&functions);
    return hal_add_ports(&range);
}

void hal_pci_fini(void)
{
    list_init(&functions);
}

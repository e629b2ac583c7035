/* SPDX-License-Identifier: MIT */
/*
 * The 64 Ki ports: ranges of device models. Readers take no lock, since a port
 * may be touched at any IRQL: a range is complete before it is linked, and one
 * that goes away (a PCI device's that is moved) keeps its links, so that who is
 * just looking through it gets on.
 */
#include "hal/internal.h"
#include "base/lock.h"

static LIST_ENTRY ranges = {&ranges, &ranges};
static rl_lock ranges_lock;

NTSTATUS hal_ports_init(void)
{
    list_init(&ranges);
    return STATUS_SUCCESS;
}

void hal_ports_fini(void)
{
    list_init(&ranges);
}

static bool overlaps(const struct hal_port_range *a, const struct hal_port_range *b)
{
    return a->first < (ULONG)b->first + b->count && b->first < (ULONG)a->first + a->count;
}

static bool is_free(const struct hal_port_range *range)
{
    list_for_each(it, &ranges)
    {
        if (overlaps(range, container_of(it, struct hal_port_range, link)))
            return false;
    }
    return true;
}

/* Owns: borrows the range until hal_remove_ports. */
NTSTATUS hal_add_ports(struct hal_port_range *range)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;

    if (range->count == 0 || (ULONG)range->first + range->count > 0x10000)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&ranges_lock);
    if (is_free(range)) {
        hal_publish(&ranges, &range->link);
        status = STATUS_SUCCESS;
    }
    rl_lock_release(&ranges_lock);
    return status;
}

void hal_remove_ports(struct hal_port_range *range)
{
    rl_lock_acquire(&ranges_lock);
    list_remove(&range->link);
    rl_lock_release(&ranges_lock);
}

bool hal_ports_are_decoded(USHORT first, USHORT last)
{
    struct hal_port_range wanted = {.first = first, .count = (USHORT)(last - first + 1)};

    rl_lock_acquire(&ranges_lock);
    bool decoded = !is_free(&wanted);
    rl_lock_release(&ranges_lock);
    return decoded;
}

static struct hal_port_range *find(USHORT port)
{
    LIST_ENTRY *it = __atomic_load_n(&ranges.Flink, __ATOMIC_ACQUIRE);

    for (; it != &ranges; it = it->Flink) {
        struct hal_port_range *range = container_of(it, struct hal_port_range, link);
        if ((USHORT)(port - range->first) < range->count)
            return range;
    }
    return NULL;
}

static ULONG mask_of(unsigned width_bytes)
{
    return width_bytes == 4 ? ~0u : (1u << width_bytes * 8) - 1;
}

/* Nothing there: the bus floats high. */
ULONG hal_port_read(USHORT port, unsigned width_bytes)
{
    struct hal_port_range *range = find(port);
    ULONG value = ~0u;

    if (range != NULL && range->read != NULL)
        value = range->read(range->context, (USHORT)(port - range->first), width_bytes);
    value &= mask_of(width_bytes);
    TRACE(TRACE_PORT, NULL, .a = port, .b = value, .c = 0);
    return value;
}

void hal_port_write(USHORT port, ULONG value, unsigned width_bytes)
{
    struct hal_port_range *range = find(port);

    TRACE(TRACE_PORT, NULL, .a = port, .b = value & mask_of(width_bytes), .c = 1);
    if (range != NULL && range->write != NULL)
        range->write(range->context, (USHORT)(port - range->first), value & mask_of(width_bytes),
                     width_bytes);
}

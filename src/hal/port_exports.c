/* SPDX-License-Identifier: MIT */
/*
 * Ports and device registers through calls: drivers built for x64 have these
 * inline as a rule, others import them. A register lies in memory that
 * MmMapIoSpace gave: RAM is accessed as it is, a device through its model.
 */
#include "hal/exports.h"
#include "hal/internal.h"
#include "host/memory.h"
#include "nt/nt.h"

static ULONG64 read_register(const volatile void *address, unsigned width_bytes)
{
    ULONG64 value = 0;
    uint64_t pa;

    if (hmem_is_mmio((const void *)address, &pa)) {
        if (!hal_mmio_read(pa, &value, width_bytes))
            value = ~0ull; /* nothing answers on the bus */
        return value;
    }
    switch (width_bytes) {
    case 1:
        return *(const volatile UCHAR *)address;
    case 2:
        return *(const volatile USHORT *)address;
    case 4:
        return *(const volatile ULONG *)address;
    default:
        return *(const volatile ULONG64 *)address;
    }
}

static void write_register(volatile void *address, ULONG64 value, unsigned width_bytes)
{
    uint64_t pa;

    if (hmem_is_mmio((const void *)address, &pa))
        hal_mmio_write(pa, &value, width_bytes);
    else if (width_bytes == 1)
        *(volatile UCHAR *)address = (UCHAR)value;
    else if (width_bytes == 2)
        *(volatile USHORT *)address = (USHORT)value;
    else if (width_bytes == 4)
        *(volatile ULONG *)address = (ULONG)value;
    else
        *(volatile ULONG64 *)address = value;
    __sync_synchronize(); /* the write is out before the call returns */
}

EXPORT(hal, READ_PORT_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
UCHAR NTAPI READ_PORT_UCHAR(PUCHAR Port)
{
    return (UCHAR)hal_port_read((USHORT)(ULONG_PTR)Port, 1);
}

EXPORT(hal, WRITE_PORT_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value)
{
    hal_port_write((USHORT)(ULONG_PTR)Port, Value, 1);
}

EXPORT(hal, READ_PORT_BUFFER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (UCHAR)hal_port_read((USHORT)(ULONG_PTR)Port, 1);
}

EXPORT(hal, WRITE_PORT_BUFFER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count)
{
    while (Count-- > 0)
        hal_port_write((USHORT)(ULONG_PTR)Port, *Buffer++, 1);
}

EXPORT(hal, READ_PORT_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI READ_PORT_USHORT(PUSHORT Port)
{
    return (USHORT)hal_port_read((USHORT)(ULONG_PTR)Port, 2);
}

EXPORT(hal, WRITE_PORT_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_USHORT(PUSHORT Port, USHORT Value)
{
    hal_port_write((USHORT)(ULONG_PTR)Port, Value, 2);
}

EXPORT(hal, READ_PORT_BUFFER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (USHORT)hal_port_read((USHORT)(ULONG_PTR)Port, 2);
}

EXPORT(hal, WRITE_PORT_BUFFER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count)
{
    while (Count-- > 0)
        hal_port_write((USHORT)(ULONG_PTR)Port, *Buffer++, 2);
}

EXPORT(hal, READ_PORT_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI READ_PORT_ULONG(PULONG Port)
{
    return (ULONG)hal_port_read((USHORT)(ULONG_PTR)Port, 4);
}

EXPORT(hal, WRITE_PORT_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_ULONG(PULONG Port, ULONG Value)
{
    hal_port_write((USHORT)(ULONG_PTR)Port, Value, 4);
}

EXPORT(hal, READ_PORT_BUFFER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (ULONG)hal_port_read((USHORT)(ULONG_PTR)Port, 4);
}

EXPORT(hal, WRITE_PORT_BUFFER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count)
{
    while (Count-- > 0)
        hal_port_write((USHORT)(ULONG_PTR)Port, *Buffer++, 4);
}

EXPORT(hal, READ_REGISTER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
UCHAR NTAPI READ_REGISTER_UCHAR(volatile UCHAR *Register)
{
    return (UCHAR)read_register(Register, 1);
}

EXPORT(hal, WRITE_REGISTER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    write_register(Register, Value, 1);
}

EXPORT(hal, READ_REGISTER_BUFFER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (UCHAR)read_register(Register++, 1);
}

EXPORT(hal, WRITE_REGISTER_BUFFER_UCHAR, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer, ULONG Count)
{
    while (Count-- > 0)
        write_register(Register++, *Buffer++, 1);
}

EXPORT(hal, READ_REGISTER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI READ_REGISTER_USHORT(volatile USHORT *Register)
{
    return (USHORT)read_register(Register, 2);
}

EXPORT(hal, WRITE_REGISTER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value)
{
    write_register(Register, Value, 2);
}

EXPORT(hal, READ_REGISTER_BUFFER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (USHORT)read_register(Register++, 2);
}

EXPORT(hal, WRITE_REGISTER_BUFFER_USHORT, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer, ULONG Count)
{
    while (Count-- > 0)
        write_register(Register++, *Buffer++, 2);
}

EXPORT(hal, READ_REGISTER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI READ_REGISTER_ULONG(volatile ULONG *Register)
{
    return (ULONG)read_register(Register, 4);
}

EXPORT(hal, WRITE_REGISTER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value)
{
    write_register(Register, Value, 4);
}

EXPORT(hal, READ_REGISTER_BUFFER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (ULONG)read_register(Register++, 4);
}

EXPORT(hal, WRITE_REGISTER_BUFFER_ULONG, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count)
{
    while (Count-- > 0)
        write_register(Register++, *Buffer++, 4);
}

EXPORT(hal, READ_REGISTER_ULONG64, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG64 NTAPI READ_REGISTER_ULONG64(volatile ULONG64 *Register)
{
    return (ULONG64)read_register(Register, 8);
}

EXPORT(hal, WRITE_REGISTER_ULONG64, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_ULONG64(volatile ULONG64 *Register, ULONG64 Value)
{
    write_register(Register, Value, 8);
}

EXPORT(hal, READ_REGISTER_BUFFER_ULONG64, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI READ_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer, ULONG Count)
{
    while (Count-- > 0)
        *Buffer++ = (ULONG64)read_register(Register++, 8);
}

EXPORT(hal, WRITE_REGISTER_BUFFER_ULONG64, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI WRITE_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer, ULONG Count)
{
    while (Count-- > 0)
        write_register(Register++, *Buffer++, 8);
}

/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory: the exported forms of what drivers mostly have inlined,
 * and byte order. Any IRQL; a bad pointer is the driver's exception.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/device_memory.h"
#include "rtl/exports.h"

static void move(PVOID to, const VOID *from, SIZE_T length)
{
    if (is_device_memory(to) || is_device_memory(from))
        device_memory_move(to, from, length);
    else
        __builtin_memmove(to, from, length);
}

static void fill(PVOID to, int value, SIZE_T length)
{
    if (is_device_memory(to))
        device_memory_fill(to, value, length);
    else
        __builtin_memset(to, value, length);
}

/* How many leading bytes are equal. */
EXPORT(ntoskrnl, RtlCompareMemory, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    const UCHAR *a = Source1, *b = Source2;
    SIZE_T i = 0;
    while (i < Length && a[i] == b[i])
        i++;
    return i;
}

/* How many leading bytes repeat Pattern; 0 for an unaligned source or length. */
EXPORT(ntoskrnl, RtlCompareMemoryUlong, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    if (((uintptr_t)Source | Length) % sizeof(ULONG) != 0)
        return 0;
    const ULONG *at = Source;
    SIZE_T i = 0;
    while (i < Length / sizeof(ULONG) && at[i] == Pattern)
        i++;
    return i * sizeof(ULONG);
}

EXPORT(ntoskrnl, RtlCopyMemory, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlCopyMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    move(Destination, Source, Length);
}

EXPORT(ntoskrnl, RtlCopyMemoryNonTemporal, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlCopyMemoryNonTemporal(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    move(Destination, Source, Length);
}

EXPORT(ntoskrnl, RtlMoveMemory, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlMoveMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    move(Destination, Source, Length);
}

EXPORT(ntoskrnl, RtlFillMemory, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlFillMemory(PVOID Destination, SIZE_T Length, int Fill)
{
    fill(Destination, Fill, Length);
}

EXPORT(ntoskrnl, RtlZeroMemory, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlZeroMemory(PVOID Destination, SIZE_T Length)
{
    fill(Destination, 0, Length);
}

/* Length in bytes, a multiple of the pattern's size. */
EXPORT(ntoskrnl, RtlFillMemoryUlong, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern)
{
    for (SIZE_T i = 0; i < Length / sizeof(ULONG); i++)
        ((PULONG)Destination)[i] = Pattern;
}

EXPORT(ntoskrnl, RtlFillMemoryUlonglong, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlFillMemoryUlonglong(PVOID Destination, SIZE_T Length, ULONGLONG Pattern)
{
    for (SIZE_T i = 0; i < Length / sizeof(ULONGLONG); i++)
        ((PULONGLONG)Destination)[i] = Pattern;
}

/* Brings memory near the processor: a hint that faults on nothing. */
EXPORT(ntoskrnl, RtlPrefetchMemoryNonTemporal, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI RtlPrefetchMemoryNonTemporal(PVOID Source, SIZE_T Length)
{
    for (SIZE_T i = 0; i < Length; i += 64)
        __builtin_prefetch((const char *)Source + i, 0, 0);
}

EXPORT(ntoskrnl, RtlUshortByteSwap, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI RtlUshortByteSwap(USHORT Source)
{
    return __builtin_bswap16(Source);
}

EXPORT(ntoskrnl, RtlUlongByteSwap, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI RtlUlongByteSwap(ULONG Source)
{
    return __builtin_bswap32(Source);
}

EXPORT(ntoskrnl, RtlUlonglongByteSwap, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONGLONG NTAPI RtlUlonglongByteSwap(ULONGLONG Source)
{
    return __builtin_bswap64(Source);
}

EXPORT_AS(ntoskrnl, "memcpy", crt_memcpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI crt_memcpy(PVOID to, const VOID *from, SIZE_T length)
{
    move(to, from, length);
    return to;
}

EXPORT_AS(ntoskrnl, "memmove", crt_memmove, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI crt_memmove(PVOID to, const VOID *from, SIZE_T length)
{
    move(to, from, length);
    return to;
}

EXPORT_AS(ntoskrnl, "memset", crt_memset, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI crt_memset(PVOID to, int value, SIZE_T length)
{
    fill(to, value, length);
    return to;
}

EXPORT_AS(ntoskrnl, "memcmp", crt_memcmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_memcmp(const VOID *a, const VOID *b, SIZE_T length)
{
    if (is_device_memory(a) || is_device_memory(b))
        return device_memory_compare(a, b, length);
    int difference = __builtin_memcmp(a, b, length);
    return (difference > 0) - (difference < 0);
}

EXPORT_AS(ntoskrnl, "memchr", crt_memchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI crt_memchr(const VOID *block, int value, SIZE_T length)
{
    if (is_device_memory(block))
        return device_memory_find(block, value, length);
    return (PVOID)__builtin_memchr(block, value, length);
}

/* A bad argument empties the destination, if there is one, and is named by the result. */
EXPORT_AS(ntoskrnl, "memcpy_s", crt_memcpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_memcpy_s(PVOID to, SIZE_T size, const VOID *from, SIZE_T length)
{
    if (length == 0)
        return 0;
    if (!to)
        return CRT_EINVAL;
    if (from && length <= size) {
        move(to, from, length);
        return 0;
    }
    fill(to, 0, size);
    return from ? CRT_ERANGE : CRT_EINVAL;
}

/* Unlike memcpy_s it leaves the destination alone when it fails. */
EXPORT_AS(ntoskrnl, "memmove_s", crt_memmove_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_memmove_s(PVOID to, SIZE_T size, const VOID *from, SIZE_T length)
{
    if (length == 0)
        return 0;
    if (!to || !from)
        return CRT_EINVAL;
    if (length > size)
        return CRT_ERANGE;
    move(to, from, length);
    return 0;
}

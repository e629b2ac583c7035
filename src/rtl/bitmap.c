/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps. The buffer is whole ULONGs, bit 0 is the least significant of the
 * first; bits behind SizeOfBitMap are never looked at nor changed. The caller
 * serialises. Any IRQL for resident memory.
 */
#include "rtl/rtl.h"
#include "rtl/bitmap.h"
#include "rtl/exports.h"

#define BITS 32

ULONG rtl_bitmap_next(const RTL_BITMAP *map, ULONG from, bool set)
{
    ULONG flip = set ? 0 : ~0u;
    for (ULONG at = from; at < map->SizeOfBitMap; at = (at / BITS + 1) * BITS) {
        ULONG word = (map->Buffer[at / BITS] ^ flip) >> at % BITS;
        if (word)
            return MIN(at + (ULONG)__builtin_ctz(word), map->SizeOfBitMap);
    }
    return map->SizeOfBitMap;
}

/* The bits of one word that are in [from, from + count). */
static ULONG word_mask(ULONG from, ULONG count)
{
    ULONG low = from % BITS, n = MIN(count, BITS - low);
    return (n == BITS ? ~0u : (1u << n) - 1) << low;
}

static void change(const RTL_BITMAP *map, ULONG from, ULONG count, bool set)
{
    while (count > 0) {
        ULONG mask = word_mask(from, count), n = (ULONG)__builtin_popcount(mask);
        if (set)
            map->Buffer[from / BITS] |= mask;
        else
            map->Buffer[from / BITS] &= ~mask;
        from += n;
        count -= n;
    }
}

static ULONG count_set(const RTL_BITMAP *map, ULONG from, ULONG count)
{
    ULONG total = 0;
    while (count > 0) {
        ULONG mask = word_mask(from, count), n = (ULONG)__builtin_popcount(mask);
        total += (ULONG)__builtin_popcount(map->Buffer[from / BITS] & mask);
        from += n;
        count -= n;
    }
    return total;
}

/* Describes a buffer of the caller's; its contents stay. */
EXPORT(ntoskrnl, RtlInitializeBitMap, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

EXPORT(ntoskrnl, RtlSetBit, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    change(BitMapHeader, BitNumber, 1, true);
}

EXPORT(ntoskrnl, RtlClearBit, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    change(BitMapHeader, BitNumber, 1, false);
}

EXPORT(ntoskrnl, RtlTestBit, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return BitMapHeader->Buffer[BitNumber / BITS] >> BitNumber % BITS & 1;
}

EXPORT(ntoskrnl, RtlSetBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    change(BitMapHeader, StartingIndex, NumberToSet, true);
}

EXPORT(ntoskrnl, RtlClearBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    change(BitMapHeader, StartingIndex, NumberToClear, false);
}

/* All of the map's ULONGs, the unused bits of the last one too. */
static void change_all(PRTL_BITMAP map, int byte)
{
    __builtin_memset(map->Buffer, byte, ((size_t)map->SizeOfBitMap + 31) / 32 * sizeof(ULONG));
}

EXPORT(ntoskrnl, RtlSetAllBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    change_all(BitMapHeader, 0xFF);
}

EXPORT(ntoskrnl, RtlClearAllBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    change_all(BitMapHeader, 0);
}

/* True if [from, from + count) is not empty, inside the map, and all of one value. */
static bool are_bits(const RTL_BITMAP *map, ULONG from, ULONG count, bool set)
{
    if (count == 0 || from >= map->SizeOfBitMap || count > map->SizeOfBitMap - from)
        return false;
    return rtl_bitmap_next(map, from, !set) - from >= count;
}

EXPORT(ntoskrnl, RtlAreBitsSet, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return are_bits(BitMapHeader, StartingIndex, Length, true);
}

EXPORT(ntoskrnl, RtlAreBitsClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return are_bits(BitMapHeader, StartingIndex, Length, false);
}

EXPORT(ntoskrnl, RtlNumberOfSetBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    return count_set(BitMapHeader, 0, BitMapHeader->SizeOfBitMap);
}

EXPORT(ntoskrnl, RtlNumberOfClearBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    return BitMapHeader->SizeOfBitMap - count_set(BitMapHeader, 0, BitMapHeader->SizeOfBitMap);
}

EXPORT(ntoskrnl, RtlNumberOfSetBitsUlongPtr, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI RtlNumberOfSetBitsUlongPtr(ULONG_PTR Target)
{
    return (ULONG)__builtin_popcountll(Target);
}

/* -1 if no bit is set. */
EXPORT(ntoskrnl, RtlFindLeastSignificantBit, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
CCHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)__builtin_ctzll(Set) : -1;
}

EXPORT(ntoskrnl, RtlFindMostSignificantBit, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
CCHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)(63 - __builtin_clzll(Set)) : -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Finding runs of bits in bitmaps. A search from a hint looks from there to
 * the end and then from the beginning; a run may begin before the hint only in
 * the second part. No run: 0xFFFFFFFF, or a length of 0.
 */
#include "rtl/rtl.h"
#include "rtl/bitmap.h"
#include "rtl/exports.h"

#define NOT_FOUND 0xFFFFFFFFu

/* First run of at least `count` bits that begins in [from, limit); NOT_FOUND if none. */
static ULONG find_between(const RTL_BITMAP *map, ULONG from, ULONG limit, ULONG count, bool set)
{
    ULONG start = rtl_bitmap_next(map, from, set);
    while (start < limit) {
        ULONG end = rtl_bitmap_next(map, start, !set);
        if (end - start >= count)
            return start;
        start = rtl_bitmap_next(map, end, set);
    }
    return NOT_FOUND;
}

static ULONG find_from_hint(const RTL_BITMAP *map, ULONG count, ULONG hint, bool set)
{
    if (hint >= map->SizeOfBitMap)
        hint = 0;
    if (count == 0)
        return hint;
    ULONG found = find_between(map, hint, map->SizeOfBitMap, count, set);
    return found != NOT_FOUND ? found : find_between(map, 0, hint, count, set);
}

EXPORT(ntoskrnl, RtlFindClearBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_from_hint(BitMapHeader, NumberToFind, HintIndex, false);
}

EXPORT(ntoskrnl, RtlFindSetBits, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_from_hint(BitMapHeader, NumberToFind, HintIndex, true);
}

EXPORT(ntoskrnl, RtlFindClearBitsAndSet, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG found = find_from_hint(BitMapHeader, NumberToFind, HintIndex, false);
    if (found != NOT_FOUND)
        RtlSetBits(BitMapHeader, found, NumberToFind);
    return found;
}

EXPORT(ntoskrnl, RtlFindSetBitsAndClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG found = find_from_hint(BitMapHeader, NumberToFind, HintIndex, true);
    if (found != NOT_FOUND)
        RtlClearBits(BitMapHeader, found, NumberToFind);
    return found;
}

/* The run at or after FromIndex; its length, 0 if there is none. */
EXPORT(ntoskrnl, RtlFindNextForwardRunClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex)
{
    *StartingRunIndex = rtl_bitmap_next(BitMapHeader, FromIndex, false);
    if (*StartingRunIndex >= BitMapHeader->SizeOfBitMap)
        return 0;
    return rtl_bitmap_next(BitMapHeader, *StartingRunIndex, true) - *StartingRunIndex;
}

EXPORT(ntoskrnl, RtlFindFirstRunClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    return RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}

/* The run that ends at or before FromIndex. */
EXPORT(ntoskrnl, RtlFindLastBackwardRunClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindLastBackwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex)
{
    if (BitMapHeader->SizeOfBitMap == 0)
        return 0;
    ULONG end = MIN(FromIndex, BitMapHeader->SizeOfBitMap - 1) + 1; /* behind the last bit of the run */
    while (end > 0 && RtlTestBit(BitMapHeader, end - 1))
        end--;
    ULONG start = end;
    while (start > 0 && !RtlTestBit(BitMapHeader, start - 1))
        start--;
    *StartingRunIndex = start;
    return end - start;
}

EXPORT(ntoskrnl, RtlFindLongestRunClear, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    ULONG longest = 0, start, length;
    *StartingIndex = 0;
    for (ULONG from = 0; (length = RtlFindNextForwardRunClear(BitMapHeader, from, &start)) > 0;
         from = start + length) {
        if (length > longest) {
            longest = length;
            *StartingIndex = start;
        }
    }
    return longest;
}

/* Puts a run into an array that is sorted from the longest down; the shortest falls out when it is full. */
static ULONG insert_longest(PRTL_BITMAP_RUN runs, ULONG used, ULONG size, RTL_BITMAP_RUN run)
{
    ULONG at = used;
    while (at > 0 && runs[at - 1].NumberOfBits < run.NumberOfBits)
        at--;
    if (at == size)
        return used;
    ULONG last = used < size ? used : size - 1;
    for (ULONG i = last; i > at; i--)
        runs[i] = runs[i - 1];
    runs[at] = run;
    return last + 1;
}

/* The first runs, or the longest, longest first. Returns how many. */
EXPORT(ntoskrnl, RtlFindClearRuns, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlFindClearRuns(PRTL_BITMAP BitMapHeader, PRTL_BITMAP_RUN RunArray, ULONG SizeOfRunArray,
                             BOOLEAN LocateLongestRuns)
{
    ULONG used = 0, start, length;
    for (ULONG from = 0; (length = RtlFindNextForwardRunClear(BitMapHeader, from, &start)) > 0;
         from = start + length) {
        RTL_BITMAP_RUN run = {start, length};
        if (LocateLongestRuns)
            used = insert_longest(RunArray, used, SizeOfRunArray, run);
        else if (used < SizeOfRunArray)
            RunArray[used++] = run;
        else
            break;
    }
    return used;
}

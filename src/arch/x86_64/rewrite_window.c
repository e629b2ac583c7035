/* SPDX-License-Identifier: MIT */
/*
 * Where a five-byte jump fits around a site: whole instructions, nothing
 * jumped to strictly inside, nothing that another patch covers.
 */
#include "arch/x86_64/rewrite_internal.h"

#define JUMP_BYTES  5u
#define SHORT_BYTES 2u
#define HOP_REACH   132u
#define MAX_STEPS   4u

static bool is_start(const struct code_map *map, ULONG64 rva)
{
    return (code_flags_at(map, rva) & (CODE_START | CODE_PATCHED)) == CODE_START;
}

static ULONG insn_end(const struct code_map *map, ULONG rva)
{
    do
        rva++;
    while ((code_flags_at(map, rva) & (CODE_START | CODE_BODY)) == CODE_BODY);
    return rva;
}

/* The start of the instruction that ends where rva begins, 0 if none is known to. */
static ULONG previous_start(const struct code_map *map, ULONG rva)
{
    for (ULONG back = 1; back <= ZYDIS_MAX_INSTRUCTION_LENGTH && rva - map->low >= back; back++) {
        UCHAR flags = code_flags_at(map, rva - back);
        if (flags & CODE_START)
            return is_start(map, rva - back) && insn_end(map, rva - back) == rva ? rva - back : 0;
        if (!(flags & CODE_BODY))
            return 0;
    }
    return 0;
}

/* May run in a thunk: not what ends the flow of control before the window's end, nor what reports its own
 * address. */
static bool movable(const struct code_map *map, ULONG rva, bool last)
{
    struct rewrite_insn insn;
    struct rewrite_op op;

    if (!rewrite_decode(&insn, code_bytes(map->input, rva), insn_end(map, rva) - rva) ||
        rewrite_classify(&op, &insn, 0) == REWRITE_REFUSED)
        return false;
    if (insn.info.meta.category == ZYDIS_CATEGORY_RET || insn.info.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        return last;
    return insn.info.mnemonic != ZYDIS_MNEMONIC_XBEGIN && insn.info.mnemonic != ZYDIS_MNEMONIC_INT3 &&
           insn.info.mnemonic != ZYDIS_MNEMONIC_INT;
}

static bool acceptable(const struct code_map *map, const struct code_window *window, ULONG site, ULONG room)
{
    bool opaque = (code_flags_at(map, site) & CODE_OPAQUE) != 0;
    ULONG at = window->start;

    if (window->end - window->start < room)
        return false;
    for (ULONG inside = window->start + 1; inside < window->end; inside++) {
        if (code_flags_at(map, inside) & (CODE_TARGET | CODE_PATCHED))
            return false;
    }
    /* A computed jump could land on any instruction of the function: only the site's own bytes are safe. */
    if (opaque && (window->start != site || insn_end(map, site) != window->code_end))
        return false;
    for (; at < window->code_end; at = insn_end(map, at)) {
        if (!is_start(map, at) || !movable(map, at, insn_end(map, at) == window->code_end))
            return false;
    }
    return true;
}

static bool ends_flow(const struct code_map *map, ULONG rva)
{
    struct rewrite_insn insn;

    return rewrite_decode(&insn, code_bytes(map->input, rva), insn_end(map, rva) - rva) &&
           (insn.info.meta.category == ZYDIS_CATEGORY_RET ||
            insn.info.meta.category == ZYDIS_CATEGORY_UNCOND_BR);
}

/* Padding behind the last instruction, which nothing reaches, is room too: `popfq; ret` has not enough of its
 * own. */
static ULONG with_padding(const struct code_map *map, ULONG last, ULONG start, ULONG room)
{
    ULONG end = insn_end(map, last);

    if (!ends_flow(map, last))
        return end;
    while (end - start < room && end < map->high && code_flags_at(map, end) == 0 &&
           *code_bytes(map->input, end) == 0xCC && code_function(map->input, end) == NULL)
        end++;
    return end;
}

/* Grows the site forwards, then backwards, and takes the smallest window with that much room. */
static bool find_room(const struct code_map *map, ULONG site, unsigned length, ULONG room,
                      struct code_window *window)
{
    ULONG start = site;

    for (unsigned backs = 0; backs <= MAX_STEPS; backs++) {
        ULONG last = site, end = site + length;
        for (unsigned forwards = 0; forwards <= MAX_STEPS; forwards++) {
            *window = (struct code_window){start, end, with_padding(map, last, start, room)};
            if (acceptable(map, window, site, room))
                return true;
            if (!is_start(map, end))
                break;
            last = end;
            end = insn_end(map, end);
        }
        start = previous_start(map, start);
        if (start == 0)
            return false;
    }
    return false;
}

bool code_find_window(const struct code_map *map, ULONG site, unsigned length, struct code_window *window)
{
    return find_room(map, site, length, JUMP_BYTES, window);
}

static bool hop_reaches(const struct code_window *window, const struct code_window *donor)
{
    LONG distance = (LONG)(donor->start + JUMP_BYTES) - (LONG)(window->start + SHORT_BYTES);

    return distance >= -128 && distance <= 127 &&
           (donor->end <= window->start || donor->start >= window->end);
}

/*
 * Where only a short jump fits: a window of two bytes, and close by a donor, straight code that has room for
 * two long jumps: its own and the one that the short jump hops to.
 */
bool code_find_hop(const struct code_map *map, ULONG site, unsigned length, struct code_window *window,
                   struct code_window *donor)
{
    ULONG first = MAX(site, map->low + HOP_REACH) - HOP_REACH;

    if (!find_room(map, site, length, SHORT_BYTES, window) || (code_flags_at(map, site) & CODE_OPAQUE))
        return false;
    for (ULONG rva = first; rva < site + HOP_REACH; rva++) {
        ULONG end = rva;
        if (!is_start(map, rva))
            continue;
        while (end - rva < 2 * JUMP_BYTES && is_start(map, end))
            end = insn_end(map, end);
        *donor = (struct code_window){rva, end, end};
        if (hop_reaches(window, donor) && acceptable(map, donor, rva, 2 * JUMP_BYTES))
            return true;
    }
    return false;
}

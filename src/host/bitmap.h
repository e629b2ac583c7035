/* SPDX-License-Identifier: MIT */
/*
 * Runs in bit maps: set is taken, clear is free. Word at a time; no state.
 */
#ifndef BITMAP_H
#define BITMAP_H

#include "base/base.h"

#define BITMAP_NONE     SIZE_MAX
#define BITMAP_WORDS(n) (((n) + 63) / 64)

static inline bool bit_test(const uint64_t *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

/* The first bit of the given value in [from, limit), or limit. */
static inline size_t bits_next(const uint64_t *map, size_t from, size_t limit, bool value)
{
    uint64_t flip = value ? 0 : ~0ull;
    while (from < limit) {
        uint64_t word = (map[from / 64] ^ flip) >> (from % 64);
        if (word != 0)
            return MIN(from + (size_t)__builtin_ctzll(word), limit);
        from = (from / 64 + 1) * 64;
    }
    return limit;
}

static inline void bits_fill(uint64_t *map, size_t first, size_t count, bool value)
{
    for (size_t bit = first, end = first + count; bit < end;) {
        size_t in_word = MIN(64 - bit % 64, end - bit);
        uint64_t mask = (in_word == 64 ? ~0ull : (1ull << in_word) - 1) << (bit % 64);
        if (value)
            map[bit / 64] |= mask;
        else
            map[bit / 64] &= ~mask;
        bit += in_word;
    }
}

/*
 * The first `count` clear bits in [from, limit) whose start plus `bias` is a multiple of `align` (a power of
 * two) and which do not cross a multiple of `boundary` (0: any may be crossed). BITMAP_NONE if there are
 * none.
 */
static inline size_t bits_find_run(const uint64_t *map, size_t from, size_t limit, size_t count, size_t align,
                                   size_t bias, size_t boundary)
{
    size_t at = ALIGN_UP(from + bias, align) - bias;
    while (at < limit && count <= limit - at) {
        if (boundary != 0 && at / boundary != (at + count - 1) / boundary) {
            at = ALIGN_UP(ALIGN_UP(at + 1, boundary) + bias, align) - bias;
            if (count > boundary)
                return BITMAP_NONE;
            continue;
        }
        size_t taken = bits_next(map, at, at + count, true);
        if (taken == at + count)
            return at;
        at = ALIGN_UP(bits_next(map, taken, limit, false) + bias, align) - bias;
    }
    return BITMAP_NONE;
}

#endif

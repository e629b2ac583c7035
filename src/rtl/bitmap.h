/* SPDX-License-Identifier: MIT */
#ifndef RTL_BITMAP_H
#define RTL_BITMAP_H

#include "nt/rtl.h"
#include "base/base.h"

/* Index of the first bit at or after `from` that is set (or clear); SizeOfBitMap if there is none. */
ULONG rtl_bitmap_next(const RTL_BITMAP *map, ULONG from, bool set);

#endif

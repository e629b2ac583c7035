/* SPDX-License-Identifier: MIT */
/*
 * Heap sort: in place, no allocation, no worst case.
 */
#ifndef LDR_SORT_H
#define LDR_SORT_H

#include "base/base.h"

#define LDR_SORT_MAX 64u /* bytes of an element */

void ldr_sort(void *elements, size_t count, size_t size, bool (*less)(const void *, const void *));

#endif

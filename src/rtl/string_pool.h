/* SPDX-License-Identifier: MIT */
/* Buffers of strings that Rtl routines allocate: paged pool of the calling driver, tag "RtlS". */
#ifndef RTL_STRING_POOL_H
#define RTL_STRING_POOL_H

#include "base/base.h"

void *rtl_string_allocate(size_t bytes, const void *caller); /* NULL: no memory. 0 bytes give a block too */
void rtl_string_free(void *buffer, const void *caller);

#endif

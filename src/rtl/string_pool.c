/* SPDX-License-Identifier: MIT */
/* Where Rtl routines get the buffers that they hand to drivers. */
#include "rtl/string_pool.h"
#include "mm/mm.h"

#define STRING_TAG 0x536C7452 /* "RtlS" */

void *rtl_string_allocate(size_t bytes, const void *caller)
{
    return mm_pool_allocate(PagedPool, MAX(bytes, 1), STRING_TAG, false, caller);
}

void rtl_string_free(void *buffer, const void *caller)
{
    mm_pool_free(buffer, 0, caller);
}

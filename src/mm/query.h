/* SPDX-License-Identifier: MIT */
/* The protections that allocations of the user range were made with, for ZwQueryVirtualMemory. */
#ifndef MM_QUERY_H
#define MM_QUERY_H

#include "mm/mm.h"

bool mm_allocation_note(const void *base, ULONG protect); /* false: no memory */
void mm_allocation_forget(const void *base);              /* nothing if it was not noted */
ULONG mm_allocation_protect(const void *base);
ULONG mm_page_of_protection(enum hmem_protection protection);
void mm_query_fini(void);

#endif

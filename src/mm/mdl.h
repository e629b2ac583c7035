/* SPDX-License-Identifier: MIT */
/* The MDL routines that their files call from each other. */
#ifndef MDL_H
#define MDL_H

#include "mm/mm.h"
#include "mm/routines.h"

static inline size_t mdl_pages(const MDL *mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(mdl->ByteOffset, mdl->ByteCount);
}

/* In pool, attributed to the caller; describes addresses, no pages. NULL: no memory. */
PMDL mdl_create(const void *base, SIZE_T length, const void *caller);

#endif

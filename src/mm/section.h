/* SPDX-License-Identifier: MIT */
/* Section objects: a run of frames that can be mapped, by several views at once. */
#ifndef SECTION_H
#define SECTION_H

#include "mm/ranges.h"
#include "ob/services.h"

struct mm_section {
    uint64_t bytes;
    enum hmem_protection protection; /* the most that a view may have */
    bool physical;                   /* \Device\PhysicalMemory: frame n is physical page n */
    uint64_t *pfns;                  /* page-file backed: its pages, one reference each */
};

extern struct ob_type *mm_section_type;

/* Maps a view and keeps the section referenced for as long as it lasts. offset: page aligned. at: NULL or
 * where. */
NTSTATUS mm_view_map(struct mm_section *section, enum hmem_zone zone, void *at, uint64_t offset, size_t bytes,
                     enum hmem_protection protection, const void *caller, void **base);
NTSTATUS mm_view_unmap(const void *address); /* any address in the view; STATUS_NOT_MAPPED_VIEW */

#endif

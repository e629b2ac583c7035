/* SPDX-License-Identifier: MIT */
/*
 * Ranges of system (and user) address space that drivers asked for by name of
 * a purpose: each is known by its first address, so that only the routine that
 * belongs to it can give it back, and what is left at unload can be reported.
 */
#ifndef RANGES_H
#define RANGES_H

#include "mm/mm.h"

struct mm_range {
    struct mm_range *next;
    char *base;
    size_t pages;
    uint64_t first_pfn; /* contiguous and noncached memory */
    enum mm_range_kind kind;
    ULONG tag;
    const void *caller;
    size_t mapped_pages;             /* reserved mapping: in use */
    void *object;                    /* view: its section */
    enum hmem_protection protection; /* view: the one it was made with */
};

void mm_ranges_init(void);
void mm_ranges_fini(void);
/* Reserves and records; at: a fixed address or NULL. NULL with nothing changed when either is impossible. */
struct mm_range *mm_range_create(enum mm_range_kind kind, enum hmem_zone zone, void *at, size_t pages,
                                 const void *caller);
/* The range that begins at this address; stays recorded. */
struct mm_range *mm_range_find(const void *base, enum mm_range_kind kind);
/* Unmaps, releases the address space and the record. */
void mm_range_destroy(struct mm_range *range);

/* SYSTEM_PTE_MISUSE: a driver gives back what it does not have. */
_Noreturn void mm_pte_misuse(ULONG64 kind, const void *address, ULONG64 p3, ULONG64 p4, const char *sentence);

/* The protection of a PAGE_... constant, cache flags ignored; false: none of them. */
bool mm_protection_of_page(ULONG protect, enum hmem_protection *protection);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the simulated memory share: the page table entry, the
 * regions of address space, the RAM allocator. One lock, hmem.lock, guards all
 * changes; page table entries are also read without it.
 */
#ifndef MEMORY_INTERNAL_H
#define MEMORY_INTERNAL_H

#include "base/lock.h"
#include "host/bitmap.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/status.h"

/* A page table entry: protection in bits 0-2, flags, guard pages of the reservation in bits 8-14, frame from
 * 16 up. */
#define PTE_PROTECTION  0x07ull
#define PTE_PRESENT     0x08ull /* a frame is mapped (RAM or device) */
#define PTE_MMIO        0x10ull /* a device's frame, inaccessible on the host */
#define PTE_OWNED       0x20ull /* hmem_commit took the frame */
#define PTE_RESERVED    0x40ull
#define PTE_FIRST       0x80ull /* first page of its reservation */
#define PTE_GUARD_SHIFT 8
#define PTE_GUARD_MASK  0x7Full
#define PTE_FOREIGN     0x8000ull /* user range: the host program lies here */
#define PTE_PFN_SHIFT   16
#define PTE_KEEP        (PTE_RESERVED | PTE_FIRST | PTE_GUARD_MASK << PTE_GUARD_SHIFT) /* what unmapping leaves */

struct hmem_region { /* address space with a page table */
    uintptr_t base;
    size_t pages;
    uint64_t *pte;
};

struct hmem_zone_state { /* a part of a region from which ranges are given out */
    struct hmem_region *region;
    size_t first_page, pages;
    uint64_t *taken; /* bit map over the zone */
    size_t hint;     /* no free page below it */
};

#define HMEM_FIXED_MAX 32

struct hmem_state {
    rl_lock lock;
    bool ready, base_is_default;
    /* RAM */
    int fd;
    size_t ram_pages, free_pages;
    char *alias;
    uint64_t *ram_taken, *ram_dirty;
    uint32_t *ram_references;
    uintptr_t *ram_home; /* where a page was mapped first */
    /* address space */
    struct hmem_region system, user, fixed[HMEM_FIXED_MAX];
    unsigned fixed_count;
    struct hmem_zone_state zones[HMEM_ZONES];
};
extern struct hmem_state hmem;

/* Host calls without errno, cancellation or interceptors: usable on NT stacks. */
void *hmem_sys_map(void *va, size_t bytes, int protection, int flags, int fd,
                   uint64_t offset); /* NULL: refused */
bool hmem_sys_protect(void *va, size_t bytes, int protection);
void hmem_sys_unmap(void *va, size_t bytes);
void hmem_sys_punch(uint64_t offset, size_t bytes);

/* RAM (memory_pages.c); with the lock held. */
NTSTATUS hmem_ram_init(uint64_t bytes);
void hmem_ram_fini(void);
void hmem_ram_reference(uint64_t pfn);
uint64_t hmem_ram_take_run(size_t want, uint64_t near, size_t *got); /* zeroed, one reference each */
void hmem_ram_drop(uint64_t pfn, size_t pages);                      /* one reference of each */

/* Address space (memory_space.c). */
NTSTATUS hmem_space_init(void);
void hmem_space_fini(void);
struct hmem_region *hmem_region_of(const void *va);
uint64_t *hmem_pte_of(const void *va); /* NULL: outside every region */

/* Views (memory_map.c); with the lock held. */
int hmem_host_protection(enum hmem_protection protection);
void hmem_unmap_locked(struct hmem_region *region, size_t first, size_t pages);

/* Views of devices' frames (memory_window.c); with the lock held. */
void hmem_view_added(struct hmem_region *region, size_t first, uint64_t pfn, size_t pages);
void hmem_view_removed(struct hmem_region *region, size_t first, size_t pages);
void hmem_windows_fini(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine's memory. RAM is one memfd with a permanent read-write
 * alias; every page that a driver can see (images, pool, NT stacks, user
 * buffers) is a view of RAM pages, so an address has a physical address, and a
 * second mapping of the same page (MmMapIoSpace, MDLs, patching) is coherent.
 * The system range is one reservation at 0x200000000000; the user range is
 * below 0x7FFF0000. A software page table answers virtual -> physical in O(1).
 * Thread safe; its lock is an rl_lock, taken for as long as an mmap takes.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "base/base.h"

enum hmem_zone {
    HMEM_IMAGE, /* driver images, their thunks and gates: all within 2 GiB of each other */
    HMEM_POOL,
    HMEM_STACK,
    HMEM_SPECIAL, /* special pool: guarded blocks */
    HMEM_SYSTEM,  /* system PTEs: MmMapIoSpace, MDL mappings, sections */
    HMEM_USER,    /* the user range: 64 KiB .. 0x7FFF0000 */
    HMEM_ZONES
};

enum hmem_protection {
    HMEM_NONE = 0,
    HMEM_R = 1,
    HMEM_W = 2,
    HMEM_X = 4,
    HMEM_RW = 3,
    HMEM_RX = 5,
    HMEM_RWX = 7
};

#define HMEM_NO_PFN (~0ull)

NTSTATUS hmem_init(
    uint64_t ram_bytes); /* a multiple of PAGE_SIZE from 4 MiB to 3 GiB; else STATUS_INVALID_PARAMETER */
void hmem_fini(void);
bool hmem_base_is_default(void); /* false: addresses are not reproducible */
uint64_t hmem_ram_bytes(void);

/* Address space. Returns NULL when the zone is exhausted. guard pages stay inaccessible before and after. */
void *hmem_reserve(enum hmem_zone zone, size_t pages, size_t align_pages, size_t guard_pages);
NTSTATUS hmem_reserve_at(void *va,
                         size_t pages); /* a fixed address: stripped images at their preferred base */
void hmem_release(void *va,
                  size_t pages); /* the whole reservation: decommits what is mapped, frees the range */

/* The reservation that holds an address: its pages and first address; 0 if nothing is reserved there. */
size_t hmem_reservation_of(const void *va, void **base);
void hmem_zone_range(enum hmem_zone zone, void **base, size_t *bytes);

/* RAM pages behind a reserved range. Zeroed. STATUS_INSUFFICIENT_RESOURCES when RAM is exhausted. */
NTSTATUS hmem_commit(void *va, size_t pages, enum hmem_protection protection);
void hmem_decommit(void *va, size_t pages); /* frees the RAM pages that hmem_commit took */
NTSTATUS hmem_protect(void *va, size_t pages, enum hmem_protection protection);
/* If a debugger traces the process: gives it pages that are executable and not writable as it needs them to
 * put breakpoints there. It cannot write to a shared mapping that the process itself may not write to. */
void hmem_open_to_debugger(void *va, size_t pages);

/* Aliases: map given physical pages (RAM, or beyond RAM: device memory, mapped inaccessible so that it
 * traps). */
NTSTATUS hmem_map(void *va, const uint64_t *pfns, size_t pages, enum hmem_protection protection);
NTSTATUS hmem_map_run(void *va, uint64_t first_pfn, size_t pages, enum hmem_protection protection);
void hmem_unmap(void *va, size_t pages); /* the range stays reserved */

/* Physically contiguous RAM between two physical addresses; boundary 0 or a power of two that may not be
 * crossed. */
/* pfn or HMEM_NO_PFN; the pages are zeroed; highest_pa is the last acceptable byte */
uint64_t hmem_alloc_contiguous(size_t pages, uint64_t lowest_pa, uint64_t highest_pa, uint64_t boundary);
void hmem_free_pages(uint64_t first_pfn, size_t pages);

/* A RAM page stays allocated until its last reference is given back: commit and alloc_contiguous give one,
 * whoever locks a page (MmProbeAndLockPages) takes another. Beyond RAM both do nothing. */
void hmem_page_reference(uint64_t pfn);
void hmem_page_dereference(uint64_t pfn);
/* References every page behind [va, va+pages) that permits the access, or none: STATUS_ACCESS_VIOLATION.
 * Fills pfns. */
NTSTATUS hmem_lock_range(const void *va, size_t pages, enum hmem_protection access, uint64_t *pfns);
void hmem_unlock_pages(const uint64_t *pfns, size_t pages);
uint64_t hmem_free_page_count(void);
bool hmem_pfn_is_ram(uint64_t pfn);

/* Virtual -> physical frame, HMEM_NO_PFN if nothing is mapped there. Any address; never faults. */
uint64_t hmem_pfn_of(const void *va);
extern bool hmem_device_views;                   /* false: no page of a device is mapped anywhere */
bool hmem_is_mmio(const void *va, uint64_t *pa); /* a trapping device page */
enum hmem_protection hmem_protection_of(const void *va);

/* Whether the access would succeed at a page of device memory that is memory. */
bool hmem_is_open_window(const void *va, enum hmem_protection access);

/*
 * Memory of a device: whole pages of zeros that are at no physical address until they are placed. Returns how
 * the device reaches them, and the window's number; NULL: the host refuses. hmem_window_place puts them at
 * frames beyond RAM, HMEM_NO_PFN nowhere, also while they are mapped.
 */
void *hmem_window_create(size_t pages, unsigned *number);
void hmem_window_place(unsigned number, uint64_t pfn);
void hmem_window_destroy(unsigned number);

/* The address at which a RAM page was first mapped and still is; NULL: nowhere. */
void *hmem_virtual_of(uint64_t pfn);

/* The permanent writable alias of a RAM physical address; NULL beyond RAM. */
void *hmem_physical(uint64_t pa);
void *hmem_writable_alias(
    const void *va); /* of the RAM page behind a virtual address: for patching read-only images */

#define HMEM_USER_LOWEST  0x10000ull
#define HMEM_USER_HIGHEST 0x7FFEFFFFull /* MmHighestUserAddress */
#define HMEM_USER_PROBE   0x7FFF0000ull /* MmUserProbeAddress */

bool hmem_is_user(const void *va); /* below MmUserProbeAddress */
bool hmem_is_system(
    const void *va); /* inside our reservation, or reserved by hmem_reserve_at outside the user range */

/* Lazily touched, zeroed memory for the runtime's own tables: no RAM page, no driver sees it. NULL when the
 * host refuses. */
void *hmem_private(size_t bytes);
void hmem_private_free(void *p, size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Memory for drivers and for the runtime on NT stacks: pool with tags, NT
 * stacks, user buffers, MDLs, physical mappings, sections. Every page is a
 * view of simulated RAM (host/memory.h).
 */
#ifndef MM_H
#define MM_H

#include "host/memory.h"
#include "ke/ke.h"
#include "mm/routines.h"

NTSTATUS mm_init(void); /* after hmem_init */
void mm_fini(void);
NTSTATUS
mm_section_init(void); /* after ob_init and the \Device directory: section objects, \Device\PhysicalMemory */

/* Who called: for a return address into a gate the driver's, from the innermost entry record; else the given
 * one. */
const void *mm_caller(const void *return_address);
/* The same for a system service, whose Zw form calls the Nt form: NULL when no driver called. */
const void *mm_service_caller(void);

NTSTATUS mm_pool_init(void); /* by mm_init */
void mm_pool_fini(void);

/* Pool for the runtime itself: never a driver's; NULL when out of memory; <= DISPATCH_LEVEL. */
void *mm_alloc(size_t size,
               ULONG tag); /* zeroed, nonpaged, 16-byte aligned (page aligned from PAGE_SIZE up) */
void *mm_alloc_lines(size_t size, ULONG tag); /* the same, in 64-byte lines that nothing else shares */
void mm_free(void *p);                        /* NULL: nothing */

/* A driver's allocation, as the ExAllocatePool* family makes it. caller: the return address. NULL on failure,
 * never raises. */
void *mm_pool_allocate(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller);
void mm_pool_free(void *block, ULONG tag /* 0: any */,
                  const void *caller); /* bug checks on a block that is none (0xC2) */
/* Bug checks (0xC1) when the bytes around the block have been overwritten; any other address is left alone.
 */
void mm_pool_check(const void *block);
bool mm_pool_block_of(const void *address, void **block, size_t *size, ULONG *tag);
bool mm_pool_is_paged(const void *address); /* inside a live block of paged pool */

/* Special pool, before the first driver: drivers' blocks between inaccessible pages, up to so many; past
 * them, and for blocks that the runtime gives to drivers, a pattern around the block and delayed reuse. */
struct mm_special_config {
    size_t blocks; /* 0: none */
    bool underrun; /* blocks begin at their page, unless allocated otherwise; else they end there */
};
NTSTATUS mm_special_start(const struct mm_special_config *config);
bool mm_special_on(void);
uint64_t mm_special_missed(void); /* blocks that found no guarded place */
/* The bug check for a fault at that address in special pool by the instruction; 0: the address is not there.
 */
ULONG mm_special_fault(ULONG64 address, ULONG64 rip);

#define MM_POOL_FRAMES 10
struct mm_pool_stack {
    ULONG thread;   /* its number; 0: none */
    unsigned count; /* 0: not known */
    ULONG64 frames[MM_POOL_FRAMES];
};
struct mm_pool_history {
    void *address;
    size_t size;
    ULONG tag;
    bool paged, freed;
    struct mm_pool_stack allocated_by, freed_by;
};
/* The block that the address belongs to, or did: special pool's guard pages lead to their block. NT context
 * or a stopped machine. */
bool mm_pool_history(const void *address, struct mm_pool_history *history);

struct mm_pool_totals {
    uint64_t blocks, bytes; /* live, of drivers */
};
struct mm_pool_tag_totals {
    ULONG tag;
    uint64_t blocks, bytes, allocations;
    bool paged;
};
void mm_pool_totals(struct mm_pool_totals *totals);
/* Live blocks of drivers, by address; the caller's address says which image leaves what behind. The pool's
 * lock is held: visit must not allocate. */
struct mm_pool_block {
    void *address;
    size_t size;
    ULONG tag;
    const void *caller; /* where the driver called from */
    bool paged;
};
void mm_pool_for_each_block(void (*visit)(const struct mm_pool_block *, void *), void *context);
/* By tag, in order of tag; allocations counts from the start of the machine. */
void mm_pool_for_each_tag(void (*visit)(const struct mm_pool_tag_totals *, void *), void *context);

/* NT stacks. Driver-visible 24 KiB at the top, the runtime's share below, a guard page at the bottom. */
struct mm_stack {
    void *low;          /* lowest usable byte of the whole */
    size_t bytes;       /* of the whole */
    void *driver_limit; /* IoGetStackLimits' low limit */
};
NTSTATUS mm_stack_create(struct mm_stack *stack);
void mm_stack_destroy(struct mm_stack *stack);

/* User range: what a process's VirtualAlloc would give. Page granular. */
void *mm_user_allocate(size_t bytes, enum hmem_protection protection);
void mm_user_free(void *base);

/* Checks of user addresses without touching them: 64 KiB <= p, p+length <= MmUserProbeAddress; raises
 * nothing. */
bool mm_user_range_ok(const void *p, size_t length);

/* Address space and memory that drivers hold besides pool, for the report at unload. */
enum mm_range_kind {
    MM_RANGE_MDL,        /* MmMapLockedPages*, kernel mode */
    MM_RANGE_MDL_USER,   /* the same, user mode */
    MM_RANGE_RESERVED,   /* MmAllocateMappingAddress */
    MM_RANGE_IO_SPACE,   /* MmMapIoSpace */
    MM_RANGE_CONTIGUOUS, /* MmAllocateContiguousMemory* */
    MM_RANGE_NONCACHED,  /* MmAllocateNonCachedMemory */
    MM_RANGE_VIEW,       /* section views */
};
struct mm_range_info {
    enum mm_range_kind kind;
    void *base;
    size_t bytes;
    const void *caller;
};
void mm_for_each_range(void (*visit)(const struct mm_range_info *, void *),
                       void *context); /* a lock is held */

/* Releases what an MDL chain holds: unlock if locked, free each. Used by IRP completion. */
void mm_free_mdl_chain(PMDL mdl);
void mm_unlock_mdl_chain(PMDL mdl);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Instructions that mean something else in ring 3 than the driver wants:
 * found at load, replaced by code that asks the simulated machine (machine.h).
 * Where a jump does not fit they are made to trap, and the trap fallback does
 * the same work. docs/design/0003-rewriting.md has the whole.
 */
#ifndef REWRITE_H
#define REWRITE_H

#include "arch/arch.h"
#include "arch/machine.h"

struct arena;

/* What the layers above own. Set by ke before the first image is loaded. */
struct rewrite_targets {
    void *(*user_shared_data)(void); /* the page behind 0xFFFFF78000000000; NULL: every access traps */
    /* Offset from the GS base of a 32-bit word; while it is 0, lowering the IRQL has nothing to do but to
     * store it. 0: lowering always calls set_cr8, with the IRQL as it was. Else set_cr8 may find the IRQL
     * stored already. */
    ULONG pending_offset;
};
extern struct rewrite_targets rewrite_targets;

/* An image in memory: mapped, relocated, still read-write. */
struct rewrite_input {
    void *base;
    size_t size;
    const IMAGE_SECTION_HEADER *sections;
    unsigned section_count;
    const RUNTIME_FUNCTION *functions;
    ULONG function_count;
    const ULONG *roots; /* RVAs that are code: entry point, exported functions */
    ULONG root_count;
    const ULONG *hints; /* RVAs in executable sections that data points to: code if they look like it */
    ULONG hint_count;
    bool deterministic;  /* rdtsc, cpuid and xgetbv answer the same on every machine and in every run */
    bool inline_irql;    /* raising the IRQL by mov cr8 may write the KPCR without a call */
    struct arena *arena; /* for what outlives the load */
};

struct rewrite_map {
    ULONG thunk;     /* offset in the thunk pages */
    ULONG original;  /* RVA */
    ULONG resumable; /* 1: what the original instruction does begins here */
};

struct rewrite_trap;

struct rewrite_state {
    ULONG64 image_base;
    ULONG64 thunk_base;
    size_t thunk_pages;
    const struct rewrite_map *map; /* ascending */
    ULONG map_count;
    const struct rewrite_trap *traps; /* ascending by RVA */
    ULONG trap_count;
    ULONG sites, patched,
        shared_data; /* instructions found, replaced by a jump, KUSER_SHARED_DATA immediates */
};

/* Rewrites the image. False: no memory; the state is then to be released all the same. */
bool rewrite_image(struct rewrite_state *state, const struct rewrite_input *input);
void rewrite_release(struct rewrite_state *state);
/* The original address of an instruction in a thunk; 0: the address is in none of the state's. Signal-safe.
 */
ULONG64 rewrite_original(const struct rewrite_state *state, ULONG64 rip);
/* Where to go on at an original address that a jump covers; 0: at the address itself. */
ULONG64 rewrite_resume(const struct rewrite_state *state, ULONG64 rip);

/*
 * The trap fallback, for arch_ops.emulate: a privileged instruction, an access to device memory or to
 * KUSER_SHARED_DATA. True: done, the context is behind the instruction. False: it is the driver's fault; an
 * access violation that a string instruction met half way is written to the record.
 */
bool rewrite_emulate(EXCEPTION_RECORD *record, CONTEXT *context);

#endif

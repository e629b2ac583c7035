/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the rewriter. The stages: discover (what is code),
 * classify (what is a site), window (where a jump fits), emit (the thunk).
 */
#ifndef REWRITE_INTERNAL_H
#define REWRITE_INTERNAL_H

#include "arch/rewrite.h"
#include "host/arena.h"

#include <Zydis/Zydis.h>

#define KUSER_BASE 0xFFFFF78000000000ull

enum rewrite_kind {
    REWRITE_NONE,
    REWRITE_CR_READ,
    REWRITE_CR_WRITE,
    REWRITE_DR_READ,
    REWRITE_DR_WRITE,
    REWRITE_CLI,
    REWRITE_STI,
    REWRITE_HLT,
    REWRITE_IN,
    REWRITE_OUT,
    REWRITE_INS,
    REWRITE_OUTS,
    REWRITE_RDMSR,
    REWRITE_WRMSR,
    REWRITE_RDTSC,
    REWRITE_RDTSCP,
    REWRITE_RDPMC,
    REWRITE_CPUID,
    REWRITE_XGETBV,
    REWRITE_XSETBV,
    REWRITE_PUSHF,
    REWRITE_POPF,
    REWRITE_PUSHF_FIX, /* in a thunk, behind the real pushf */
    REWRITE_POPF_PRE,  /* in a thunk, before the real popf */
    REWRITE_SGDT,
    REWRITE_SIDT,
    REWRITE_SLDT,
    REWRITE_STR,
    REWRITE_SMSW,
    REWRITE_LMSW,
    REWRITE_CLTS,
    REWRITE_CACHE,  /* invd, wbinvd, invlpg: memory is coherent, nothing is cached that they would drop */
    REWRITE_AC,     /* stac, clac: there is no SMAP to switch */
    REWRITE_INT,    /* a vector, as if its device had asked */
    REWRITE_REFUSED /* would reach the host: system calls, GS and FS base, descriptor tables */
};

struct rewrite_operand {
    UCHAR base, index, scale; /* register numbers; 0xFF: none */
    UCHAR gs;                 /* 1: relative to the GS base */
    ULONG reserved;
    LONG64 displacement; /* the address itself where it was relative to RIP */
};

/* One instruction to be carried out on a register file. */
struct rewrite_op {
    UCHAR kind;
    UCHAR width;  /* bytes */
    UCHAR reg;    /* the general register; 0xFF: the memory operand */
    UCHAR number; /* of the control or debug register */
    UCHAR length;
    UCHAR repeat; /* rep prefix */
    UCHAR address32;
    UCHAR immediate_port;
    USHORT port;
    bool deterministic;
    struct rewrite_operand memory;
};

struct rewrite_trap {
    ULONG rva;
    struct rewrite_op op;
};

struct rewrite_insn {
    ZydisDecodedInstruction info;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* ---- rewrite_classify.c ---- */
bool rewrite_decode(struct rewrite_insn *insn, const void *code, size_t length);
/* address: where the instruction runs. Returns REWRITE_NONE for what may run as it is. */
enum rewrite_kind rewrite_classify(struct rewrite_op *op, const struct rewrite_insn *insn, ULONG64 address);
/* Whether a site of that kind is patched at load, or answers rightly as it is. */
bool rewrite_needs_patch(enum rewrite_kind kind, bool deterministic);

/* ---- rewrite_execute.c ---- */
/* registers: sixteen in encoding order. False: the machine refuses (#GP). */
bool rewrite_execute(const struct rewrite_op *op, ULONG64 *registers, ULONG64 *flags);
ULONG64 rewrite_address(const struct rewrite_operand *operand, const ULONG64 *registers);
/* A string instruction stopped at a bad address: it, and whether it was a write. Cleared by reading. */
void rewrite_cpuid(ULONG leaf, ULONG subleaf, ULONG out[4]);

/* ---- rewrite_discover.c: one byte of flags for each byte of code ---- */
enum code_flags {
    CODE_START = 1,    /* an instruction begins here */
    CODE_BODY = 2,     /* inside one */
    CODE_TARGET = 4,   /* something jumps, calls or points here */
    CODE_PENDING = 8,  /* to be followed */
    CODE_SITE = 16,    /* an instruction to be replaced */
    CODE_SHARED = 32,  /* an immediate in KUSER_SHARED_DATA */
    CODE_OPAQUE = 64,  /* in a function with a computed jump that nobody understood */
    CODE_PATCHED = 128 /* covered by a jump */
};

struct code_map {
    const struct rewrite_input *input;
    ULONG low, high; /* RVAs that the flags cover */
    UCHAR *flags;
    ULONG *stack;
    ULONG stack_count;
    bool overflowed;
    ULONG sites;
};

bool code_discover(struct code_map *map, const struct rewrite_input *input, struct arena *scratch);
bool code_executable(const struct rewrite_input *input, ULONG64 rva);
ULONG code_section_end(const struct rewrite_input *input, ULONG rva);
void code_add_target(struct code_map *map, ULONG64 rva);
static inline UCHAR code_flags_at(const struct code_map *map, ULONG64 rva)
{
    return rva >= map->low && rva < map->high ? map->flags[rva - map->low] : 0;
}
static inline const UCHAR *code_bytes(const struct rewrite_input *input, ULONG rva)
{
    return (const UCHAR *)input->base + rva;
}
/* The function table's entry around rva, NULL if there is none. */
const RUNTIME_FUNCTION *code_function(const struct rewrite_input *input, ULONG rva);

/* ---- rewrite_tables.c ---- */
#define CODE_HISTORY 16
struct code_history {
    struct rewrite_insn insns[CODE_HISTORY];
    ULONG rvas[CODE_HISTORY];
    ULONG count; /* ever */
};
/* The targets of `jmp register`, the newest of the history. False: they are unknown. */
bool code_follow_switch(struct code_map *map, const struct code_history *history);
/* Handlers, filters and their landing places in the unwind data. */
void code_add_unwind_targets(struct code_map *map);

/* ---- rewrite_window.c ---- */
struct code_window {
    ULONG start, code_end; /* RVAs; whole instructions */
    ULONG end;             /* with the padding that the jump takes */
};
bool code_find_window(const struct code_map *map, ULONG site, unsigned length, struct code_window *window);
bool code_find_hop(const struct code_map *map, ULONG site, unsigned length, struct code_window *window,
                   struct code_window *donor);

/* ---- rewrite_emit.c ---- */
struct emitter {
    struct rewrite_state *state;
    const struct code_map *map;
    UCHAR *bytes; /* the thunk pages, read-write */
    ULONG used, limit;
    struct rewrite_map *entries;
    ULONG entry_count, entry_limit;
};
#define THUNK_LIMIT 1280u /* bytes that one window can need */
/* Writes the thunk of a window; returns its offset. */
ULONG emit_thunk(struct emitter *emitter, const struct code_window *window);

/* ---- rewrite_memory.c ---- */
bool rewrite_emulate_memory(const struct rewrite_insn *insn, EXCEPTION_RECORD *record, CONTEXT *context);
/* Reads or writes memory of any kind: RAM, device, KUSER_SHARED_DATA. False: fault, written to the record if
 * given. */
bool rewrite_space_read(ULONG64 address, void *value, unsigned width, EXCEPTION_RECORD *record);
bool rewrite_space_write(ULONG64 address, const void *value, unsigned width, EXCEPTION_RECORD *record);

#endif

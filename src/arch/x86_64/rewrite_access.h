/* SPDX-License-Identifier: MIT */
/*
 * One instruction that touches memory which traps, while it is carried out:
 * its operands, and the registers that it changes.
 */
#ifndef REWRITE_ACCESS_H
#define REWRITE_ACCESS_H

#include "arch/x86_64/rewrite_internal.h"

#define ACCESS_MAX_WIDTH 64u

struct access {
    const struct rewrite_insn *insn;
    EXCEPTION_RECORD *record;
    CONTEXT *context;
    ULONG64 *registers; /* rax.. r15 of the context */
    ULONG64 address;
    unsigned width; /* of the memory operand, in bytes */
};

static inline bool access_load(const struct access *access, void *value)
{
    return rewrite_space_read(access->address, value, access->width, access->record);
}

static inline bool access_store(const struct access *access, const void *value)
{
    return rewrite_space_write(access->address, value, access->width, access->record);
}

/* ---- rewrite_memory.c ---- */
/* Where a general or XMM register's bytes are in the context. */
UCHAR *access_register(const struct access *access, ZydisRegister reg);

/* ---- rewrite_string.c ---- */
bool is_string(const struct rewrite_insn *insn);
bool emulate_string(struct access *access);

/* ---- rewrite_vector.c ---- */
bool is_vector_move(const struct rewrite_insn *insn);
bool emulate_vector_move(struct access *access);

/* ---- rewrite_native.c ---- */
bool emulate_natively(struct access *access);

#endif

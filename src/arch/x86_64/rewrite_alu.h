/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic with flags, for instructions on memory that traps.
 */
#ifndef REWRITE_ALU_H
#define REWRITE_ALU_H

#include "arch/x86_64/rewrite_internal.h"

enum alu_operation {
    ALU_ADD,
    ALU_ADC,
    ALU_SUB,
    ALU_SBB,
    ALU_CMP,
    ALU_AND,
    ALU_OR,
    ALU_XOR,
    ALU_TEST,
    ALU_INC,
    ALU_DEC,
    ALU_NEG,
    ALU_NOT
};

bool alu_of(ZydisMnemonic mnemonic, enum alu_operation *operation);
bool alu_writes(enum alu_operation operation);
/* a op b in that many bytes; the arithmetic flags are set as the processor sets them. */
ULONG64 alu_run(enum alu_operation operation, ULONG64 a, ULONG64 b, unsigned width, ULONG64 *flags);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the assembler files know of our structures. offsets.c asserts each
 * number against the C definition.
 */
#ifndef ARCH_OFFSETS_H
#define ARCH_OFFSETS_H

#define GS_CURRENT_THREAD 0x188
#define THREAD_ARCH       24
#define THREAD_RECORDS    24
#define THREAD_GATE_TOP   32

#define REC_PREVIOUS 0
#define REC_TYPE     8
#define REC_RIP      16
#define REC_RSP      24
#define REC_RBX      32
#define REC_RBP      40
#define REC_RSI      48
#define REC_RDI      56
#define REC_R12      64
#define REC_R13      72
#define REC_R14      80
#define REC_R15      88
#define REC_ENTRY    96
#define REC_XMM      112
#define REC_SIZE     272

#define EXPORT_ENTRY_ADDRESS 16

#define CONTEXT_RSP 0

#define CTX_FLAGS    0x30
#define CTX_MXCSR    0x34
#define CTX_SEGMENTS 0x38
#define CTX_EFLAGS   0x44
#define CTX_RAX      0x78
#define CTX_RCX      0x80
#define CTX_RDX      0x88
#define CTX_RBX      0x90
#define CTX_RSP      0x98
#define CTX_RBP      0xA0
#define CTX_RSI      0xA8
#define CTX_RDI      0xB0
#define CTX_R8       0xB8
#define CTX_R9       0xC0
#define CTX_R10      0xC8
#define CTX_R11      0xD0
#define CTX_R12      0xD8
#define CTX_R13      0xE0
#define CTX_R14      0xE8
#define CTX_R15      0xF0
#define CTX_RIP      0xF8
#define CTX_FLTSAVE  0x100
#define CTX_XMM6     0x200

#endif

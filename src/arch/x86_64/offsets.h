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

#endif

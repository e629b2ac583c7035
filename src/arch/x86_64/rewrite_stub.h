/* SPDX-License-Identifier: MIT */
/*
 * What the stub (rewrite_stub.S) shares with C: the frame it builds on the
 * driver's stack, and the descriptor behind each thunk.
 */
#ifndef REWRITE_STUB_H
#define REWRITE_STUB_H

#include "arch/x86_64/rewrite_internal.h"

struct rewrite_site {
    LONG fallback; /* from the call's return address to the refused instruction */
    LONG reserved;
    struct rewrite_op op;
};

struct rewrite_frame {
    ULONG64 registers[16]; /* encoding order; RSP is the driver's */
    ULONG64 flags;
    ULONG64 rip; /* return address of the call in the thunk */
};

void rewrite_stub(void);
void rewrite_stub_body(struct rewrite_frame *frame, struct arch_record *record) NTAPI;

/* Bits of XCR0 that the stub saves when they are in use; 0: the processor cannot tell. */
extern ULONG rewrite_vector_state;

#endif

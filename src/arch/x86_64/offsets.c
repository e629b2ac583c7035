/* SPDX-License-Identifier: MIT */
/*
 * The assembler's numbers, held against the C definitions. No code.
 */
#include "arch/arch.h"
#include "arch/x86_64/offsets.h"
#include "nt/pcr.h"

#define SAME(number, type, member) _Static_assert((number) == offsetof(type, member), #number)

SAME(GS_CURRENT_THREAD, KPCR, Prcb.CurrentThread);
_Static_assert(THREAD_ARCH == sizeof(DISPATCHER_HEADER), "struct arch_thread follows the header");
_Static_assert(THREAD_RECORDS == THREAD_ARCH + offsetof(struct arch_thread, records), "records");
_Static_assert(THREAD_GATE_TOP == THREAD_ARCH + offsetof(struct arch_thread, gate_top), "gate_top");

SAME(REC_PREVIOUS, struct arch_record, previous);
SAME(REC_TYPE, struct arch_record, type);
SAME(REC_RIP, struct arch_record, rip);
SAME(REC_RSP, struct arch_record, rsp);
SAME(REC_RBX, struct arch_record, rbx);
SAME(REC_RBP, struct arch_record, rbp);
SAME(REC_RSI, struct arch_record, rsi);
SAME(REC_RDI, struct arch_record, rdi);
SAME(REC_R12, struct arch_record, r12);
SAME(REC_R13, struct arch_record, r13);
SAME(REC_R14, struct arch_record, r14);
SAME(REC_R15, struct arch_record, r15);
SAME(REC_ENTRY, struct arch_record, entry);
SAME(REC_XMM, struct arch_record, xmm);
_Static_assert(REC_SIZE == sizeof(struct arch_record), "struct arch_record");
_Static_assert(ARCH_RECORD_GATE == 0, "the gates store no type but zero");

SAME(EXPORT_ENTRY_ADDRESS, struct export_entry, address);
SAME(CONTEXT_RSP, struct arch_context, rsp);

SAME(CTX_FLAGS, CONTEXT, ContextFlags);
SAME(CTX_MXCSR, CONTEXT, MxCsr);
SAME(CTX_SEGMENTS, CONTEXT, SegCs);
SAME(CTX_EFLAGS, CONTEXT, EFlags);
SAME(CTX_RAX, CONTEXT, Rax);
SAME(CTX_RCX, CONTEXT, Rcx);
SAME(CTX_RDX, CONTEXT, Rdx);
SAME(CTX_RBX, CONTEXT, Rbx);
SAME(CTX_RSP, CONTEXT, Rsp);
SAME(CTX_RBP, CONTEXT, Rbp);
SAME(CTX_RSI, CONTEXT, Rsi);
SAME(CTX_RDI, CONTEXT, Rdi);
SAME(CTX_R8, CONTEXT, R8);
SAME(CTX_R9, CONTEXT, R9);
SAME(CTX_R10, CONTEXT, R10);
SAME(CTX_R11, CONTEXT, R11);
SAME(CTX_R12, CONTEXT, R12);
SAME(CTX_R13, CONTEXT, R13);
SAME(CTX_R14, CONTEXT, R14);
SAME(CTX_R15, CONTEXT, R15);
SAME(CTX_RIP, CONTEXT, Rip);
SAME(CTX_FLTSAVE, CONTEXT, FltSave);
SAME(CTX_XMM6, CONTEXT, Xmm6);

/* SPDX-License-Identifier: MIT */
/*
 * Inside src/arch: a hardware fault on its way from the signal handler to an
 * exception.
 */
#ifndef ARCH_FAULT_H
#define ARCH_FAULT_H

#include "arch/x86_64/unwind.h"

/* Vectors, as Linux reports them in REG_TRAPNO */
enum {
    TRAP_DIVIDE = 0,
    TRAP_DEBUG = 1,
    TRAP_BREAKPOINT = 3,
    TRAP_INVALID_OPCODE = 6,
    TRAP_STACK = 12,
    TRAP_PROTECTION = 13,
    TRAP_PAGE = 14,
    TRAP_X87 = 16,
    TRAP_ALIGNMENT = 17,
    TRAP_SIMD = 19
};

#define PAGE_ERROR_WRITE   2
#define PAGE_ERROR_EXECUTE 16

/* Lies on the NT stack below the interrupted frame (or on the emergency stack) until the exception is over.
 */
struct fault {
    CONTEXT context;
    EXCEPTION_RECORD record;
    struct arch_record link;
    ULONG64 trap, error, address;
    ULONG64 rip; /* where it really was: a thunk's address is mapped back in the context */
    bool
        in_driver; /* in an image or its thunks, or nowhere (a wild call); else in an export that may raise */
    char sentence[200];
};

/* ---- trap.c ---- */
void fault_to_exception(struct fault *fault); /* code, parameters, address; adjusts the context as NT does */

/* ---- operand.c ---- */
bool instruction_is_privileged(const UCHAR *code, size_t length);
bool instruction_has_lock_prefix(const UCHAR *code, size_t length);
/* The divisor of the div or idiv at rip. False: not one, or unreadable. */
bool divisor_of(const CONTEXT *context, ULONG64 *divisor);

/* ---- policy.c ---- */
void bugcheck_if_not_catchable(struct fault *fault); /* returns if the exception may go to handlers */
_Noreturn void fault_dispatch(struct fault *fault);
_Noreturn void stack_overflow_dispatch(struct fault *fault);
_Noreturn void runtime_fault_dispatch(struct fault *fault);

/* ---- preempt.S ---- */
void arch_preempt_stub(void);
void preempt_init(void);

#endif

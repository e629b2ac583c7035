/* SPDX-License-Identifier: MIT */
/*
 * Running one instruction of a driver, whose memory operand was moved to
 * memory of ours, with the driver's registers.
 */
#include "arch/x86_64/offsets.h"

    .text

    .macro RETURN_TO_C
    cld
    fninit                      /* what the instruction left pending is in the context */
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    .endm

/*
 * unsigned native_run(CONTEXT *, const void *code): 0, or the trap's number plus one. The code is one
 * instruction and a return. It was written just now through another address, so it is entered by an
 * instruction that serializes.
 */
    .globl native_run
    .hidden native_run
    .type native_run, @function
native_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    pushq %rdi
    leaq native_back(%rip), %rax
    pushq %rax
    movq %rsp, %rdx
    movl $0, %eax
    movw %ss, %ax
    pushq %rax
    pushq %rdx
    movl CTX_EFLAGS(%rdi), %eax
    andl $0x8D5, %eax
    orl $0x202, %eax
    pushq %rax
    movl $0, %eax
    movw %cs, %ax
    pushq %rax
    pushq %rsi
    fxrstor64 CTX_FLTSAVE(%rdi)
    movq CTX_RAX(%rdi), %rax
    movq CTX_RCX(%rdi), %rcx
    movq CTX_RDX(%rdi), %rdx
    movq CTX_RBX(%rdi), %rbx
    movq CTX_RBP(%rdi), %rbp
    movq CTX_RSI(%rdi), %rsi
    movq CTX_R8(%rdi), %r8
    movq CTX_R9(%rdi), %r9
    movq CTX_R10(%rdi), %r10
    movq CTX_R11(%rdi), %r11
    movq CTX_R12(%rdi), %r12
    movq CTX_R13(%rdi), %r13
    movq CTX_R14(%rdi), %r14
    movq CTX_R15(%rdi), %r15
    movq CTX_RDI(%rdi), %rdi
    iretq
    .size native_run, . - native_run

    .type native_back, @function
native_back:
    pushfq
    pushq %rax
    movq 16(%rsp), %rax
    movq %rcx, CTX_RCX(%rax)
    movq %rdx, CTX_RDX(%rax)
    movq %rbx, CTX_RBX(%rax)
    movq %rbp, CTX_RBP(%rax)
    movq %rsi, CTX_RSI(%rax)
    movq %rdi, CTX_RDI(%rax)
    movq %r8, CTX_R8(%rax)
    movq %r9, CTX_R9(%rax)
    movq %r10, CTX_R10(%rax)
    movq %r11, CTX_R11(%rax)
    movq %r12, CTX_R12(%rax)
    movq %r13, CTX_R13(%rax)
    movq %r14, CTX_R14(%rax)
    movq %r15, CTX_R15(%rax)
    popq %rcx
    movq %rcx, CTX_RAX(%rax)
    popq %rcx
    andl $0x8D5, %ecx
    andl $~0x8D5, CTX_EFLAGS(%rax)
    orl %ecx, CTX_EFLAGS(%rax)
    fxsave64 CTX_FLTSAVE(%rax)
    stmxcsr CTX_MXCSR(%rax)
    addq $8, %rsp
    RETURN_TO_C
    xorl %eax, %eax
    ret
    .size native_back, . - native_back

/* The instruction trapped: the signal handler sends us here, with the trap's number in rax. */
    .globl native_failed
    .hidden native_failed
    .type native_failed, @function
native_failed:
    movq 8(%rsp), %rdx
    stmxcsr CTX_MXCSR(%rdx)
    addq $16, %rsp
    RETURN_TO_C
    incl %eax
    ret
    .size native_failed, . - native_failed

    .section .note.GNU-stack, "", @progbits

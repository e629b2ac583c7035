/* SPDX-License-Identifier: MIT */
/*
 * From registers to a CONTEXT and back.
 */
#include "arch/x86_64/offsets.h"

    .text

    .macro STORE_INTEGERS ctx
    movq %rax, CTX_RAX(\ctx)
    movq %rcx, CTX_RCX(\ctx)
    movq %rdx, CTX_RDX(\ctx)
    movq %rbx, CTX_RBX(\ctx)
    movq %rbp, CTX_RBP(\ctx)
    movq %rsi, CTX_RSI(\ctx)
    movq %rdi, CTX_RDI(\ctx)
    movq %r8, CTX_R8(\ctx)
    movq %r9, CTX_R9(\ctx)
    movq %r10, CTX_R10(\ctx)
    movq %r11, CTX_R11(\ctx)
    movq %r12, CTX_R12(\ctx)
    movq %r13, CTX_R13(\ctx)
    movq %r14, CTX_R14(\ctx)
    movq %r15, CTX_R15(\ctx)
    .endm

/* Everything a CONTEXT_FULL holds, as it will be after the return. Clobbers rax. */
    .macro CAPTURE ctx
    pushfq
    STORE_INTEGERS \ctx
    popq %rax
    movl %eax, CTX_EFLAGS(\ctx)
    movl $0x10000B | 4, CTX_FLAGS(\ctx)
    movw %cs, CTX_SEGMENTS(\ctx)
    movw %ds, CTX_SEGMENTS+2(\ctx)
    movw %es, CTX_SEGMENTS+4(\ctx)
    movw %fs, CTX_SEGMENTS+6(\ctx)
    movw %gs, CTX_SEGMENTS+8(\ctx)
    movw %ss, CTX_SEGMENTS+10(\ctx)
    movq (%rsp), %rax
    movq %rax, CTX_RIP(\ctx)
    leaq 8(%rsp), %rax
    movq %rax, CTX_RSP(\ctx)
    fxsave64 CTX_FLTSAVE(\ctx)
    stmxcsr CTX_MXCSR(\ctx)
    .endm

/* void arch_capture(CONTEXT *) */
    .globl arch_capture
    .hidden arch_capture
    .type arch_capture, @function
arch_capture:
    CAPTURE %rdi
    ret
    .size arch_capture, . - arch_capture

/* VOID NTAPI RtlCaptureContext(PCONTEXT): a leaf, so that it sees its caller's registers */
    .globl RtlCaptureContext
    .hidden RtlCaptureContext
    .type RtlCaptureContext, @function
RtlCaptureContext:
    CAPTURE %rcx
    ret
    .size RtlCaptureContext, . - RtlCaptureContext

    .macro LOAD_KEPT ctx
    movq CTX_RBX(\ctx), %rbx
    movq CTX_RBP(\ctx), %rbp
    movq CTX_RSI(\ctx), %rsi
    movq CTX_R12(\ctx), %r12
    movq CTX_R13(\ctx), %r13
    movq CTX_R14(\ctx), %r14
    movq CTX_R15(\ctx), %r15
    .endm

/* void context_resume(const CONTEXT *): to an interrupted instruction */
    .globl context_resume
    .hidden context_resume
    .type context_resume, @function
context_resume:
    fxrstor64 CTX_FLTSAVE(%rdi)
    ldmxcsr CTX_MXCSR(%rdi)
    subq $40, %rsp
    movl $0, %eax
    movw %ss, %ax
    movq %rax, 32(%rsp)
    movq CTX_RSP(%rdi), %rax
    movq %rax, 24(%rsp)
    movl CTX_EFLAGS(%rdi), %eax
    movq %rax, 16(%rsp)
    movl $0, %eax
    movw %cs, %ax
    movq %rax, 8(%rsp)
    movq CTX_RIP(%rdi), %rax
    movq %rax, 0(%rsp)
    LOAD_KEPT %rdi
    movq CTX_RAX(%rdi), %rax
    movq CTX_RCX(%rdi), %rcx
    movq CTX_RDX(%rdi), %rdx
    movq CTX_R8(%rdi), %r8
    movq CTX_R9(%rdi), %r9
    movq CTX_R10(%rdi), %r10
    movq CTX_R11(%rdi), %r11
    movq CTX_RDI(%rdi), %rdi
    iretq
    .size context_resume, . - context_resume

/* void context_land(const CONTEXT *): to the target of an unwind */
    .globl context_land
    .hidden context_land
    .type context_land, @function
context_land:
    cld
    ldmxcsr CTX_MXCSR(%rdi)
    movaps CTX_XMM6+0x00(%rdi), %xmm6
    movaps CTX_XMM6+0x10(%rdi), %xmm7
    movaps CTX_XMM6+0x20(%rdi), %xmm8
    movaps CTX_XMM6+0x30(%rdi), %xmm9
    movaps CTX_XMM6+0x40(%rdi), %xmm10
    movaps CTX_XMM6+0x50(%rdi), %xmm11
    movaps CTX_XMM6+0x60(%rdi), %xmm12
    movaps CTX_XMM6+0x70(%rdi), %xmm13
    movaps CTX_XMM6+0x80(%rdi), %xmm14
    movaps CTX_XMM6+0x90(%rdi), %xmm15
    LOAD_KEPT %rdi
    movq CTX_RAX(%rdi), %rax
    movq CTX_RIP(%rdi), %r11
    movq CTX_RSP(%rdi), %rsp
    movq CTX_RDI(%rdi), %rdi
    jmp *%r11
    .size context_land, . - context_land

    .section .note.GNU-stack, "", @progbits

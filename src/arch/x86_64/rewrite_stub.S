/* SPDX-License-Identifier: MIT */
/*
 * The way from a patched instruction into the runtime. Unlike an export this
 * may be anywhere in a driver, so every register and the flags come back as
 * they were, but for what the instruction changes. The body is ms_abi, which
 * keeps xmm6-15; the wider state is saved only when the processor says that
 * the upper halves of the vector registers are in use.
 *
 * The frame is struct rewrite_frame; rbx holds it across the call. Below it,
 * from rsp: 32 bytes for the callee, xmm0-5, the entry record.
 */
#include "arch/x86_64/offsets.h"

#define AREA       448 /* 32 + 96 + 272, up to a multiple of 64 */
#define XMM_AT     32
#define RECORD_AT  128
#define XSAVE_AREA 2752 /* x87, SSE, AVX, opmask and ZMM in the compacted form, up to a multiple of 64 */

    .text
    .globl rewrite_stub
    .hidden rewrite_stub
    .type rewrite_stub, @function
rewrite_stub:
    pushfq
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rdi
    pushq %rsi
    pushq %rbp
    pushq %rsp
    pushq %rbx
    pushq %rdx
    pushq %rcx
    pushq %rax
    leaq 144(%rsp), %rax /* sixteen registers, flags, return address */
    movq %rax, 32(%rsp)
    movq %rsp, %rbx
    cld
    andq $-64, %rsp
    xorl %r12d, %r12d
    cmpl $0, rewrite_vector_state(%rip)
    je 1f
    movl $1, %ecx
    xgetbv
    andl rewrite_vector_state(%rip), %eax
    testl $0x44, %eax /* the upper halves; opmask and ZMM16-31 seem in use all the time after the C library's copies */
    je 1f
    movl rewrite_vector_state(%rip), %r12d
    subq $XSAVE_AREA, %rsp
    xorl %edx, %edx
    movl $512, %ecx
2:  movq %rdx, (%rsp,%rcx)
    addl $8, %ecx
    cmpl $576, %ecx
    jne 2b
    movl %r12d, %eax
    xsavec (%rsp)
    movq %rsp, %r13
1:
    subq $AREA, %rsp
    movaps %xmm0, XMM_AT+0x00(%rsp)
    movaps %xmm1, XMM_AT+0x10(%rsp)
    movaps %xmm2, XMM_AT+0x20(%rsp)
    movaps %xmm3, XMM_AT+0x30(%rsp)
    movaps %xmm4, XMM_AT+0x40(%rsp)
    movaps %xmm5, XMM_AT+0x50(%rsp)
    movaps %xmm6, RECORD_AT+REC_XMM+0x00(%rsp)
    movaps %xmm7, RECORD_AT+REC_XMM+0x10(%rsp)
    movaps %xmm8, RECORD_AT+REC_XMM+0x20(%rsp)
    movaps %xmm9, RECORD_AT+REC_XMM+0x30(%rsp)
    movaps %xmm10, RECORD_AT+REC_XMM+0x40(%rsp)
    movaps %xmm11, RECORD_AT+REC_XMM+0x50(%rsp)
    movaps %xmm12, RECORD_AT+REC_XMM+0x60(%rsp)
    movaps %xmm13, RECORD_AT+REC_XMM+0x70(%rsp)
    movaps %xmm14, RECORD_AT+REC_XMM+0x80(%rsp)
    movaps %xmm15, RECORD_AT+REC_XMM+0x90(%rsp)
    movq %rbx, %rcx
    leaq RECORD_AT(%rsp), %rdx
    call rewrite_stub_body
    movaps XMM_AT+0x00(%rsp), %xmm0
    movaps XMM_AT+0x10(%rsp), %xmm1
    movaps XMM_AT+0x20(%rsp), %xmm2
    movaps XMM_AT+0x30(%rsp), %xmm3
    movaps XMM_AT+0x40(%rsp), %xmm4
    movaps XMM_AT+0x50(%rsp), %xmm5
    testl %r12d, %r12d
    je 3f
    movl %r12d, %eax
    xorl %edx, %edx
    xrstor (%r13)
3:
    movq %rbx, %rsp
    popq %rax
    popq %rcx
    popq %rdx
    popq %rbx
    leaq 8(%rsp), %rsp
    popq %rbp
    popq %rsi
    popq %rdi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    popfq
    ret
    .size rewrite_stub, . - rewrite_stub

    .section .note.GNU-stack, "", @progbits

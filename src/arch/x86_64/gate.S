/* SPDX-License-Identifier: MIT */
/*
 * The gates' bodies. A gate in HMEM_IMAGE loads its export_entry into r11 and
 * jumps here, as the driver's call left the stack. The record is kept off the
 * machine stack: the return address is popped into it, so the call that follows
 * pushes ours into the same slot, and the arguments stay where they are.
 *
 * rbx holds the record across the call: the export keeps it.
 */
#include "arch/x86_64/offsets.h"

    .text

    .macro LINK_RECORD
    movq %gs:GS_CURRENT_THREAD, %rax
    movq THREAD_GATE_TOP(%rax), %r10
    subq $REC_SIZE, %r10
    popq REC_RIP(%r10)
    movq %rsp, REC_RSP(%r10)
    movq %rbx, REC_RBX(%r10)
    movq THREAD_RECORDS(%rax), %rbx
    movq $0, REC_TYPE(%r10)
    movq %rbx, REC_PREVIOUS(%r10)
    movq %rbp, REC_RBP(%r10)
    movq %rsi, REC_RSI(%r10)
    movq %rdi, REC_RDI(%r10)
    movq %r12, REC_R12(%r10)
    movq %r13, REC_R13(%r10)
    movq %r14, REC_R14(%r10)
    movq %r15, REC_R15(%r10)
    movq %r11, REC_ENTRY(%r10)
    movaps %xmm6, REC_XMM+0x00(%r10)
    movaps %xmm7, REC_XMM+0x10(%r10)
    movaps %xmm8, REC_XMM+0x20(%r10)
    movaps %xmm9, REC_XMM+0x30(%r10)
    movaps %xmm10, REC_XMM+0x40(%r10)
    movaps %xmm11, REC_XMM+0x50(%r10)
    movaps %xmm12, REC_XMM+0x60(%r10)
    movaps %xmm13, REC_XMM+0x70(%r10)
    movaps %xmm14, REC_XMM+0x80(%r10)
    movaps %xmm15, REC_XMM+0x90(%r10)
    movq %r10, THREAD_GATE_TOP(%rax)
    movq %r10, THREAD_RECORDS(%rax)
    movq %r10, %rbx
    /* For debuggers: the caller's stack pointer is ours, its address and rbx are in the record. */
    .cfi_def_cfa rsp, 0
    .cfi_escape 0x10, 16, 2, 0x73, REC_RIP
    .cfi_escape 0x10, 3, 2, 0x73, REC_RBX
    .endm

    .macro UNLINK_RECORD
    movq %gs:GS_CURRENT_THREAD, %r10
    movq REC_PREVIOUS(%rbx), %rcx
    leaq REC_SIZE(%rbx), %rdx
    movq %rcx, THREAD_RECORDS(%r10)
    movq %rdx, THREAD_GATE_TOP(%r10)
    pushq REC_RIP(%rbx)
    movq REC_RBX(%rbx), %rbx
    .cfi_def_cfa rsp, 8
    .cfi_offset rip, -8
    .cfi_restore rbx
    .endm

    .globl arch_gates_begin
    .hidden arch_gates_begin
arch_gates_begin:
    .globl arch_gate_record
    .hidden arch_gate_record
    .type arch_gate_record, @function
arch_gate_record:
    .cfi_startproc
    LINK_RECORD
    call *EXPORT_ENTRY_ADDRESS(%r11)
    UNLINK_RECORD
    ret
    .cfi_endproc
    .size arch_gate_record, . - arch_gate_record

/* The same with ops.gate_enter and gate_leave around the call. They are SysV functions: the argument and result registers
 * are kept on the stack meanwhile, and what ms_abi code expects to survive comes back out of the record. */
    .globl arch_gate_checked
    .hidden arch_gate_checked
    .type arch_gate_checked, @function
arch_gate_checked:
    .cfi_startproc
    LINK_RECORD
    subq $0x60, %rsp
    .cfi_adjust_cfa_offset 0x60
    movq %rcx, 0x00(%rsp)
    movq %rdx, 0x08(%rsp)
    movq %r8, 0x10(%rsp)
    movq %r9, 0x18(%rsp)
    movaps %xmm0, 0x20(%rsp)
    movaps %xmm1, 0x30(%rsp)
    movaps %xmm2, 0x40(%rsp)
    movaps %xmm3, 0x50(%rsp)
    movq %r11, %rdi
    movq %rbx, %rsi
    call arch_gate_enter
    movq 0x00(%rsp), %rcx
    movq 0x08(%rsp), %rdx
    movq 0x10(%rsp), %r8
    movq 0x18(%rsp), %r9
    movaps 0x20(%rsp), %xmm0
    movaps 0x30(%rsp), %xmm1
    movaps 0x40(%rsp), %xmm2
    movaps 0x50(%rsp), %xmm3
    addq $0x60, %rsp
    .cfi_adjust_cfa_offset -0x60
    movq REC_ENTRY(%rbx), %r11
    call *EXPORT_ENTRY_ADDRESS(%r11)
    subq $0x20, %rsp
    .cfi_adjust_cfa_offset 0x20
    movq %rax, 0x00(%rsp)
    movaps %xmm0, 0x10(%rsp)
    movq REC_ENTRY(%rbx), %rdi
    movq %rbx, %rsi
    call arch_gate_leave
    movq 0x00(%rsp), %rax
    movaps 0x10(%rsp), %xmm0
    addq $0x20, %rsp
    .cfi_adjust_cfa_offset -0x20
    movq REC_RSI(%rbx), %rsi
    movq REC_RDI(%rbx), %rdi
    movaps REC_XMM+0x00(%rbx), %xmm6
    movaps REC_XMM+0x10(%rbx), %xmm7
    movaps REC_XMM+0x20(%rbx), %xmm8
    movaps REC_XMM+0x30(%rbx), %xmm9
    movaps REC_XMM+0x40(%rbx), %xmm10
    movaps REC_XMM+0x50(%rbx), %xmm11
    movaps REC_XMM+0x60(%rbx), %xmm12
    movaps REC_XMM+0x70(%rbx), %xmm13
    movaps REC_XMM+0x80(%rbx), %xmm14
    movaps REC_XMM+0x90(%rbx), %xmm15
    UNLINK_RECORD
    ret
    .cfi_endproc
    .size arch_gate_checked, . - arch_gate_checked

    .globl arch_gates_end
    .hidden arch_gates_end
arch_gates_end:

    .section .note.GNU-stack, "", @progbits

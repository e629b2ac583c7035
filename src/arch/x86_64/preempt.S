/* SPDX-License-Identifier: MIT */
/*
 * The injected call. The signal handler left, below the 128 bytes under the
 * interrupted stack pointer: rflags, rip. Every register is live; all of them,
 * the extended state too, are the same when the driver goes on, perhaps on
 * another pthread. Unwinds through a TRAP record, as NT's machine frame would.
 */
    .section .rodata
    .balign 4
initial_mxcsr:
    .long 0x1F80
initial_fpcsr:
    .short 0x027F

    .text
    .globl arch_preempt_stub
    .hidden arch_preempt_stub
    .type arch_preempt_stub, @function
arch_preempt_stub:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rbx
    subq preempt_area_bytes(%rip), %rsp
    andq $-64, %rsp
    xorl %edx, %edx
    .irp offset, 512, 520, 528, 536, 544, 552, 560, 568
    movq %rdx, \offset(%rsp)        /* the header must be zero where xsave does not write it */
    .endr
    movl preempt_mask(%rip), %eax
    testl %eax, %eax
    jz 1f
    xsave64 (%rsp)
    jmp 2f
1:  fxsave64 (%rsp)
2:  fninit
    fldcw initial_fpcsr(%rip)
    ldmxcsr initial_mxcsr(%rip)
    movq %rbx, %rdi
    movq %rsp, %rsi
    movq %rsp, %r12
    call preempt_dispatch
    movq %r12, %rsp
    xorl %edx, %edx
    movl preempt_mask(%rip), %eax
    testl %eax, %eax
    jz 3f
    xrstor64 (%rsp)
    jmp 4f
3:  fxrstor64 (%rsp)
4:  movq %rbx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    popfq
    ret $128
    .size arch_preempt_stub, . - arch_preempt_stub

    .section .note.GNU-stack, "", @progbits

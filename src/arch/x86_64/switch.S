/* SPDX-License-Identifier: MIT */
/*
 * The context switch. Its callers are SysV code, for which xmm6-15, rsi and rdi
 * are volatile: an ms_abi function above them has saved these in its own
 * prologue, so only SysV's callee-saved registers are left to save here.
 */
#include "arch/x86_64/offsets.h"

    .text

/* Leaves the context in rdi for that in rsi, up to where its return address lies on the stack. */
    .macro SWITCH
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movl (%rsp), %eax
    movzwl 4(%rsp), %ecx
    movq %rsp, CONTEXT_RSP(%rdi)
    movq CONTEXT_RSP(%rsi), %rsp
    cmpl (%rsp), %eax   /* loading either register costs more than asking whether it changes */
    jne 1f
2:  cmpw 4(%rsp), %cx
    jne 3f
4:  addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    movq %rdi, %rax
    .endm

    .macro SWITCH_OUT_OF_LINE
1:  ldmxcsr (%rsp)
    jmp 2b
3:  fldcw 4(%rsp)
    jmp 4b
    .endm

/* struct arch_context *arch_switch_stacks(struct arch_context *from, struct arch_context *to)
 * Returns, on the resumed side, the context that was left. That side called this function too, mostly from the
 * same place: the processor's return stack fits. */
    .p2align 6
    .globl arch_switch_stacks
    .hidden arch_switch_stacks
    .type arch_switch_stacks, @function
arch_switch_stacks:
    .cfi_startproc
    SWITCH
    ret
    SWITCH_OUT_OF_LINE
    .cfi_endproc
    .size arch_switch_stacks, . - arch_switch_stacks

/* The same into a context that has not run yet, and whose end is the return of this call (arch_call_start): the
 * return stack keeps its entry for that. */
    .p2align 6
    .globl arch_enter_stack
    .hidden arch_enter_stack
    .type arch_enter_stack, @function
arch_enter_stack:
    .cfi_startproc
    SWITCH
    popq %rcx
    jmp *%rcx
    SWITCH_OUT_OF_LINE
    .cfi_endproc
    .size arch_enter_stack, . - arch_enter_stack

/* First resume of a context: r12 = fn, r13 = its argument, rax = the context that was left. */
    .globl arch_context_start
    .hidden arch_context_start
    .type arch_context_start, @function
arch_context_start:
    .cfi_startproc
    .cfi_undefined rip
    movq %rax, %rdi
    movq %r12, %rsi
    movq %r13, %rdx
    xorl %ebp, %ebp
    call arch_context_enter
    ud2
    .cfi_endproc
    .size arch_context_start, . - arch_context_start

/* The same for a context whose fn returns the context that goes on; rbx = this context. The way back is the
 * one of a return: the innermost entry of the processor's return stack is the call that came here. */
    .p2align 6
    .globl arch_call_start
    .hidden arch_call_start
    .type arch_call_start, @function
arch_call_start:
    .cfi_startproc
    .cfi_undefined rip
    movq %rax, %rdi
    movq %r12, %rsi
    movq %r13, %rdx
    xorl %ebp, %ebp
    call arch_call_enter
    movq %rbx, %rdi
    movq CONTEXT_RSP(%rax), %rsp
    movq %rdi, %rax
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size arch_call_start, . - arch_call_start

    .section .note.GNU-stack, "", @progbits

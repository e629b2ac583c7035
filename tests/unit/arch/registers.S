/* SPDX-License-Identifier: MIT */
/*
 * void registers_around(void (*fn)(void) ms_abi, uint64_t out[18])
 * Gives every register that ms_abi code may expect to survive a value of its
 * own, calls fn, and stores what is there afterwards: rbx rbp rsi rdi r12-r15, xmm6-15.
 */
    .text
    .globl registers_around
    .type registers_around, @function
registers_around:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rsi
    subq $32, %rsp
    movq %rdi, %rax
    movl $1, %ebx
    movl $2, %ebp
    movl $3, %esi
    movl $4, %edi
    movl $5, %r12d
    movl $6, %r13d
    movl $7, %r14d
    movl $8, %r15d
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movl $(100 + \n), %ecx
    movd %ecx, %xmm\n
    .endr
    call *%rax
    addq $32, %rsp
    popq %rax
    movq %rbx, 0(%rax)
    movq %rbp, 8(%rax)
    movq %rsi, 16(%rax)
    movq %rdi, 24(%rax)
    movq %r12, 32(%rax)
    movq %r13, 40(%rax)
    movq %r14, 48(%rax)
    movq %r15, 56(%rax)
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq %xmm\n, 8 * (\n + 2)(%rax)
    .endr
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size registers_around, . - registers_around
    .section .note.GNU-stack, "", @progbits

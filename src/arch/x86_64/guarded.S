/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault. Between guarded_begin and guarded_end the fault
 * handler resumes at guarded_failed, which returns false: nothing here moves
 * the stack, and rax carries nothing.
 */
    .text
    .globl guarded_begin, guarded_end, guarded_failed
    .hidden guarded_begin, guarded_end, guarded_failed
guarded_begin:

/* bool guarded_read64(ULONG64 *to, ULONG64 from) */
    .globl guarded_read64
    .hidden guarded_read64
    .type guarded_read64, @function
guarded_read64:
    movq (%rsi), %rax
    movq %rax, (%rdi)
    movl $1, %eax
    ret
    .size guarded_read64, . - guarded_read64

/* bool guarded_read(void *to, ULONG64 from, size_t length) and, the same, guarded_copy */
    .globl guarded_read, guarded_copy
    .hidden guarded_read, guarded_copy
    .type guarded_read, @function
    .type guarded_copy, @function
guarded_read:
guarded_copy:
    movq %rdx, %rcx
    cmpq $512, %rcx
    jae 3f
    cmpq $16, %rcx
    jb 2f
1:  movups (%rsi), %xmm0
    movups %xmm0, (%rdi)
    addq $16, %rsi
    addq $16, %rdi
    subq $16, %rcx
    cmpq $16, %rcx
    jae 1b
2:  testq %rcx, %rcx
    jz 4f
5:  movb (%rsi), %al
    movb %al, (%rdi)
    incq %rsi
    incq %rdi
    decq %rcx
    jnz 5b
    jmp 4f
3:  rep movsb
4:  movl $1, %eax
    ret
    .size guarded_read, . - guarded_read
    .size guarded_copy, . - guarded_copy

/* bool guarded_touch_write(void *byte) */
    .globl guarded_touch_write
    .hidden guarded_touch_write
    .type guarded_touch_write, @function
guarded_touch_write:
    lock orb $0, (%rdi)
    movl $1, %eax
    ret
    .size guarded_touch_write, . - guarded_touch_write
guarded_end:

    .type guarded_failed, @function
guarded_failed:
    xorl %eax, %eax
    cld
    ret
    .size guarded_failed, . - guarded_failed

    .section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * Prologues and epilogues that compilers seldom write, for the stepping test:
 * registers saved by moves, a frame pointer with a moving stack, tail jumps.
 */
    .macro FUNCTION name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
    .seh_proc \name
\name:
    .endm

    .text
    .globl leaf_two
    .def leaf_two; .scl 2; .type 32; .endef
leaf_two:
    leaq 2(%rcx), %rax
    rep ret

    FUNCTION saved_frame
    subq $0x58, %rsp
    .seh_stackalloc 0x58
    movq %rbx, 0x20(%rsp)
    .seh_savereg %rbx, 0x20
    movq %r14, 0x60(%rsp)
    .seh_savereg %r14, 0x60
    movaps %xmm9, 0x30(%rsp)
    .seh_savexmm %xmm9, 0x30
    .seh_endprologue
    xorl %ebx, %ebx
    xorl %r14d, %r14d
    xorps %xmm9, %xmm9
    call leaf_two
    movaps 0x30(%rsp), %xmm9
    movq 0x60(%rsp), %r14
    movq 0x20(%rsp), %rbx
    addq $0x58, %rsp
    ret
    .seh_endproc

    FUNCTION pointer_frame
    pushq %r13
    .seh_pushreg %r13
    pushq %rbp
    .seh_pushreg %rbp
    subq $0x48, %rsp
    .seh_stackalloc 0x48
    leaq 0x20(%rsp), %rbp
    .seh_setframe %rbp, 0x20
    .seh_endprologue
    subq $0x200, %rsp
    xorl %r13d, %r13d
    call saved_frame
    leaq 0x28(%rbp), %rsp
    popq %rbp
    popq %r13
    ret $0
    .seh_endproc

    FUNCTION tail_frame
    pushq %r15
    .seh_pushreg %r15
    subq $0x1020, %rsp
    .seh_stackalloc 0x1020
    .seh_endprologue
    xorl %r15d, %r15d
    call pointer_frame
    movq %rax, %rcx
    addq $0x1020, %rsp
    popq %r15
    jmp leaf_two
    .seh_endproc

    FUNCTION tail_register_frame
    pushq %rdi
    .seh_pushreg %rdi
    subq $0x20, %rsp
    .seh_stackalloc 0x20
    .seh_endprologue
    xorl %edi, %edi
    call tail_frame
    movq %rax, %rcx
    leaq leaf_two(%rip), %rax
    addq $0x20, %rsp
    popq %rdi
    .byte 0x48, 0xFF, 0xE0 /* rex.w jmp *%rax */
    .seh_endproc

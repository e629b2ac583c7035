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

/* void unwind_frame(struct probe *, unsigned how): the body unwinds to one of the two targets. */
    .globl unwind_frame
    .def unwind_frame; .scl 2; .type 32; .endef
    .p2align 4
    .seh_proc unwind_frame
unwind_frame:
    pushq %rbx
    .seh_pushreg %rbx
    subq $0x30, %rsp
    .seh_stackalloc 0x30
    .seh_handler __C_specific_handler, @except, @unwind
    .seh_endprologue
    movq %rcx, %rbx
    movl %edx, %r9d
    movq %rsp, %rdx
    leaq outside(%rip), %r8
    testl $0x10, %r9d
    jz 1f
    leaq inside(%rip), %r8
1:
try_begin:
    call unwind_body        /* (probe, establisher frame, target, how) */
    nop
    jmp 2f
inside:
    movq %rbx, %rcx
    movl $0x49, %edx        /* I */
    movq %rax, %r8
    call unwind_landed
    nop
    jmp 2f
try_end:
outside:
    movq %rbx, %rcx
    movl $0x4F, %edx        /* O */
    movq %rax, %r8
    call unwind_landed
2:  addq $0x30, %rsp
    popq %rbx
    ret
    .seh_handlerdata
    .long 1
    .long try_begin@IMGREL, try_end@IMGREL, unwind_finally@IMGREL, 0
    .text
    .seh_endproc

/* void handled_frame(struct probe *): calls touch_guarded under a language handler of the driver's own. */
    .globl handled_frame
    .def handled_frame; .scl 2; .type 32; .endef
    .p2align 4
    .seh_proc handled_frame
handled_frame:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_handler own_handler, @except, @unwind
    .seh_endprologue
    call read_argument
    nop
    addq $0x28, %rsp
    ret
    .seh_handlerdata
    .long 0x12345678
    .text
    .seh_endproc

/* SPDX-License-Identifier: MIT */
/*
 * Driver code with sites in awkward places. The tests copy [code_start,
 * code_end) into an image's .text and call the routines there, with the
 * Microsoft convention: rcx, rdx, r8, r9 in, rax out.
 */
    .section .rodata
    .globl code_start, code_end

    .macro ROUTINE name
    .balign 16, 0xCC
    .globl \name
\name:
    .endm

    .balign 16
code_start:
    .quad 0x1122334455667788 /* data that a rip-relative neighbour reads */

ROUTINE code_read_cr8
    movq %cr8, %rax
    ret

ROUTINE code_read_cr8_r9
    movq %cr8, %r9
    movq %r9, %rax
    ret

ROUTINE code_write_cr8
    movq %rcx, %cr8
    movl $7, %eax
    ret

ROUTINE code_write_cr8_rsi
    pushq %rsi
    movq %rcx, %rsi
    movq %rsi, %cr8
    popq %rsi
    ret

/* The site is the target of a backward branch. */
ROUTINE code_loop
    xorl %eax, %eax
1:  cli
    incl %eax
    cmpl %ecx, %eax
    jne 1b
    sti
    movl %eax, %eax
    movl %eax, %eax
    ret

/* Both neighbours are targets: no jump fits. */
ROUTINE code_crowded
    testl %ecx, %ecx
    je 2f
    jmp 3f
2:  cli
3:  ret
    jmp 2b

/* Three bytes between two targets; straight code close by lends its room. */
ROUTINE code_gap
    leaq 8(%rcx), %r8
    movl $7, %r9d
    addq %r9, %r8
    testl %ecx, %ecx
    je 2f
    jmp 3f
2:  inb %dx, %al
    movb %al, %cl
3:  leaq (%r8,%rcx), %rax
    ret

ROUTINE code_rip_relative
    inb %dx, %al
    movq code_start(%rip), %rax
    ret

ROUTINE code_short_branch
    movl %ecx, %edx
    inb %dx, %al
    testb %al, %al
    je 1f
    movl $100, %eax
    ret
1:  movl $200, %eax
    ret

ROUTINE code_jrcxz
    movl $5, %eax
    cli
    jrcxz 1f
    movl $6, %eax
    ret
1:  sti
    nop
    nop
    nop
    nop
    ret

ROUTINE code_call_neighbour
    subq $40, %rsp
    cli
    call callee
    addq $40, %rsp
    ret
    .balign 16, 0xCC
callee:
    leaq 3(%rcx), %rax
    ret

ROUTINE code_flags
    cmpl %edx, %ecx
    cli
    jb 1f
    movl $1, %eax
    ret
1:  movl $2, %eax
    ret

/* The interrupt flag through pushf and popf, as KeAcquireInterruptSpinLock's kin do it. */
ROUTINE code_save_flags
    pushfq
    cli
    pushfq
    popq %rax
    popfq
    ret

ROUTINE code_popf
    pushq %rcx
    popfq
    ret

ROUTINE code_in
    movl %ecx, %edx
    xorl %eax, %eax
    decl %eax
    inb %dx, %al
    movzbl %al, %r8d
    inw %dx, %ax
    movzwl %ax, %r9d
    inl %dx, %eax
    shlq $8, %r9
    shlq $32, %rax
    orq %r8, %rax
    orq %r9, %rax
    ret

ROUTINE code_in_immediate
    inb $0x71, %al
    movzbl %al, %eax
    ret

ROUTINE code_out
    movq %rdx, %rax
    movl %ecx, %edx
    outb %al, %dx
    outw %ax, %dx
    outl %eax, %dx
    outb %al, $0x70
    ret

/* rcx: buffer, edx: port, r8: count */
ROUTINE code_insb
    pushq %rdi
    movq %rcx, %rdi
    movq %r8, %rcx
    cld
    rep insb
    movq %rcx, %rax
    popq %rdi
    ret

ROUTINE code_outsw
    pushq %rsi
    movq %rcx, %rsi
    movq %r8, %rcx
    cld
    rep outsw
    movq %rsi, %rax
    popq %rsi
    ret

ROUTINE code_rdmsr
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    ret

ROUTINE code_wrmsr
    movq %rdx, %rax
    shrq $32, %rdx
    wrmsr
    ret

/* rcx: leaf, rdx: four longs out */
ROUTINE code_cpuid
    pushq %rbx
    movq %rdx, %r8
    movl %ecx, %eax
    xorl %ecx, %ecx
    cpuid
    movl %eax, (%r8)
    movl %ebx, 4(%r8)
    movl %ecx, 8(%r8)
    movl %edx, 12(%r8)
    popq %rbx
    ret

ROUTINE code_rdtsc
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    ret

ROUTINE code_rdtscp
    rdtscp
    movl %ecx, %eax
    ret

ROUTINE code_xgetbv
    xorl %ecx, %ecx
    xgetbv
    ret

ROUTINE code_cr0
    movq %cr0, %rax
    ret

ROUTINE code_sidt
    subq $24, %rsp
    sidt (%rsp)
    movq 2(%rsp), %rax
    addq $24, %rsp
    ret

ROUTINE code_smsw
    smsw %rax
    ret

ROUTINE code_hlt
    hlt
    nop
    nop
    nop
    nop
    ret

ROUTINE code_wbinvd
    wbinvd
    movl $9, %eax
    ret

ROUTINE code_shared_data
    movabsq $0xFFFFF78000000320, %rax
    movq (%rax), %rax
    ret

ROUTINE code_shared_moffs
    movabsl 0xFFFFF78000000014, %eax
    ret

/* A dense switch, as clang and gcc write it: a table of offsets from itself. */
ROUTINE code_switch
    cmpl $3, %ecx
    ja 9f
    movl %ecx, %ecx
    leaq 5f(%rip), %rdx
    movslq (%rdx,%rcx,4), %rax
    addq %rdx, %rax
    jmp *%rax
1:  cli
    nopl 0x100(%rax)
2:  movl $20, %eax
    ret
3:  sti
    nopl 0x100(%rax)
4:  movl $40, %eax
    ret
9:  movl $-1, %eax
    ret
    .balign 4, 0xCC
5:  .long 1b-5b, 2b-5b, 3b-5b, 4b-5b

ROUTINE code_all_registers
    sti
    nop
    nop
    nop
    nop
    ret

/* A computed jump that nobody can follow: what is silent becomes a trap, here and close by. */
    .balign 128, 0xCC
ROUTINE code_opaque
    leaq 1f(%rip), %rax
    addq %rcx, %rax
    jmp *%rax
1:  pushq %rdx
    popfq
    nop
    nop
    nop
    ret

    .balign 128, 0xCC
/* Text and a privileged byte string in the code section: only data points at it. */
    .balign 16, 0xCC
    .globl code_text
code_text:
    .ascii "lmno\354\355\356\357lmno"
    .byte 0
    .balign 16, 0xCC
code_end:

/*
 * void call_with_registers(const void *routine): loads every register from registers_in (rax, rcx, rdx, rbx, rbp, rsi,
 * rdi, r8-r15, then sixteen 32-byte vectors), calls, stores every register to registers_out.
 */
    .text
    .globl call_with_registers
    .type call_with_registers, @function
call_with_registers:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu registers_in+120+32*\n(%rip), %xmm\n
    .endr
    cmpl $0, registers_avx(%rip)
    je 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu registers_in+120+32*\n(%rip), %ymm\n
    .endr
1:
    movq registers_in+0(%rip), %rax
    movq registers_in+8(%rip), %rcx
    movq registers_in+16(%rip), %rdx
    movq registers_in+24(%rip), %rbx
    movq registers_in+32(%rip), %rbp
    movq registers_in+40(%rip), %rsi
    movq registers_in+48(%rip), %rdi
    movq registers_in+56(%rip), %r8
    movq registers_in+64(%rip), %r9
    movq registers_in+72(%rip), %r10
    movq registers_in+80(%rip), %r11
    movq registers_in+88(%rip), %r12
    movq registers_in+96(%rip), %r13
    movq registers_in+104(%rip), %r14
    movq registers_in+112(%rip), %r15
    call *(%rsp)
    movq %rax, registers_out+0(%rip)
    movq %rcx, registers_out+8(%rip)
    movq %rdx, registers_out+16(%rip)
    movq %rbx, registers_out+24(%rip)
    movq %rbp, registers_out+32(%rip)
    movq %rsi, registers_out+40(%rip)
    movq %rdi, registers_out+48(%rip)
    movq %r8, registers_out+56(%rip)
    movq %r9, registers_out+64(%rip)
    movq %r10, registers_out+72(%rip)
    movq %r11, registers_out+80(%rip)
    movq %r12, registers_out+88(%rip)
    movq %r13, registers_out+96(%rip)
    movq %r14, registers_out+104(%rip)
    movq %r15, registers_out+112(%rip)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\n, registers_out+120+32*\n(%rip)
    .endr
    cmpl $0, registers_avx(%rip)
    je 2f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\n, registers_out+120+32*\n(%rip)
    .endr
    vzeroupper
2:
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .size call_with_registers, . - call_with_registers

    .section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * __chkstk: compilers call it before a function takes more than a page of
 * stack, with the size in RAX. It touches every page on the way, so that an
 * overflow hits the guard page and not what lies behind it. No register
 * changes, so it is bound directly and not through a gate.
 */
#include "rtl/rtl.h"

__asm__(".text\n"
        ".globl rtl_chkstk\n"
        ".hidden rtl_chkstk\n"
        ".type rtl_chkstk, @function\n"
        "rtl_chkstk:\n"
        "    push %r10\n"
        "    push %r11\n"
        "    mov %rax, %r10\n"
        "    lea 24(%rsp), %r11\n" /* the caller's stack pointer */
        "1:  cmp $4096, %r10\n"
        "    jb 2f\n"
        "    sub $4096, %r11\n"
        "    orb $0, (%r11)\n"
        "    sub $4096, %r10\n"
        "    jmp 1b\n"
        "2:  sub %r10, %r11\n"
        "    orb $0, (%r11)\n"
        "    pop %r11\n"
        "    pop %r10\n"
        "    ret\n"
        ".size rtl_chkstk, . - rtl_chkstk\n");

EXPORT_AS(ntoskrnl, "__chkstk", rtl_chkstk, PASSIVE_LEVEL, HIGH_LEVEL, X_CONTEXT)
void rtl_chkstk(void);

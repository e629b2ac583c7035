/* SPDX-License-Identifier: MIT */
/*
 * The processor of a machine with a seed: the same answers on every host. It
 * claims no more than every x86-64 processor has, so what a driver is told to
 * use is there.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "nt/pcr.h"

struct leaf {
    ULONG number;
    ULONG out[4]; /* eax, ebx, ecx, edx */
};

#define TEXT(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)

static const struct leaf leaves[] = {
    {0, {7, TEXT('G', 'e', 'n', 'u'), TEXT('n', 't', 'e', 'l'), TEXT('i', 'n', 'e', 'I')}},
    /* family 6 model 5E; one thread, 64-byte lines; CMPXCHG16B; x87 TSC MSR PAE CX8 APIC MTRR PGE CMOV PAT
       CLFSH MMX FXSR SSE SSE2 */
    {1, {0x000506E3, 0x00010800, 0x00002000, 0x0789B371}},
    {0x80000000, {0x80000008, 0, 0, 0}},
    {0x80000001, {0, 0, 1, 0x20100800}}, /* LAHF; SYSCALL, NX, long mode */
    {0x80000002,
     {TEXT('R', 'i', 'n', 'g'), TEXT('l', 'e', 's', 's'), TEXT(' ', 'v', 'i', 'r'),
      TEXT('t', 'u', 'a', 'l')}},
    {0x80000003, {TEXT(' ', 'p', 'r', 'o'), TEXT('c', 'e', 's', 's'), TEXT('o', 'r', 0, 0), 0}},
    {0x80000008, {0x3028, 0, 0, 0}}, /* 48 virtual, 40 physical address bits */
};

void rewrite_cpuid(ULONG leaf, ULONG subleaf, ULONG out[4])
{
    __builtin_memset(out, 0, 4 * sizeof(*out));
    for (unsigned i = 0; i < countof(leaves); i++) {
        if (leaves[i].number == leaf)
            __builtin_memcpy(out, leaves[i].out, sizeof(leaves[i].out));
    }
    if (leaf == 1)
        out[1] |= ((const KPCR *)arch_get_gs())->Prcb.Number << 24; /* the APIC's number */
}

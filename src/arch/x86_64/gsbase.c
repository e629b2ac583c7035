/* SPDX-License-Identifier: MIT */
/*
 * GS base: free on Linux, so it is the processor control region's. The
 * instructions where the kernel allows them (AT_HWCAP2 bit 1), else a system call.
 */
#include "arch/arch.h"
#include "host/signals.h"

__attribute__((target("fsgsbase"))) static void write_instruction(void *base)
{
    __builtin_ia32_wrgsbase64((uintptr_t)base);
}

__attribute__((target("fsgsbase"))) static void *read_instruction(void)
{
    return (void *)(uintptr_t)__builtin_ia32_rdgsbase64();
}

static bool instructions; /* the kernel allows them; false: not asked yet, or not */

static bool ask(void)
{
    return instructions = host_fsgsbase();
}

void arch_set_gs(void *base)
{
    if (likely(instructions) || ask())
        write_instruction(base);
    else
        host_set_gs(base);
}

void *arch_get_gs(void)
{
    return likely(instructions) || ask() ? read_instruction() : host_get_gs();
}

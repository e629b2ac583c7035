/* SPDX-License-Identifier: MIT */
/*
 * Control registers and the time-stamp counter. CR0 and CR4 keep what is
 * written, one set a processor; CR3 names a page of zeros, as there are no page
 * tables to show, and accepts only itself (which flushes the TLB on hardware).
 */
#include "hal/internal.h"
#include "host/host.h"
#include "host/memory.h"
#include "ke/routines.h"
#include "nt/pcr.h"

#define CR0_AT_BOOT  0x80050033ull /* PG AM WP NE ET MP PE */
#define CR4_AT_BOOT  0x000006F8ull /* OSXMMEXCPT OSFXSR PGE MCE PAE PSE DE */
#define CR0_FIXED    0x80000011ull /* PG, ET, PE: 64-bit mode does not survive their change */
#define CR0_RESERVED (~0xE005003Full)
#define CR4_RESERVED (~0x00777FFFull)
#define CR4_PAE      0x20ull
#define PROCESSORS   64

static struct {
    uint64_t cr0, cr2, cr4;
} processors[PROCESSORS];
static uint64_t page_table = HMEM_NO_PFN;

NTSTATUS hal_processor_init(void)
{
    for (unsigned i = 0; i < PROCESSORS; i++) {
        processors[i].cr0 = CR0_AT_BOOT;
        processors[i].cr2 = 0;
        processors[i].cr4 = CR4_AT_BOOT;
    }
    page_table = hmem_alloc_contiguous(1, 0x100000, ~0ull, 0);
    return page_table != HMEM_NO_PFN ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void hal_processor_fini(void)
{
    if (page_table != HMEM_NO_PFN)
        hmem_free_pages(page_table, 1);
    page_table = HMEM_NO_PFN;
}

static unsigned current(void)
{
    return ((const KPCR *)arch_get_gs())->Prcb.Number % PROCESSORS;
}

uint64_t hal_control_register_read(unsigned number)
{
    switch (number) {
    case 0:
        return processors[current()].cr0;
    case 2:
        return processors[current()].cr2;
    case 3:
        return page_table << PAGE_SHIFT;
    case 4:
        return processors[current()].cr4;
    default:
        return 0;
    }
}

/* False: the processor would refuse the value (#GP), or it asks for what this machine cannot do. */
bool hal_control_register_write(unsigned number, uint64_t value)
{
    switch (number) {
    case 0:
        if ((value & CR0_RESERVED) != 0 || (value & CR0_FIXED) != CR0_FIXED)
            return false;
        processors[current()].cr0 = value;
        return true;
    case 2:
        processors[current()].cr2 = value;
        return true;
    case 3:
        return (value & ~(uint64_t)PAGE_MASK) == page_table << PAGE_SHIFT;
    case 4:
        if ((value & CR4_RESERVED) != 0 || !(value & CR4_PAE))
            return false;
        processors[current()].cr4 = value;
        return true;
    default:
        return false;
    }
}

/* The host's counter, or, under simulation, 3 GHz of the virtual clock. */
uint64_t hal_tsc(void)
{
    return host_simulated() ? host_counter_ns() * 3 : __builtin_ia32_rdtsc();
}

/* hlt ends with the next interrupt: at the latest the clock's. With interrupts off it never does. */
void hal_halt(void)
{
    enum { TICK_MICROSECONDS = 1000, STEP_MICROSECONDS = 10 };
    const struct ke_vp *vp = ke_vp();
    uint32_t seen = vp->interrupts;
    unsigned waited = 0;

    while (waited < TICK_MICROSECONDS || !machine_ops.interrupt_flag()) {
        KeStallExecutionProcessor(STEP_MICROSECONDS);
        waited += STEP_MICROSECONDS;
        if (ke_vp() != vp || vp->interrupts != seen)
            return;
    }
}

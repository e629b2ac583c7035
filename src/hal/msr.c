/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers of the simulated processor: the architectural ones
 * and those that hardware monitors read, with the values of an idle desktop
 * part. What is not here is #GP, as on hardware.
 */
#include "hal/internal.h"
#include "base/lock.h"
#include "host/host.h"
#include "nt/pcr.h"

#define RATIO    30u /* times 100 MHz: as the time-stamp counter runs */
#define OWN_MSRS 64

enum msr_kind {
    STORED,    /* keeps what is written */
    READ_ONLY, /* a write is #GP */
};

struct msr {
    ULONG number, count; /* a run of registers with one value */
    enum msr_kind kind;
    uint64_t value;
};

static const struct msr at_boot[] = {
    {0x00, 2, STORED, 0},                                /* P5_MC_ADDR, P5_MC_TYPE */
    {0x06, 1, READ_ONLY, 64},                            /* MONITOR_FILTER_SIZE */
    {0x17, 1, READ_ONLY, 0},                             /* PLATFORM_ID */
    {0x1B, 1, STORED, 0xFEE00800},                       /* APIC_BASE: enabled */
    {0x3A, 1, READ_ONLY, 1},                             /* FEATURE_CONTROL: locked, no VMX */
    {0x3B, 1, STORED, 0},                                /* TSC_ADJUST */
    {0x48, 1, STORED, 0},                                /* SPEC_CTRL */
    {0x8B, 1, STORED, 0x000000F000000000},               /* BIOS_SIGN_ID: microcode revision F0 */
    {0xC1, 4, STORED, 0},                                /* PMC0..3: nothing is counted */
    {0xCE, 1, READ_ONLY, 0x80000000000ull | RATIO << 8}, /* PLATFORM_INFO: lowest and guaranteed ratio */
    {0xE2, 1, STORED, 0},                                /* PKG_CST_CONFIG_CONTROL */
    {0xFE, 1, READ_ONLY, 0x508},                         /* MTRRCAP: 8 variable, fixed, write combining */
    {0x10A, 1, READ_ONLY, 0},                            /* ARCH_CAPABILITIES: none claimed */
    {0x174, 3, STORED, 0},                               /* SYSENTER_CS, ESP, EIP */
    {0x179, 1, READ_ONLY, 0},                            /* MCG_CAP: no banks */
    {0x17A, 1, STORED, 0},                               /* MCG_STATUS */
    {0x186, 4, STORED, 0},                               /* PERFEVTSEL0..3 */
    {0x194, 1, STORED, 0},                               /* FLEX_RATIO */
    {0x198, 1, READ_ONLY, 0x0000200000000000ull | RATIO << 8}, /* PERF_STATUS: 1 V, the ratio */
    {0x199, 1, STORED, RATIO << 8},                            /* PERF_CTL */
    {0x19A, 1, STORED, 0},                                     /* CLOCK_MODULATION: off */
    {0x19B, 1, STORED, 0},                                     /* THERM_INTERRUPT */
    {0x19C, 1, STORED, 0x88400000},         /* THERM_STATUS: valid, 64 degrees below the target */
    {0x1A0, 1, STORED, 0x850089},           /* MISC_ENABLE */
    {0x1A2, 1, READ_ONLY, 100u << 16},      /* TEMPERATURE_TARGET: 100 degrees */
    {0x1A4, 1, STORED, 0},                  /* MISC_FEATURE_CONTROL: all prefetchers on */
    {0x1AA, 1, STORED, 0},                  /* MISC_PWR_MGMT */
    {0x1AD, 1, READ_ONLY, 0x1E1E1E1E},      /* TURBO_RATIO_LIMIT: none above the base */
    {0x1B0, 1, STORED, 6},                  /* ENERGY_PERF_BIAS: balanced */
    {0x1B1, 1, STORED, 0x88400000},         /* PACKAGE_THERM_STATUS */
    {0x1D9, 1, STORED, 0},                  /* DEBUGCTL */
    {0x1FC, 1, STORED, 0},                  /* POWER_CTL */
    {0x200, 16, STORED, 0},                 /* variable MTRRs: none in use */
    {0x250, 1, STORED, 0x0606060606060606}, /* fixed MTRRs: write back */
    {0x258, 2, STORED, 0x0606060606060606},
    {0x268, 8, STORED, 0x0606060606060606},
    {0x277, 1, STORED, 0x0007040600070406},      /* PAT */
    {0x2FF, 1, STORED, 0xC06},                   /* MTRR_DEF_TYPE: enabled, write back */
    {0x309, 3, STORED, 0},                       /* FIXED_CTR0..2 */
    {0x345, 1, READ_ONLY, 0},                    /* PERF_CAPABILITIES */
    {0x38D, 1, STORED, 0},                       /* FIXED_CTR_CTRL */
    {0x38E, 1, READ_ONLY, 0},                    /* PERF_GLOBAL_STATUS */
    {0x38F, 1, STORED, 0},                       /* PERF_GLOBAL_CTRL */
    {0x606, 1, READ_ONLY, 0xA0E03},              /* RAPL_POWER_UNIT */
    {0x610, 1, STORED, 0x0042820000DC8208},      /* PKG_POWER_LIMIT */
    {0x611, 1, READ_ONLY, 0},                    /* PKG_ENERGY_STATUS: nothing is burnt */
    {0x614, 1, READ_ONLY, 0x208},                /* PKG_POWER_INFO: 65 W */
    {0x639, 1, READ_ONLY, 0},                    /* PP0_ENERGY_STATUS */
    {0xC0000080, 1, STORED, 0xD01},              /* EFER: SYSCALL, long mode enabled and active, NX */
    {0xC0000081, 1, STORED, 0x0023001000000000}, /* STAR */
    {0xC0000082, 2, STORED, 0},                  /* LSTAR, CSTAR: no code of a kernel to point at */
    {0xC0000084, 1, STORED, 0x4700},             /* FMASK */
    {0xC0000100, 1, READ_ONLY, 0},               /* FS_BASE */
    {0xC0000102, 1, STORED, 0},                  /* KERNEL_GS_BASE */
};

enum {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1B,
    MSR_CORE_THREAD_COUNT = 0x35,
    MSR_MPERF = 0xE7,
    MSR_APERF = 0xE8,
    MSR_GS_BASE = 0xC0000101,
    MSR_TSC_AUX = 0xC0000103,
    APIC_BOOT_PROCESSOR = 0x100
};

#define STORED_MSRS 128
static uint64_t values[STORED_MSRS]; /* in the table's order, each run expanded */
static struct {
    ULONG number;
    uint64_t value;
} own[OWN_MSRS];
static unsigned own_count;
static rl_lock own_lock;

void hal_msr_init(void)
{
    unsigned at = 0;

    for (unsigned i = 0; i < countof(at_boot); i++) {
        RL_ASSERT(at + at_boot[i].count <= STORED_MSRS);
        for (ULONG n = 0; n < at_boot[i].count; n++)
            values[at++] = at_boot[i].value;
    }
    own_count = 0;
}

static uint64_t *find(ULONG number, enum msr_kind *kind)
{
    unsigned at = 0;

    for (unsigned i = 0; i < countof(at_boot); i++) {
        if (number - at_boot[i].number < at_boot[i].count) {
            *kind = at_boot[i].kind;
            return &values[at + (number - at_boot[i].number)];
        }
        at += at_boot[i].count;
    }
    return NULL;
}

static uint64_t *find_own(ULONG number)
{
    unsigned count = __atomic_load_n(&own_count, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < count; i++) {
        if (own[i].number == number)
            return &own[i].value;
    }
    return NULL;
}

/* A model's or an embedder's register; it keeps what is written. Replaces one of the table's. */
void hal_set_msr(ULONG msr, uint64_t value)
{
    uint64_t *there;

    rl_lock_acquire(&own_lock);
    there = find_own(msr);
    if (there != NULL) {
        *there = value;
    } else {
        RL_ASSERT(own_count < OWN_MSRS);
        own[own_count].number = msr;
        own[own_count].value = value;
        __atomic_store_n(&own_count, own_count + 1, __ATOMIC_RELEASE);
    }
    rl_lock_release(&own_lock);
}

static ULONG processor_number(void)
{
    return ((const KPCR *)arch_get_gs())->Prcb.Number;
}

/* What is computed, not stored. */
static bool read_special(ULONG msr, uint64_t *value)
{
    switch (msr) {
    case MSR_TSC:
    case MSR_MPERF:
    case MSR_APERF:
        *value = hal_tsc();
        return true;
    case MSR_GS_BASE:
        *value = (uintptr_t)arch_get_gs();
        return true;
    case MSR_CORE_THREAD_COUNT:
        *value = (uint64_t)(UCHAR)KeNumberProcessors << 16 | (UCHAR)KeNumberProcessors;
        return true;
    case MSR_TSC_AUX:
        *value = processor_number();
        return true;
    default:
        return false;
    }
}

bool hal_msr_read(ULONG msr, uint64_t *value)
{
    enum msr_kind kind;
    const uint64_t *stored = find_own(msr);

    if (stored == NULL && read_special(msr, value))
        return true;
    if (stored == NULL)
        stored = find(msr, &kind);
    if (stored == NULL)
        return false;
    *value = *stored;
    if (msr == MSR_APIC_BASE && processor_number() == 0)
        *value |= APIC_BOOT_PROCESSOR;
    return true;
}

bool hal_msr_write(ULONG msr, uint64_t value)
{
    enum msr_kind kind = STORED;
    uint64_t *stored = find_own(msr), now;

    if (stored == NULL && read_special(msr, &now)) /* a write that changes nothing is harmless */
        return value == now || msr == MSR_MPERF || msr == MSR_APERF;
    if (stored == NULL)
        stored = find(msr, &kind);
    if (stored == NULL || kind == READ_ONLY)
        return false;
    *stored = value;
    return true;
}

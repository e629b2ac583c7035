/* SPDX-License-Identifier: MIT */
/* Which parts of the extended processor state are enabled: what xgetbv answers a driver, so x87 and SSE under
 * --seed. */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "host/host.h"

#define OSXSAVE     (1u << 27) /* of CPUID leaf 1, ECX */
#define X87_AND_SSE 3

static ULONG64 enabled(void)
{
    ULONG eax = 1, ebx, ecx = 0, edx;
    if (host_simulated())
        return X87_AND_SSE;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (!(ecx & OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (ULONG64)edx << 32 | eax;
}

EXPORT(ntoskrnl, RtlGetEnabledExtendedFeatures, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
ULONG64 NTAPI RtlGetEnabledExtendedFeatures(ULONG64 FeatureMask)
{
    return enabled() & FeatureMask;
}

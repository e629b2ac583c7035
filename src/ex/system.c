/* SPDX-License-Identifier: MIT */
/* What the system is and says about itself: previous mode, local time, timer resolution, identifiers, suites.
 */
#include "ex/ex.h"
#include "base/lock.h"
#include "host/host.h"

/* Local time is behind system time by this much: the machine's zone is UTC. */
#define TIME_ZONE_BIAS_100NS 0ll

EXPORT(ntoskrnl, ExGetPreviousMode, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
KPROCESSOR_MODE NTAPI ExGetPreviousMode(void)
{
    return ke_previous_mode();
}

EXPORT(ntoskrnl, ExSystemTimeToLocalTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    LocalTime->QuadPart = SystemTime->QuadPart - TIME_ZONE_BIAS_100NS;
}

EXPORT(ntoskrnl, ExLocalTimeToSystemTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    SystemTime->QuadPart = LocalTime->QuadPart + TIME_ZONE_BIAS_100NS;
}

#define RESOLUTION_DEFAULT  156250
#define RESOLUTION_SMALLEST 5000

static rl_lock resolution_lock;
static ULONG resolution = RESOLUTION_DEFAULT;
static ULONG resolution_requests;

/*
 * TRUE asks for a finer clock: only a smaller time than the present one changes it, and none below what the
 * clock can. FALSE takes one request back; with the last the default returns. Returns the resolution from now
 * on, in 100 ns.
 */
EXPORT(ntoskrnl, ExSetTimerResolution, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    rl_lock_acquire(&resolution_lock);
    if (SetResolution) {
        resolution_requests++;
        resolution = MIN(resolution, MAX(DesiredTime, RESOLUTION_SMALLEST));
    } else if (resolution_requests != 0 && --resolution_requests == 0) {
        resolution = RESOLUTION_DEFAULT;
    }
    ULONG now = resolution;
    rl_lock_release(&resolution_lock);
    return now;
}

EXPORT(ntoskrnl, ExQueryTimerResolution, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime)
{
    *MaximumTime = RESOLUTION_DEFAULT;
    *MinimumTime = RESOLUTION_SMALLEST;
    *CurrentTime = __atomic_load_n(&resolution, __ATOMIC_RELAXED);
}

/* A random (version 4) UUID; under simulation drawn from the seed. */
EXPORT(ntoskrnl, ExUuidCreate, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ExUuidCreate(GUID *Uuid)
{
    uint64_t random[2] = {host_random(), host_random()};
    __builtin_memcpy(Uuid, random, sizeof *Uuid);
    Uuid->Data3 = (USHORT)((Uuid->Data3 & 0x0FFF) | 0x4000);
    Uuid->Data4[0] = (UCHAR)((Uuid->Data4[0] & 0x3F) | 0x80);
    return STATUS_SUCCESS;
}

#define SUITE_MASK 0x0110 /* as RtlGetVersion says it: terminal services for a single user */

/* Is this one of the product suites? The parameter is the suite's bit number. */
EXPORT(ntoskrnl, ExVerifySuite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExVerifySuite(ULONG SuiteType)
{
    return SuiteType < 16 && (SUITE_MASK >> SuiteType & 1);
}

/* A PF_... feature of the processor, as KUSER_SHARED_DATA says it too. */
EXPORT(ntoskrnl, ExIsProcessorFeaturePresent, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    const KUSER_SHARED_DATA *shared = ke_user_shared_data();
    return ProcessorFeature < PROCESSOR_FEATURE_MAX && shared->ProcessorFeatures[ProcessorFeature];
}

/* SPDX-License-Identifier: MIT */
/*
 * Resources with the critical region that they need around them. What the
 * acquiring forms return is the thread's Win32 part: no thread here has one.
 */
#include "ex/resource.h"
#include "ex/routines.h"

EXPORT(ntoskrnl, ExEnterCriticalRegionAndAcquireResourceExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return NULL;
}

EXPORT(ntoskrnl, ExEnterCriticalRegionAndAcquireResourceShared, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return NULL;
}

EXPORT(ntoskrnl, ExEnterCriticalRegionAndAcquireSharedWaitForExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
PVOID NTAPI ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireSharedWaitForExclusive(Resource, TRUE);
    return NULL;
}

EXPORT(ntoskrnl, ExReleaseResourceAndLeaveCriticalRegion, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

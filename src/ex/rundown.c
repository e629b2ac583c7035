/* SPDX-License-Identifier: MIT */
/*
 * Rundown protection. Count is twice the number of holders; bit 0 says that
 * rundown has begun, and then the rest is the address of the waiter's block
 * (none once it is complete), which counts the holders that are left.
 */
#include "ex/ex.h"
#include "ke/routines.h"

struct rundown_wait {
    ULONG_PTR left;
    KEVENT done;
};

static bool acquire(PEX_RUNDOWN_REF ref, ULONG count)
{
    ULONG_PTR now = __atomic_load_n(&ref->Count, __ATOMIC_RELAXED);
    do
        if (now & EX_RUNDOWN_ACTIVE)
            return false;
    while (!__atomic_compare_exchange_n(&ref->Count, &now, now + (ULONG_PTR)count * EX_RUNDOWN_COUNT_INC,
                                        true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return true;
}

static void release(PEX_RUNDOWN_REF ref, ULONG count)
{
    ULONG_PTR now = __atomic_load_n(&ref->Count, __ATOMIC_RELAXED);
    while (!(now & EX_RUNDOWN_ACTIVE))
        if (__atomic_compare_exchange_n(&ref->Count, &now, now - (ULONG_PTR)count * EX_RUNDOWN_COUNT_INC,
                                        true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    struct rundown_wait *wait = (struct rundown_wait *)(now & ~(ULONG_PTR)EX_RUNDOWN_ACTIVE);
    if (__atomic_sub_fetch(&wait->left, count, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&wait->done, 0, FALSE);
}

static void wait_for_release(PEX_RUNDOWN_REF ref)
{
    struct rundown_wait wait;
    ULONG_PTR now = 0;
    if (__atomic_compare_exchange_n(&ref->Count, &now, EX_RUNDOWN_ACTIVE, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE) ||
        now == EX_RUNDOWN_ACTIVE)
        return;
    KeInitializeEvent(&wait.done, SynchronizationEvent, FALSE);
    do {
        if (now & EX_RUNDOWN_ACTIVE)
            return; /* complete, or another waits */
        wait.left = now >> EX_RUNDOWN_COUNT_SHIFT;
    } while (!__atomic_compare_exchange_n(
        &ref->Count, &now, wait.left ? (ULONG_PTR)&wait | EX_RUNDOWN_ACTIVE : EX_RUNDOWN_ACTIVE, false,
        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    if (wait.left == 0)
        return;
    KeWaitForSingleObject(&wait.done, Executive, KernelMode, FALSE, NULL);
    __atomic_store_n(&ref->Count, EX_RUNDOWN_ACTIVE, __ATOMIC_RELEASE);
}

EXPORT(ntoskrnl, ExInitializeRundownProtection, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}

/* FALSE: rundown has begun, the object may not be used. */
EXPORT(ntoskrnl, ExAcquireRundownProtection, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return acquire(RunRef, 1);
}

EXPORT(ntoskrnl, ExAcquireRundownProtectionEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    return acquire(RunRef, Count);
}

EXPORT(ntoskrnl, ExReleaseRundownProtection, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    release(RunRef, 1);
}

EXPORT(ntoskrnl, ExReleaseRundownProtectionEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    release(RunRef, Count);
}

/* Lets nobody in any more and waits until all holders have released. */
EXPORT(ntoskrnl, ExWaitForRundownProtectionRelease, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    wait_for_release(RunRef);
}

/* The owner says that the wait is over: nobody gets in until it is initialized again. */
EXPORT(ntoskrnl, ExRundownCompleted, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, EX_RUNDOWN_ACTIVE, __ATOMIC_RELEASE);
}

EXPORT(ntoskrnl, ExReInitializeRundownProtection, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_RELEASE);
}

/* The cache-aware kind: opaque to drivers; here one reference in a cache line of its own. */
struct _EX_RUNDOWN_REF_CACHE_AWARE {
    EX_RUNDOWN_REF ref;
    UCHAR fill[64 - sizeof(EX_RUNDOWN_REF)];
};

EXPORT(ntoskrnl, ExSizeOfRundownProtectionCacheAware, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(void)
{
    return sizeof(struct _EX_RUNDOWN_REF_CACHE_AWARE);
}

EXPORT(ntoskrnl, ExInitializeRundownProtectionCacheAware, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                   SIZE_T RunRefSize)
{
    RunRefCacheAware->ref.Count = 0;
}

EXPORT(ntoskrnl, ExAllocateCacheAwareRundownProtection, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType, ULONG PoolTag)
{
    return mm_pool_allocate(PoolType, sizeof(struct _EX_RUNDOWN_REF_CACHE_AWARE), PoolTag, true,
                            mm_caller(__builtin_return_address(0)));
}

EXPORT(ntoskrnl, ExFreeCacheAwareRundownProtection, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    mm_pool_free(RunRefCacheAware, 0, __builtin_return_address(0));
}

EXPORT(ntoskrnl, ExAcquireRundownProtectionCacheAware, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    return acquire(&RunRefCacheAware->ref, 1);
}

EXPORT(ntoskrnl, ExAcquireRundownProtectionCacheAwareEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExAcquireRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                     ULONG Count)
{
    return acquire(&RunRefCacheAware->ref, Count);
}

EXPORT(ntoskrnl, ExReleaseRundownProtectionCacheAware, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    release(&RunRefCacheAware->ref, 1);
}

EXPORT(ntoskrnl, ExReleaseRundownProtectionCacheAwareEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware, ULONG Count)
{
    release(&RunRefCacheAware->ref, Count);
}

EXPORT(ntoskrnl, ExWaitForRundownProtectionReleaseCacheAware, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
VOID NTAPI ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    wait_for_release(&RunRefCacheAware->ref);
}

EXPORT(ntoskrnl, ExRundownCompletedCacheAware, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    __atomic_store_n(&RunRefCacheAware->ref.Count, EX_RUNDOWN_ACTIVE, __ATOMIC_RELEASE);
}

EXPORT(ntoskrnl, ExReInitializeRundownProtectionCacheAware, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware)
{
    __atomic_store_n(&RunRefCacheAware->ref.Count, 0, __ATOMIC_RELEASE);
}

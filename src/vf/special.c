/* SPDX-License-Identifier: MIT */
/*
 * Rules that depend on what a driver passes: waits at DISPATCH_LEVEL, pool at
 * the IRQL of its type, mapping for user mode, raising and lowering the IRQL,
 * leaving regions that were not entered.
 */
#include <string.h>
#include "vf/rules.h"
#include "mm/mm.h"
#include "nt/bugcodes.h"

#define C4 DRIVER_VERIFIER_DETECTED_VIOLATION

static const struct {
    const char *name;
    enum vf_special special;
} specials[] = {
    {"ExAcquireFastMutex", VF_MUTEX_ACQUIRE},
    {"ExAcquireFastMutexUnsafe", VF_MUTEX_UNSAFE_ACQUIRE},
    {"ExAcquireResourceExclusiveLite", VF_RESOURCE_EXCLUSIVE},
    {"ExAcquireResourceSharedLite", VF_RESOURCE_SHARED},
    {"ExAcquireSharedStarveExclusive", VF_RESOURCE_SHARED},
    {"ExAcquireSharedWaitForExclusive", VF_RESOURCE_SHARED},
    {"ExAcquireSpinLockExclusive", VF_ACQUIRE},
    {"ExAcquireSpinLockExclusiveAtDpcLevel", VF_ACQUIRE},
    {"ExAcquireSpinLockShared", VF_ACQUIRE_SHARED},
    {"ExAcquireSpinLockSharedAtDpcLevel", VF_ACQUIRE_SHARED},
    {"ExAllocatePool", VF_ALLOCATE},
    {"ExAllocatePool2", VF_ALLOCATE_FLAGS},
    {"ExAllocatePool3", VF_ALLOCATE_FLAGS},
    {"ExAllocatePoolWithQuota", VF_ALLOCATE},
    {"ExAllocatePoolWithQuotaTag", VF_ALLOCATE},
    {"ExAllocatePoolWithTag", VF_ALLOCATE},
    {"ExAllocatePoolWithTagPriority", VF_ALLOCATE},
    {"ExEnterCriticalRegionAndAcquireFastMutexUnsafe", VF_MUTEX_ACQUIRE},
    {"ExEnterCriticalRegionAndAcquireResourceExclusive", VF_RESOURCE_REGION},
    {"ExFreePool", VF_FREE},
    {"ExFreePool2", VF_FREE},
    {"ExFreePoolWithTag", VF_FREE},
    {"ExReleaseFastMutex", VF_MUTEX_RELEASE},
    {"ExReleaseFastMutexUnsafe", VF_MUTEX_UNSAFE_RELEASE},
    {"ExReleaseFastMutexUnsafeAndLeaveCriticalRegion", VF_MUTEX_RELEASE},
    {"ExReleaseResourceForThreadLite", VF_RESOURCE_RELEASE},
    {"ExReleaseResourceLite", VF_RESOURCE_RELEASE},
    {"ExReleaseSpinLockExclusive", VF_RELEASE_LOWER},
    {"ExReleaseSpinLockExclusiveFromDpcLevel", VF_RELEASE},
    {"ExReleaseSpinLockShared", VF_RELEASE_LOWER},
    {"ExReleaseSpinLockSharedFromDpcLevel", VF_RELEASE},
    {"ExTryToAcquireFastMutex", VF_MUTEX_TRY},
    {"ExpInterlockedPushEntrySList", VF_PUSH_ENTRY},
    {"IoAcquireCancelSpinLock", VF_ACQUIRE_CANCEL},
    {"IoCallDriver", VF_SEND_IRP},
    {"IoCompleteRequest", VF_COMPLETE_IRP},
    {"IoDeleteDevice", VF_DELETE_DEVICE},
    {"IoDetachDevice", VF_DETACH_DEVICE},
    {"IoFreeIrp", VF_FREE_IRP},
    {"IoInitializeIrp", VF_REUSE_IRP},
    {"IoReleaseCancelSpinLock", VF_RELEASE_CANCEL},
    {"IoReuseIrp", VF_REUSE_IRP},
    {"IoStartNextPacket", VF_NEXT_PACKET},
    {"IoStartNextPacketByKey", VF_NEXT_PACKET},
    {"IofCallDriver", VF_SEND_IRP},
    {"IofCompleteRequest", VF_COMPLETE_IRP},
    {"KeAcquireGuardedMutex", VF_MUTEX_ACQUIRE},
    {"KeAcquireGuardedMutexUnsafe", VF_MUTEX_UNSAFE_ACQUIRE},
    {"KeAcquireInStackQueuedSpinLock", VF_ACQUIRE_QUEUED},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", VF_ACQUIRE_QUEUED},
    {"KeAcquireInStackQueuedSpinLockForDpc", VF_ACQUIRE_QUEUED},
    {"KeAcquireInStackQueuedSpinLockRaiseToSynch", VF_ACQUIRE_QUEUED},
    {"KeAcquireInterruptSpinLock", VF_ACQUIRE},
    {"KeAcquireSpinLockAtDpcLevel", VF_ACQUIRE},
    {"KeAcquireSpinLockForDpc", VF_ACQUIRE},
    {"KeAcquireSpinLockRaiseToDpc", VF_ACQUIRE},
    {"KeAcquireSpinLockRaiseToSynch", VF_ACQUIRE},
    {"KeInitializeGuardedMutex", VF_INITIALIZE_LOCK},
    {"KeInitializeMutex", VF_INITIALIZE_LOCK},
    {"KeInitializeSpinLock", VF_INITIALIZE_LOCK},
    {"KeLeaveCriticalRegion", VF_LEAVE_CRITICAL},
    {"KeLeaveGuardedRegion", VF_LEAVE_GUARDED},
    {"KeLowerIrql", VF_LOWER_IRQL},
    {"KePulseEvent", VF_SIGNAL_WAIT_2},
    {"KeRaiseIrql", VF_RAISE_IRQL},
    {"KeReleaseGuardedMutex", VF_MUTEX_RELEASE},
    {"KeReleaseGuardedMutexUnsafe", VF_MUTEX_UNSAFE_RELEASE},
    {"KeReleaseInStackQueuedSpinLock", VF_RELEASE_QUEUED_LOWER},
    {"KeReleaseInStackQueuedSpinLockForDpc", VF_RELEASE_QUEUED},
    {"KeReleaseInStackQueuedSpinLockFromDpcLevel", VF_RELEASE_QUEUED},
    {"KeReleaseInterruptSpinLock", VF_RELEASE},
    {"KeReleaseMutex", VF_SIGNAL_WAIT_1},
    {"KeReleaseSemaphore", VF_SIGNAL_WAIT_3},
    {"KeReleaseSpinLock", VF_RELEASE_LOWER},
    {"KeReleaseSpinLockForDpc", VF_RELEASE},
    {"KeReleaseSpinLockFromDpcLevel", VF_RELEASE},
    {"KeSetEvent", VF_SIGNAL_WAIT_2},
    {"KeTryToAcquireGuardedMutex", VF_MUTEX_TRY},
    {"KeTryToAcquireSpinLockAtDpcLevel", VF_ACQUIRE_TRY},
    {"KeWaitForMultipleObjects", VF_WAIT_MULTIPLE},
    {"KeWaitForMutexObject", VF_WAIT_SINGLE},
    {"KeWaitForSingleObject", VF_WAIT_SINGLE},
    {"KefAcquireSpinLockAtDpcLevel", VF_ACQUIRE},
    {"KefReleaseSpinLockFromDpcLevel", VF_RELEASE},
    {"KfAcquireSpinLock", VF_ACQUIRE},
    {"KfLowerIrql", VF_LOWER_IRQL},
    {"KfRaiseIrql", VF_RAISE_IRQL},
    {"KfReleaseSpinLock", VF_RELEASE_LOWER},
    {"MmMapLockedPages", VF_MAP_LOCKED},
    {"MmMapLockedPagesSpecifyCache", VF_MAP_LOCKED},
    {"MmUnmapLockedPages", VF_UNMAP_LOCKED},
    {"PoCallDriver", VF_SEND_IRP},
    {"PsTerminateSystemThread", VF_END_THREAD},
};

enum vf_special vf_special_of(const char *name)
{
    for (unsigned i = 0; i < countof(specials); i++)
        if (strcmp(specials[i].name, name) == 0)
            return specials[i].special;
    return name[0] == 'Z' && name[1] == 'w' ? VF_ZW : VF_ORDINARY;
}

static bool check_wait(const struct vf_call *call, ULONG64 timeout, struct vf_finding *f)
{
    LARGE_INTEGER value = {.QuadPart = 0};
    if (call->irql < DISPATCH_LEVEL)
        return false;
    if (timeout == 0) {
        vf_find(f, C4, 0x121, call->irql, call->arguments[0], 0,
                "%s was called at IRQL %u (%s) to wait without an end: only a test with a timeout of zero is "
                "allowed there",
                call->export->name, call->irql, vf_irql_name(call->irql));
        return true;
    }
    if (!vf_peek(&value, (const void *)timeout, sizeof(value)) || value.QuadPart == 0)
        return false;
    vf_find(f, C4, 0x122, call->irql, call->arguments[0], timeout,
            "%s was called at IRQL %u (%s) with a timeout that is not zero: waiting is not allowed there",
            call->export->name, call->irql, vf_irql_name(call->irql));
    return true;
}

/* KeSetEvent and its like with Wait = TRUE leave the dispatcher locked for a KeWaitXxx, which may not be at
 * DISPATCH_LEVEL. */
static bool check_signal(const struct vf_call *call, bool wait, struct vf_finding *f)
{
    if (!wait || call->irql < DISPATCH_LEVEL)
        return false;
    bool set_event = strcmp(call->export->name, "KeSetEvent") == 0;
    vf_find(f, C4, set_event ? 0x20016 : 0xE5, set_event ? call->caller : call->irql, call->irql, 0,
            "%s was called at IRQL %u (%s) with Wait = TRUE; that is allowed at APC_LEVEL and below%s",
            call->export->name, call->irql, vf_irql_name(call->irql),
            set_event ? " (rule IrqlKeSetEvent)" : "");
    return true;
}

static bool check_allocate(const struct vf_call *call, bool paged, struct vf_finding *f)
{
    KIRQL highest = paged ? APC_LEVEL : DISPATCH_LEVEL;
    if (call->arguments[1] == 0) {
        vf_find(f, C4, 0x00, call->irql, call->arguments[0], 0, "%s was asked for a pool block of no bytes",
                call->export->name);
        return true;
    }
    if (call->irql <= highest)
        return false;
    vf_find(f, C4, paged ? 0x01 : 0x02, call->irql, call->arguments[0], call->arguments[1],
            "%s was called for %s pool at IRQL %u (%s); that is allowed at %s and below", call->export->name,
            paged ? "paged" : "nonpaged", call->irql, vf_irql_name(call->irql), vf_irql_name(highest));
    return true;
}

static bool check_free_irp(const struct vf_call *call, struct vf_finding *f)
{
    if (likely(!io_irp_was_ours((const void *)call->arguments[0])))
        return false;
    vf_find(f, C4, 0x105, call->arguments[0], 0, 0, "%s was called for an IRP: IoFreeIrp frees those",
            call->export->name);
    f->irp = (const void *)call->arguments[0];
    return true;
}

static bool check_free(const struct vf_call *call, struct vf_finding *f)
{
    if (check_free_irp(call, f))
        return true;
    if (call->irql <= APC_LEVEL)
        return false;
    bool paged = mm_pool_is_paged((const void *)call->arguments[0]);
    KIRQL highest = paged ? APC_LEVEL : DISPATCH_LEVEL;
    if (call->irql <= highest)
        return false;
    vf_find(f, C4, paged ? 0x11 : 0x12, call->irql, paged ? PagedPool : NonPagedPool, call->arguments[0],
            "%s was called for %s pool at IRQL %u (%s); that is allowed at %s and below", call->export->name,
            paged ? "paged" : "nonpaged", call->irql, vf_irql_name(call->irql), vf_irql_name(highest));
    f->pool = (const void *)call->arguments[0];
    return true;
}

static bool check_user_mapping(const struct vf_call *call, bool user, ULONG kind, struct vf_finding *f)
{
    if (!user || call->irql <= APC_LEVEL)
        return false;
    vf_find(f, C4, kind, call->irql, call->arguments[0], call->arguments[1],
            "%s was called for a user-mode mapping at IRQL %u (%s); that is allowed at APC_LEVEL and below",
            call->export->name, call->irql, vf_irql_name(call->irql));
    return true;
}

static bool check_raise(const struct vf_call *call, struct vf_finding *f)
{
    KIRQL wanted = (KIRQL)call->arguments[0];
    if (wanted >= call->irql && wanted <= HIGH_LEVEL)
        return false;
    vf_find(f, C4, 0x30, call->irql, wanted, 0, "%s was asked for IRQL %u at IRQL %u (%s): %s",
            call->export->name, wanted, call->irql, vf_irql_name(call->irql),
            wanted > HIGH_LEVEL ? "there is no such level" : "it may not lower it");
    return true;
}

static bool check_lower(const struct vf_call *call, struct vf_finding *f)
{
    KIRQL wanted = (KIRQL)call->arguments[0];
    const char *why = NULL;
    if (wanted > HIGH_LEVEL)
        why = "there is no such level";
    else if (wanted > call->irql)
        why = "it may not raise it";
    else if (wanted < DISPATCH_LEVEL && call->in_dpc)
        why = "a DPC routine stays at DISPATCH_LEVEL or above";
    else if (wanted < DISPATCH_LEVEL && call->locks_held != 0)
        why = "the driver holds a spin lock, which needs DISPATCH_LEVEL";
    if (why == NULL)
        return false;
    vf_find(f, C4, 0x31, call->irql, wanted, wanted < DISPATCH_LEVEL && call->in_dpc,
            "%s was asked for IRQL %u at IRQL %u (%s): %s", call->export->name, wanted, call->irql,
            vf_irql_name(call->irql), why);
    return true;
}

static bool check_leave(const struct vf_call *call, bool guarded, struct vf_finding *f)
{
    if ((guarded ? call->special_apc_disable : call->kernel_apc_disable) < 0)
        return false;
    vf_find(f, C4, guarded ? 0x4000E : 0x3E, guarded ? call->caller : 0, 0, 0,
            "%s was called by a thread that is not in a %s region", call->export->name,
            guarded ? "guarded" : "critical");
    return true;
}

static bool check_zw(const struct vf_call *call, struct vf_finding *f)
{
    if (call->special_apc_disable == 0 || call->export->max_irql != PASSIVE_LEVEL)
        return false;
    vf_find(f, C4, 0xE6, call->caller, call->irql, (ULONG64)(LONG64)call->special_apc_disable,
            "%s was called inside a guarded region: its completion needs special kernel APCs",
            call->export->name);
    return true;
}

bool vf_check_special(enum vf_special special, const struct vf_call *call, struct vf_finding *f)
{
    const ULONG64 *a = call->arguments;
    switch (special) {
    case VF_WAIT_SINGLE:
        return check_wait(call, a[4], f);
    case VF_WAIT_MULTIPLE:
        return check_wait(call, a[6], f);
    case VF_SIGNAL_WAIT_1:
        return check_signal(call, (BOOLEAN)a[1], f);
    case VF_SIGNAL_WAIT_2:
        return check_signal(call, (BOOLEAN)a[2], f);
    case VF_SIGNAL_WAIT_3:
        return check_signal(call, (BOOLEAN)a[3], f);
    case VF_ALLOCATE:
        return check_allocate(call, a[0] & PagedPool, f);
    case VF_ALLOCATE_FLAGS:
        return check_allocate(call, a[0] & POOL_FLAG_PAGED, f);
    case VF_FREE:
        return check_free(call, f);
    case VF_MAP_LOCKED:
        return check_user_mapping(call, (KPROCESSOR_MODE)a[1] == UserMode,
                                  strcmp(call->export->name, "MmMapLockedPages") == 0 ? 0x75 : 0x77, f);
    case VF_UNMAP_LOCKED:
        return check_user_mapping(call, hmem_is_user((const void *)a[0]), 0x7A, f);
    case VF_RAISE_IRQL:
        return check_raise(call, f);
    case VF_LOWER_IRQL:
        return check_lower(call, f);
    case VF_LEAVE_CRITICAL:
        return check_leave(call, false, f);
    case VF_LEAVE_GUARDED:
        return check_leave(call, true, f);
    case VF_ZW:
        return check_zw(call, f);
    default:
        return false;
    }
}

/* Which pool a block is of decides about a free, so that is asked first. */
bool vf_check_call(enum vf_special special, const struct vf_call *call, struct vf_finding *f)
{
    if (special == VF_FREE && check_free(call, f))
        return true;
    return vf_check_irql(call, f) || vf_check_special(special, call, f);
}

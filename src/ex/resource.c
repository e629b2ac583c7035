/* SPDX-License-Identifier: MIT */
/*
 * Executive resources: many readers or one writer, recursive. Who waits is
 * served in order: when readers let go, a waiting writer is next; when a writer
 * lets go, all waiting readers are. The four ways to acquire shared differ only
 * in what they do while a writer waits.
 */
#include "ex/resource.h"
#include "ke/held.h"

/* ---- waiting ---- */

static void enqueue(PVOID *tail, struct resource_waiter *waiter)
{
    struct resource_waiter *last = *tail;
    waiter->next = last ? last->next : waiter;
    if (last != NULL)
        last->next = waiter;
    *tail = waiter;
}

static struct resource_waiter *dequeue(PVOID *tail)
{
    struct resource_waiter *last = *tail, *first = last->next;
    if (first == last)
        *tail = NULL;
    else
        last->next = first->next;
    return first;
}

/* Queues the caller, lets the lock go and sleeps until somebody has made it an owner. */
static void wait_for_grant(PERESOURCE resource, PVOID *queue, ULONG *count, KIRQL irql)
{
    struct resource_waiter waiter = {.thread = (ERESOURCE_THREAD)ke_thread()};
    KeInitializeEvent(&waiter.granted, SynchronizationEvent, FALSE);
    enqueue(queue, &waiter);
    ++*count;
    resource->ContentionCount++;
    KeReleaseSpinLock(&resource->SpinLock, irql);
    KeWaitForSingleObject(&waiter.granted, WrResource, KernelMode, FALSE, NULL);
}

/* ---- granting, with the lock held ---- */

static void own_exclusive(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    resource->OwnerEntry.OwnerThread = thread;
    resource->OwnerEntry.OwnerCount = 1;
    resource->ActiveCount = 1;
    resource->ActiveEntries = 1;
    resource->Flag |= ResourceOwnedExclusive;
}

static void grant_exclusive(PERESOURCE resource)
{
    struct resource_waiter *waiter = dequeue(&resource->ExclusiveWaiters);
    resource->NumberOfExclusiveWaiters--;
    own_exclusive(resource, waiter->thread);
    KeSetEvent(&waiter->granted, 0, FALSE);
}

static void grant_all_shared(PERESOURCE resource)
{
    while (resource->SharedWaiters != NULL) {
        struct resource_waiter *waiter = dequeue(&resource->SharedWaiters);
        OWNER_ENTRY *own = resource_find_owner(resource, waiter->thread);
        resource->NumberOfSharedWaiters--;
        if (own != NULL)
            own->OwnerCount++; /* it waited although it was an owner already */
        else
            resource_add_owner(resource, waiter->thread);
        KeSetEvent(&waiter->granted, 0, FALSE);
    }
}

/* The last owner has gone. */
static void pass_on(PERESOURCE resource, bool was_exclusive)
{
    if (resource->SharedWaiters != NULL && (was_exclusive || resource->ExclusiveWaiters == NULL))
        grant_all_shared(resource);
    else if (resource->ExclusiveWaiters != NULL)
        grant_exclusive(resource);
}

/* ---- acquiring ---- */

static bool acquire_exclusive(PERESOURCE resource, bool wait)
{
    ERESOURCE_THREAD self = (ERESOURCE_THREAD)ke_thread();
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&resource->SpinLock);
    bool granted = true;
    if (resource->ActiveEntries == 0)
        own_exclusive(resource, self);
    else if (resource_owned_exclusive(resource) && resource->OwnerEntry.OwnerThread == self)
        resource->OwnerEntry.OwnerCount++;
    else if (wait) {
        wait_for_grant(resource, &resource->ExclusiveWaiters, &resource->NumberOfExclusiveWaiters, irql);
        return true;
    } else
        granted = false;
    KeReleaseSpinLock(&resource->SpinLock, irql);
    return granted;
}

enum shared_form { ORDINARY, STARVE_EXCLUSIVE, WAIT_FOR_EXCLUSIVE };

/* May a thread (own: what it owns already, or NULL) come in now, beside other readers? */
static bool may_share(const ERESOURCE *resource, const OWNER_ENTRY *own, enum shared_form form)
{
    if (resource_owned_exclusive(resource))
        return false;
    if (resource->ExclusiveWaiters == NULL || form == STARVE_EXCLUSIVE)
        return true;
    return form == ORDINARY && own != NULL;
}

/* 1: granted, 0: must wait, -1: no memory for another owner. */
static int try_shared(PERESOURCE resource, ERESOURCE_THREAD self, enum shared_form form)
{
    OWNER_ENTRY *own = resource_find_owner(resource, self);
    bool exclusively_mine = own != NULL && resource_owned_exclusive(resource);
    bool now = exclusively_mine || resource->ActiveEntries == 0 || may_share(resource, own, form);
    if (now && own != NULL) {
        own->OwnerCount++;
        return 1;
    }
    /* Room for all who wait, for this one, and for a writer that takes the OwnerEntry meanwhile. */
    if (!resource_ensure_room(resource, resource->NumberOfSharedWaiters + 2))
        return -1;
    if (now)
        resource_add_owner(resource, self);
    return now;
}

static bool acquire_shared(PERESOURCE resource, bool wait, enum shared_form form)
{
    ERESOURCE_THREAD self = (ERESOURCE_THREAD)ke_thread();
    for (;;) {
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&resource->SpinLock);
        int result = try_shared(resource, self, form);
        if (result == 0 && wait) {
            wait_for_grant(resource, &resource->SharedWaiters, &resource->NumberOfSharedWaiters, irql);
            return true;
        }
        KeReleaseSpinLock(&resource->SpinLock, irql);
        if (result >= 0 || !wait)
            return result == 1;
        LARGE_INTEGER soon = {.QuadPart = -100000}; /* memory is short: 10 ms later again */
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
    }
}

static void release_for(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&resource->SpinLock);
    OWNER_ENTRY *own = resource_find_owner(resource, thread);
    if (own == NULL || thread == 0)
        ke_bugcheck_code(RESOURCE_NOT_OWNED, (uintptr_t)resource, thread, (uintptr_t)resource->OwnerTable, 3);
    if (--own->OwnerCount == 0) {
        bool exclusive = resource_owned_exclusive(resource);
        resource_remove_owner(resource, own);
        if (resource->ActiveEntries == 0)
            pass_on(resource, exclusive);
    }
    KeReleaseSpinLock(&resource->SpinLock, irql);
}

/* ---- exports ---- */

static _Noreturn void misused(ULONG kind, const void *resource, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = DRIVER_VERIFIER_DETECTED_VIOLATION,
                                    .p = {kind, (uintptr_t)resource},
                                    .sentence = sentence,
                                    .verifier = true};
    ke_bugcheck(&info);
}

static void initialize(PERESOURCE resource)
{
    *resource = (ERESOURCE){0};
    list_init(&resource->SystemResourcesList);
}

EXPORT(ntoskrnl, ExInitializeResourceLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    if (!ke_hold(KE_HELD_RESOURCE, Resource))
        misused(0xD0, Resource,
                "an ERESOURCE was initialized that was not deleted since it was last initialized");
    initialize(Resource);
    return STATUS_SUCCESS;
}

/* Back to the state after initialization, with its owner table kept. */
EXPORT(ntoskrnl, ExReinitializeResourceLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    resource_free_table(Resource);
    initialize(Resource);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, ExDeleteResourceLite, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    if (!ke_unhold(KE_HELD_RESOURCE, Resource) && ke_driver_caller() != NULL)
        misused(0xD1, Resource, "an ERESOURCE was deleted that was not initialized");
    resource_free_table(Resource);
    *Resource = (ERESOURCE){0};
    return STATUS_SUCCESS;
}

/* FALSE only without Wait: somebody else owns it. Recursive for the exclusive owner. IRQL: <= APC_LEVEL, with
 * normal kernel APCs disabled. */
EXPORT(ntoskrnl, ExAcquireResourceExclusiveLite, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_exclusive(Resource, Wait);
}

EXPORT(ntoskrnl, ExTryToAcquireResourceExclusiveLite, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource)
{
    return acquire_exclusive(Resource, false);
}

/* Waits behind a waiting writer, unless the thread is an owner already. */
EXPORT(ntoskrnl, ExAcquireResourceSharedLite, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, ORDINARY);
}

/* Waits for nobody but an owning writer. */
EXPORT(ntoskrnl, ExAcquireSharedStarveExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, STARVE_EXCLUSIVE);
}

/* Waits behind a waiting writer even when the thread is an owner already. */
EXPORT(ntoskrnl, ExAcquireSharedWaitForExclusive, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, WAIT_FOR_EXCLUSIVE);
}

/* Bug check 0xE3 when the thread is no owner. */
EXPORT(ntoskrnl, ExReleaseResourceLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    release_for(Resource, (ERESOURCE_THREAD)ke_thread());
}

/* On behalf of another thread, or of the pointer that ExSetResourceOwnerPointer set. */
EXPORT(ntoskrnl, ExReleaseResourceForThreadLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    release_for(Resource, ResourceThreadId);
}

/* The exclusive owner lets readers in beside it; those that wait come in at once. */
EXPORT(ntoskrnl, ExConvertExclusiveToSharedLite, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (!resource_owned_exclusive(Resource) ||
        Resource->OwnerEntry.OwnerThread != (ERESOURCE_THREAD)ke_thread())
        ke_bugcheck_code(RESOURCE_NOT_OWNED, (uintptr_t)Resource, (uintptr_t)ke_thread(),
                         (uintptr_t)Resource->OwnerTable, 1);
    Resource->Flag &= ~ResourceOwnedExclusive;
    grant_all_shared(Resource);
    KeReleaseSpinLock(&Resource->SpinLock, irql);
}

EXPORT(ntoskrnl, ExIsResourceAcquiredExclusiveLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    bool mine = resource_owned_exclusive(Resource) &&
                Resource->OwnerEntry.OwnerThread == (ERESOURCE_THREAD)ke_thread();
    KeReleaseSpinLock(&Resource->SpinLock, irql);
    return mine;
}

/* How often the thread has acquired it, shared or exclusive. */
EXPORT(ntoskrnl, ExIsResourceAcquiredSharedLite, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    const OWNER_ENTRY *own = resource_find_owner(Resource, (ERESOURCE_THREAD)ke_thread());
    ULONG count = own ? own->OwnerCount : 0;
    KeReleaseSpinLock(&Resource->SpinLock, irql);
    return count;
}

EXPORT(ntoskrnl, ExGetExclusiveWaiterCount, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return __atomic_load_n(&Resource->NumberOfExclusiveWaiters, __ATOMIC_RELAXED);
}

EXPORT(ntoskrnl, ExGetSharedWaiterCount, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return __atomic_load_n(&Resource->NumberOfSharedWaiters, __ATOMIC_RELAXED);
}

static void set_owner(PERESOURCE resource, ERESOURCE_THREAD owner)
{
    ERESOURCE_THREAD self = (ERESOURCE_THREAD)ke_thread();
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&resource->SpinLock);
    OWNER_ENTRY *mine = resource_find_owner(resource, self), *theirs = resource_find_owner(resource, owner);
    if (mine == NULL)
        ke_bugcheck_code(RESOURCE_NOT_OWNED, (uintptr_t)resource, self, (uintptr_t)resource->OwnerTable, 2);
    if (theirs == NULL) {
        mine->OwnerThread = owner;
    } else if (theirs != mine) {
        theirs->OwnerCount += mine->OwnerCount;
        resource_remove_owner(resource, mine);
    }
    KeReleaseSpinLock(&resource->SpinLock, irql);
}

/* The calling thread's ownership passes to a pointer whose two low bits are set; only
 * ExReleaseResourceForThreadLite with that pointer releases it. */
EXPORT(ntoskrnl, ExSetResourceOwnerPointer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    set_owner(Resource, (ERESOURCE_THREAD)OwnerPointer);
}

EXPORT(ntoskrnl, ExSetResourceOwnerPointerEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG Flags)
{
    set_owner(Resource, (ERESOURCE_THREAD)OwnerPointer);
}

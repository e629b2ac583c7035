/* SPDX-License-Identifier: MIT */
/*
 * Event tracing, as providers see it. This machine has no trace sessions and
 * no way to start one, so a provider is registered and never enabled: its
 * callback is not called, and events are checked and not logged, which is what
 * the documentation says of a provider that no session enabled.
 *
 * A handle is a slot and its generation. Writers look without a lock, at any
 * IRQL; lock guards taking and freeing slots.
 */
#include "base/lock.h"
#include "ex/internal.h"
#include "ke/held.h"
#include "nt/etw.h"

#define PROVIDERS_MAX 4096
#define DATA_MAX      128 /* MAX_EVENT_DATA_DESCRIPTORS */

static rl_lock lock;
static struct provider {
    REGHANDLE handle; /* 0: free */
    ULONG generation;
    GUID id;
} providers[PROVIDERS_MAX];

void ex_etw_fini(void)
{
    for (unsigned i = 0; i < PROVIDERS_MAX; i++)
        providers[i].handle = 0;
}

static struct provider *find(REGHANDLE handle)
{
    ULONG slot = (ULONG)handle - 1;
    if (handle == 0 || slot >= PROVIDERS_MAX)
        return NULL;
    return __atomic_load_n(&providers[slot].handle, __ATOMIC_ACQUIRE) == handle ? &providers[slot] : NULL;
}

static REGHANDLE take_slot(const GUID *id)
{
    REGHANDLE handle = 0;
    rl_lock_acquire(&lock);
    for (unsigned i = 0; i < PROVIDERS_MAX && handle == 0; i++) {
        if (providers[i].handle != 0)
            continue;
        providers[i].id = *id;
        handle = (REGHANDLE)++providers[i].generation << 32 | (i + 1);
        __atomic_store_n(&providers[i].handle, handle, __ATOMIC_RELEASE);
    }
    rl_lock_release(&lock);
    return handle;
}

/* Two registrations of one provider are two handles. Owns: the caller (EtwUnregister). */
EXPORT(ntoskrnl, EtwRegister, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback, PVOID CallbackContext,
                           PREGHANDLE RegHandle)
{
    if (ProviderId == NULL || RegHandle == NULL)
        return STATUS_INVALID_PARAMETER;
    *RegHandle = take_slot(ProviderId);
    ke_hold(KE_HELD_PROVIDER, (const void *)*RegHandle);
    return *RegHandle != 0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

EXPORT(ntoskrnl, EtwUnregister, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwUnregister(REGHANDLE RegHandle)
{
    NTSTATUS status = STATUS_INVALID_HANDLE;
    rl_lock_acquire(&lock);
    struct provider *provider = find(RegHandle);
    if (provider != NULL) {
        __atomic_store_n(&provider->handle, 0, __ATOMIC_RELEASE);
        status = STATUS_SUCCESS;
    }
    rl_lock_release(&lock);
    ke_unhold(KE_HELD_PROVIDER, (const void *)RegHandle);
    return status;
}

/* Traits and the like are for sessions: judged, and of no effect. */
EXPORT(ntoskrnl, EtwSetInformation, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwSetInformation(REGHANDLE RegHandle, EVENT_INFO_CLASS InformationClass,
                                 PVOID EventInformation, ULONG InformationLength)
{
    if (find(RegHandle) == NULL)
        return STATUS_INVALID_HANDLE;
    if (InformationLength != 0 && EventInformation == NULL)
        return STATUS_INVALID_PARAMETER;
    switch (InformationClass) {
    case EventProviderBinaryTrackInfo:
        return InformationLength == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    case EventProviderSetTraits: /* the traits begin with their own size */
        return InformationLength >= sizeof(USHORT) && *(USHORT *)EventInformation == InformationLength
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    case EventProviderUseDescriptorType:
        return InformationLength == sizeof(BOOLEAN) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* Would an event be logged? Only if a session enabled the provider. */
EXPORT(ntoskrnl, EtwProviderEnabled, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword)
{
    return FALSE;
}

EXPORT(ntoskrnl, EtwEventEnabled, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor)
{
    return FALSE;
}

static NTSTATUS judge(REGHANDLE handle, const void *descriptor, ULONG count, const void *data)
{
    if (find(handle) == NULL)
        return STATUS_INVALID_HANDLE;
    if (descriptor == NULL || count > DATA_MAX || (count != 0 && data == NULL))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS; /* no session enabled the provider */
}

/* STATUS_INVALID_PARAMETER: more than 128 pieces of data. IRQL: any. */
EXPORT(ntoskrnl, EtwWrite, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                        ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData)
{
    return judge(RegHandle, EventDescriptor, UserDataCount, UserData);
}

/* With a related activity. IRQL: any. */
EXPORT(ntoskrnl, EtwWriteTransfer, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                                LPCGUID RelatedActivityId, ULONG UserDataCount,
                                PEVENT_DATA_DESCRIPTOR UserData)
{
    return judge(RegHandle, EventDescriptor, UserDataCount, UserData);
}

/* Not to the sessions of Filter. IRQL: any. */
EXPORT(ntoskrnl, EtwWriteEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwWriteEx(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, ULONG64 Filter,
                          ULONG Flags, LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                          PEVENT_DATA_DESCRIPTOR UserData)
{
    return judge(RegHandle, EventDescriptor, UserDataCount, UserData);
}

/* An event without a descriptor. IRQL: any. */
EXPORT(ntoskrnl, EtwWriteString, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword, LPCGUID ActivityId,
                              PCWSTR String)
{
    return judge(RegHandle, String, 0, NULL);
}

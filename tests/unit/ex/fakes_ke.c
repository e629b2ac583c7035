/* SPDX-License-Identifier: MIT */
#include "ke/held.h"
#include "fakes_ke.h"
#include "ldr/ldr.h"
#include "mm/routines.h"

#include <string.h>

void (*fake_wait_hook)(void);
unsigned fake_waits;
KIRQL fake_irql;
const struct vf_ops *seam_vf;

int fake_ex_start(void **state)
{
    fake_wait_hook = NULL;
    fake_waits = 0;
    fake_irql = PASSIVE_LEVEL;
    return fake_machine_start(state);
}

void fake_be_thread(struct ke_thread *thread)
{
    fake_current = thread;
}

KIRQL ke_irql(void)
{
    return fake_irql;
}

KIRQL ke_raise_irql(KIRQL irql)
{
    KIRQL old = fake_irql;
    assert_true(irql >= old);
    fake_irql = irql;
    return old;
}

void ke_lower_irql(KIRQL irql)
{
    assert_true(irql <= fake_irql);
    fake_irql = irql;
}

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    assert_true(fake_irql >= DISPATCH_LEVEL);
    assert_int_equal(*SpinLock, 0);
    *SpinLock = 1;
}

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    assert_int_equal(*SpinLock, 1);
    *SpinLock = 0;
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL old = ke_raise_irql(DISPATCH_LEVEL);
    KeAcquireSpinLockAtDpcLevel(SpinLock);
    return old;
}

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KeReleaseSpinLockFromDpcLevel(SpinLock);
    ke_lower_irql(NewIrql);
}

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.Type = (UCHAR)Type;
    Event->Header.SignalState = State;
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG before = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    return before;
}

VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    Event->Header.SignalState = 0;
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                     BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    DISPATCHER_HEADER *header = Object;
    struct ke_thread *self = ke_thread();
    assert_true(fake_irql <= APC_LEVEL);
    if (header->SignalState == 0) {
        fake_waits++;
        assert_non_null(fake_wait_hook);
        fake_wait_hook();
        fake_be_thread(self);
    }
    assert_int_equal(header->SignalState, 1); /* else the thread would sleep for ever */
    if (header->Type == EventSynchronizationObject)
        header->SignalState = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    fake_waits++;
    fake_wait_hook();
    return STATUS_SUCCESS;
}

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    ke_thread()->kernel_apc_disable--;
}

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    ke_thread()->kernel_apc_disable++;
}

uint64_t host_random(void)
{
    static uint64_t state = 1;
    return state = state * 6364136223846793005ull + 1442695040888963407ull;
}

/* The loader: the address of an export is the function itself. */
const struct export_entry *ldr_find_export(const char *module, const char *name)
{
    static const struct export_entry allocate = {.address = (const void *)ExAllocatePoolWithTag};
    static const struct export_entry release = {.address = (const void *)ExFreePool};
    return strcmp(name, "ExFreePool") == 0 ? &release : &allocate;
}

const void *ldr_bind_export(const struct export_entry *entry, bool checked)
{
    return entry->address;
}

void *ke_user_shared_data(void)
{
    static KUSER_SHARED_DATA shared;
    shared.ProcessorFeatures[10] = TRUE;
    return &shared;
}

/* Nobody wants to know what drivers hold. */
bool ke_hold(enum ke_held_kind kind, const void *object)
{
    return true;
}

bool ke_unhold(enum ke_held_kind kind, const void *object)
{
    return true;
}

const void *ke_driver_caller(void)
{
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Events. A notification event stays signaled and releases everybody; a
 * synchronization event releases one waiter and goes back. State changes only
 * under the dispatcher lock; reading takes none.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* Owns: the caller's storage. IRQL: any. */
EXPORT(ntoskrnl, KeInitializeEvent, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.Lock = 0;
    Event->Header.Type = Type == NotificationEvent ? EventNotificationObject : EventSynchronizationObject;
    Event->Header.Size = sizeof *Event / sizeof(LONG);
    Event->Header.SignalState = State;
    list_init(&Event->Header.WaitListHead);
}

static LONG set_event(PRKEVENT event, KPRIORITY increment)
{
    LONG former = event->Header.SignalState;
    event->Header.SignalState = 1;
    wait_test(&event->Header, increment);
    return former;
}

/*
 * Signals the event; returns its former state. Wait: returns at DISPATCH_LEVEL, and the KeWaitXxx that must
 * follow goes back to the caller's IRQL. IRQL: <= DISPATCH_LEVEL; with Wait <= APC_LEVEL.
 */
EXPORT(ntoskrnl, KeSetEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES_IRQL)
LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    dispatcher_acquire();
    LONG former = set_event(Event, Increment);
    wait_release_dispatcher(Wait);
    return former;
}

/* Signals a synchronization event; the thread that it releases, if any, is boosted and named. IRQL: <=
 * DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeSetEventBoostPriority, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeSetEventBoostPriority(PRKEVENT Event, PKTHREAD *Thread)
{
    dispatcher_acquire();
    LIST_ENTRY *waiters = &Event->Header.WaitListHead;
    if (Thread != NULL && !list_empty(waiters))
        *Thread = container_of(waiters->Flink, KWAIT_BLOCK, WaitListEntry)->Thread;
    set_event(Event, 1);
    dispatcher_release_and_yield();
}

/* Not signaled; returns the former state. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeResetEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    dispatcher_acquire();
    LONG former = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    dispatcher_release();
    return former;
}

/* Not signaled, without a result. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeClearEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    __atomic_store_n(&Event->Header.SignalState, 0, __ATOMIC_RELEASE);
}

/* Signals, satisfies as many waits as it can (one for a synchronization event), resets; returns the former
 * state. */
EXPORT(ntoskrnl, KePulseEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES_IRQL)
LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    dispatcher_acquire();
    LONG former = set_event(Event, Increment);
    Event->Header.SignalState = 0;
    wait_release_dispatcher(Wait);
    return former;
}

EXPORT(ntoskrnl, KeReadStateEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return __atomic_load_n(&Event->Header.SignalState, __ATOMIC_ACQUIRE);
}

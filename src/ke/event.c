/* SPDX-License-Identifier: MIT */
/*
 * Events. A notification event stays signaled and releases everybody; a
 * synchronization event releases one waiter and goes back. An event that
 * nobody waits for is set without the dispatcher lock: whoever is about to wait
 * marks it as watched and then looks at its state once more; from there on
 * its state changes under the lock only.
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

/* In the header's byte that only timers and processes use: a bit of its first word. */
#define WATCHED (1u << 24)

/* Locked. A setter that takes no lock writes both words at once, so it cannot overlook the mark. */
bool event_watch(DISPATCHER_HEADER *event)
{
    if (event->Lock & WATCHED)
        return false;
    __atomic_or_fetch(&event->Lock, WATCHED, __ATOMIC_SEQ_CST);
    return true;
}

/* Sets an event that nobody watches; the event may be gone when this returns. False: it is watched. */
static inline bool set_unwatched(PRKEVENT event, LONG *former)
{
    ULONG64 *words = (ULONG64 *)&event->Header;
    ULONG64 before = __atomic_load_n(words, __ATOMIC_RELAXED);

    do {
        if (before & WATCHED)
            return false;
    } while (!__atomic_compare_exchange_n(words, &before, (ULONG)before | 1ull << 32, true, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    *former = (LONG)(before >> 32);
    return true;
}

/* Locked: while the event is watched nobody else writes its state. */
static LONG exchange_state(PRKEVENT event, LONG state)
{
    LONG former = event->Header.SignalState;
    if (likely(event->Header.Lock & WATCHED))
        event->Header.SignalState = state;
    else
        former = __atomic_exchange_n(&event->Header.SignalState, state, __ATOMIC_SEQ_CST);
    return former;
}

/* Locked. Once nobody waits any more the mark goes, and the next one may set the event without the lock. */
static LONG set_event(PRKEVENT event, KPRIORITY increment)
{
    LONG former = exchange_state(event, 1);
    if (!list_empty(&event->Header.WaitListHead))
        wait_test(&event->Header, increment);
    else
        __atomic_and_fetch(&event->Header.Lock, ~WATCHED, __ATOMIC_SEQ_CST);
    return former;
}

static __attribute__((noinline)) LONG NTAPI set_watched(PRKEVENT event, KPRIORITY increment, BOOLEAN wait)
{
    dispatcher_acquire();
    LONG former = set_event(event, increment);
    wait_release_dispatcher(wait);
    return former;
}

static __attribute__((noinline)) LONG NTAPI service_and_return(LONG former)
{
    irql_service();
    return former;
}

/*
 * Signals the event; returns its former state. Wait: returns at DISPATCH_LEVEL, and the KeWaitXxx that must
 * follow goes back to the caller's IRQL. IRQL: <= DISPATCH_LEVEL; with Wait <= APC_LEVEL.
 */
EXPORT(ntoskrnl, KeSetEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES_IRQL)
LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG former;
    if (unlikely(Wait) || !set_unwatched(Event, &former))
        return set_watched(Event, Increment, Wait);
    return unlikely(vp_pending(vp_current()) != 0) ? service_and_return(former) : former;
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
    LONG former = exchange_state(Event, 0);
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
    exchange_state(Event, 0);
    wait_release_dispatcher(Wait);
    return former;
}

EXPORT(ntoskrnl, KeReadStateEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return __atomic_load_n(&Event->Header.SignalState, __ATOMIC_ACQUIRE);
}

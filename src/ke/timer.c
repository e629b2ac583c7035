/* SPDX-License-Identifier: MIT */
/*
 * Timers. Active ones lie in 256 lists by due time (13 ms each, taken modulo),
 * every list sorted by due time and, among equals, by when they were set:
 * timers due together expire in that order. Expiry runs at DISPATCH_LEVEL on
 * some VP, as from the clock interrupt. All under the dispatcher lock.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "ke/held.h"
#include "ke/timer_precise.h"

enum { SLOTS = 256, SLOT_SHIFT = 17 };
/* KTIMER.TimerType of a thread's own timer, for its time-outs: it is not an object that can be waited on; and
 * of one with a period in 100 ns. */
enum { THREAD_TIMER = 0xFFFF, PRECISE_TIMER = 0xFFFE };

static LIST_ENTRY slots[SLOTS];
static uint64_t used[SLOTS / 64]; /* bit per list that is not empty */
static uint64_t next_due = ~0ull;

void timers_init(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        list_init(&slots[i]);
    for (unsigned i = 0; i < countof(used); i++)
        used[i] = 0;
    next_due = ~0ull;
}

uint64_t timers_next_due(void)
{
    return __atomic_load_n(&next_due, __ATOMIC_RELAXED);
}

static unsigned slot_of(const KTIMER *timer)
{
    return (unsigned)(timer->DueTime.QuadPart >> SLOT_SHIFT) % SLOTS;
}

static PKTIMER timer_of(LIST_ENTRY *link)
{
    return container_of(link, KTIMER, TimerListEntry);
}

static PKTIMER first_timer(void)
{
    PKTIMER first = NULL;
    for (unsigned word = 0; word < countof(used); word++)
        for (uint64_t bits = used[word]; bits != 0; bits &= bits - 1) {
            PKTIMER timer = timer_of(slots[word * 64 + (unsigned)__builtin_ctzll(bits)].Flink);
            if (first == NULL || timer->DueTime.QuadPart < first->DueTime.QuadPart)
                first = timer;
        }
    return first;
}

static void recompute_next_due(void)
{
    PKTIMER first = first_timer();
    __atomic_store_n(&next_due, first != NULL ? first->DueTime.QuadPart : ~0ull, __ATOMIC_RELAXED);
}

void timer_insert(PKTIMER timer, uint64_t due)
{
    timer->DueTime.QuadPart = due;
    timer->Header.Inserted = TRUE;
    unsigned slot = slot_of(timer);
    LIST_ENTRY *at = slots[slot].Blink;
    while (at != &slots[slot] && timer_of(at)->DueTime.QuadPart > due)
        at = at->Blink;
    list_insert_head(at, &timer->TimerListEntry); /* behind at */
    used[slot / 64] |= 1ull << slot % 64;
    if (due < next_due) {
        __atomic_store_n(&next_due, due, __ATOMIC_RELAXED);
        clock_timer_changed(due);
    }
}

bool timer_remove(PKTIMER timer)
{
    if (!timer->Header.Inserted)
        return false;
    unsigned slot = slot_of(timer);
    timer->Header.Inserted = FALSE;
    list_remove(&timer->TimerListEntry);
    if (list_empty(&slots[slot]))
        used[slot / 64] &= ~(1ull << slot % 64);
    if (timer->DueTime.QuadPart == next_due)
        recompute_next_due();
    return true;
}

/* ---- expiry ---- */

static void queue_timer_dpc(PKDPC dpc)
{
    uint64_t now = host_system_time();
    /* DPC-15: one that is queued already, by whomever, is not queued twice. */
    dpc_queue_locked(dpc, (PVOID)(uintptr_t)(ULONG)now, (PVOID)(uintptr_t)(ULONG)(now >> 32));
}

static uint64_t period_of(const KTIMER *timer)
{
    if (timer->TimerType == PRECISE_TIMER)
        return container_of(timer, const struct ke_precise_timer, timer)->period_100ns;
    return (uint64_t)timer->Period * 10000;
}

/* Locked. A periodic timer is back in its list before its DPC is queued. */
static void expire(PKTIMER timer)
{
    PKDPC dpc = timer->Dpc;
    timer_remove(timer);
    if (timer->TimerType == THREAD_TIMER) {
        wait_end(container_of(timer, struct ke_thread, timer), STATUS_TIMEOUT, 0);
        return;
    }
    TRACE(TRACE_TIMER_EXPIRED, timer);
    timer->Header.SignalState = 1;
    if (period_of(timer) != 0)
        timer_insert(timer, timer->DueTime.QuadPart + period_of(timer));
    wait_test(&timer->Header, 0);
    if (dpc != NULL)
        /* SR-13, DPC-17: last of all; the routine may free a one-shot timer. */
        queue_timer_dpc(dpc);
}

void timers_expire(void)
{
    vp_unpend(vp_current(), PEND_TIMER);
    clock_update_page(); /* who is woken finds its time passed there too */
    dispatcher_acquire();
    uint64_t now = host_interrupt_time();
    while (next_due <= now)
        expire(first_timer());
    dispatcher_release();
}

/* ---- exports ---- */

static void initialize(PKTIMER timer, UCHAR type)
{
    *timer = (KTIMER){.Header = {.Type = type, .Size = sizeof *timer / sizeof(LONG)}};
    list_init(&timer->Header.WaitListHead);
}

void timer_init_for_thread(PKTIMER timer)
{
    initialize(timer, TimerNotificationObject);
    timer->TimerType = THREAD_TIMER;
}

EXPORT(ntoskrnl, KeInitializeTimerEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    initialize(Timer, Type == NotificationTimer ? TimerNotificationObject : TimerSynchronizationObject);
}

EXPORT(ntoskrnl, KeInitializeTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

/* Locked: out of the queue, and with it the DPC of a former period. A one-shot timer that has expired is left
 * alone: its DPC will run, which is what the FALSE tells the caller. */
static bool cancel(PKTIMER timer)
{
    if (!timer_remove(timer))
        return false;
    if (timer->Dpc != NULL)
        /* DPC-14: and the call of a former period. */
        dpc_remove_locked(timer->Dpc);
    return true;
}

/* Locked: not signaled, due then; one that is due at once expires here. */
static void start(PKTIMER timer, const LARGE_INTEGER *due_time, PKDPC dpc)
{
    uint64_t due = wait_due_time(due_time);
    timer->Header.SignalState = 0;
    timer->Dpc = dpc;
    timer_insert(timer, due);
    if (due > host_interrupt_time())
        return;
    clock_update_page();
    expire(timer);
}

/*
 * Sets the timer, not signaled, due at DueTime (negative: relative) and then every Period milliseconds. A
 * timer that is due at once expires before the routine returns. TRUE: it was set before. IRQL: <=
 * DISPATCH_LEVEL. Rules: DPC-14.
 */
EXPORT(ntoskrnl, KeSetTimerEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    dispatcher_acquire();
    /* DPC-14: setting a timer that is set cancels it first, its DPC call too. */
    bool was_set = cancel(Timer);
    Timer->Period = (ULONG)Period;
    start(Timer, &DueTime, Dpc);
    dispatcher_release_and_yield();
    return was_set;
}

void ke_precise_timer_init(struct ke_precise_timer *timer, TIMER_TYPE type)
{
    KeInitializeTimerEx(&timer->timer, type);
    timer->timer.TimerType = PRECISE_TIMER;
}

bool ke_precise_timer_set(struct ke_precise_timer *timer, LARGE_INTEGER due, uint64_t period_100ns, PKDPC dpc)
{
    dispatcher_acquire();
    bool was_set = cancel(&timer->timer);
    timer->period_100ns = period_100ns;
    start(&timer->timer, &due, dpc);
    dispatcher_release_and_yield();
    return was_set;
}

bool ke_timer_is_set(const KTIMER *timer)
{
    dispatcher_acquire();
    bool is_set = timer->Header.Inserted;
    dispatcher_release();
    return is_set;
}

EXPORT(ntoskrnl, KeSetTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

/* The tolerance lets expiries be merged; not merging is within it. */
EXPORT(ntoskrnl, KeSetCoalescableTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period, ULONG TolerableDelay,
                                    PKDPC Dpc)
{
    (void)TolerableDelay;
    return KeSetTimerEx(Timer, DueTime, (LONG)Period, Dpc);
}

/*
 * Takes the timer out of the queue. TRUE: it was set; a one-shot timer that has expired was not, a periodic
 * one always is. A running DPC is not stopped. IRQL: <= DISPATCH_LEVEL. Rules: DPC-16.
 */
EXPORT(ntoskrnl, KeCancelTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    dispatcher_acquire();
    /* DPC-16: only what is still in the queue counts as canceled. */
    bool was_set = cancel(Timer);
    dispatcher_release();
    return was_set;
}

EXPORT(ntoskrnl, KeReadStateTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return __atomic_load_n(&Timer->Header.SignalState, __ATOMIC_ACQUIRE) != 0;
}

void ke_for_each_timer(void (*visit)(PKTIMER timer, void *context), void *context)
{
    if (timers_next_due() == ~0ull)
        return;
    dispatcher_acquire();
    for (unsigned i = 0; i < SLOTS; i++)
        list_for_each(link, &slots[i])
        {
            if (timer_of(link)->TimerType != THREAD_TIMER)
                visit(timer_of(link), context);
        }
    dispatcher_release();
}

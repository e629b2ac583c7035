/* SPDX-License-Identifier: MIT */
/* Lines: levels and edges, service routines that share them, locks and IRQLs, synchronization, the end. */
#include "bell.h"

static struct bell first = {.port = 0x300}, second = {.port = 0x310}, other = {.port = 0x320};

static VOID one_device(VOID)
{
    CHECK_STATUS("SR-08", connect_bell(&first, LevelSensitive, FALSE), STATUS_SUCCESS);
    ring(&first);
    until(&first.claimed, 1);
    CHECK_EQ("SR-08", first.called, 1);
    CHECK_EQ("SR-08", first.claimed, 1);
    CHECK("SR-08", first.seen_interrupt == first.interrupt);
    CHECK_EQ("SR-08", first.seen_irql, irql_of_bells);
    CHECK_EQ("INT-06", __inbyte(first.port), 0);
    pause(1);
    CHECK_EQ("INT-06", first.called, 1);
    disconnect_bell(&first);
    forget(&first);
}

/* The line is up when the first routine connects, and nobody has seen the connect return. */
static VOID connecting_to_a_line_that_is_up(VOID)
{
    ring(&first);
    CHECK_STATUS("INT-05", connect_bell(&first, LevelSensitive, FALSE), STATUS_SUCCESS);
    until(&first.claimed, 1);
    CHECK_EQ("INT-05", first.claimed, 1);
    CHECK("INT-05", first.seen_interrupt == first.interrupt);
    disconnect_bell(&first);
    forget(&first);
}

static PKINTERRUPT known;
static volatile LONG known_in_time;

static BOOLEAN NTAPI isr_that_knows(PKINTERRUPT interrupt, PVOID context)
{
    known_in_time = known == interrupt ? 1 : -1;
    hush(&first);
    return TRUE;
}

static VOID the_pointer_is_there_before_the_first_interrupt(VOID)
{
    ring(&first);
    IoConnectInterrupt(&known, isr_that_knows, NULL, NULL, vector_of_bells, irql_of_bells, irql_of_bells,
                       LevelSensitive, FALSE, 1, FALSE);
    for (ULONG i = 0; i < 5000 && known_in_time == 0; i++)
        pause(1);
    CHECK_EQ("INT-05", known_in_time, 1);
    IoDisconnectInterrupt(known);
}

static VOID two_devices_on_a_level(VOID)
{
    CHECK_STATUS("INT-06", connect_bell(&first, LevelSensitive, TRUE), STATUS_SUCCESS);
    CHECK_STATUS("INT-06", connect_bell(&second, LevelSensitive, TRUE), STATUS_SUCCESS);
    ring(&second);
    until(&second.claimed, 1);
    CHECK_EQ("INT-06", first.called, 1);
    CHECK_EQ("INT-06", first.claimed, 0);
    CHECK("INT-06", first.order < second.order);
    forget(&first);
    forget(&second);
    ring(&first);
    until(&first.claimed, 1);
    pause(1);
    CHECK_EQ("INT-06", second.called, 0);
    forget(&first);
    KIRQL irql;
    KeRaiseIrql(HIGH_LEVEL, &irql);
    ring(&first);
    ring(&second);
    KeLowerIrql(irql);
    until(&first.claimed, 1);
    until(&second.claimed, 1);
    CHECK_EQ("INT-06", first.claimed + second.claimed, 2);
    disconnect_bell(&first);
    forget(&first);
    forget(&second);
    ring(&second);
    until(&second.claimed, 1);
    CHECK_EQ("INT-17", first.called, 0);
    CHECK_EQ("INT-17", second.claimed, 1);
    disconnect_bell(&second);
    forget(&second);
}

/* The second one's edge comes while the first one holds the line, so the line does not rise again. */
static BOOLEAN NTAPI isr_that_sees_both(PKINTERRUPT interrupt, PVOID context)
{
    if (first.called == 0)
        ring(&second);
    return bell_isr(interrupt, context);
}

static VOID two_devices_on_an_edge(VOID)
{
    connect_bell(&second, Latched, TRUE);
    IoConnectInterrupt(&first.interrupt, isr_that_sees_both, &first, NULL, vector_of_bells, irql_of_bells,
                       irql_of_bells, Latched, TRUE, all, FALSE);
    ring(&first);
    until(&first.claimed, 1);
    until(&second.claimed, 1);
    CHECK_EQ("INT-06", first.claimed, 1);
    CHECK_EQ("INT-06", second.claimed, 1);
    pause(1);
    CHECK_EQ("INT-06", first.called, 3); /* the walk that claims, the one for the second, and one in vain */
    disconnect_bell(&first);
    disconnect_bell(&second);
    forget(&first);
    forget(&second);
}

static VOID who_may_share(VOID)
{
    connect_bell(&first, LevelSensitive, TRUE);
    CHECK_STATUS("INT-06", connect_bell(&second, LevelSensitive, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-06", connect_bell(&second, Latched, TRUE), STATUS_INVALID_PARAMETER);
    disconnect_bell(&first);
    connect_bell(&first, LevelSensitive, FALSE);
    CHECK_STATUS("INT-06", connect_bell(&second, LevelSensitive, TRUE), STATUS_INVALID_PARAMETER);
    disconnect_bell(&first);
    CHECK_STATUS("INT-06", connect_bell(&second, LevelSensitive, FALSE), STATUS_SUCCESS);
    disconnect_bell(&second);
}

static NTSTATUS connect_on(struct bell *bell, KAFFINITY processors)
{
    return IoConnectInterrupt(&bell->interrupt, bell_isr, bell, NULL, vector_of_bells, irql_of_bells,
                              irql_of_bells, LevelSensitive, TRUE, processors, FALSE);
}

/* There must be a processor that may call all of them. */
static VOID sharing_processors(VOID)
{
    CHECK_STATUS("INT-AFFINITY", connect_on(&first, 1), STATUS_SUCCESS);
    CHECK_STATUS("INT-AFFINITY", connect_on(&second, 2), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-AFFINITY", connect_on(&second, 3), STATUS_SUCCESS);
    disconnect_bell(&first);
    disconnect_bell(&second);
    if (KeNumberProcessors < 3)
        return;
    connect_on(&first, 3);
    connect_on(&second, 6);
    CHECK_STATUS("INT-AFFINITY", connect_on(&other, 5), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-AFFINITY", connect_on(&other, 7), STATUS_SUCCESS);
    for (LONG i = 1; i <= 8; i++) {
        ring(&second);
        until(&second.claimed, i);
        CHECK_EQ("INT-AFFINITY", second.seen_processor, 1);
    }
    disconnect_bell(&first);
    disconnect_bell(&second);
    disconnect_bell(&other);
    forget(&first);
    forget(&second);
    forget(&other);
}

/* ---- locks ---- */

static KSPIN_LOCK lock;

static VOID one_lock_for_two_lines(VOID)
{
    KIRQL highest = irql_of_bells > other_irql ? irql_of_bells : other_irql;
    KeInitializeSpinLock(&lock);
    first.lock = other.lock = &lock;
    CHECK("INT-04", irql_of_bells != other_irql);
    CHECK_STATUS("INT-04",
                 IoConnectInterrupt(&first.interrupt, bell_isr, &first, &lock, vector_of_bells, irql_of_bells,
                                    highest, LevelSensitive, FALSE, all, FALSE),
                 STATUS_SUCCESS);
    CHECK_STATUS("INT-04",
                 IoConnectInterrupt(&other.interrupt, bell_isr, &other, &lock, other_vector, other_irql,
                                    highest, Latched, FALSE, all, FALSE),
                 STATUS_SUCCESS);
    ring(&first);
    until(&first.claimed, 1);
    ring(&other);
    until(&other.claimed, 1);
    CHECK_EQ("INT-04", first.seen_irql, highest);
    CHECK_EQ("INT-04", other.seen_irql, highest);
    CHECK("INT-07", first.seen_locked);
    CHECK("INT-04", other.seen_locked);
    while (!KeTestSpinLock(&lock))
        pause(1);
    disconnect_bell(&first);
    disconnect_bell(&other);
    first.lock = other.lock = NULL;
    forget(&first);
    forget(&other);
}

static VOID the_lock_keeps_the_routine_out(VOID)
{
    first.lock = &lock;
    connect_bell(&first, LevelSensitive, FALSE);
    KIRQL irql = KeAcquireInterruptSpinLock(first.interrupt);
    CHECK_EQ("INT-07", irql, PASSIVE_LEVEL);
    CHECK_EQ("INT-07", KeGetCurrentIrql(), irql_of_bells);
    CHECK("INT-07", !KeTestSpinLock(&lock));
    ring(&first);
    KeStallExecutionProcessor(2000);
    CHECK_EQ("INT-07", first.called, 0);
    KeReleaseInterruptSpinLock(first.interrupt, irql);
    until(&first.claimed, 1);
    CHECK_EQ("INT-07", first.claimed, 1);
    CHECK_EQ("INT-07", KeGetCurrentIrql(), PASSIVE_LEVEL);
    disconnect_bell(&first);
    first.lock = NULL;
    forget(&first);
}

/* ---- KeSynchronizeExecution ---- */

static KIRQL section_irql;
static BOOLEAN section_locked;
static LONG section_calls;

static BOOLEAN NTAPI section(PVOID context)
{
    section_irql = KeGetCurrentIrql();
    section_locked = !KeTestSpinLock(&lock);
    ring(&first);
    KeStallExecutionProcessor(1000);
    section_calls = first.called;
    return *(BOOLEAN *)context;
}

static VOID a_section_excludes_the_routine(VOID)
{
    BOOLEAN answer = TRUE;
    first.lock = &lock;
    connect_bell(&first, LevelSensitive, FALSE);
    CHECK_EQ("INT-08", KeSynchronizeExecution(first.interrupt, section, &answer), TRUE);
    CHECK_EQ("SR-16", section_irql, irql_of_bells);
    CHECK("INT-07", section_locked);
    CHECK_EQ("SR-16", section_calls, 0);
    until(&first.claimed, 1);
    answer = FALSE;
    forget(&first);
    CHECK_EQ("INT-08", KeSynchronizeExecution(first.interrupt, section, &answer), FALSE);
    until(&first.claimed, 1);
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK_EQ("INT-08", KeSynchronizeExecution(first.interrupt, section, &answer), FALSE);
    CHECK_EQ("SR-16", KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(irql);
    until(&first.claimed, 2);
    disconnect_bell(&first);
    first.lock = NULL;
    forget(&first);
}

/* Two processors, and numbers that only the lock keeps together. */
static volatile LONG one, two, torn;
static volatile BOOLEAN stopping;

static BOOLEAN NTAPI isr_that_counts(PKINTERRUPT interrupt, PVOID context)
{
    if (one != two)
        torn = 1;
    one++;
    KeStallExecutionProcessor(5);
    two++;
    InterlockedIncrement(&first.called);
    hush(&first);
    return TRUE;
}

static BOOLEAN NTAPI section_that_counts(PVOID context)
{
    if (one != two)
        torn = 2;
    one++;
    KeStallExecutionProcessor(5);
    two++;
    return TRUE;
}

static VOID NTAPI ringing(PVOID context)
{
    while (!stopping) {
        LONG before = first.called;
        ring(&first);
        for (ULONG i = 0; i < 1000 && first.called == before; i++)
            KeStallExecutionProcessor(1);
        pause(1);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID nothing_is_torn(VOID)
{
    IoConnectInterrupt(&first.interrupt, isr_that_counts, NULL, NULL, vector_of_bells, irql_of_bells,
                       irql_of_bells, LevelSensitive, FALSE, all, FALSE);
    PKTHREAD thread = start_thread(ringing, NULL);
    for (ULONG i = 0; i < 200 || first.called < 20; i++) {
        KeSynchronizeExecution(first.interrupt, section_that_counts, NULL);
        if (i % 50 == 49)
            pause(1);
    }
    stopping = TRUE;
    end_thread(thread);
    CHECK_EQ("INT-07", torn, 0);
    disconnect_bell(&first);
    forget(&first);
}

/* ---- processors ---- */

static VOID only_where_it_was_enabled(VOID)
{
    for (ULONG number = 0; number < (ULONG)KeNumberProcessors; number++) {
        GROUP_AFFINITY affinity = {0};
        IoConnectInterrupt(&first.interrupt, bell_isr, &first, NULL, vector_of_bells, irql_of_bells,
                           irql_of_bells, LevelSensitive, FALSE, (KAFFINITY)1 << number, FALSE);
        CHECK_STATUS("INT-AFFINITY", IoGetAffinityInterrupt(first.interrupt, &affinity), STATUS_SUCCESS);
        CHECK_EQ("INT-AFFINITY", affinity.Mask, 1ull << number);
        CHECK_EQ("INT-AFFINITY", affinity.Group, 0);
        for (LONG i = 1; i <= 4; i++) {
            ring(&first);
            until(&first.claimed, i);
            CHECK_EQ("INT-AFFINITY", first.seen_processor, number);
        }
        disconnect_bell(&first);
        forget(&first);
    }
    CHECK_STATUS("INT-AFFINITY", IoGetAffinityInterrupt(NULL, NULL), STATUS_INVALID_PARAMETER);
}

/* ---- the end ---- */

static volatile LONG in_routine, left_routine;

static BOOLEAN NTAPI isr_that_lingers(PKINTERRUPT interrupt, PVOID context)
{
    hush(&first);
    in_routine = 1;
    KeStallExecutionProcessor(20000);
    left_routine = 1;
    return TRUE;
}

/* The routine runs on processor 1 while processor 0 disconnects it. */
static VOID disconnecting_waits(VOID)
{
    KeSetSystemAffinityThread(1);
    IoConnectInterrupt(&first.interrupt, isr_that_lingers, NULL, NULL, vector_of_bells, irql_of_bells,
                       irql_of_bells, LevelSensitive, FALSE, 2, FALSE);
    ring(&first);
    while (!in_routine)
        KeStallExecutionProcessor(1);
    IoDisconnectInterrupt(first.interrupt);
    CHECK_EQ("INT-17", left_routine, 1);
    KeRevertToUserAffinityThread();
}

static VOID nothing_after_the_end(VOID)
{
    connect_bell(&first, LevelSensitive, FALSE);
    disconnect_bell(&first);
    ring(&first);
    pause(2);
    CHECK_EQ("INT-17", first.called, 0);
    hush(&first);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path);

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    driver->DriverUnload = unload;
    find_vectors();
    one_device();
    connecting_to_a_line_that_is_up();
    the_pointer_is_there_before_the_first_interrupt();
    two_devices_on_a_level();
    two_devices_on_an_edge();
    who_may_share();
    sharing_processors();
    one_lock_for_two_lines();
    the_lock_keeps_the_routine_out();
    a_section_excludes_the_routine();
    nothing_is_torn();
    only_where_it_was_enabled();
    disconnecting_waits();
    nothing_after_the_end();
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the drivers of this folder share: doorbells (`ringless help models`) at
 * ports 0x300 and 0x310 on line 5 and at 0x320 on line 9; a service routine
 * that knows one bell, and what it saw.
 */
#ifndef BELL_H
#define BELL_H

#include "../ke/ke.h"

#define LINE_OF_BELLS 5
#define OTHER_LINE    9

/* The DDK's headers leave it out for this platform. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

struct bell {
    USHORT port;
    PKINTERRUPT interrupt; /* as the connect wrote it */
    volatile LONG called, claimed;
    PKINTERRUPT seen_interrupt;
    KIRQL seen_irql;
    ULONG seen_processor;
    PKSPIN_LOCK lock; /* if the test gave one */
    BOOLEAN seen_locked;
    volatile LONG order; /* when it was last called, of all */
};

static ULONG vector_of_bells, other_vector;
static KIRQL irql_of_bells, other_irql;
static KAFFINITY all;
static volatile LONG calls;

static VOID find_vectors(VOID)
{
    vector_of_bells = HalGetInterruptVector(Isa, 0, LINE_OF_BELLS, LINE_OF_BELLS, &irql_of_bells, &all);
    other_vector = HalGetInterruptVector(Isa, 0, OTHER_LINE, OTHER_LINE, &other_irql, &all);
}

static __attribute__((unused)) VOID ring(const struct bell *bell)
{
    __outbyte(bell->port, 1);
}

static __attribute__((unused)) VOID hush(const struct bell *bell)
{
    __outbyte(bell->port, 0);
}

static BOOLEAN NTAPI bell_isr(PKINTERRUPT interrupt, PVOID context)
{
    struct bell *bell = context;
    bell->order = InterlockedIncrement(&calls);
    bell->seen_interrupt = interrupt;
    bell->seen_irql = KeGetCurrentIrql();
    bell->seen_processor = KeGetCurrentProcessorNumber();
    if (bell->lock)
        bell->seen_locked = !KeTestSpinLock(bell->lock);
    InterlockedIncrement(&bell->called);
    if (!__inbyte(bell->port))
        return FALSE;
    hush(bell);
    InterlockedIncrement(&bell->claimed);
    return TRUE;
}

static __attribute__((unused)) NTSTATUS connect_bell(struct bell *bell, KINTERRUPT_MODE mode, BOOLEAN share)
{
    return IoConnectInterrupt(&bell->interrupt, bell_isr, bell, bell->lock, vector_of_bells, irql_of_bells,
                              irql_of_bells, mode, share, all, FALSE);
}

static __attribute__((unused)) VOID disconnect_bell(struct bell *bell)
{
    IoDisconnectInterrupt(bell->interrupt);
    bell->interrupt = NULL;
}

/* An interrupt may be taken by another processor. */
static __attribute__((unused)) VOID until(volatile LONG *value, LONG wanted)
{
    for (ULONG i = 0; i < 5000 && *value < wanted; i++)
        pause(1);
}

static __attribute__((unused)) VOID forget(struct bell *bell)
{
    bell->called = bell->claimed = 0;
    bell->order = 0;
    calls = 0;
}

#endif

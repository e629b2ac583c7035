/* SPDX-License-Identifier: MIT */
/* A doorbell at port 0x300 on line 5, for drivers whose mistake is in an interrupt service routine. */
#ifndef BROKEN_INTERRUPT_H
#define BROKEN_INTERRUPT_H

#include "broken.h"

/* The DDK's headers leave it out for this platform. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

static PKINTERRUPT interrupt;

static inline VOID ring(VOID)
{
    __outbyte(0x300, 1);
}

static inline VOID hush(VOID)
{
    __outbyte(0x300, 0);
}

static inline NTSTATUS connect_bell(PKSERVICE_ROUTINE isr, KINTERRUPT_MODE mode)
{
    KAFFINITY affinity;
    KIRQL irql;
    ULONG vector = HalGetInterruptVector(Isa, 0, 5, 5, &irql, &affinity);

    return IoConnectInterrupt(&interrupt, isr, NULL, NULL, vector, irql, irql, mode, TRUE, affinity, FALSE);
}

static inline VOID NTAPI disconnect_and_delete(PDRIVER_OBJECT DriverObject)
{
    IoDisconnectInterrupt(interrupt);
    delete_devices(DriverObject);
}

/* Without a device object: all happens in DriverEntry. */
static inline NTSTATUS begin(PDRIVER_OBJECT DriverObject, PKSERVICE_ROUTINE isr, KINTERRUPT_MODE mode)
{
    DriverObject->DriverUnload = disconnect_and_delete;
    return connect_bell(isr, mode);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * latched-storm: a mistake on purpose. A service routine on a shared latched line says that each interrupt
 * was its device's; since another device's edge may be hidden, routines are asked until none says so.
 */
#include "../interrupt.h"

static PKINTERRUPT other;

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    hush();
    return TRUE; /* the mistake: whether it was or not */
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDisconnectInterrupt(interrupt);
    IoDisconnectInterrupt(other);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, Latched);

    DriverObject->DriverUnload = unload;
    other = interrupt;
    if (NT_SUCCESS(status))
        status = connect_bell(isr, Latched);
    if (NT_SUCCESS(status))
        ring();
    return status;
}

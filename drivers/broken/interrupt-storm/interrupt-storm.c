/* SPDX-License-Identifier: MIT */
/*
 * interrupt-storm: a mistake on purpose. The service routine claims the interrupt and does not tell its
 * device to be quiet, so the level-sensitive line stays up and interrupts again at once, for ever.
 */
#include "../interrupt.h"

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    return TRUE; /* the mistake: hush() is missing */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);

    if (NT_SUCCESS(status))
        ring();
    return status;
}

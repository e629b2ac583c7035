/* SPDX-License-Identifier: MIT */
/*
 * synchronize-in-isr: a mistake on purpose. The service routine runs with the interrupt's spin lock and calls
 * KeSynchronizeExecution, which acquires it.
 */
#include "../interrupt.h"

static BOOLEAN NTAPI section(PVOID SynchronizeContext)
{
    return TRUE;
}

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    KeSynchronizeExecution(Interrupt, section, NULL); /* the mistake */
    hush();
    return TRUE;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);

    if (NT_SUCCESS(status))
        ring();
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * synchronize-above: a mistake on purpose. KeSynchronizeExecution is called above the interrupt's IRQL, to
 * which it cannot raise any more.
 */
#include "../interrupt.h"

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    return FALSE;
}

static BOOLEAN NTAPI section(PVOID SynchronizeContext)
{
    return TRUE;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);
    KIRQL irql;

    if (!NT_SUCCESS(status))
        return status;
    KeRaiseIrql(HIGH_LEVEL, &irql); /* the mistake */
    KeSynchronizeExecution(interrupt, section, NULL);
    KeLowerIrql(irql);
    return status;
}

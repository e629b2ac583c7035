/* SPDX-License-Identifier: MIT */
/* isr-raises-irql: a mistake on purpose. The service routine returns at another IRQL than it was called at.
 */
#include "../interrupt.h"

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    KIRQL irql;

    hush();
    KeRaiseIrql(HIGH_LEVEL, &irql); /* the mistake: KeLowerIrql is missing */
    return TRUE;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);

    if (NT_SUCCESS(status))
        ring();
    return status;
}

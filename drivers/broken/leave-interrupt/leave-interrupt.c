/* SPDX-License-Identifier: MIT */
/* leave-interrupt: a mistake on purpose. Unload does not disconnect the interrupt. */
#include "../interrupt.h"

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    hush();
    return TRUE;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);

    DriverObject->DriverUnload = delete_devices; /* the mistake: disconnect_and_delete */
    return status;
}

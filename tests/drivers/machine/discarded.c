/* SPDX-License-Identifier: MIT */
/*
 * A mistake: a routine in INIT that is called after DriverEntry.
 */
#include "rltest.h"

static volatile ULONG set_ups;

static __attribute__((section("INIT"), noinline)) NTSTATUS set_up(PDRIVER_OBJECT DriverObject)
{
    set_ups++;
    return DriverObject != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID NTAPI discarded_unload(PDRIVER_OBJECT DriverObject)
{
    if (NT_SUCCESS(set_up(DriverObject)))
        DbgPrint("INIT is still there\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CHECK_STATUS("BIN-06", set_up(DriverObject), STATUS_SUCCESS);
    DriverObject->DriverUnload = discarded_unload;
    return STATUS_SUCCESS;
}

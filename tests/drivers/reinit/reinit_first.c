/* SPDX-License-Identifier: MIT */
/* Loaded first, though it needs the driver that is loaded last; called three times, others in between. */
#include "reinit.h"

static VOID NTAPI again(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    check_call(Count);
    CHECK("SR-02", Context == &log);
    note('a', Count);
    if (Count < 4)
        IoRegisterDriverReinitialization(DriverObject, again, &log);
}

static VOID NTAPI boot(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    check_call(Count);
    CHECK_STATUS("SR-03", find_log(), STATUS_SUCCESS); /* all DriverEntry routines have run */
    CHECK("SR-03", Context == DriverObject);
    note('A', Count);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    CHECK("SR-02", !NT_SUCCESS(find_log()));
    IoRegisterDriverReinitialization(DriverObject, again, &log);
    IoRegisterBootDriverReinitialization(DriverObject, boot, DriverObject);
    return STATUS_SUCCESS;
}

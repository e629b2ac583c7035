/* SPDX-License-Identifier: MIT */
/* Loaded alone: called when its DriverEntry has returned; as reinit_fail, not called at all. */
#include "reinit.h"

static VOID NTAPI once(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    check_call(Count);
    note('c', Count);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    CHECK_STATUS("SR-02", find_log(), STATUS_SUCCESS);
    IoRegisterDriverReinitialization(DriverObject, once, NULL);
    IoRegisterBootDriverReinitialization(DriverObject, once, NULL);
#ifdef FAIL
    return STATUS_UNSUCCESSFUL;
#endif
    return STATUS_SUCCESS;
}

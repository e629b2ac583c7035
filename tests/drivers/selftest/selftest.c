/* SPDX-License-Identifier: MIT */
/* The checks and the player themselves: one passing check of a rule that any load shows. */
#include "rltest.h"

static VOID NTAPI selftest_unload(PDRIVER_OBJECT DriverObject)
{
    CHECK("SR-07", KeGetCurrentIrql() == PASSIVE_LEVEL);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CHECK("SR-01", KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK_EQ("REQ-01", DriverObject->DriverInit != NULL, TRUE);
    DriverObject->DriverUnload = selftest_unload;
    return STATUS_SUCCESS;
}

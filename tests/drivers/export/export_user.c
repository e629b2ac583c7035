/* SPDX-License-Identifier: MIT */
/* Imports from the export driver. */
#include "../rltest.h"

__declspec(dllimport) LONG library_use(VOID);

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("user: Unload\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    DbgPrint("user: use %ld\n", library_use());
    return STATUS_SUCCESS;
}

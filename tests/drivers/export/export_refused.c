/* SPDX-License-Identifier: MIT */
/* Imports from the one that refuses, and from the other one first. */
#include "../rltest.h"

__declspec(dllimport) LONG library_use(VOID);
__declspec(dllimport) LONG refusing_use(VOID);

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DbgPrint("refused: DriverEntry %ld\n", library_use() + refusing_use());
    return STATUS_SUCCESS;
}

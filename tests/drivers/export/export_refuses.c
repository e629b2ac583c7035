/* SPDX-License-Identifier: MIT */
/* An export driver that cannot be initialized: nobody who imports from it is loaded. */
#include "../rltest.h"

__declspec(dllexport) LONG refusing_use(VOID)
{
    return 0;
}

__declspec(dllexport) NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    return STATUS_INSUFFICIENT_RESOURCES;
}

__declspec(dllexport) NTSTATUS NTAPI DllUnload(VOID)
{
    DbgPrint("refusing library: DllUnload\n");
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return STATUS_SUCCESS;
}

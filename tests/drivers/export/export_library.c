/* SPDX-License-Identifier: MIT */
/* An export driver: comes with the first driver that imports from it, goes with the last. */
#include "../rltest.h"

NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);

static UNICODE_STRING kept; /* what must not be kept: it is gone when DllInitialize has returned */
static LONG users;

__declspec(dllexport) LONG library_use(VOID)
{
    CHECK_EQ("SR-56", kept.Length,
             sizeof(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\export_library") -
                 sizeof(WCHAR));
    return ++users;
}

__declspec(dllexport) NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING own =
        RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\export_library");
    CHECK("SR-56", RtlEqualUnicodeString(RegistryPath, &own, TRUE));
    CHECK_EQ("SR-56", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-56", PsIsSystemThread((PETHREAD)KeGetCurrentThread()));
    kept = *RegistryPath;
    DbgPrint("library: DllInitialize\n");
    return STATUS_SUCCESS;
}

__declspec(dllexport) NTSTATUS NTAPI DllUnload(VOID)
{
    CHECK_EQ("SR-56", KeGetCurrentIrql(), PASSIVE_LEVEL);
    DbgPrint("library: DllUnload after %ld\n", users);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DbgPrint("library: DriverEntry\n"); /* never, unless it is loaded as a driver */
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* Frees a block twice. */
#include "../rltest.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID p = ExAllocatePoolWithTag(NonPagedPool, 64, 'ecwT');
    ExFreePoolWithTag(p, 'ecwT');
    ExFreePoolWithTag(p, 'ecwT');
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* REQ-06, LC-14: no Unload routine: the driver cannot be unloaded. */
#include "rltest.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return STATUS_SUCCESS;
}

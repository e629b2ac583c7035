/* SPDX-License-Identifier: MIT */
/* Closes a kernel handle twice: bug check 0x93. */
#include "../rltest.h"
#include <ntifs.h>

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HANDLE event;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
    ZwClose(event);
    ZwClose(event);
    return STATUS_SUCCESS;
}

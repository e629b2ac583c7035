/* SPDX-License-Identifier: MIT */
/* LC-06: DriverEntry fails: no Unload, and what it left is taken back. */
#include "rltest.h"

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("Unload was called\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeFail");
    PDEVICE_OBJECT device;

    DriverObject->DriverUnload = unload;
    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                   &device); /* left behind: a bug of the driver */
    DbgPrint("DriverEntry fails\n");
    return STATUS_DEVICE_DOES_NOT_EXIST;
}

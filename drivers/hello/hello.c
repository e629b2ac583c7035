/* SPDX-License-Identifier: MIT */
/*
 * hello: the smallest driver that can be loaded and unloaded again.
 *
 * DriverEntry is called by the I/O manager when the driver is loaded; it may
 * fail, and then the image goes away without any further call. DriverUnload is
 * optional, but a driver without it stays until the system shuts down.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD hello_unload;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DbgPrint("hello, my service key is %wZ\n", RegistryPath);
    DriverObject->DriverUnload = hello_unload;
    return STATUS_SUCCESS;
}

static VOID NTAPI hello_unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("goodbye from %wZ\n", &DriverObject->DriverName);
}

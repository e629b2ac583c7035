/* SPDX-License-Identifier: MIT */
/* A driver that stands in a stack and has no routine for IRP_MJ_PNP: what the default handler does to the
 * stack. */
#include "testlog.h"

static PDEVICE_OBJECT lower, self;

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &self);
    if (!NT_SUCCESS(status))
        return status;
    lower = IoAttachDeviceToDeviceStack(self, pdo);
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDetachDevice(lower);
    IoDeleteDevice(self);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* FI-06: a filter hears by FastIoDetachDevice that the device below it goes, and goes first. */
#include "../rltest.h"

static FAST_IO_DISPATCH fast;
static PDEVICE_OBJECT lower, upper, below;
static ULONG detached;

static VOID NTAPI detach(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    CHECK("FI-06", SourceDevice == upper && TargetDevice == lower && below == lower);
    CHECK("FI-06", KeGetCurrentIrql() <= APC_LEVEL);
    detached++;
    IoDetachDevice(TargetDevice);
    IoDeleteDevice(SourceDevice);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    CHECK("FI-06", DriverObject->DeviceObject == NULL);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    fast.SizeOfFastIoDispatch = sizeof(fast);
    fast.FastIoDetachDevice = detach;
    DriverObject->FastIoDispatch = &fast;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &upper);
    lower->Flags &= ~DO_DEVICE_INITIALIZING;
    below = IoAttachDeviceToDeviceStack(upper, lower);
    IoDeleteDevice(lower);
    CHECK_EQ("FI-06", detached, 1);
    CHECK("FI-06", DriverObject->DeviceObject == NULL); /* both are gone */
    return STATUS_SUCCESS;
}

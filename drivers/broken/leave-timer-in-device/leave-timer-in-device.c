/* SPDX-License-Identifier: MIT */
/* leave-timer-in-device: a mistake on purpose. The device object is deleted while the timer in its extension
 * is set. */
#include "../broken.h"

static VOID NTAPI tick(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
}

static struct {
    KTIMER timer;
    KDPC dpc;
} * extension;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER due = {.QuadPart = -10000000};
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(*extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = delete_devices;
    extension = device->DeviceExtension;
    KeInitializeDpc(&extension->dpc, tick, device);
    KeInitializeTimer(&extension->timer);
    KeSetTimer(&extension->timer, due, &extension->dpc);
    return STATUS_SUCCESS;
}

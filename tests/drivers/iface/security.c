/* SPDX-License-Identifier: MIT */
/*
 * A function driver that says, while it is started, which rights each object
 * of its stack gives to everyone.
 */
#include "../rltest.h"
#include <ntifs.h>

struct extension {
    PDEVICE_OBJECT pdo, lower;
};

static UCHAR world_sid[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

/* The mask of everyone's entry; 0: none. */
static ULONG everyone(PDEVICE_OBJECT device)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    BOOLEAN allocated, present = FALSE, defaulted;
    PACL dacl = NULL;
    ULONG mask = 0;
    if (!NT_SUCCESS(ObGetObjectSecurity(device, &descriptor, &allocated)) || !descriptor)
        return 0xFFFFFFFF;
    RtlGetDaclSecurityDescriptor(descriptor, &present, &dacl, &defaulted);
    UCHAR *ace = present && dacl ? (UCHAR *)(dacl + 1) : NULL;
    for (ULONG i = 0; ace && i < dacl->AceCount; i++, ace += *(USHORT *)(ace + 2))
        if (RtlEqualSid(ace + 8, world_sid))
            mask |= *(ULONG *)(ace + 4);
    ObReleaseObjectSecurity(descriptor, allocated);
    return mask;
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->pdo = pdo;
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    PDEVICE_OBJECT lower = e->lower;
    WCHAR id[60] = {0};
    ULONG length;
    if (minor == IRP_MN_START_DEVICE) {
        IoGetDeviceProperty(e->pdo, DevicePropertyHardwareID, sizeof(id), id, &length);
        DbgPrint("security: %ws pdo 0x%x fdo 0x%x characteristics 0x%x exclusive %u\n", id, everyone(e->pdo),
                 everyone(DeviceObject), DeviceObject->Characteristics & FILE_DEVICE_SECURE_OPEN,
                 (e->pdo->Flags & DO_EXCLUSIVE) != 0);
    }
    if (minor == IRP_MN_START_DEVICE || minor == IRP_MN_REMOVE_DEVICE || minor == IRP_MN_QUERY_REMOVE_DEVICE)
        irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    NTSTATUS status = IoCallDriver(lower, irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDetachDevice(lower);
        IoDeleteDevice(DeviceObject);
    }
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    return STATUS_SUCCESS;
}

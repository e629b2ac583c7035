/* SPDX-License-Identifier: MIT */
/*
 * A function driver that registers no interface: an installation did, for its
 * device and for one that is not there. It enables what it finds for its PDO.
 */
#include "../rltest.h"
#include <ntifs.h>

struct extension {
    PDEVICE_OBJECT pdo, lower;
};

static const GUID class = {0x7A3E1B60, 0x5D0C, 0x4F6B, {0x9A, 0x11, 0x20, 0x3B, 0x8E, 0x5C, 0x71, 0x60}};

static ULONG count(PDEVICE_OBJECT pdo, ULONG flags)
{
    PWSTR list;
    ULONG found = 0;
    if (!NT_SUCCESS(IoGetDeviceInterfaces(&class, pdo, flags, &list)))
        return 99;
    for (PWSTR at = list; *at; at += wcslen(at) + 1)
        found++;
    ExFreePool(list);
    return found;
}

static void enable(struct extension *e)
{
    PWSTR list;
    UNICODE_STRING name,
        absent = RTL_CONSTANT_STRING(L"\\??\\ROOT#ABSENT#0000#{7a3e1b60-5d0c-4f6b-9a11-203b8e5c7160}");
    CHECK_EQ("DO-56", count(NULL, 0), 0);
    CHECK_EQ("DO-56", count(NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE), 2);
    CHECK_EQ("DO-56", count(e->pdo, DEVICE_INTERFACE_INCLUDE_NONACTIVE), 1);
    if (!NT_SUCCESS(IoGetDeviceInterfaces(&class, e->pdo, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &list)))
        return;
    RtlInitUnicodeString(&name, list);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&name, TRUE), STATUS_SUCCESS);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&name, TRUE), STATUS_OBJECT_NAME_EXISTS);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&absent, TRUE), STATUS_OBJECT_NAME_NOT_FOUND);
    ExFreePool(list);
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
    if (minor == IRP_MN_START_DEVICE)
        enable(e);
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

static NTSTATUS NTAPI dispatch_file(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_file;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_file;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_file;
    return STATUS_SUCCESS;
}

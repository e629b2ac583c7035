/* SPDX-License-Identifier: MIT */
/* SV-13, SV-14: a service of its own kind: the path of its key, its parameters, its name. Loaded with
 * service.reg. */
#include <ntifs.h>
#include "rltest.h"

static WCHAR path[128];
static PUNICODE_STRING kept; /* a mistake, and what comes of it */
static PWSTR kept_buffer;
static USHORT path_length;

static NTSTATUS open_below(PCUNICODE_STRING parent, PCWSTR text, HANDLE *key)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE root;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)parent, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    status = ZwOpenKey(&root, KEY_READ, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, NULL);
    status = ZwOpenKey(key, KEY_READ, &attributes);
    ZwClose(root);
    return status;
}

/* Parameters, by the copy of the path, whenever it likes. */
static VOID check_parameters(PCUNICODE_STRING parent)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Answer");
    ULONGLONG buffer[8];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;
    HANDLE key;
    ULONG length;

    CHECK_STATUS("SV-13", open_below(parent, L"Parameters", &key), STATUS_SUCCESS);
    CHECK_STATUS("SV-13",
                 ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, sizeof(buffer), &length),
                 STATUS_SUCCESS);
    CHECK_EQ("SV-13", *(ULONG *)value->Data, 42);
    ZwClose(key);
}

/* Are the bytes there still? Looks by itself: the memory may belong to nobody. */
static BOOLEAN reads_as(const volatile UCHAR *at, const UCHAR *bytes, SIZE_T length)
{
    for (SIZE_T i = 0; i < length; i++)
        if (at[i] != bytes[i])
            return FALSE;
    return TRUE;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNICODE_STRING copy = {path_length, sizeof(path), path};

    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        check_parameters(&copy);
        /* The string was DriverEntry's alone. */
        CHECK("SV-13", !MmIsAddressValid(kept) || !MmIsAddressValid(kept_buffer) ||
                           !reads_as((UCHAR *)kept_buffer, (UCHAR *)path, path_length));
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Service"),
                   wanted = RTL_CONSTANT_STRING(L"\\FileSystem\\service");
    PDEVICE_OBJECT device;

    CHECK("SV-14", RtlEqualUnicodeString(&DriverObject->DriverName, &wanted, TRUE)); /* Type 2 */
    path_length = RegistryPath->Length;
    RtlCopyMemory(path, RegistryPath->Buffer, path_length);
    kept = RegistryPath;
    kept_buffer = RegistryPath->Buffer;
    check_parameters(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

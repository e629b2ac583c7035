/* SPDX-License-Identifier: MIT */
/* What a driver finds when it is entered, and what the I/O manager does after it succeeded: LC-01..05, LC-13,
 * LC-18, SV-13. */
#include <ntifs.h>
#include "rltest.h"

static PDEVICE_OBJECT early, control;
static PDRIVER_OBJECT driver;
static PVOID extension;
static ULONG client_a, client_b;

static BOOLEAN ends_with(PCUNICODE_STRING string, PCWSTR tail)
{
    UNICODE_STRING end, part;

    RtlInitUnicodeString(&end, tail);
    if (string->Length < end.Length)
        return FALSE;
    part.Buffer = (PWSTR)((PUCHAR)string->Buffer + string->Length - end.Length);
    part.Length = part.MaximumLength = end.Length;
    return RtlEqualUnicodeString(&part, &end, TRUE);
}

static BOOLEAN equal(PCUNICODE_STRING string, PCWSTR text)
{
    UNICODE_STRING other;

    RtlInitUnicodeString(&other, text);
    return RtlEqualUnicodeString(string, &other, TRUE);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        CHECK_EQ("LC-04", early->Flags & DO_DEVICE_INITIALIZING,
                 0); /* made in DriverEntry: cleared by the I/O manager */
        CHECK("LC-05",
              driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] != NULL); /* was NULL when DriverEntry returned */
        CHECK("LC-05", driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] == driver->MajorFunction[IRP_MJ_SET_EA]);
        CHECK("LC-18", IoGetDriverObjectExtension(driver, &client_a) == extension);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    CHECK("LC-13", IoGetDriverObjectExtension(DriverObject, &client_a) ==
                       extension); /* freed by the I/O manager, afterwards */
    IoDeleteDevice(control);
    IoDeleteDevice(early);
}

/* LC-02: what the driver object holds before anything is stored in it. */
static VOID check_object(PDRIVER_OBJECT DriverObject)
{
    ULONG i, same = 1;

    CHECK_EQ("LC-02", DriverObject->Type, IO_TYPE_DRIVER);
    CHECK_EQ("LC-02", DriverObject->Size, sizeof(DRIVER_OBJECT));
    for (i = 1; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        same &= DriverObject->MajorFunction[i] == DriverObject->MajorFunction[0];
    CHECK("LC-02", same && DriverObject->MajorFunction[0] != NULL);
    CHECK("LC-02", DriverObject->DriverStartIo == NULL && DriverObject->DriverUnload == NULL);
    CHECK("LC-02", DriverObject->DriverExtension != NULL && DriverObject->DriverExtension->AddDevice == NULL);
    CHECK("LC-02", DriverObject->DriverExtension->DriverObject == DriverObject);
    CHECK("LC-02", DriverObject->DeviceObject == NULL && DriverObject->FastIoDispatch == NULL);
    CHECK("LC-02", DriverObject->DriverInit != NULL);
    CHECK("LC-02", equal(&DriverObject->DriverName, L"\\Driver\\life_entry"));
    CHECK("LC-02", DriverObject->HardwareDatabase != NULL && DriverObject->HardwareDatabase->Length > 34);
    CHECK("LC-02", (PUCHAR)DriverObject->DriverInit >= (PUCHAR)DriverObject->DriverStart &&
                       (PUCHAR)DriverObject->DriverInit <
                           (PUCHAR)DriverObject->DriverStart + DriverObject->DriverSize);
    CHECK("LC-02", equal(&DriverObject->DriverExtension->ServiceKeyName, L"life_entry"));
}

static NTSTATUS query_string(PCUNICODE_STRING path, PCWSTR value, PUCHAR buffer, ULONG size)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE key;
    ULONG length;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    status = ZwOpenKey(&key, KEY_READ, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, value);
    status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, size, &length);
    ZwClose(key);
    return status;
}

static VOID check_registry(PUNICODE_STRING RegistryPath)
{
    ULONGLONG buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;

    CHECK("LC-01",
          equal(RegistryPath, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\life_entry"));
    CHECK_STATUS("LC-01", query_string(RegistryPath, L"Type", (PUCHAR)buffer, sizeof(buffer)),
                 STATUS_SUCCESS);
    CHECK_EQ("SV-01", *(ULONG *)value->Data, 1); /* a kernel driver */
    CHECK_STATUS("SV-02", query_string(RegistryPath, L"Start", (PUCHAR)buffer, sizeof(buffer)),
                 STATUS_SUCCESS);
    CHECK_EQ("SV-02", *(ULONG *)value->Data, 3); /* loaded on demand */
    CHECK_STATUS("SV-03", query_string(RegistryPath, L"ErrorControl", (PUCHAR)buffer, sizeof(buffer)),
                 STATUS_SUCCESS);
    CHECK("SV-03", *(ULONG *)value->Data <= 3);
    CHECK_STATUS("LC-01", query_string(RegistryPath, L"ImagePath", (PUCHAR)buffer, sizeof(buffer)),
                 STATUS_SUCCESS);
    UNICODE_STRING path = {(USHORT)(value->DataLength - 2), (USHORT)value->DataLength, (PWSTR)value->Data};
    CHECK("LC-01", ends_with(&path, L"life_entry.sys")); /* the key names the image */
}

static VOID check_client_extensions(PDRIVER_OBJECT DriverObject)
{
    PVOID other = NULL;

    CHECK("LC-18", IoGetDriverObjectExtension(DriverObject, &client_a) == NULL);
    CHECK_STATUS("LC-18", IoAllocateDriverObjectExtension(DriverObject, &client_a, 64, &extension),
                 STATUS_SUCCESS);
    CHECK("LC-18", extension != NULL && MmIsNonPagedSystemAddressValid(extension));
    CHECK_STATUS("LC-18", IoAllocateDriverObjectExtension(DriverObject, &client_a, 64, &other),
                 STATUS_OBJECT_NAME_COLLISION);
    CHECK("LC-18", other == NULL);
    CHECK_STATUS("LC-18", IoAllocateDriverObjectExtension(DriverObject, &client_b, 16, &other),
                 STATUS_SUCCESS);
    CHECK("LC-18", IoGetDriverObjectExtension(DriverObject, &client_b) == other && other != extension);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeControl");
    NTSTATUS status;

    driver = DriverObject;
    CHECK_EQ("LC-03", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("LC-03", PsIsSystemThread(PsGetCurrentThread()));
    CHECK("LC-03", PsGetCurrentProcess() == PsInitialSystemProcess);
    check_object(DriverObject);
    check_registry(RegistryPath);
    check_client_extensions(DriverObject);

    /* REQ-12: entry points are stored here; REQ-10: the last value stored wins. */
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NULL;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = NULL; /* LC-05 */
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &early);
    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &control);
    if (NT_SUCCESS(status))
        CHECK("LC-04", (early->Flags & DO_DEVICE_INITIALIZING) != 0);
    return status;
}

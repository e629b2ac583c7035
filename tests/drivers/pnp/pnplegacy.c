/* SPDX-License-Identifier: MIT */
/* A legacy driver, or one that is none: no AddDevice. Its device is made in DriverEntry. With FailEntry in
 * its service key DriverEntry returns that. */
#include "testlog.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    testlog_close();
    IoDeleteDevice(device);
}

static ULONG fail_entry(PUNICODE_STRING path)
{
    ULONG value = 0, zero = 0;
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"FailEntry", &value, REG_DWORD, &zero, sizeof(zero)}};
    WCHAR text[200] = {0};
    memcpy(text, path->Buffer, path->Length < 398 ? path->Length : 398);
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, text, table, NULL, NULL);
    return value;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PnpLegacy");
    char me[40];
    ULONG fail = fail_entry(path);
    testlog_open();
    service_name(path, me, sizeof(me));
    say("%s.entry", me);
    if (fail) {
        testlog_close();
        return (NTSTATUS)fail;
    }
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    driver->MajorFunction[IRP_MJ_CREATE] = succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = succeed;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* A driver that loads and unloads another by its service key: what the key says, and what becomes of the
 * second try. */
#include "rltest.h"

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

static PDEVICE_OBJECT device;

static VOID set_ulong(PCWSTR service, PCWSTR name, ULONG value)
{
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, service, name, REG_DWORD, &value, sizeof(value));
}

static VOID make_service(PCWSTR service, ULONG type, ULONG start)
{
    RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, (PWSTR)service);
    set_ulong(service, L"Type", type);
    set_ulong(service, L"Start", start);
    set_ulong(service, L"ErrorControl", 1);
}

static NTSTATUS load(PCWSTR path)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, path);
    return ZwLoadDriver(&name);
}

static NTSTATUS unload(PCWSTR path)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, path);
    return ZwUnloadDriver(&name);
}

static VOID run_tests(VOID)
{
    CHECK_STATUS("LC-01", load(SERVICES L"hello"), STATUS_OBJECT_NAME_NOT_FOUND); /* no such key */
    make_service(L"hello", 1, 3);
    CHECK_STATUS("SV-14", load(SERVICES L"hello"), STATUS_SUCCESS); /* no ImagePath: the default one */
    CHECK_STATUS("LC-02", load(SERVICES L"hello"), STATUS_IMAGE_ALREADY_LOADED);
    CHECK_STATUS("LC-14", unload(SERVICES L"hello"), STATUS_SUCCESS);
    CHECK_STATUS("LC-14", unload(SERVICES L"hello"), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("LC-13", load(SERVICES L"hello"), STATUS_SUCCESS); /* and again */
    CHECK_STATUS("LC-13", unload(SERVICES L"hello"), STATUS_SUCCESS);
    make_service(L"hello", 1, 4);
    CHECK_STATUS("SV-02", load(SERVICES L"hello"), STATUS_PLUGPLAY_NO_DEVICE);
    make_service(L"hello", 16, 3);
    CHECK("SV-01", NT_ERROR(load(SERVICES L"hello")));
    make_service(L"nothing", 1, 3);
    CHECK_STATUS("SV-14", load(SERVICES L"nothing"), STATUS_OBJECT_NAME_NOT_FOUND); /* no such file */
    make_service(L"life_stays", 1, 3);
    CHECK_STATUS("LC-14", load(SERVICES L"life_stays"), STATUS_SUCCESS);
    CHECK_STATUS("LC-14", unload(SERVICES L"life_stays"),
                 STATUS_INVALID_DEVICE_REQUEST); /* it has no Unload */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        run_tests();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI loader_unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Loader");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = loader_unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

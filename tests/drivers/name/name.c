/* SPDX-License-Identifier: MIT */
/* Names, links, security and exclusive opens: DO-06, DO-24, DO-50..52, DO-55. */
#include <ntifs.h>
#include "rltest.h"

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT control_device, plain, secure, exclusive, automatic;
static PFILE_OBJECT last_related;
static WCHAR last_name[64];
static USHORT last_name_length;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp);

static PDEVICE_OBJECT make(PCWSTR text, ULONG characteristics, BOOLEAN only_one)
{
    UNICODE_STRING name;
    PDEVICE_OBJECT device = NULL;

    RtlInitUnicodeString(&name, text);
    IoCreateDevice(driver, 0, text != NULL ? &name : NULL, FILE_DEVICE_UNKNOWN, characteristics, only_one,
                   &device);
    return device;
}

/* D:P: a protected, empty DACL: user mode gets nothing. */
static VOID lock_out_users(PDEVICE_OBJECT device)
{
    SECURITY_DESCRIPTOR descriptor;
    UCHAR storage[64];
    PACL acl = (PACL)storage;
    HANDLE handle;

    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl(acl, sizeof(storage), ACL_REVISION);
    RtlSetDaclSecurityDescriptor(&descriptor, TRUE, acl, FALSE);
    CHECK_STATUS("DO-51",
                 ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &handle),
                 STATUS_SUCCESS);
    CHECK_STATUS("DO-51", ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &descriptor),
                 STATUS_SUCCESS);
    ZwClose(handle);
}

static NTSTATUS open_relative(HANDLE root, PCWSTR text, HANDLE *handle)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;

    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, NULL);
    return ZwCreateFile(handle, GENERIC_READ | SYNCHRONIZE, &attributes, &iosb, NULL, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static VOID test_relative(void)
{
    HANDLE parent = NULL, child = NULL;

    CHECK_STATUS("DO-50", open_relative(NULL, L"\\Device\\NamePlain\\dir", &parent), STATUS_SUCCESS);
    CHECK_STATUS("DO-50", open_relative(parent, L"leaf", &child), STATUS_SUCCESS);
    CHECK("DO-50", last_related != NULL);
    CHECK("DO-50", last_name_length == 8 && RtlCompareMemory(last_name, L"leaf", 8) == 8);
    ZwClose(child);
    ZwClose(parent);
    /* DO-52: a relative open is not covered by exclusiveness. */
    CHECK_STATUS("DO-52", open_relative(NULL, L"\\Device\\NameOnce", &parent), STATUS_SUCCESS);
    CHECK_STATUS("DO-52", open_relative(NULL, L"\\Device\\NameOnce", &child), STATUS_ACCESS_DENIED);
    CHECK_STATUS("DO-52", open_relative(NULL, L"\\Device\\NameOnce\\x", &child), STATUS_ACCESS_DENIED);
    CHECK_STATUS("DO-52", open_relative(parent, L"x", &child), STATUS_SUCCESS);
    ZwClose(child);
    ZwClose(parent);
    CHECK_STATUS("DO-52", open_relative(NULL, L"\\Device\\NameOnce", &parent),
                 STATUS_SUCCESS); /* free again */
    ZwClose(parent);
}

static VOID test_links(void)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\NameLink"),
                   device = RTL_CONSTANT_STRING(L"\\Device\\NamePlain");
    UNICODE_STRING nowhere = RTL_CONSTANT_STRING(L"\\Device\\NameNowhere"),
                   global = RTL_CONSTANT_STRING(L"\\GLOBAL??\\NameGlobal");
    HANDLE handle;

    CHECK_STATUS("DO-55", IoCreateSymbolicLink(&link, &device), STATUS_SUCCESS);
    CHECK_STATUS("DO-55", IoCreateSymbolicLink(&link, &device), STATUS_OBJECT_NAME_COLLISION);
    CHECK_STATUS("DO-55", open_relative(NULL, L"\\??\\NameLink", &handle),
                 STATUS_SUCCESS); /* the same directory */
    ZwClose(handle);
    CHECK_STATUS("DO-55", open_relative(NULL, L"\\DosDevices\\NameLink\\inside", &handle), STATUS_SUCCESS);
    ZwClose(handle);
    CHECK_STATUS("DO-55", IoDeleteSymbolicLink(&link), STATUS_SUCCESS);
    CHECK_STATUS("DO-55", IoDeleteSymbolicLink(&link), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("DO-55", open_relative(NULL, L"\\??\\NameLink", &handle), STATUS_OBJECT_NAME_NOT_FOUND);
    /* The target is a name, looked up at each use. */
    CHECK_STATUS("DO-55", IoCreateSymbolicLink(&link, &nowhere), STATUS_SUCCESS);
    CHECK_STATUS("DO-55", open_relative(NULL, L"\\??\\NameLink", &handle), STATUS_OBJECT_NAME_NOT_FOUND);
    IoDeleteSymbolicLink(&link);
    CHECK_STATUS("DO-55", IoCreateSymbolicLink(&global, &device), STATUS_SUCCESS);
    CHECK_STATUS("DO-55", open_relative(NULL, L"\\GLOBAL??\\NameGlobal", &handle), STATUS_SUCCESS);
    ZwClose(handle);
    IoDeleteSymbolicLink(&global);
}

/* DO-06: IoCreateDeviceSecure is a static library; the kernel's part is a generated name. */
static VOID test_generated_name(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"IoCreateDeviceSecure"),
                   wdmlib = RTL_CONSTANT_STRING(L"WdmlibIoCreateDeviceSecure");
    ULONGLONG buffer[64];
    POBJECT_NAME_INFORMATION information = (PVOID)buffer;
    ULONG length;

    CHECK("DO-06", MmGetSystemRoutineAddress(&name) == NULL && MmGetSystemRoutineAddress(&wdmlib) == NULL);
    automatic = make(NULL, FILE_AUTOGENERATED_DEVICE_NAME, FALSE);
    CHECK("DO-06", (automatic->Flags & DO_DEVICE_HAS_NAME) != 0);
    CHECK_STATUS("DO-06", ObQueryNameString(automatic, information, sizeof(buffer), &length), STATUS_SUCCESS);
    CHECK("DO-06", information->Name.Length == 16 * sizeof(WCHAR) &&
                       RtlCompareMemory(information->Name.Buffer, L"\\Device\\0", 18) == 18);
    IoDeleteDevice(automatic);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_CREATE) {
        last_related = location->FileObject->RelatedFileObject;
        last_name_length = location->FileObject->FileName.Length;
        RtlCopyMemory(last_name, location->FileObject->FileName.Buffer,
                      min(last_name_length, sizeof(last_name)));
    }
    if (DeviceObject == control_device && location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        test_relative();
        test_links();
        test_generated_name();
        lock_out_users(plain);
        lock_out_users(secure);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;

    driver = DriverObject;
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    control_device = make(L"\\Device\\NameControl", 0, FALSE);
    plain = make(L"\\Device\\NamePlain", 0, FALSE);
    secure = make(L"\\Device\\NameSecure", FILE_DEVICE_SECURE_OPEN, FALSE);
    exclusive = make(L"\\Device\\NameOnce", 0, TRUE);
    return exclusive != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

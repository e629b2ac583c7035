/* SPDX-License-Identifier: MIT */
/* Device objects: creation, fields, attachment, deletion, references: DO-01..09, DO-20..22, DO-30..41. */
#include <ntifs.h>
#include "rltest.h"

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT controller; /* runs the tests on an IOCTL */
static PDEVICE_OBJECT first;      /* made last in DriverEntry: the head of the list */
static ULONG creates, cleanups, closes;
static PDEVICE_OBJECT last_target;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    creates += location->MajorFunction == IRP_MJ_CREATE;
    cleanups += location->MajorFunction == IRP_MJ_CLEANUP;
    closes += location->MajorFunction == IRP_MJ_CLOSE;
    last_target = DeviceObject;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static PDEVICE_OBJECT make(PCWSTR text, ULONG extension, ULONG type, ULONG characteristics, BOOLEAN exclusive)
{
    UNICODE_STRING name;
    PDEVICE_OBJECT device = NULL;

    RtlInitUnicodeString(&name, text);
    if (!NT_SUCCESS(IoCreateDevice(driver, extension, text != NULL ? &name : NULL, type, characteristics,
                                   exclusive, &device)))
        return NULL;
    return device;
}

static NTSTATUS open(PCWSTR text, HANDLE *handle)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;

    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(handle, GENERIC_READ | SYNCHRONIZE, &attributes, &iosb, NULL, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static VOID test_creation(void)
{
    PDEVICE_OBJECT device =
                       make(L"\\Device\\DevOne", 100, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE),
                   other;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DevOne");
    UCHAR *extension = device->DeviceExtension;
    ULONG i, zero = 1;

    for (i = 0; i < 100; i++)
        zero &= extension[i] == 0;
    CHECK("DO-01", zero);
    CHECK("DO-01", MmIsNonPagedSystemAddressValid(extension));
    CHECK_STATUS("DO-01", IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &other),
                 STATUS_OBJECT_NAME_COLLISION);
    CHECK_STATUS("DO-01", IoCreateDevice(driver, 0x7FFFFFF0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &other),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("DO-02", device->StackSize, 1);
    CHECK_EQ("DO-02", device->Type, IO_TYPE_DEVICE);
    CHECK_EQ("DO-02", device->Flags, DO_DEVICE_INITIALIZING | DO_DEVICE_HAS_NAME);
    CHECK("DO-02", driver->DeviceObject == device && device->NextDevice == first); /* at the head */
    CHECK_EQ("DO-02", device->ReferenceCount, 0);
    CHECK_EQ("DO-03", device->Size, 0x150 + 100); /* mingw's DEVICE_OBJECT lacks the padding at its end */
    CHECK("DO-03", (PUCHAR)extension == (PUCHAR)device + 0x150);
    CHECK_EQ("DO-05", device->DeviceType, FILE_DEVICE_UNKNOWN);
    CHECK_EQ("DO-05", device->Characteristics, FILE_DEVICE_SECURE_OPEN);
    CHECK("DO-20", device->DriverObject == driver);
    CHECK("DO-20", device->CurrentIrp == NULL && device->AttachedDevice == NULL);
    CHECK_EQ("DO-22", device->AlignmentRequirement, FILE_BYTE_ALIGNMENT);
    IoDeleteDevice(device);
    CHECK("DO-37", driver->DeviceObject == first); /* out of the list */

    device = make(NULL, 0, FILE_DEVICE_KEYBOARD, 0, TRUE);
    CHECK("DO-02", device->DeviceExtension == NULL);
    CHECK_EQ("DO-02", device->Flags, DO_DEVICE_INITIALIZING | DO_EXCLUSIVE);
    CHECK("DO-07", device->SecurityDescriptor == NULL); /* no name, no descriptor of its own */
    CHECK("DO-08", (device->Flags & DO_DEVICE_HAS_NAME) == 0);
    IoDeleteDevice(device);

    device = make(L"\\Device\\DevDisk", 0, FILE_DEVICE_DISK, 0, FALSE);
    CHECK("DO-04", device->Vpb != NULL && (device->Vpb->Flags & VPB_MOUNTED) == 0);
    CHECK("DO-04", device->Vpb != NULL && device->Vpb->RealDevice == device);
    CHECK_EQ("DO-04", device->SectorSize, 512);
    IoDeleteDevice(device);
    device = make(L"\\Device\\DevCd", 0, FILE_DEVICE_CD_ROM_FILE_SYSTEM, 0, FALSE);
    CHECK_EQ("DO-04", device->SectorSize, 2048);
    CHECK("DO-04", device->Vpb == NULL);
    IoDeleteDevice(device);
}

static VOID test_reference_of_driver(void)
{
    PDEVICE_OBJECT devices[8];
    ULONG i;

    /* DO-09: the driver object cannot go while a device of it is there: its list and count follow creation
     * and deletion. */
    for (i = 0; i < 8; i++)
        devices[i] = make(NULL, 16, FILE_DEVICE_UNKNOWN, 0, FALSE);
    CHECK("DO-09", driver->DeviceObject == devices[7] && devices[7]->NextDevice == devices[6]);
    for (i = 0; i < 8; i += 2)
        IoDeleteDevice(devices[i]);
    CHECK("DO-09", devices[7]->NextDevice == devices[5] && devices[1]->NextDevice == first);
    for (i = 1; i < 8; i += 2)
        IoDeleteDevice(devices[i]);
    CHECK("DO-09", driver->DeviceObject == first);
}

static VOID test_attachment(void)
{
    PDEVICE_OBJECT a = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    PDEVICE_OBJECT b = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    PDEVICE_OBJECT c = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    PDEVICE_OBJECT safe = NULL, top, d;

    CHECK("DO-30", IoAttachDeviceToDeviceStack(b, a) == NULL); /* the target is initializing */
    a->Flags &= ~DO_DEVICE_INITIALIZING;
    b->Flags &= ~DO_DEVICE_INITIALIZING;
    c->Flags &= ~DO_DEVICE_INITIALIZING;
    a->AlignmentRequirement = FILE_QUAD_ALIGNMENT;
    a->SectorSize = 4096;
    CHECK("DO-30", IoAttachDeviceToDeviceStack(b, a) == a);
    CHECK("DO-30", IoAttachDeviceToDeviceStack(c, a) == b); /* above the top, not above the target named */
    CHECK("DO-30", a->AttachedDevice == b && b->AttachedDevice == c);
    CHECK_EQ("DO-31", c->StackSize, 3);
    CHECK_EQ("DO-31", b->StackSize, 2);
    CHECK_EQ("DO-31", b->AlignmentRequirement, FILE_QUAD_ALIGNMENT);
    CHECK_EQ("DO-31", c->SectorSize, 4096);
    CHECK_EQ("DO-21", a->AlignmentRequirement, FILE_QUAD_ALIGNMENT);

    top = IoGetAttachedDeviceReference(a);
    CHECK("DO-35", top == c);
    ObDereferenceObject(top);
    CHECK("DO-41", IoGetAttachedDevice(b) == c);

    d = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    CHECK_STATUS("DO-32", IoAttachDeviceToDeviceStackSafe(d, a, &safe), STATUS_SUCCESS);
    CHECK("DO-32", safe == c);
    IoDetachDevice(c);
    IoDeleteDevice(d);
    d = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE); /* initializing: a target that refuses */
    safe = NULL;
    CHECK_STATUS("DO-32", IoAttachDeviceToDeviceStackSafe(c, d, &safe), STATUS_NO_SUCH_DEVICE);
    IoDeleteDevice(d);

    IoDetachDevice(b); /* the lower object is named */
    CHECK("DO-36", b->AttachedDevice == NULL && a->AttachedDevice == b);
    IoDetachDevice(a);
    CHECK("DO-36", a->AttachedDevice == NULL);
    IoDeleteDevice(c);
    IoDeleteDevice(b);
    IoDeleteDevice(a);
    CHECK("DO-37", driver->DeviceObject == first);
}

static VOID test_attach_by_name(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DevFirst"),
                   nowhere = RTL_CONSTANT_STRING(L"\\Device\\DevNowhere");
    PDEVICE_OBJECT filter = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE), lower = NULL;

    filter->Flags &= ~DO_DEVICE_INITIALIZING;
    creates = cleanups = closes = 0;
    CHECK_STATUS("DO-33", IoAttachDevice(filter, &name, &lower), STATUS_SUCCESS);
    CHECK("DO-33", lower == first && first->AttachedDevice == filter);
    CHECK("DO-33", creates <= 1 && cleanups == 1 && closes == 1);
    CHECK("DO-33", last_target == filter); /* cleanup and close come to the one just attached */
    IoDetachDevice(first);
    CHECK_STATUS("DO-33", IoAttachDevice(filter, &nowhere, &lower), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK("DO-33", lower == NULL);
    IoDeleteDevice(filter);
}

static VOID test_object_pointer(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DevFirst");
    PDEVICE_OBJECT filter = make(NULL, 0, FILE_DEVICE_UNKNOWN, 0, FALSE), device = NULL;
    PFILE_OBJECT file = NULL;

    filter->Flags &= ~DO_DEVICE_INITIALIZING;
    IoAttachDeviceToDeviceStack(filter, first);
    creates = cleanups = closes = 0;
    CHECK_STATUS("DO-34", IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
    CHECK("DO-34", device == filter); /* the top */
    CHECK("DO-34", file->DeviceObject == first);
    CHECK("DO-34", creates == 1 && cleanups == 1 && closes == 0);
    CHECK_EQ("DO-39", first->ReferenceCount, 1); /* the file object, not the handle */
    ObDereferenceObject(file);
    CHECK_EQ("DO-34", closes, 1);
    CHECK_EQ("DO-39", first->ReferenceCount, 0);
    IoDetachDevice(first);
    IoDeleteDevice(filter);
}

/* DO-38, DO-40: deleted with an open handle: it stays, and answers, until the handle goes. */
static VOID test_delete_pending(void)
{
    PDEVICE_OBJECT device = make(L"\\Device\\DevDoomed", 16, FILE_DEVICE_UNKNOWN, 0, FALSE);
    HANDLE handle = NULL, again;
    IO_STATUS_BLOCK iosb;

    device->Flags &= ~DO_DEVICE_INITIALIZING;
    CHECK_STATUS("DO-38", open(L"\\Device\\DevDoomed", &handle), STATUS_SUCCESS);
    ObReferenceObject(device);
    IoDeleteDevice(device);
    CHECK("DO-38", NT_ERROR(open(L"\\Device\\DevDoomed", &again))); /* the name is gone */
    last_target = NULL;
    CHECK_STATUS("DO-40", ZwFlushBuffersFile(handle, &iosb), STATUS_SUCCESS);
    CHECK("DO-40", last_target == device);
    CHECK_EQ("DO-38", device->ReferenceCount, 1);
    closes = 0;
    ZwClose(handle);
    CHECK_EQ("DO-38", closes, 1);
    ObDereferenceObject(device);
    device = make(L"\\Device\\DevDoomed", 16, FILE_DEVICE_UNKNOWN, 0, FALSE);
    CHECK("DO-38", device != NULL); /* the name is free again */
    IoDeleteDevice(device);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == controller) {
        test_creation();
        test_reference_of_driver();
        test_attachment();
        test_attach_by_name();
        test_object_pointer();
        test_delete_pending();
    }
    return dispatch(DeviceObject, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(first);
    IoDeleteDevice(controller);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;

    driver = DriverObject;
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    controller = make(L"\\Device\\DevControl", 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    first = make(L"\\Device\\DevFirst", 0, FILE_DEVICE_UNKNOWN, 0, FALSE);
    return first != NULL && controller != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* SPDX-License-Identifier: MIT */
/*
 * A driver that is a data consumer of wmi_provider's and wmi_lib's blocks:
 * IoWMIOpenBlock and what can be done with a data block object, from
 * PASSIVE_LEVEL and APC_LEVEL; events; and a provider that is a callback.
 */
#include "wmitest.h"

#define WMIREG_FLAG_CALLBACK 0x80000000

static PDEVICE_OBJECT device;
static UCHAR buffer[16384];

static PVOID open_block(const GUID *guid, ULONG access)
{
    PVOID object = NULL;
    GUID copy = *guid;
    CHECK("WMI-00", NT_SUCCESS(IoWMIOpenBlock(&copy, access, &object)) && object != NULL);
    return object;
}

/* ---- queries ---- */

static void check_query_all(PVOID list)
{
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)buffer;
    ULONG size = 0, needed, i;
    PUCHAR name;

    CHECK_STATUS("WMI-00", IoWMIQueryAllData(list, &size, NULL), STATUS_BUFFER_TOO_SMALL);
    needed = size;
    size = needed - 1;
    CHECK_STATUS("WMI-00", IoWMIQueryAllData(list, &size, buffer), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("WMI-00", size, needed);
    CHECK_STATUS("WMI-00", IoWMIQueryAllData(list, &size, buffer), STATUS_SUCCESS);
    CHECK("WMI-00", all->InstanceCount == 2 && all->WnodeHeader.Linkage == 0 && all->FixedInstanceSize == 6);
    CHECK("WMI-00", !(all->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES) &&
                        all->WnodeHeader.BufferSize == size && all->OffsetInstanceNameOffsets != 0);
    for (i = 0; i < 2; i++) {
        name = buffer + ((PULONG)(buffer + all->OffsetInstanceNameOffsets))[i];
        CHECK("WMI-00", *(PUSHORT)name == 6 && !wcsncmp((PWSTR)(name + 2), i ? L"Two" : L"One", 3));
    }
}

static void check_query_one(PVOID list)
{
    PWNODE_SINGLE_INSTANCE one = (PWNODE_SINGLE_INSTANCE)buffer;
    UNICODE_STRING two = RTL_CONSTANT_STRING(L"Two"), none = RTL_CONSTANT_STRING(L"None");
    ULONG size = sizeof(buffer);
    PUCHAR name;

    CHECK_STATUS("WMI-01", IoWMIQuerySingleInstance(list, &two, &size, buffer), STATUS_SUCCESS);
    CHECK("WMI-01", one->SizeDataBlock == 8 && !memcmp(buffer + one->DataBlockOffset, "second", 6));
    CHECK("WMI-01", !(one->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES));
    name = buffer + one->OffsetInstanceName;
    CHECK("WMI-01", *(PUSHORT)name == 6 && !wcsncmp((PWSTR)(name + 2), L"Two", 3));
    size = 10;
    CHECK_STATUS("WMI-01", IoWMIQuerySingleInstance(list, &two, &size, buffer), STATUS_BUFFER_TOO_SMALL);
    CHECK("WMI-01", size > sizeof(*one));
    CHECK_STATUS("WMI-01", IoWMIQuerySingleInstance(list, &none, &size, buffer),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
}

static void check_many(PVOID list, PVOID dynamic, PVOID nobody)
{
    PVOID objects[3] = {list, nobody, dynamic};
    UNICODE_STRING names[3] = {RTL_CONSTANT_STRING(L"One"), RTL_CONSTANT_STRING(L"x"),
                               RTL_CONSTANT_STRING(L"right")};
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)buffer, second;
    PWNODE_SINGLE_INSTANCE one = (PWNODE_SINGLE_INSTANCE)buffer, other;
    ULONG size = sizeof(buffer);

    CHECK_STATUS("WMI-00", IoWMIQueryAllDataMultiple(objects, 3, &size, buffer), STATUS_SUCCESS);
    second = (PWNODE_ALL_DATA)(buffer + all->WnodeHeader.Linkage);
    CHECK("WMI-00",
          all->WnodeHeader.Linkage % 8 == 0 && IsEqualGUID(&second->WnodeHeader.Guid, &DYNAMIC_BLOCK));
    CHECK("WMI-00", second->WnodeHeader.Linkage == 0 && second->InstanceCount == 2);
    size = 16;
    CHECK_STATUS("WMI-00", IoWMIQueryAllDataMultiple(objects, 3, &size, buffer), STATUS_BUFFER_TOO_SMALL);
    CHECK("WMI-00", size > sizeof(WNODE_ALL_DATA) * 2);
    size = sizeof(buffer);
    CHECK_STATUS("WMI-00", IoWMIQueryAllDataMultiple(&nobody, 1, &size, buffer), STATUS_SUCCESS);
    CHECK_EQ("WMI-00", size, 0);
    size = sizeof(buffer);
    CHECK_STATUS("WMI-01", IoWMIQuerySingleInstanceMultiple(objects, names, 3, &size, buffer),
                 STATUS_SUCCESS);
    other = (PWNODE_SINGLE_INSTANCE)(buffer + one->WnodeHeader.Linkage);
    CHECK("WMI-01", one->WnodeHeader.Linkage != 0 && IsEqualGUID(&other->WnodeHeader.Guid, &DYNAMIC_BLOCK) &&
                        !memcmp((PUCHAR)other + other->DataBlockOffset, "second", 6));
}

/* ---- changes and methods ---- */

static void check_changes(PVOID list, PVOID dynamic)
{
    UNICODE_STRING one = RTL_CONSTANT_STRING(L"One"), two = RTL_CONSTANT_STRING(L"Two"),
                   left = RTL_CONSTANT_STRING(L"left"), none = RTL_CONSTANT_STRING(L"None");
    ULONG size;

    CHECK_STATUS("WMI-02", IoWMISetSingleInstance(list, &one, 0, 6, "newest"), STATUS_SUCCESS);
    CHECK_STATUS("WMI-02", IoWMISetSingleInstance(dynamic, &left, 0, 6, "newest"), STATUS_WMI_READ_ONLY);
    CHECK_STATUS("WMI-02", IoWMISetSingleInstance(list, &none, 0, 6, "newest"),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK("WMI-02",
          !NT_SUCCESS(IoWMISetSingleInstance(list, &one, 1, 6, "newest"))); /* Version is reserved */
    CHECK_STATUS("WMI-03", IoWMISetSingleItem(list, &two, 3, 0, 1, "S"), STATUS_SUCCESS);
    CHECK_STATUS("WMI-03", IoWMISetSingleItem(list, &two, 9, 0, 1, "S"), STATUS_WMI_ITEMID_NOT_FOUND);
    size = 6;
    RtlCopyMemory(buffer, "abcdef", 6);
    CHECK_STATUS("WMI-09", IoWMIExecuteMethod(list, &two, 1, 6, &size, buffer), STATUS_SUCCESS);
    CHECK("WMI-09", size == 6 && !memcmp(buffer, "fedcba", 6));
    size = 100;
    CHECK_STATUS("WMI-09", IoWMIExecuteMethod(list, &two, 2, 0, &size, buffer), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("WMI-09", size, 5000);
    CHECK_STATUS("WMI-09", IoWMIExecuteMethod(list, &two, 2, 0, &size, buffer), STATUS_SUCCESS);
    CHECK("WMI-09", size == 5000 && buffer[4999] == 'm');
    CHECK_STATUS("WMI-09", IoWMIExecuteMethod(list, &two, 9, 0, &size, buffer), STATUS_WMI_ITEMID_NOT_FOUND);
}

/* ---- access ---- */

static void check_access(PVOID nobody)
{
    PVOID query = open_block(&LIST_BLOCK, WMIGUID_QUERY), set = open_block(&LIST_BLOCK, WMIGUID_SET);
    UNICODE_STRING one = RTL_CONSTANT_STRING(L"One");
    ULONG size = sizeof(buffer);

    CHECK_STATUS("WMI-02", IoWMISetSingleInstance(query, &one, 0, 6, "newest"), STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-03", IoWMISetSingleItem(query, &one, 3, 0, 1, "n"), STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-09", IoWMIExecuteMethod(query, &one, 1, 0, &size, buffer), STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-00", IoWMIQueryAllData(set, &size, buffer), STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-01", IoWMIQuerySingleInstance(set, &one, &size, buffer), STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-04", IoWMISetNotificationCallback(set, (WMI_NOTIFICATION_CALLBACK)1, NULL),
                 STATUS_ACCESS_DENIED);
    CHECK_STATUS("WMI-00", IoWMIQueryAllData(nobody, &size, buffer), STATUS_WMI_GUID_NOT_FOUND);
    ObDereferenceObject(query);
    ObDereferenceObject(set);
}

/* ---- names ---- */

static void check_names(PVOID list, PVOID nobody)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\WmiProvider"),
                   link = RTL_CONSTANT_STRING(L"\\??\\a_link"), found;
    PDEVICE_OBJECT target;
    PFILE_OBJECT file;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE handle;

    if (!NT_SUCCESS(IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &target)))
        return;
    CHECK_STATUS("WMI-01", IoWMIDeviceObjectToInstanceName(list, target, &found), STATUS_SUCCESS);
    CHECK("WMI-01", found.Length == 6 && !wcsncmp(found.Buffer, L"One", 3));
    ExFreePool(found.Buffer);
    CHECK_STATUS("WMI-01", IoWMIDeviceObjectToInstanceName(nobody, target, &found),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK_STATUS("WMI-01", IoWMIDeviceObjectToInstanceName(list, device, &found),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
    ObDereferenceObject(file);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenFile(&handle, FILE_READ_DATA, &attributes, &iosb, 0, 0))) {
        CHECK_STATUS("WMI-01", IoWMIHandleToInstanceName(list, handle, &found), STATUS_SUCCESS);
        CHECK("WMI-01", found.Length == 6 && !wcsncmp(found.Buffer, L"One", 3));
        ExFreePool(found.Buffer);
        ZwClose(handle);
    }
    CHECK_STATUS("WMI-01", IoWMISuggestInstanceName(NULL, &link, FALSE, &found), STATUS_SUCCESS);
    CHECK("WMI-01", RtlEqualUnicodeString(&found, &link, FALSE));
    ExFreePool(found.Buffer);
    CHECK("WMI-01", !NT_SUCCESS(IoWMISuggestInstanceName(NULL, &link, TRUE, &found)));
}

static void check_all(void)
{
    PVOID list = open_block(&LIST_BLOCK, WMIGUID_QUERY | WMIGUID_SET | WMIGUID_EXECUTE);
    PVOID dynamic = open_block(&DYNAMIC_BLOCK, WMIGUID_QUERY | WMIGUID_SET);
    PVOID nobody = open_block(&NOBODYS_BLOCK, WMIGUID_QUERY);
    KIRQL old;

    check_query_all(list);
    check_query_one(list);
    check_many(list, dynamic, nobody);
    check_changes(list, dynamic);
    check_access(nobody);
    check_names(list, nobody);
    KeRaiseIrql(APC_LEVEL, &old);
    check_query_all(list); /* the provider checks that it is asked at PASSIVE_LEVEL */
    KeLowerIrql(old);
    ObDereferenceObject(list);
    ObDereferenceObject(dynamic);
    ObDereferenceObject(nobody);
}

/* ---- events ---- */

static PVOID listener, second_listener, collector;

static VOID NTAPI heard(PVOID Wnode, PVOID Context)
{
    PWNODE_SINGLE_INSTANCE one = Wnode;
    PUCHAR name = (PUCHAR)Wnode + one->OffsetInstanceName;

    CHECK("WMI-04", KeGetCurrentIrql() == PASSIVE_LEVEL && one->WnodeHeader.Flags & WNODE_FLAG_EVENT_ITEM);
    CHECK("WMI-04", *(PUSHORT)name == 6 && !wcsncmp((PWSTR)(name + 2), L"Two", 3));
    DbgPrint("heard %c: %.4s\n", (char)(ULONG_PTR)Context, (PUCHAR)Wnode + one->DataBlockOffset);
}

static void listen(void)
{
    listener = open_block(&EVENT_BLOCK, WMIGUID_NOTIFICATION | SYNCHRONIZE);
    second_listener = open_block(&EVENT_BLOCK, WMIGUID_NOTIFICATION | SYNCHRONIZE);
    CHECK_STATUS("WMI-04", IoWMISetNotificationCallback(listener, heard, (PVOID)'a'), STATUS_SUCCESS);
    CHECK("WMI-04", NT_SUCCESS(IoWMISetNotificationCallback(second_listener, heard, (PVOID)'b')));
}

/* ---- a provider that is a callback ---- */

static NTSTATUS NTAPI entry(UCHAR ActionCode, PVOID DataPath, ULONG BufferSize, PVOID Buffer, PVOID Context,
                            PULONG Size);
static struct {
    NTSTATUS(NTAPI *callback)(UCHAR, PVOID, ULONG, PVOID, PVOID, PULONG);
    ULONG mark;
} registration = {entry, 0x77};

static NTSTATUS NTAPI entry(UCHAR ActionCode, PVOID DataPath, ULONG BufferSize, PVOID Buffer, PVOID Context,
                            PULONG Size)
{
    PWMIREGINFO info = Buffer;
    PWNODE_ALL_DATA all = Buffer;

    CHECK("WMI-0B", Context == &registration && KeGetCurrentIrql() == PASSIVE_LEVEL);
    *Size = 0;
    if (ActionCode == IRP_MN_REGINFO_EX)
        return STATUS_NOT_SUPPORTED;
    if (ActionCode == IRP_MN_REGINFO) {
        RtlZeroMemory(info, sizeof(*info) + sizeof(WMIREGGUID));
        info->BufferSize = *Size = sizeof(*info) + sizeof(WMIREGGUID);
        info->GuidCount = 1;
        info->WmiRegGuid[0].Guid = EXTRA_BLOCK;
        return STATUS_SUCCESS;
    }
    if (ActionCode != IRP_MN_QUERY_ALL_DATA)
        return STATUS_INVALID_DEVICE_REQUEST;
    all->WnodeHeader.Flags |= WNODE_FLAG_FIXED_INSTANCE_SIZE;
    all->InstanceCount = 1;
    all->FixedInstanceSize = 4;
    all->DataBlockOffset = 72;
    *(PULONG)((PUCHAR)Buffer + 72) = registration.mark;
    all->WnodeHeader.BufferSize = *Size = 76;
    return STATUS_SUCCESS;
}

static NTSTATUS do_it(ULONG code)
{
    switch (code) {
    case RL_IOCTL(0):
        check_all();
        return STATUS_SUCCESS;
    case RL_IOCTL(1):
        listen();
        return STATUS_SUCCESS;
    case RL_IOCTL(2): /* one is enough to keep it enabled */
        return IoWMISetNotificationCallback(listener, NULL, NULL);
    case RL_IOCTL(3):
        ObDereferenceObject(listener);
        ObDereferenceObject(second_listener);
        return STATUS_SUCCESS;
    case RL_IOCTL(4):
        collector = open_block(&COSTLY_BLOCK, WMIGUID_QUERY);
        return STATUS_SUCCESS;
    case RL_IOCTL(5):
        ObDereferenceObject(collector);
        return STATUS_SUCCESS;
    case RL_IOCTL(6):
        return IoWMIRegistrationControl((PDEVICE_OBJECT)&registration,
                                        WMIREG_ACTION_REGISTER | WMIREG_FLAG_CALLBACK);
    case RL_IOCTL(7):
        return IoWMIRegistrationControl((PDEVICE_OBJECT)&registration,
                                        WMIREG_ACTION_DEREGISTER | WMIREG_FLAG_CALLBACK);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        status = do_it(location->Parameters.DeviceIoControl.IoControlCode);
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\WmiConsumer");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

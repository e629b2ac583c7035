/* SPDX-License-Identifier: MIT */
/*
 * A provider that uses WMILIB.SYS: all six callbacks, blocks with a base name
 * and events. What WmiSystemControl makes of each request is checked by the
 * requests that the driver sends to itself, with its own provider identifier
 * and with another's.
 */
#include "wmitest.h"
#include <wmilib.h>

typedef struct {
    ULONG a;
    ULONG b;
} VALUES;

static PDEVICE_OBJECT device;
static UNICODE_STRING registry_path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\wmi_lib");
static VALUES values[2] = {{1, 2}, {3, 4}};
static LONG big; /* instances are longer than a page */
static WMILIB_CONTEXT context;
static SYSCTL_IRP_DISPOSITION last_disposition;
static NTSTATUS last_status;

static WMIGUIDREGINFO guids[] = {{&LIB_BLOCK, 2, WMIREG_FLAG_EXPENSIVE},
                                 {&LIB_EVENT, 1, WMIREG_FLAG_EVENT_ONLY_GUID}};

static NTSTATUS NTAPI query_reginfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                    PUNICODE_STRING InstanceName, PUNICODE_STRING *RegistryPath,
                                    PUNICODE_STRING MofResourceName, PDEVICE_OBJECT *Pdo)
{
    static const WCHAR name[] = L"Library";
    CHECK("SR-57", KeGetCurrentIrql() == PASSIVE_LEVEL && DeviceObject == device && *RegFlags == 0);
    *RegFlags = WMIREG_FLAG_INSTANCE_BASENAME;
    InstanceName->Buffer = ExAllocatePoolWithTag(PagedPool, sizeof(name), 'emaN'); /* the library frees it */
    RtlCopyMemory(InstanceName->Buffer, name, sizeof(name));
    InstanceName->Length = sizeof(name) - sizeof(WCHAR);
    InstanceName->MaximumLength = sizeof(name);
    *RegistryPath = &registry_path;
    RtlInitUnicodeString(MofResourceName, L"LibraryMof");
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI query_block(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                                  ULONG InstanceCount, PULONG InstanceLengthArray, ULONG BufferAvail,
                                  PUCHAR Buffer)
{
    ULONG i, each = big ? 3000 : sizeof(VALUES), needed = InstanceCount * each;
    CHECK("SR-57", GuidIndex == 0 && InstanceIndex + InstanceCount <= 2);
    CHECK("SR-57", BufferAvail ? InstanceLengthArray != NULL && Buffer != NULL
                               : InstanceLengthArray == NULL && Buffer == NULL);
    if (BufferAvail < needed)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, needed, IO_NO_INCREMENT);
    CHECK("SR-57", ((ULONG_PTR)Buffer & 7) == 0);
    for (i = 0; i < InstanceCount; i++) {
        RtlZeroMemory(Buffer + i * each, each);
        *(VALUES *)(Buffer + i * each) = values[InstanceIndex + i];
        if (InstanceCount > 1) /* of one the bytes used are enough */
            InstanceLengthArray[i] = each;
    }
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, needed, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI set_block(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                                ULONG BufferSize, PUCHAR Buffer)
{
    NTSTATUS status = BufferSize == sizeof(VALUES) ? STATUS_SUCCESS : STATUS_WMI_SET_FAILURE;
    if (NT_SUCCESS(status))
        values[InstanceIndex] = *(VALUES *)Buffer;
    return WmiCompleteRequest(DeviceObject, Irp, status, 0, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI set_item(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                               ULONG DataItemId, ULONG BufferSize, PUCHAR Buffer)
{
    NTSTATUS status = DataItemId == 2 && BufferSize == 4 ? STATUS_SUCCESS : STATUS_WMI_ITEMID_NOT_FOUND;
    if (NT_SUCCESS(status))
        values[InstanceIndex].b = *(PULONG)Buffer;
    return WmiCompleteRequest(DeviceObject, Irp, status, 0, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI execute(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                              ULONG MethodId, ULONG InBufferSize, ULONG OutBufferSize, PUCHAR Buffer)
{
    ULONG needed = MethodId == 1 ? 8 : 9000;
    if (MethodId > 2)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_WMI_ITEMID_NOT_FOUND, 0, IO_NO_INCREMENT);
    if (OutBufferSize < needed)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, needed, IO_NO_INCREMENT);
    CHECK("SR-57", MethodId == 2 || (InBufferSize == 4 && *(PULONG)Buffer == 0x64636261));
    RtlFillMemory(Buffer, needed, 'o');
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, needed, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI function_control(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                       WMIENABLEDISABLECONTROL Function, BOOLEAN Enable)
{
    CHECK("SR-57", Function == (GuidIndex == 0 ? WmiDataBlockControl : WmiEventControl));
    DbgPrint("%s %s\n", Function == WmiEventControl ? "event" : "collection", Enable ? "on" : "off");
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status)
{
    Irp->IoStatus.Status = status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SYSCTL_IRP_DISPOSITION disposition = 99;
    NTSTATUS status = WmiSystemControl(&context, DeviceObject, Irp, &disposition);
    last_disposition = disposition;
    last_status = status;
    switch (disposition) {
    case IrpProcessed:
        return status;
    case IrpNotCompleted:
        CHECK("SR-57", Irp->IoStatus.Status == status && status <= STATUS_SUCCESS);
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return status;
    default: /* there is no driver below */
        return complete(Irp, Irp->IoStatus.Status);
    }
}

/* ---- requests of its own, which no consumer would send ---- */

static NTSTATUS send(UCHAR minor, PVOID provider, LPCGUID guid, PVOID buffer, ULONG bytes,
                     PULONG_PTR information)
{
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    PIRP irp;
    NTSTATUS status;
    PIO_STACK_LOCATION next;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, device, NULL, 0, NULL, &event, &iosb);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    next->MinorFunction = minor;
    next->Parameters.WMI.ProviderId = (ULONG_PTR)provider;
    next->Parameters.WMI.DataPath = (PVOID)guid;
    next->Parameters.WMI.BufferSize = bytes;
    next->Parameters.WMI.Buffer = buffer;
    status = IoCallDriver(device, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    if (information)
        *information = iosb.Information;
    return status;
}

static void check_dispositions(void)
{
    UCHAR buffer[256] = {0};
    PWNODE_SINGLE_INSTANCE one = (PWNODE_SINGLE_INSTANCE)buffer;
    ULONG_PTR information;

    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_ALL_DATA, &context, &LIB_BLOCK, buffer, 256, NULL),
                 STATUS_NOT_SUPPORTED);
    CHECK("SR-57", last_disposition == IrpForward && NT_SUCCESS(last_status));
    CHECK_STATUS("SR-57", send(0x33, device, &LIB_BLOCK, buffer, 256, NULL), STATUS_NOT_SUPPORTED);
    CHECK("SR-57", last_disposition == IrpNotWmi && NT_SUCCESS(last_status));
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_ALL_DATA, device, &LIST_BLOCK, buffer, 256, NULL),
                 STATUS_WMI_GUID_NOT_FOUND);
    CHECK("SR-57", last_disposition == IrpNotCompleted);
    one->DataBlockOffset = 64;
    one->WnodeHeader.Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    one->InstanceIndex = 2;
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_SINGLE_INSTANCE, device, &LIB_BLOCK, buffer, 256, NULL),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK("SR-57", last_disposition == IrpNotCompleted);
    one->InstanceIndex = 1;
    one->WnodeHeader.Flags = WNODE_FLAG_SINGLE_INSTANCE; /* a dynamic name */
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_SINGLE_INSTANCE, device, &LIB_BLOCK, buffer, 256, NULL),
                 STATUS_WMI_INSTANCE_NOT_FOUND);
    one->WnodeHeader.Flags |= WNODE_FLAG_STATIC_INSTANCE_NAMES;
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_SINGLE_INSTANCE, device, &LIB_BLOCK, buffer, 256, &information),
                 STATUS_SUCCESS);
    CHECK("SR-57", last_disposition == IrpProcessed && information == 64 + sizeof(VALUES));
    CHECK("SR-57", one->SizeDataBlock == sizeof(VALUES) && one->WnodeHeader.BufferSize == information);
    *(PULONG)buffer = 0;
    CHECK_STATUS("SR-57", send(IRP_MN_REGINFO, device, (LPCGUID)WMIREGISTER, buffer, 64, NULL),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK("SR-57", last_disposition == IrpNotCompleted && *(PULONG)buffer > 64);
}

/* All instances, with room for all, for the fixed part alone, for a WNODE_TOO_SMALL alone, and for not even
 * that. */
static void check_all(void)
{
    static UCHAR buffer[256];
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)buffer;
    PWNODE_TOO_SMALL small = (PWNODE_TOO_SMALL)buffer;
    ULONG_PTR information;
    ULONG room;

    RtlZeroMemory(buffer, sizeof(buffer));
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_ALL_DATA, device, &LIB_BLOCK, buffer, 256, &information),
                 STATUS_SUCCESS);
    CHECK("SR-57", all->InstanceCount == 2 && all->DataBlockOffset % 8 == 0 &&
                       information == all->WnodeHeader.BufferSize);
    CHECK("SR-57", !(all->WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE));
    CHECK("SR-57", all->OffsetInstanceDataAndLength[1].OffsetInstanceData == all->DataBlockOffset + 8 &&
                       all->OffsetInstanceDataAndLength[0].LengthInstanceData == 8 &&
                       all->OffsetInstanceDataAndLength[1].LengthInstanceData == 8);
    CHECK("SR-57", ((VALUES *)(buffer + all->DataBlockOffset))[1].a == values[1].a);
    CHECK("SR-57", all->WnodeHeader.TimeStamp.QuadPart != 0);
    room = all->WnodeHeader.BufferSize - 1;
    for (;;) {
        CHECK_STATUS("SR-57", send(IRP_MN_QUERY_ALL_DATA, device, &LIB_BLOCK, buffer, room, &information),
                     STATUS_SUCCESS);
        CHECK("SR-57", small->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL && information == sizeof(*small));
        CHECK_EQ("SR-57", small->SizeNeeded, 80 + 2 * 8);
        if (room == sizeof(*small))
            break;
        room = sizeof(*small);
    }
    CHECK_STATUS("SR-57", send(IRP_MN_QUERY_ALL_DATA, device, &LIB_BLOCK, buffer, sizeof(*small) - 1, NULL),
                 STATUS_BUFFER_TOO_SMALL);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_SUCCESS;
    PVOID data;

    Irp->IoStatus.Information = 0;
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return complete(Irp, status);
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(0):
        check_dispositions();
        check_all();
        break;
    case RL_IOCTL(1):
        data = ExAllocatePoolWithTag(NonPagedPool, 5, 'ataD'); /* WMI frees it */
        RtlCopyMemory(data, "alarm", 5);
        status = WmiFireEvent(device, &LIB_EVENT, 0, 5, data);
        break;
    case RL_IOCTL(2):
        big = 1;
        break;
    case RL_IOCTL(3): /* the four routines that a driver may leave out */
        context.SetWmiDataBlock = NULL;
        context.SetWmiDataItem = NULL;
        context.ExecuteWmiMethod = NULL;
        context.WmiFunctionControl = NULL;
        break;
    case RL_IOCTL(4):
        data = ExAllocatePoolWithTag(NonPagedPool, 1100, 'ataD');
        CHECK_STATUS("SR-57", WmiFireEvent(device, &LIB_EVENT, 0, 1100, data), STATUS_BUFFER_OVERFLOW);
        CHECK("SR-57", NT_SUCCESS(WmiFireEvent(device, &LIB_EVENT, 0, 0, NULL)));
        break;
    }
    return complete(Irp, status);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoWMIRegistrationControl(device, WMIREG_ACTION_DEREGISTER);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\WmiLib");
    ULONG i;
    NTSTATUS status;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverUnload = unload;
    context.GuidCount = 2;
    context.GuidList = guids;
    context.QueryWmiRegInfo = query_reginfo;
    context.QueryWmiDataBlock = query_block;
    context.SetWmiDataBlock = set_block;
    context.SetWmiDataItem = set_item;
    context.ExecuteWmiMethod = execute;
    context.WmiFunctionControl = function_control;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return NT_SUCCESS(status) ? IoWMIRegistrationControl(device, WMIREG_ACTION_REGISTER) : status;
}

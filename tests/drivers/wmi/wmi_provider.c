/* SPDX-License-Identifier: MIT */
/*
 * A provider that answers WMI's IRPs itself, with a filter on top of its device
 * that passes them on. Blocks: a list of static names (two instances, with a
 * method whose output is long and an item), a base name (three, more than a page
 * of data), dynamic names, an event that is also expensive to collect, and one
 * that comes with WMIUPDATE. The registration takes more than the first buffer.
 */
#include "wmitest.h"

#define BIG 3000 /* bytes of each instance of the base name's block: three do not fit into a page */

typedef struct {
    PDEVICE_OBJECT lower; /* the filter's; NULL: the provider */
    BOOLEAN hold;         /* a method is pended */
} EXTENSION;

static PDEVICE_OBJECT provider, filter;

static UCHAR values[2][8] = {"first", "second"};
static LONG reginfos, too_small, old_reginfos, events_on, base_events_on, collection_on, filtered, queries;
static BOOLEAN update_removes, answers_old;
static KEVENT gate;
static PIRP pended;
static volatile BOOLEAN method_ended;

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static ULONG put(PUCHAR base, ULONG at, PCWSTR text)
{
    USHORT bytes = (USHORT)(wcslen(text) * sizeof(WCHAR));
    *(PUSHORT)(base + at) = bytes;
    RtlCopyMemory(base + at + sizeof(USHORT), text, bytes);
    return at + sizeof(USHORT) + bytes;
}

static NTSTATUS too_small_answer(PIRP Irp, PVOID buffer, ULONG room, ULONG needed)
{
    PWNODE_TOO_SMALL small = buffer;
    if (room < sizeof(*small))
        return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    InterlockedIncrement(&too_small);
    small->WnodeHeader.BufferSize = sizeof(*small);
    small->WnodeHeader.Flags = WNODE_FLAG_TOO_SMALL;
    small->SizeNeeded = needed;
    return complete(Irp, STATUS_SUCCESS, sizeof(*small));
}

/* ---- registration ---- */

static NTSTATUS reginfo(PIRP Irp, PIO_STACK_LOCATION location)
{
    PWMIREGINFO info = location->Parameters.WMI.Buffer;
    ULONG at = sizeof(*info) + 6 * sizeof(WMIREGGUID), needed = at + 6000; /* more than a page */
    BOOLEAN update = (ULONG_PTR)location->Parameters.WMI.DataPath == WMIUPDATE;

    InterlockedIncrement(&reginfos);
    CHECK(location->MinorFunction == IRP_MN_REGINFO_EX ? "WMI-0B" : "WMI-08",
          KeGetCurrentIrql() == PASSIVE_LEVEL && Irp->IoStatus.Status == STATUS_NOT_SUPPORTED);
    CHECK("WMI-0B", PsGetCurrentProcess() == PsInitialSystemProcess);
    if (answers_old && location->MinorFunction == IRP_MN_REGINFO_EX)
        return complete(Irp, STATUS_NOT_SUPPORTED, 0); /* as a driver of Windows 2000 */
    if (location->MinorFunction == IRP_MN_REGINFO)
        InterlockedIncrement(&old_reginfos);
    if (location->Parameters.WMI.BufferSize < needed) {
        *(PULONG)info = needed;
        return complete(Irp, STATUS_BUFFER_TOO_SMALL, sizeof(ULONG));
    }
    RtlZeroMemory(info, at);
    info->BufferSize = needed;
    if (!update) {
        info->MofResourceName = at;
        at = put((PUCHAR)info, at, L"MofResourceName");
    }
    info->GuidCount = update ? 2 : 5;
    info->WmiRegGuid[0].Guid = LIST_BLOCK;
    info->WmiRegGuid[0].Flags = WMIREG_FLAG_INSTANCE_LIST;
    info->WmiRegGuid[0].InstanceCount = 2;
    info->WmiRegGuid[0].InstanceNameList = at;
    at = put((PUCHAR)info, at, L"One");
    at = put((PUCHAR)info, at, L"Two");
    info->WmiRegGuid[1].Guid = update ? EXTRA_BLOCK : BASE_BLOCK;
    info->WmiRegGuid[1].Flags = WMIREG_FLAG_INSTANCE_BASENAME;
    info->WmiRegGuid[1].InstanceCount = 3;
    info->WmiRegGuid[1].BaseNameOffset = at;
    put((PUCHAR)info, at, L"Base");
    if (update && update_removes)
        info->WmiRegGuid[1].Flags = WMIREG_FLAG_REMOVE_GUID;
    info->WmiRegGuid[2].Guid = DYNAMIC_BLOCK;
    info->WmiRegGuid[3].Guid = EVENT_BLOCK;
    info->WmiRegGuid[3].Flags = WMIREG_FLAG_INSTANCE_LIST | WMIREG_FLAG_EVENT_ONLY_GUID;
    info->WmiRegGuid[3].InstanceCount = 2;
    info->WmiRegGuid[3].InstanceNameList = info->WmiRegGuid[0].InstanceNameList;
    info->WmiRegGuid[4] = info->WmiRegGuid[0];
    info->WmiRegGuid[4].Guid = COSTLY_BLOCK;
    info->WmiRegGuid[4].Flags |= WMIREG_FLAG_EXPENSIVE;
    return complete(Irp, STATUS_SUCCESS, needed);
}

/* ---- queries ---- */

static NTSTATUS query_list(PIRP Irp, PWNODE_ALL_DATA all, ULONG room)
{
    ULONG needed = 72 + 16 + 16;
    CHECK("WMI-00", all->WnodeHeader.Flags == (WNODE_FLAG_ALL_DATA | WNODE_FLAG_STATIC_INSTANCE_NAMES));
    if (room < needed)
        return too_small_answer(Irp, all, room, needed);
    all->WnodeHeader.BufferSize = needed;
    all->WnodeHeader.Flags |= WNODE_FLAG_FIXED_INSTANCE_SIZE;
    all->InstanceCount = 2;
    all->FixedInstanceSize = 6; /* with two bytes of padding */
    all->DataBlockOffset = 72;
    RtlCopyMemory((PUCHAR)all + 72, values[0], 6);
    RtlCopyMemory((PUCHAR)all + 80, values[1], 6);
    return complete(Irp, STATUS_SUCCESS, needed);
}

/* Instances of different sizes, more than a page of them. */
static NTSTATUS query_base(PIRP Irp, PWNODE_ALL_DATA all, ULONG room)
{
    ULONG i, first = 88, needed = first + 3 * BIG;
    if (room < needed)
        return too_small_answer(Irp, all, room, needed);
    all->WnodeHeader.BufferSize = needed;
    all->InstanceCount = 3;
    for (i = 0; i < 3; i++) {
        all->OffsetInstanceDataAndLength[i].OffsetInstanceData = first + i * BIG;
        all->OffsetInstanceDataAndLength[i].LengthInstanceData = BIG - 8 * i;
        RtlFillMemory((PUCHAR)all + first + i * BIG, BIG, 'a' + i);
    }
    return complete(Irp, STATUS_SUCCESS, needed);
}

static NTSTATUS query_dynamic(PIRP Irp, PWNODE_ALL_DATA all, ULONG room)
{
    PULONG offsets = (PULONG)((PUCHAR)all + 72);
    ULONG at = 80;
    CHECK("WMI-00", all->WnodeHeader.Flags == WNODE_FLAG_ALL_DATA && room >= 200);
    all->WnodeHeader.Flags |= WNODE_FLAG_FIXED_INSTANCE_SIZE;
    all->InstanceCount = 2;
    all->OffsetInstanceNameOffsets = 72;
    offsets[0] = at;
    at = put((PUCHAR)all, at, L"left");
    offsets[1] = at;
    at = put((PUCHAR)all, at, L"right");
    at = (at + 7) & ~7u;
    all->DataBlockOffset = at;
    all->FixedInstanceSize = 4;
    RtlCopyMemory((PUCHAR)all + at, "LEFT", 4);
    RtlCopyMemory((PUCHAR)all + at + 8, "RGHT", 4);
    all->WnodeHeader.BufferSize = at + 12;
    return complete(Irp, STATUS_SUCCESS, at + 12);
}

static NTSTATUS query_all(PIRP Irp, PIO_STACK_LOCATION location)
{
    PVOID buffer = location->Parameters.WMI.Buffer;
    ULONG room = location->Parameters.WMI.BufferSize;
    InterlockedIncrement(&queries);
    if (IsEqualGUID(location->Parameters.WMI.DataPath, &BASE_BLOCK))
        return query_base(Irp, buffer, room);
    if (IsEqualGUID(location->Parameters.WMI.DataPath, &DYNAMIC_BLOCK))
        return query_dynamic(Irp, buffer, room);
    if (IsEqualGUID(location->Parameters.WMI.DataPath, &EVENT_BLOCK))
        CHECK("WMI-00", FALSE); /* it cannot be queried */
    return query_list(Irp, buffer, room);
}

/* The index by static or dynamic name; 2: none. */
static ULONG index_of(PWNODE_SINGLE_INSTANCE one, LPCGUID guid)
{
    PUCHAR name = (PUCHAR)one + one->OffsetInstanceName;
    if (!IsEqualGUID(guid, &DYNAMIC_BLOCK)) {
        CHECK("WMI-01", one->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES);
        return one->InstanceIndex;
    }
    CHECK("WMI-01", !(one->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES));
    if (*(PUSHORT)name == 8 && !wcsncmp((PWSTR)(name + 2), L"left", 4))
        return 0;
    return *(PUSHORT)name == 10 && !wcsncmp((PWSTR)(name + 2), L"right", 5) ? 1 : 2;
}

static NTSTATUS query_one(PIRP Irp, PIO_STACK_LOCATION location)
{
    PWNODE_SINGLE_INSTANCE one = location->Parameters.WMI.Buffer;
    LPCGUID guid = location->Parameters.WMI.DataPath;
    ULONG index = index_of(one, guid);
    ULONG length = IsEqualGUID(guid, &BASE_BLOCK) ? 2 * BIG : 8, needed = one->DataBlockOffset + length;

    CHECK("WMI-01", one->DataBlockOffset % 8 == 0 && one->WnodeHeader.Flags & WNODE_FLAG_SINGLE_INSTANCE);
    if (index > 2 || (index == 2 && length == 8))
        return complete(Irp, STATUS_WMI_INSTANCE_NOT_FOUND, 0);
    if (location->Parameters.WMI.BufferSize < needed)
        return too_small_answer(Irp, one, location->Parameters.WMI.BufferSize, needed);
    if (length == 8)
        RtlCopyMemory((PUCHAR)one + one->DataBlockOffset, values[index], 8);
    else
        RtlFillMemory((PUCHAR)one + one->DataBlockOffset, length, 'x');
    one->SizeDataBlock = length;
    one->WnodeHeader.BufferSize = needed;
    return complete(Irp, STATUS_SUCCESS, needed);
}

/* ---- changes ---- */

static NTSTATUS change(PIRP Irp, PIO_STACK_LOCATION location)
{
    PWNODE_SINGLE_INSTANCE one = location->Parameters.WMI.Buffer;
    ULONG index = index_of(one, location->Parameters.WMI.DataPath);
    CHECK("WMI-02", one->WnodeHeader.Flags & WNODE_FLAG_SINGLE_INSTANCE && one->DataBlockOffset % 8 == 0);
    CHECK("WMI-02", one->WnodeHeader.BufferSize == one->DataBlockOffset + one->SizeDataBlock);
    if (index > 1)
        return complete(Irp, STATUS_WMI_INSTANCE_NOT_FOUND, 0);
    if (!IsEqualGUID(location->Parameters.WMI.DataPath, &LIST_BLOCK))
        return complete(Irp, STATUS_WMI_READ_ONLY, 0);
    if (one->SizeDataBlock != 6)
        return complete(Irp, STATUS_WMI_SET_FAILURE, 0);
    RtlCopyMemory(values[index], (PUCHAR)one + one->DataBlockOffset, 6);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS change_item(PIRP Irp, PIO_STACK_LOCATION location)
{
    PWNODE_SINGLE_ITEM item = location->Parameters.WMI.Buffer;
    CHECK("WMI-03", item->WnodeHeader.Flags & WNODE_FLAG_SINGLE_ITEM && item->DataBlockOffset % 8 == 0);
    if (item->ItemId != 3)
        return complete(Irp, STATUS_WMI_ITEMID_NOT_FOUND, 0);
    CHECK("WMI-03", item->SizeDataItem == 1 && item->InstanceIndex == 1);
    values[1][0] = *((PUCHAR)item + item->DataBlockOffset);
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* Method 1 turns its input round, 2 returns 5000 bytes, 3 is pended until method 4 of the other instance. */
static NTSTATUS execute(PIRP Irp, PIO_STACK_LOCATION location)
{
    PWNODE_METHOD_ITEM item = location->Parameters.WMI.Buffer;
    PUCHAR data = (PUCHAR)item + item->DataBlockOffset;
    ULONG i, needed = item->DataBlockOffset + 5000;

    CHECK("WMI-09", item->WnodeHeader.Flags & WNODE_FLAG_METHOD_ITEM && item->DataBlockOffset % 8 == 0);
    CHECK("WMI-09", item->WnodeHeader.BufferSize == item->DataBlockOffset + item->SizeDataBlock);
    if (item->MethodId == 1) {
        for (i = 0; i < item->SizeDataBlock / 2; i++) {
            UCHAR keep = data[i];
            data[i] = data[item->SizeDataBlock - 1 - i];
            data[item->SizeDataBlock - 1 - i] = keep;
        }
        return complete(Irp, STATUS_SUCCESS, item->WnodeHeader.BufferSize);
    }
    if (item->MethodId == 2) {
        if (location->Parameters.WMI.BufferSize < needed)
            return too_small_answer(Irp, item, location->Parameters.WMI.BufferSize, needed);
        RtlFillMemory(data, 5000, 'm');
        item->SizeDataBlock = 5000;
        item->WnodeHeader.BufferSize = needed;
        return complete(Irp, STATUS_SUCCESS, needed);
    }
    if (item->MethodId == 3) {
        IoMarkIrpPending(Irp);
        pended = Irp;
        KeSetEvent(&gate, 0, FALSE);
        return STATUS_PENDING;
    }
    return complete(Irp, STATUS_WMI_ITEMID_NOT_FOUND, 0);
}

static NTSTATUS control(PIRP Irp, PIO_STACK_LOCATION location)
{
    BOOLEAN collection = location->MinorFunction >= IRP_MN_ENABLE_COLLECTION;
    BOOLEAN on = location->MinorFunction % 2 == 0;
    BOOLEAN base = IsEqualGUID(location->Parameters.WMI.DataPath, &BASE_BLOCK);
    PLONG counter = collection ? &collection_on : base ? &base_events_on : &events_on;
    LONG now = on ? InterlockedIncrement(counter) : InterlockedDecrement(counter);
    PCSTR id = collection ? (on ? "WMI-06" : "WMI-07") : (on ? "WMI-04" : "WMI-05");

    rl_check(id, now == on, "told once", __FILE__, __LINE__);
    if (collection)
        CHECK("WMI-06", IsEqualGUID(location->Parameters.WMI.DataPath, &COSTLY_BLOCK));
    CHECK("WMI-04", location->Parameters.WMI.BufferSize >= sizeof(WNODE_HEADER) &&
                        !(((PWNODE_HEADER)location->Parameters.WMI.Buffer)->Flags & WNODE_FLAG_TRACED_GUID));
    DbgPrint("%s %s\n", collection ? "collection" : "events", on ? "on" : "off");
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    EXTENSION *e = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (e->lower) {
        InterlockedIncrement(&filtered);
        CHECK("MJ-17", location->Parameters.WMI.ProviderId == (ULONG_PTR)provider);
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(e->lower, Irp);
    }
    CHECK("MJ-17", location->MajorFunction == IRP_MJ_SYSTEM_CONTROL &&
                       location->Parameters.WMI.ProviderId == (ULONG_PTR)DeviceObject);
    switch (location->MinorFunction) {
    case IRP_MN_REGINFO:
    case IRP_MN_REGINFO_EX:
        return reginfo(Irp, location);
    case IRP_MN_QUERY_ALL_DATA:
        return query_all(Irp, location);
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return query_one(Irp, location);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return change(Irp, location);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return change_item(Irp, location);
    case IRP_MN_EXECUTE_METHOD:
        return execute(Irp, location);
    default:
        return control(Irp, location);
    }
}

/* ---- what a play asks for ---- */

static PVOID new_event(ULONG bytes, ULONG flags, LPCGUID guid)
{
    PWNODE_HEADER header = ExAllocatePoolWithTag(NonPagedPool, bytes, 'tnvE');
    RtlZeroMemory(header, bytes);
    header->BufferSize = bytes;
    header->ProviderId = IoWMIDeviceObjectToProviderId(provider);
    header->Guid = *guid;
    header->Flags = flags | WNODE_FLAG_EVENT_ITEM;
    KeQuerySystemTime(&header->TimeStamp);
    return header;
}

static NTSTATUS fire_one(void)
{
    PWNODE_SINGLE_INSTANCE one = new_event(
        sizeof(*one) + 4, WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES, &EVENT_BLOCK);
    one->InstanceIndex = 1;
    one->DataBlockOffset = sizeof(*one);
    one->SizeDataBlock = 4;
    RtlCopyMemory(one->VariableData, "bang", 4);
    return IoWMIWriteEvent(one);
}

static NTSTATUS fire_item(void)
{
    PWNODE_SINGLE_ITEM item = new_event(80, WNODE_FLAG_SINGLE_ITEM, &EVENT_BLOCK);
    item->OffsetInstanceName = FIELD_OFFSET(WNODE_SINGLE_ITEM, VariableData);
    put((PUCHAR)item, item->OffsetInstanceName, L"ab");
    item->ItemId = 7;
    item->DataBlockOffset = 76;
    item->SizeDataItem = 2;
    RtlCopyMemory((PUCHAR)item + 76, "IT", 2);
    return IoWMIWriteEvent(item);
}

static NTSTATUS fire_all(void)
{
    PWNODE_ALL_DATA all =
        new_event(96, WNODE_FLAG_ALL_DATA | WNODE_FLAG_FIXED_INSTANCE_SIZE | WNODE_FLAG_STATIC_INSTANCE_NAMES,
                  &EVENT_BLOCK);
    all->InstanceCount = 2;
    all->FixedInstanceSize = 3;
    all->DataBlockOffset = 80;
    RtlCopyMemory((PUCHAR)all + 80, "abc", 3);
    RtlCopyMemory((PUCHAR)all + 88, "def", 3);
    return IoWMIWriteEvent(all);
}

/* The event is the second instance of the base name's block. */
static NTSTATUS fire_reference(void)
{
    PWNODE_EVENT_REFERENCE reference = new_event(sizeof(*reference), 0, &BASE_BLOCK);
    reference->WnodeHeader.Flags = WNODE_FLAG_EVENT_REFERENCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    reference->TargetGuid = BASE_BLOCK;
    reference->TargetDataBlockSize = 2 * BIG;
    reference->TargetInstanceIndex = 1;
    return IoWMIWriteEvent(reference);
}

static void fire_wrong(void)
{
    PWNODE_HEADER header = new_event(1025, WNODE_FLAG_SINGLE_INSTANCE, &EVENT_BLOCK);
    CHECK_STATUS("WMI-04", IoWMIWriteEvent(header), STATUS_BUFFER_OVERFLOW);
    header->BufferSize = 100;
    header->Flags = WNODE_FLAG_SINGLE_INSTANCE;
    CHECK("WMI-04", !NT_SUCCESS(IoWMIWriteEvent(header)));
    header->Flags = WNODE_FLAG_TRACED_GUID;
    CHECK_STATUS("WMI-04", IoWMIWriteEvent(header), STATUS_INVALID_HANDLE);
    ExFreePool(header); /* it is still ours */
}

static void NTAPI end_pended(PVOID context)
{
    LARGE_INTEGER moment = {.QuadPart = -200000};
    KeWaitForSingleObject(&gate, Executive, KernelMode, FALSE, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
    DbgPrint("the pended method ends\n");
    method_ended = TRUE;
    complete(pended, STATUS_WMI_SET_FAILURE, 0);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void start_end(void)
{
    HANDLE thread;
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, end_pended, NULL)))
        ZwClose(thread);
}

/* ---- deregistering waits for what is on its way ---- */

static LONG caller_done;

static void NTAPI call_pended(PVOID context)
{
    UNICODE_STRING one = RTL_CONSTANT_STRING(L"One");
    GUID guid = LIST_BLOCK;
    ULONG size = 0;
    UCHAR nothing;
    PVOID block;
    if (NT_SUCCESS(IoWMIOpenBlock(&guid, WMIGUID_EXECUTE, &block))) {
        CHECK_STATUS("WMI-09", IoWMIExecuteMethod(block, &one, 3, 0, &size, &nothing),
                     STATUS_WMI_SET_FAILURE);
        ObDereferenceObject(block);
    }
    InterlockedIncrement(&caller_done);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS deregister_meanwhile(void)
{
    HANDLE thread;
    NTSTATUS status;
    LARGE_INTEGER moment = {.QuadPart = -10000};
    KeClearEvent(&gate);
    method_ended = FALSE;
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, call_pended, NULL)))
        ZwClose(thread);
    KeWaitForSingleObject(&gate, Executive, KernelMode, FALSE, NULL);
    start_end();
    CHECK("MJ-17", !method_ended);
    status = IoWMIRegistrationControl(provider, WMIREG_ACTION_DEREGISTER);
    CHECK("MJ-17", method_ended);
    while (!caller_done)
        KeDelayExecutionThread(KernelMode, FALSE, &moment);
    return status;
}

/* A driver is not unloaded while something is attached to its devices. */
static void NTAPI drop_filter(PVOID context)
{
    PDEVICE_OBJECT going = filter;
    filter = NULL;
    IoDetachDevice(((EXTENSION *)going->DeviceExtension)->lower);
    IoDeleteDevice(going);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS drop_filter_later(void)
{
    HANDLE thread;
    NTSTATUS status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, drop_filter, NULL);
    if (NT_SUCCESS(status))
        ZwClose(thread);
    return status;
}

static void check_ids(void)
{
    ULONG first, second;
    GUID guid = BASE_BLOCK;
    CHECK("WMI-00", NT_SUCCESS(IoWMIAllocateInstanceIds(&guid, 6, &first)));
    CHECK("WMI-00", NT_SUCCESS(IoWMIAllocateInstanceIds(&guid, 1, &second)));
    CHECK_EQ("WMI-00", second, first + 6);
}

static void check_registration(void)
{
    CHECK_STATUS("WMI-0B", IoWMIRegistrationControl(provider, WMIREG_ACTION_REGISTER),
                 STATUS_OBJECT_NAME_EXISTS);
    CHECK_STATUS("WMI-0B", IoWMIRegistrationControl(provider, 9), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("WMI-0B", IoWMIRegistrationControl(filter, WMIREG_ACTION_DEREGISTER),
                 STATUS_INVALID_PARAMETER);
    CHECK("MJ-17",
          IoWMIDeviceObjectToProviderId(provider) != 0 && IoWMIDeviceObjectToProviderId(filter) == 0);
    CHECK("MJ-17", filtered > 0);
    CHECK("WMI-0B", reginfos == 2); /* the first buffer was too small */
}

static NTSTATUS do_it(ULONG code)
{
    switch (code) {
    case RL_IOCTL(0):
        check_registration();
        check_ids();
        return STATUS_SUCCESS;
    case RL_IOCTL(1):
        return fire_one();
    case RL_IOCTL(2):
        return fire_item();
    case RL_IOCTL(3):
        return fire_all();
    case RL_IOCTL(4):
        return fire_reference();
    case RL_IOCTL(5):
        fire_wrong();
        return STATUS_SUCCESS;
    case RL_IOCTL(6):
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_UPDATE_GUIDS);
    case RL_IOCTL(7):
        update_removes = TRUE;
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_UPDATE_GUIDS);
    case RL_IOCTL(8):
        answers_old = TRUE;
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_REREGISTER);
    case RL_IOCTL(9):
        CHECK("WMI-08", old_reginfos > 0);
        CHECK("WMI-00", too_small > 0);
        return STATUS_SUCCESS;
    case RL_IOCTL(10):
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_BLOCK_IRPS);
    case RL_IOCTL(11):
        collection_on = 0; /* nobody says so to who goes */
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_DEREGISTER);
    case RL_IOCTL(12):
        return IoWMIRegistrationControl(provider, WMIREG_ACTION_REGISTER);
    case RL_IOCTL(13): /* a method is on its way; deregistering waits for it */
        start_end();
        return STATUS_SUCCESS;
    case RL_IOCTL(16): /* a consumer that was there before has it enabled */
        CHECK_EQ("WMI-06", collection_on, 1);
        return STATUS_SUCCESS;
    case RL_IOCTL(15):
        return drop_filter_later();
    case RL_IOCTL(14):
        return deregister_meanwhile();
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
    return complete(Irp, status, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoWMIRegistrationControl(provider, WMIREG_ACTION_DEREGISTER);
    if (filter) {
        IoDetachDevice(((EXTENSION *)filter->DeviceExtension)->lower);
        IoDeleteDevice(filter);
    }
    IoDeleteDevice(provider);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\WmiProvider");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverUnload = unload;
    KeInitializeEvent(&gate, NotificationEvent, FALSE);
    IoCreateDevice(DriverObject, sizeof(EXTENSION), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &provider);
    IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &filter);
    RtlZeroMemory(provider->DeviceExtension, sizeof(EXTENSION));
    provider->Flags &= ~DO_DEVICE_INITIALIZING;
    ((EXTENSION *)filter->DeviceExtension)->lower = IoAttachDeviceToDeviceStack(filter, provider);
    filter->Flags &= ~DO_DEVICE_INITIALIZING;
    return IoWMIRegistrationControl(provider, WMIREG_ACTION_REGISTER);
}

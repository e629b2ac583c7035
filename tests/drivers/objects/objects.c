/* SPDX-License-Identifier: MIT */
/*
 * Objects, handles, threads, the registry and security as a driver uses them
 * on the whole machine. What each routine does in detail the unit tests show.
 */
#include "../rltest.h"
#include <ntifs.h>
#include <wchar.h>

NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING, ULONG, PACCESS_STATE, ACCESS_MASK,
                                                   POBJECT_TYPE, KPROCESSOR_MODE, PVOID, PVOID *);
extern __declspec(dllimport) POBJECT_TYPE *IoDriverObjectType, *IoDeviceObjectType;

static OBJECT_ATTRIBUTES attributes;
static UNICODE_STRING name;

static POBJECT_ATTRIBUTES named(PCWSTR text, ULONG flags)
{
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, text ? &name : NULL, OBJ_KERNEL_HANDLE | flags, NULL, NULL);
    return &attributes;
}

static void events(void)
{
    HANDLE one, two;
    PKEVENT event, again;
    LARGE_INTEGER soon;
    KIRQL irql;
    soon.QuadPart = -10000;
    CHECK_STATUS("OB-EVENT",
                 ZwCreateEvent(&one, EVENT_ALL_ACCESS, named(L"\\BaseNamedObjects\\Obj", 0),
                               SynchronizationEvent, FALSE),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-EVENT", ZwOpenEvent(&two, EVENT_ALL_ACCESS, named(L"\\BaseNamedObjects\\Obj", 0)),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-EVENT",
                 ZwCreateEvent(&two, EVENT_ALL_ACCESS, named(L"\\BaseNamedObjects\\Obj", 0),
                               SynchronizationEvent, FALSE),
                 STATUS_OBJECT_NAME_COLLISION);
    CHECK_STATUS("OB-EVENT",
                 ObReferenceObjectByHandle(one, 0, *ExEventObjectType, KernelMode, (PVOID *)&event, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-EVENT",
                 ObReferenceObjectByHandle(two, 0, *ExEventObjectType, KernelMode, (PVOID *)&again, NULL),
                 STATUS_SUCCESS);
    CHECK("OB-EVENT", event == again);
    CHECK_STATUS("OB-EVENT",
                 ObReferenceObjectByHandle(one, 0, *IoFileObjectType, KernelMode, (PVOID *)&again, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("OB-EVENT", ZwWaitForSingleObject(two, FALSE, &soon), STATUS_TIMEOUT);
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    CHECK_STATUS("OB-EVENT", ZwWaitForSingleObject(two, FALSE, &soon), STATUS_SUCCESS);
    CHECK_STATUS("OB-EVENT", ZwWaitForSingleObject(one, FALSE, &soon), STATUS_TIMEOUT);
    ZwClose(one);
    ZwClose(two);
    CHECK_STATUS("OB-EVENT", ZwOpenEvent(&two, EVENT_ALL_ACCESS, named(L"\\BaseNamedObjects\\Obj", 0)),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    ObDereferenceObject(event);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ObDereferenceObject(event); /* the last one: deleted by a worker */
    KeLowerIrql(irql);
}

static KEVENT go;
static HANDLE thread_process, thread_id;

static VOID NTAPI thread_routine(PVOID Context)
{
    thread_process = PsGetCurrentProcessId();
    thread_id = PsGetCurrentThreadId();
    KeWaitForSingleObject(&go, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread((NTSTATUS)(ULONG_PTR)Context);
}

static void threads(void)
{
    HANDLE handle;
    CLIENT_ID id;
    PETHREAD thread, found;
    LARGE_INTEGER soon;
    soon.QuadPart = -10000;
    KeInitializeEvent(&go, NotificationEvent, FALSE);
    CHECK_STATUS("OB-THREAD",
                 PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, &id, thread_routine,
                                      (PVOID)(ULONG_PTR)7),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-THREAD",
                 ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, (PVOID *)&thread, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-THREAD", PsLookupThreadByThreadId(id.UniqueThread, &found), STATUS_SUCCESS);
    CHECK("OB-THREAD", found == thread && PsIsSystemThread(thread));
    ObDereferenceObject(found);
    CHECK_STATUS("OB-THREAD", ZwWaitForSingleObject(handle, FALSE, &soon), STATUS_TIMEOUT);
    KeSetEvent(&go, IO_NO_INCREMENT, FALSE);
    CHECK_STATUS("OB-THREAD", KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    CHECK("OB-THREAD", thread_process == (HANDLE)4 && thread_id == id.UniqueThread);
    ZwClose(handle);
    ObDereferenceObject(thread);
}

static ULONG calls;

static NTSTATUS NTAPI count_value(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength,
                                  PVOID Context, PVOID EntryContext)
{
    calls += *(PULONG)Context;
    return STATUS_SUCCESS;
}

static void registry(PUNICODE_STRING path)
{
    HANDLE key, sub;
    UNICODE_STRING text, value;
    ULONG number = 42, got = 0, length, one = 1;
    struct {
        KEY_VALUE_PARTIAL_INFORMATION info;
        UCHAR more[32];
    } room;
    RTL_QUERY_REGISTRY_TABLE table[4];
    InitializeObjectAttributes(&attributes, path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_STATUS("CM-KEY", ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    RtlInitUnicodeString(&text, L"Parameters");
    InitializeObjectAttributes(&attributes, &text, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, key, NULL);
    CHECK_STATUS("CM-KEY",
                 ZwCreateKey(&sub, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE, &got),
                 STATUS_SUCCESS);
    CHECK_EQ("CM-KEY", got, REG_CREATED_NEW_KEY);
    RtlInitUnicodeString(&value, L"Number");
    CHECK_STATUS("CM-KEY", ZwSetValueKey(sub, &value, 0, REG_DWORD, &number, sizeof number), STATUS_SUCCESS);
    CHECK_STATUS("CM-KEY",
                 ZwQueryValueKey(sub, &value, KeyValuePartialInformation, &room, sizeof room, &length),
                 STATUS_SUCCESS);
    CHECK("CM-KEY", room.info.Type == REG_DWORD && *(PULONG)room.info.Data == 42);
    CHECK_STATUS("CM-KEY", ZwQueryValueKey(sub, &value, KeyValuePartialInformation, &room, 14, &length),
                 STATUS_BUFFER_OVERFLOW);
    RtlZeroMemory(table, sizeof table);
    table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    table[0].Name = L"Parameters";
    table[1].Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED;
    table[1].Name = L"Number";
    table[1].EntryContext = &got;
    table[2].QueryRoutine = count_value;
    CHECK_STATUS("SR-52", RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, path->Buffer, table, &one, NULL),
                 STATUS_SUCCESS);
    CHECK_EQ("SR-52", got, 42);
    CHECK_EQ("SR-52", calls, 1);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(sub), STATUS_SUCCESS);
    CHECK_STATUS("CM-KEY", ZwSetValueKey(sub, &value, 0, REG_DWORD, &number, sizeof number),
                 STATUS_KEY_DELETED);
    ZwClose(sub);
    ZwClose(key);
}

/* What IoCreateDeviceSecure's static library does to a device. */
static void security(PDRIVER_OBJECT driver)
{
    PDEVICE_OBJECT device;
    HANDLE handle;
    SECURITY_DESCRIPTOR sd;
    union {
        ACL acl;
        UCHAR room[128];
    } dacl;
    UCHAR relative[256], back[256];
    ULONG length = sizeof relative, needed = 0;
    PACL found;
    BOOLEAN present = FALSE, defaulted;
    UNICODE_STRING device_name;
    RtlInitUnicodeString(&device_name, L"\\Device\\ObjectsSecure");
    CHECK_STATUS("SE-DEVICE", IoCreateDevice(driver, 0, &device_name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                 STATUS_SUCCESS);
    RtlCreateSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl(&dacl.acl, sizeof dacl, ACL_REVISION);
    CHECK_STATUS("SE-DEVICE",
                 RtlAddAccessAllowedAce(&dacl.acl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid),
                 STATUS_SUCCESS);
    RtlSetDaclSecurityDescriptor(&sd, TRUE, &dacl.acl, FALSE);
    CHECK_STATUS("SE-DEVICE", RtlAbsoluteToSelfRelativeSD(&sd, relative, &length), STATUS_SUCCESS);
    CHECK_STATUS("SE-DEVICE",
                 ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC | READ_CONTROL,
                                       *IoDeviceObjectType, KernelMode, &handle),
                 STATUS_SUCCESS);
    CHECK_STATUS("SE-DEVICE", ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, relative),
                 STATUS_SUCCESS);
    CHECK_STATUS("SE-DEVICE",
                 ZwQuerySecurityObject(handle, DACL_SECURITY_INFORMATION, back, sizeof back, &needed),
                 STATUS_SUCCESS);
    CHECK_STATUS("SE-DEVICE", RtlGetDaclSecurityDescriptor(back, &present, &found, &defaulted),
                 STATUS_SUCCESS);
    CHECK("SE-DEVICE", present && found && found->AceCount == 1);
    ZwClose(handle);
    IoDeleteDevice(device);
}

static void names(PDRIVER_OBJECT driver)
{
    HANDLE handle;
    PDRIVER_OBJECT found = NULL;
    UCHAR room[256];
    POBJECT_NAME_INFORMATION info = (POBJECT_NAME_INFORMATION)room;
    WCHAR target[64];
    UNICODE_STRING text, link;
    ULONG length;
    CHECK_STATUS("OB-NAME", ObQueryNameString(driver, info, sizeof room, &length), STATUS_SUCCESS);
    CHECK("OB-NAME", wcscmp(info->Name.Buffer, L"\\Driver\\objects") == 0);
    RtlInitUnicodeString(&text, L"\\driver\\OBJECTS");
    CHECK_STATUS("OB-NAME",
                 ObReferenceObjectByName(&text, OBJ_CASE_INSENSITIVE, NULL, 0, *IoDriverObjectType,
                                         KernelMode, NULL, (PVOID *)&found),
                 STATUS_SUCCESS);
    CHECK("OB-NAME", found == driver);
    ObDereferenceObject(found);
    RtlInitUnicodeString(&link, L"\\DosDevices\\ObjectsLink");
    RtlInitUnicodeString(&text, L"\\Device\\Nowhere");
    CHECK_STATUS("OB-NAME", IoCreateSymbolicLink(&link, &text), STATUS_SUCCESS);
    CHECK_STATUS(
        "OB-NAME",
        ZwOpenSymbolicLinkObject(&handle, GENERIC_READ, named(L"\\??\\objectslink", OBJ_CASE_INSENSITIVE)),
        STATUS_SUCCESS);
    text.Buffer = target;
    text.MaximumLength = sizeof target;
    CHECK_STATUS("OB-NAME", ZwQuerySymbolicLinkObject(handle, &text, NULL), STATUS_SUCCESS);
    CHECK("OB-NAME", text.Length == 30 && RtlCompareMemory(target, L"\\Device\\Nowhere", 30) == 30);
    ZwClose(handle);
    CHECK_STATUS("OB-NAME", IoDeleteSymbolicLink(&link), STATUS_SUCCESS);
    CHECK_STATUS(
        "OB-NAME",
        ZwOpenSymbolicLinkObject(&handle, GENERIC_READ, named(L"\\??\\objectslink", OBJ_CASE_INSENSITIVE)),
        STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    events();
    threads();
    registry(RegistryPath);
    security(DriverObject);
    names(DriverObject);
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

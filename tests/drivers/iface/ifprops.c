/* SPDX-License-Identifier: MIT */
/* Properties and registry keys of a device of the root bus and of its interface, each with its failures. */
#include "../rltest.h"
#include <ntifs.h>
#include <devpropdef.h>

#ifndef LOCALE_NEUTRAL
#define LOCALE_NEUTRAL 0
#endif
#define ROOT_KEYS                                                                                            \
    {                                                                                                        \
        0xA45C254E, 0xDF1C, 0x4EFD,                                                                          \
        {                                                                                                    \
            0x80, 0x20, 0x67, 0xD1, 0x46, 0xA8, 0x50, 0xE0                                                   \
        }                                                                                                    \
    }

NTKERNELAPI NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT, const DEVPROPKEY *, LCID, ULONG, ULONG,
                                                   PVOID, PULONG, PDEVPROPTYPE);
NTKERNELAPI NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT, const DEVPROPKEY *, LCID, ULONG,
                                                   DEVPROPTYPE, ULONG, PVOID);
/* Of Windows 8: not in every import library. */
static NTSTATUS(NTAPI *get_interface)(PUNICODE_STRING, const DEVPROPKEY *, LCID, ULONG, ULONG, PVOID, PULONG,
                                      PDEVPROPTYPE);
static NTSTATUS(NTAPI *set_interface)(PUNICODE_STRING, const DEVPROPKEY *, LCID, ULONG, DEVPROPTYPE, ULONG,
                                      PVOID);

static const DEVPROPKEY
    friendly = {ROOT_KEYS, 14},
    hardware = {ROOT_KEYS, 3}, enumerator = {ROOT_KEYS, 24},
    own = {{0x7A3E1B10, 0x5D0C, 0x4F6B, {1, 2, 3, 4, 5, 6, 7, 8}}, 7},
    instance = {{0x78C34FC8, 0x104A, 0x4ACA, {0x9E, 0xA4, 0x52, 0x4D, 0x52, 0x99, 0x6E, 0x57}}, 256},
    enabled = {{0x026E516E, 0xB814, 0x414B, {0x83, 0xCD, 0x85, 0x6D, 0x6F, 0xEF, 0x48, 0x22}}, 3};

static void text_is(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property, const WCHAR *wanted)
{
    WCHAR text[100] = {0};
    ULONG length = 0, size = (ULONG)((wcslen(wanted) + 1) * sizeof(WCHAR));
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, property, sizeof(text), text, &length), STATUS_SUCCESS);
    CHECK_EQ("PN-PROP", length, size);
    CHECK("PN-PROP", !wcscmp(text, wanted));
    length = 0;
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, property, size - 1, text, &length),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("PN-PROP", length, size);
    length = 0;
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, property, 0, NULL, &length), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("PN-PROP", length, size);
}

static ULONG number_of(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property)
{
    ULONG value = 0xABCD, length = 0;
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, property, sizeof(value), &value, &length),
                 STATUS_SUCCESS);
    CHECK_EQ("PN-PROP", length, sizeof(value));
    return value;
}

static void device_properties(PDEVICE_OBJECT pdo)
{
    WCHAR text[100];
    GUID guid;
    ULONG length;
    text_is(pdo, DevicePropertyEnumeratorName, L"ROOT");
    text_is(pdo, DevicePropertyDeviceDescription, L"Interface test device");
    text_is(pdo, DevicePropertyManufacturer, L"Ringless tests");
    text_is(pdo, DevicePropertyFriendlyName, L"Friend");
    text_is(pdo, DevicePropertyClassGuid, L"{7a3e1b20-5d0c-4f6b-9a11-203b8e5c7120}");
    text_is(pdo, DevicePropertyClassName, L"IfTest");
    text_is(pdo, DevicePropertyDriverKeyName, L"{7a3e1b20-5d0c-4f6b-9a11-203b8e5c7120}\\0003");
    text_is(pdo, DevicePropertyLocationInformation, L"Slot 5");
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyInstallState), 0);
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyAddress), 0xFFFFFFFF);
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyUINumber), 0xFFFFFFFF);
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyRemovalPolicy), RemovalPolicyExpectNoRemoval);
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyLegacyBusType), PNPBus);
    CHECK_EQ("PN-PROP", number_of(pdo, DevicePropertyBusNumber), 0);
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, DevicePropertyBusTypeGuid, sizeof(guid), &guid, &length),
                 STATUS_SUCCESS);
    CHECK_EQ("PN-PROP", length, sizeof(guid));
    /* REG_MULTI_SZ: two zeros at its end. */
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, DevicePropertyHardwareID, sizeof(text), text, &length),
                 STATUS_SUCCESS);
    CHECK("PN-PROP",
          length == sizeof(L"ROOT\\IFDEV") + 2 && text[length / 2 - 1] == 0 && text[length / 2 - 2] == 0);
    CHECK_STATUS(
        "PN-PROP",
        IoGetDeviceProperty(pdo, DevicePropertyPhysicalDeviceObjectName, sizeof(text), text, &length),
        STATUS_SUCCESS);
    CHECK("PN-PROP", !wcsncmp(text, L"\\Device\\", 8) && length == (wcslen(text) + 1) * 2);
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, DevicePropertyContainerID, sizeof(text), text, &length),
                 STATUS_SUCCESS);
    CHECK_EQ("PN-PROP", length, 39 * 2);
    CHECK_STATUS("PN-PROP",
                 IoGetDeviceProperty(pdo, DevicePropertyCompatibleIDs, sizeof(text), text, &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("PN-PROP",
                 IoGetDeviceProperty(pdo, DevicePropertyBootConfiguration, sizeof(text), text, &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("PN-PROP", IoGetDeviceProperty(pdo, 99, sizeof(text), text, &length),
                 STATUS_INVALID_PARAMETER_2);
    CHECK_STATUS("PN-PROP",
                 IoGetDeviceProperty(pdo->AttachedDevice, DevicePropertyAddress, sizeof(text), text, &length),
                 STATUS_INVALID_DEVICE_REQUEST);
}

static void device_data(PDEVICE_OBJECT pdo)
{
    WCHAR text[100];
    DEVPROPTYPE type = 0;
    ULONG length = 0, value = 0x12345678, read = 0;
    CHECK_STATUS(
        "PN-DATA",
        IoGetDevicePropertyData(pdo, &friendly, LOCALE_NEUTRAL, 0, sizeof(text), text, &length, &type),
        STATUS_SUCCESS);
    CHECK("PN-DATA", type == DEVPROP_TYPE_STRING && length == sizeof(L"Friend") && !wcscmp(text, L"Friend"));
    CHECK_STATUS("PN-DATA",
                 IoSetDevicePropertyData(pdo, &friendly, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_STRING,
                                         sizeof(L"Foe"), L"Foe"),
                 STATUS_SUCCESS);
    text_is(pdo, DevicePropertyFriendlyName, L"Foe");
    CHECK_STATUS(
        "PN-DATA",
        IoGetDevicePropertyData(pdo, &hardware, LOCALE_NEUTRAL, 0, sizeof(text), text, &length, &type),
        STATUS_SUCCESS);
    CHECK_EQ("PN-DATA", type, DEVPROP_TYPE_STRING_LIST);
    CHECK_STATUS(
        "PN-DATA",
        IoGetDevicePropertyData(pdo, &instance, LOCALE_NEUTRAL, 0, sizeof(text), text, &length, &type),
        STATUS_SUCCESS);
    CHECK("PN-DATA", !wcscmp(text, L"ROOT\\IFDEV\\0000"));
    CHECK_STATUS("PN-DATA",
                 IoSetDevicePropertyData(pdo, &enumerator, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_STRING, 4, L"X"),
                 STATUS_ACCESS_DENIED);
    CHECK_STATUS("PN-DATA",
                 IoGetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, sizeof(read), &read, &length, &type),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("PN-DATA",
                 IoSetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, PLUGPLAY_PROPERTY_PERSISTENT,
                                         DEVPROP_TYPE_UINT32, sizeof(value), &value),
                 STATUS_SUCCESS);
    CHECK_STATUS("PN-DATA", IoGetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, 2, &read, &length, &type),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK("PN-DATA", length == 4 && read == 0);
    CHECK_STATUS("PN-DATA",
                 IoGetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, sizeof(read), &read, &length, &type),
                 STATUS_SUCCESS);
    CHECK("PN-DATA", read == value && length == 4 && type == DEVPROP_TYPE_UINT32);
    /* A locale of its own. */
    CHECK_STATUS("PN-DATA", IoGetDevicePropertyData(pdo, &own, 0x407, 0, sizeof(read), &read, &length, &type),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("PN-DATA", IoGetDevicePropertyData(pdo, &own, 0x800, 0, sizeof(read), &read, &length, &type),
                 STATUS_UNSUCCESSFUL);
    CHECK_STATUS("PN-DATA",
                 IoSetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_UINT32, 3, &value),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("PN-DATA",
                 IoSetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_EMPTY, 0, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("PN-DATA",
                 IoGetDevicePropertyData(pdo, &own, LOCALE_NEUTRAL, 0, sizeof(read), &read, &length, &type),
                 STATUS_OBJECT_NAME_NOT_FOUND);
}

LONG if_references(void);

/* The PnP manager asks the stack for an interface, uses it and lets go of it. */
static void location_paths(PDEVICE_OBJECT pdo)
{
    static const DEVPROPKEY paths = {ROOT_KEYS, 37};
    WCHAR text[40];
    DEVPROPTYPE type = 0;
    ULONG length = 0;
    CHECK_STATUS("PNP-08",
                 IoGetDevicePropertyData(pdo, &paths, LOCALE_NEUTRAL, 0, sizeof(text), text, &length, &type),
                 STATUS_SUCCESS);
    CHECK("PNP-08", type == DEVPROP_TYPE_STRING_LIST && length == sizeof(L"IFDEV(05)\0"));
    CHECK("PNP-08", !wcscmp(text, L"IFDEV(05)"));
    CHECK_EQ("SR-53", if_references(), 0);
}

static NTSTATUS NTAPI answered(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID event)
{
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* What nobody in the stack knows comes back as it was sent. */
static void unknown_interface(PDEVICE_OBJECT pdo)
{
    static const GUID unknown = {0x7A3E1B30, 0x5D0C, 0x4F6B, {1, 2, 3, 4, 5, 6, 7, 8}};
    INTERFACE room = {0x55, 0x66, NULL, NULL, NULL};
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(pdo);
    KEVENT event;
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    location->MajorFunction = IRP_MJ_PNP;
    location->MinorFunction = IRP_MN_QUERY_INTERFACE;
    location->Parameters.QueryInterface.InterfaceType = &unknown;
    location->Parameters.QueryInterface.Size = sizeof(room);
    location->Parameters.QueryInterface.Version = 1;
    location->Parameters.QueryInterface.Interface = &room;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(irp, answered, &event, TRUE, TRUE, TRUE);
    IoCallDriver(top, irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("PNP-08", irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
    CHECK("PNP-08", room.Size == 0x55 && room.Version == 0x66);
    IoFreeIrp(irp);
    ObDereferenceObject(top);
}

static void interface_data(PUNICODE_STRING link)
{
    UNICODE_STRING bad = RTL_CONSTANT_STRING(L"\\Device\\Null");
    DEVPROPTYPE type = 0;
    ULONG length = 0, value = 77, read = 0;
    CHAR yes = 0;
    UNICODE_STRING get = RTL_CONSTANT_STRING(L"IoGetDeviceInterfacePropertyData"),
                   set = RTL_CONSTANT_STRING(L"IoSetDeviceInterfacePropertyData");
    get_interface = MmGetSystemRoutineAddress(&get);
    set_interface = MmGetSystemRoutineAddress(&set);
    CHECK_STATUS("PN-DATA", get_interface(link, &enabled, LOCALE_NEUTRAL, 0, 1, &yes, &length, &type),
                 STATUS_SUCCESS);
    CHECK("PN-DATA", yes == DEVPROP_TRUE && type == DEVPROP_TYPE_BOOLEAN && length == 1);
    CHECK_STATUS("PN-DATA", set_interface(link, &enabled, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_BOOLEAN, 1, &yes),
                 STATUS_NOT_IMPLEMENTED);
    CHECK_STATUS("PN-DATA", set_interface(link, &own, LOCALE_NEUTRAL, 0, DEVPROP_TYPE_UINT32, 4, &value),
                 STATUS_SUCCESS);
    CHECK_STATUS("PN-DATA", get_interface(link, &own, LOCALE_NEUTRAL, 0, 4, &read, &length, &type),
                 STATUS_SUCCESS);
    CHECK("PN-DATA", read == 77 && length == 4);
    CHECK_STATUS("PN-DATA", get_interface(link, &own, 0x400, 0, 4, &read, &length, &type),
                 STATUS_UNSUCCESSFUL);
    CHECK_STATUS("PN-DATA", get_interface(&bad, &own, LOCALE_NEUTRAL, 0, 4, &read, &length, &type),
                 STATUS_INVALID_PARAMETER);
}

/* KEY_NAME_INFORMATION, which not every DDK has. */
struct key_name {
    ULONG NameLength;
    WCHAR Name[1];
};

static BOOLEAN key_ends_with(HANDLE key, const WCHAR *tail)
{
    UCHAR buffer[600];
    struct key_name *info = (struct key_name *)buffer;
    ULONG length, chars = (ULONG)wcslen(tail);
    if (!NT_SUCCESS(ZwQueryKey(key, KeyNameInformation, info, sizeof(buffer) - 2, &length)))
        return FALSE;
    info->Name[info->NameLength / 2] = 0;
    return info->NameLength / 2 >= chars && !_wcsicmp(info->Name + info->NameLength / 2 - chars, tail);
}

static void keys(PDEVICE_OBJECT pdo, PUNICODE_STRING link)
{
    HANDLE key;
    UNICODE_STRING unknown =
                       RTL_CONSTANT_STRING(L"\\??\\ROOT#NONE#0000#{7a3e1b01-5d0c-4f6b-9a11-203b8e5c7101}"),
                   bad = RTL_CONSTANT_STRING(L"\\Device\\Null"), value = RTL_CONSTANT_STRING(L"Kept");
    ULONG number = 9;
    CHECK_STATUS("PN-KEY", IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &key),
                 STATUS_SUCCESS);
    CHECK("PN-KEY", (LONG_PTR)key < 0 && key_ends_with(key, L"\\Enum\\ROOT\\IFDEV\\0000\\Device Parameters"));
    CHECK_STATUS("PN-KEY", ZwSetValueKey(key, &value, 0, REG_DWORD, &number, sizeof(number)), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS("PN-KEY", IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &key),
                 STATUS_SUCCESS);
    CHECK("PN-KEY", key_ends_with(key, L"\\Control\\Class\\{7a3e1b20-5d0c-4f6b-9a11-203b8e5c7120}\\0003"));
    ZwClose(key);
    CHECK_STATUS("PN-KEY",
                 IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DRIVER | PLUGPLAY_REGKEY_CURRENT_HWPROFILE,
                                         KEY_READ, &key),
                 STATUS_SUCCESS);
    CHECK("PN-KEY",
          key_ends_with(key,
                        L"CurrentControlSet\\Control\\Class\\{7a3e1b20-5d0c-4f6b-9a11-203b8e5c7120}\\0003"));
    ZwClose(key);
    CHECK_STATUS("PN-KEY", IoOpenDeviceRegistryKey(pdo, 3, KEY_READ, &key), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("PN-KEY", IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_CURRENT_HWPROFILE, KEY_READ, &key),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("PN-KEY",
                 IoOpenDeviceRegistryKey(pdo->AttachedDevice, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("PN-KEY", IoOpenDeviceInterfaceRegistryKey(link, KEY_ALL_ACCESS, &key), STATUS_SUCCESS);
    CHECK("PN-KEY", key_ends_with(key, L"#{7a3e1b01-5d0c-4f6b-9a11-203b8e5c7101}\\#\\Device Parameters"));
    CHECK_STATUS("PN-KEY", ZwSetValueKey(key, &value, 0, REG_DWORD, &number, sizeof(number)), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS("PN-KEY", IoOpenDeviceInterfaceRegistryKey(&unknown, KEY_READ, &key),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("PN-KEY", IoOpenDeviceInterfaceRegistryKey(&bad, KEY_READ, &key), STATUS_INVALID_PARAMETER);
}

void if_properties(PDEVICE_OBJECT pdo, PUNICODE_STRING link)
{
    device_properties(pdo);
    device_data(pdo);
    interface_data(link);
    keys(pdo, link);
    location_paths(pdo);
    unknown_interface(pdo);
}

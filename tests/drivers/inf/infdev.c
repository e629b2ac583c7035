/* SPDX-License-Identifier: MIT */
/*
 * A WDM driver that is installed by an INF and tells, in AddDevice, what of it
 * it finds: its software key, its hardware key, its service's parameters, what
 * the PnP manager knows of the device, and the interface that AddInterface
 * registered. Each is a word in the shared log (testlog.h).
 */
#include <initguid.h>
#include "pnp/testlog.h"
#include <wdmguid.h>

/* What AddInterface registers: {11223344-3C51-4F0E-9B6A-1B0B5C4D7E21} */
DEFINE_GUID(face, 0x11223344, 0x3C51, 0x4F0E, 0x9B, 0x6A, 0x1B, 0x0B, 0x5C, 0x4D, 0x7E, 0x21);

struct extension {
    PDEVICE_OBJECT lower;
};

static WCHAR service_path[200];
static char me[40];

/* The text of a value; "?" if there is none, its number if it is one. */
static void value_text(HANDLE key, PCWSTR name, char *text, size_t room)
{
    union {
        KEY_VALUE_PARTIAL_INFORMATION value;
        UCHAR bytes[400];
    } u;
    UNICODE_STRING string;
    ULONG length;
    RtlInitUnicodeString(&string, name);
    strcpy(text, "?");
    if (!NT_SUCCESS(ZwQueryValueKey(key, &string, KeyValuePartialInformation, &u, sizeof(u), &length)))
        return;
    if (u.value.Type == REG_DWORD)
        _snprintf(text, room, "%lu", *(PULONG)u.value.Data);
    else if (u.value.Type == REG_SZ || u.value.Type == REG_EXPAND_SZ || u.value.Type == REG_MULTI_SZ)
        _snprintf(text, room, "%S", (PWSTR)u.value.Data);
    else
        _snprintf(text, room, "%lu:%lu", u.value.Type, u.value.DataLength);
}

static void say_key(const char *what, HANDLE key, const PCWSTR *names, unsigned count)
{
    char text[200];
    for (unsigned i = 0; i < count; i++) {
        value_text(key, names[i], text, sizeof(text));
        say("%s.%S=%s", what, names[i], text);
    }
    ZwClose(key);
}

static HANDLE open_path(PCWSTR path)
{
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key = NULL;
    RtlInitUnicodeString(&string, path);
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenKey(&key, KEY_READ, &attributes);
    return key;
}

static void say_device_keys(PDEVICE_OBJECT pdo)
{
    static const PCWSTR software[] = {L"Speed",   L"Strings",    L"InfSection",       L"DriverVersion",
                                      L"Reached", L"DriverDesc", L"MatchingDeviceId", L"ProviderName"};
    static const PCWSTR hardware[] = {L"Own"};
    HANDLE key;
    if (NT_SUCCESS(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &key)))
        say_key("software", key, software, sizeof(software) / sizeof(software[0]));
    if (NT_SUCCESS(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key)))
        say_key("hardware", key, hardware, 1);
}

static void say_service(void)
{
    static const PCWSTR names[] = {L"DisplayName", L"Group", L"DependOnService", L"ImagePath"};
    static const PCWSTR parameters[] = {L"Depth"};
    WCHAR path[240];
    HANDLE key = open_path(service_path);
    if (key)
        say_key("service", key, names, sizeof(names) / sizeof(names[0]));
    _snwprintf(path, sizeof(path) / sizeof(path[0]), L"%s\\Parameters", service_path);
    key = open_path(path);
    if (key)
        say_key("parameters", key, parameters, 1);
}

static void say_properties(PDEVICE_OBJECT pdo)
{
    static const struct {
        DEVICE_REGISTRY_PROPERTY property;
        const char *name;
    } asked[] = {{DevicePropertyDeviceDescription, "description"},
                 {DevicePropertyManufacturer, "manufacturer"},
                 {DevicePropertyClassName, "class"},
                 {DevicePropertyClassGuid, "guid"},
                 {DevicePropertyDriverKeyName, "driver"}};
    WCHAR text[200];
    ULONG length;
    for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        if (NT_SUCCESS(IoGetDeviceProperty(pdo, asked[i].property, sizeof(text), text, &length)))
            say("%s=%S", asked[i].name, text);
}

static void say_interface(PDEVICE_OBJECT pdo)
{
    static const PCWSTR names[] = {L"Note"};
    UNICODE_STRING link;
    HANDLE key;
    if (!NT_SUCCESS(IoRegisterDeviceInterface(pdo, &face, NULL, &link)))
        return;
    if (NT_SUCCESS(IoOpenDeviceInterfaceRegistryKey(&link, KEY_READ, &key)))
        say_key("interface", key, names, 1);
    RtlFreeUnicodeString(&link);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    say("%s.add", me);
    say_device_keys(pdo);
    say_service();
    say_properties(pdo);
    say_interface(pdo);
    device->Flags |= DO_BUFFERED_IO | (e->lower->Flags & DO_POWER_PAGABLE);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    PDEVICE_OBJECT lower = e->lower;
    if (minor == IRP_MN_REMOVE_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL ||
        minor == IRP_MN_QUERY_REMOVE_DEVICE)
        irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass(e, irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDetachDevice(lower);
        IoDeleteDevice(device);
    }
    return status;
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_pass(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(device->DeviceExtension, irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    service_name(path, me, sizeof(me));
    if (path->Length >= sizeof(service_path))
        return STATUS_NAME_TOO_LONG;
    memcpy(service_path, path->Buffer, path->Length);
    testlog_open();
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = dispatch_pass;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * A client of ifdev's interfaces: a legacy driver that registers for them in
 * DriverEntry, opens what arrives and registers for the device then. It says
 * what it hears, one line each, and checks it. IOCTLs of \Device\IfClient: 1
 * refuses the next query-remove, 2 waits for a slow callback and unregisters,
 * 3 unregisters all, 4 asks for interfaces.
 */
#include "../pnp/testlog.h"
#include <ntifs.h>
#include <initguid.h>
#include "ifguids.h"
#include <wdmguid.h>

static PDRIVER_OBJECT driver;
static PVOID interface_entry, target_entry, second_target, slow_entry, profile_entry;
static PFILE_OBJECT file;
static PDEVICE_OBJECT target;
static UNICODE_STRING name;
static WCHAR name_text[260];
static BOOLEAN veto, veto2, slow_done, registering;
static KEVENT slow_entered;

static NTSTATUS NTAPI target_changed(PVOID NotificationStructure, PVOID Context);
static NTSTATUS NTAPI target_changed2(PVOID NotificationStructure, PVOID Context);

static void open_target(void)
{
    CHECK_STATUS("DO-56", IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &target), STATUS_SUCCESS);
    CHECK("DO-56", target->StackSize >= 2);
    CHECK_STATUS("PNP-07d",
                 IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, file, driver,
                                                target_changed, &driver, &target_entry),
                 STATUS_SUCCESS);
}

static void close_target(void)
{
    if (file)
        ObDereferenceObject(file);
    file = NULL;
}

static NTSTATUS NTAPI interface_changed(PVOID NotificationStructure, PVOID Context)
{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION *change = NotificationStructure;
    BOOLEAN arrival = IsEqualGUID(&change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL);
    CHECK_EQ("SR-33", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-33", PsIsSystemThread(PsGetCurrentThread()) && Context == &interface_entry);
    CHECK("SR-33", change->Version == 1 && change->Size == sizeof(*change));
    CHECK("SR-33", IsEqualGUID(&change->InterfaceClassGuid, &GUID_IF_TEST));
    CHECK("SR-33", arrival || IsEqualGUID(&change->Event, &GUID_DEVICE_INTERFACE_REMOVAL));
    DbgPrint("ifclient: %s%s %wZ\n", registering ? "existing " : "", arrival ? "arrival" : "removal",
             change->SymbolicLinkName);
    say(arrival ? "arrival" : "removal");
    if (arrival && !target_entry) {
        memcpy(name_text, change->SymbolicLinkName->Buffer, change->SymbolicLinkName->Length);
        name.Buffer = name_text;
        name.Length = name.MaximumLength = change->SymbolicLinkName->Length;
        open_target();
    }
    return STATUS_SUCCESS;
}

static void custom(TARGET_DEVICE_CUSTOM_NOTIFICATION *change)
{
    CHECK("SR-34", IsEqualGUID(&change->Event, &GUID_IF_EVENT));
    CHECK("SR-34", change->FileObject == file && change->NameBufferOffset == -1);
    CHECK("SR-34", change->Size == FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) + 4);
    CHECK("SR-34", !memcmp(change->CustomDataBuffer, "abc", 4));
    say("custom");
}

static NTSTATUS NTAPI target_changed(PVOID NotificationStructure, PVOID Context)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION *change = NotificationStructure;
    CHECK_EQ("SR-33", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-33", PsIsSystemThread(PsGetCurrentThread()) && Context == &driver);
    if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE)) {
        CHECK("SR-33", change->FileObject == file && change->Size == sizeof(*change) && change->Version == 1);
        say(veto ? "refused" : "asked");
        if (veto) {
            veto = FALSE;
            return STATUS_UNSUCCESSFUL;
        }
        close_target();
    } else if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED)) {
        say("cancelled");
        /* From its own callback. */
        CHECK_STATUS("SR-33", IoUnregisterPlugPlayNotificationEx(target_entry), STATUS_SUCCESS);
        close_target();
        open_target();
    } else if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE)) {
        say("complete");
        CHECK_STATUS("SR-33", IoUnregisterPlugPlayNotification(target_entry), STATUS_SUCCESS);
        target_entry = NULL;
        close_target();
    } else {
        custom(NotificationStructure);
    }
    return STATUS_SUCCESS;
}

/* Registered behind the first. */
static NTSTATUS NTAPI target_changed2(PVOID NotificationStructure, PVOID Context)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION *change = NotificationStructure;
    if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE) && veto2) {
        say("refused2");
        veto2 = FALSE;
        return STATUS_PLUGPLAY_QUERY_VETOED;
    }
    if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE))
        say("asked2");
    else if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED))
        say("cancelled2");
    else if (IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE)) {
        say("complete2");
        IoUnregisterPlugPlayNotificationEx(second_target);
        second_target = NULL;
    }
    /* Means nothing but for a query. */
    return IsEqualGUID(&change->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE) ? STATUS_SUCCESS
                                                                         : STATUS_UNSUCCESSFUL;
}

static NTSTATUS NTAPI slow(PVOID NotificationStructure, PVOID Context)
{
    LARGE_INTEGER delay = {.QuadPart = -500000};
    DbgPrint("ifclient: slow begins\n");
    KeSetEvent(&slow_entered, 0, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, &delay);
    slow_done = TRUE;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI profile_changed(PVOID NotificationStructure, PVOID Context)
{
    return STATUS_SUCCESS;
}

static void stop_slow(void)
{
    KeWaitForSingleObject(&slow_entered, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("SR-33", IoUnregisterPlugPlayNotificationEx(slow_entry), STATUS_SUCCESS);
    CHECK("SR-33", slow_done);
    slow_entry = NULL;
}

static void unregister_all(void)
{
    PVOID *const entries[] = {&interface_entry, &target_entry, &second_target, &slow_entry, &profile_entry};
    for (ULONG i = 0; i < ARRAYSIZE(entries); i++) {
        if (*entries[i])
            CHECK_STATUS("SR-33", IoUnregisterPlugPlayNotification(*entries[i]), STATUS_SUCCESS);
        *entries[i] = NULL;
    }
    close_target();
}

static ULONG count_names(const WCHAR *list)
{
    ULONG count = 0;
    for (; *list; list += wcslen(list) + 1)
        count++;
    return count;
}

static ULONG count_of(const GUID *class, ULONG flags)
{
    PWSTR list = NULL;
    CHECK_STATUS("DO-56", IoGetDeviceInterfaces(class, NULL, flags, &list), STATUS_SUCCESS);
    ULONG count = list ? count_names(list) : 99;
    ExFreePool(list);
    return count;
}

static void look(void)
{
    UNICODE_STRING alias, bad = RTL_CONSTANT_STRING(L"\\Device\\Null"), link;
    PWSTR list;
    CHECK_EQ("DO-56", count_of(&GUID_IF_TEST, 0), 1);
    CHECK_EQ("DO-56", count_of(&GUID_IF_REFS, 0), 2);
    CHECK_EQ("DO-56", count_of(&GUID_IF_SECOND, 0), 0);
    CHECK_EQ("DO-56", count_of(&GUID_IF_SECOND, DEVICE_INTERFACE_INCLUDE_NONACTIVE), 1);
    CHECK_EQ("DO-56", count_of(&GUID_IF_EVENT, DEVICE_INTERFACE_INCLUDE_NONACTIVE), 0);
    CHECK_STATUS("DO-56", IoGetDeviceInterfaces(&GUID_IF_TEST, driver->DeviceObject, 0, &list),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS("DO-56", IoGetDeviceInterfaceAlias(&name, &GUID_IF_SECOND, &alias), STATUS_SUCCESS);
    CHECK("DO-56", alias.Length == name.Length && !RtlEqualUnicodeString(&alias, &name, TRUE));
    RtlFreeUnicodeString(&alias);
    CHECK_STATUS("DO-56", IoGetDeviceInterfaceAlias(&name, &GUID_IF_REFS, &alias),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("DO-56", IoGetDeviceInterfaceAlias(&bad, &GUID_IF_REFS, &alias), STATUS_INVALID_HANDLE);
    IoGetDeviceInterfaces(&GUID_IF_REFS, NULL, 0, &list);
    RtlInitUnicodeString(&link, list);
    /* Another reference string. */
    CHECK_STATUS("DO-56", IoGetDeviceInterfaceAlias(&link, &GUID_IF_TEST, &alias),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    ExFreePool(list);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG code = location->MajorFunction == IRP_MJ_DEVICE_CONTROL
                     ? location->Parameters.DeviceIoControl.IoControlCode
                     : 0;
    if (code == RL_IOCTL(1))
        veto = TRUE;
    else if (code == RL_IOCTL(2))
        stop_slow();
    else if (code == RL_IOCTL(3))
        unregister_all();
    else if (code == RL_IOCTL(4))
        look();
    else if (code == RL_IOCTL(6))
        veto2 = TRUE;
    else if (code == RL_IOCTL(5))
        IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, file, driver, target_changed2,
                                       NULL, &second_target);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    unregister_all();
    testlog_close();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    PVOID entry;
    UNICODE_STRING own = RTL_CONSTANT_STRING(L"\\Device\\IfClient");
    driver = DriverObject;
    testlog_open();
    KeInitializeEvent(&slow_entered, NotificationEvent, FALSE);
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    NTSTATUS status = IoCreateDevice(DriverObject, 0, &own, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    CHECK_STATUS(
        "SR-33",
        IoRegisterPlugPlayNotification(EventCategoryReserved, 0, NULL, DriverObject, slow, NULL, &entry),
        STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-33",
                 IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, NULL, DriverObject,
                                                slow, NULL, &entry),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-33", IoUnregisterPlugPlayNotificationEx(&entry), STATUS_INVALID_PARAMETER);
    registering = TRUE;
    CHECK_STATUS("SR-33",
                 IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange,
                                                PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES,
                                                (PVOID)&GUID_IF_TEST, DriverObject, interface_changed,
                                                &interface_entry, &interface_entry),
                 STATUS_SUCCESS);
    registering = FALSE;
    CHECK_STATUS("SR-33",
                 IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&GUID_IF_SECOND,
                                                DriverObject, slow, NULL, &slow_entry),
                 STATUS_SUCCESS);
    CHECK_STATUS("SR-33",
                 IoRegisterPlugPlayNotification(EventCategoryHardwareProfileChange, 0, NULL, DriverObject,
                                                profile_changed, NULL, &profile_entry),
                 STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

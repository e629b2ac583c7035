/* SPDX-License-Identifier: MIT */
/*
 * A function driver with device interfaces: registers them in AddDevice,
 * enables them in START, disables them in REMOVE. What it sees of the rules on
 * its way it checks itself; IOCTLs ask it for more. It is the function driver of
 * every device that it is added to; read gives the name a file was opened by.
 */
#include "../pnp/testlog.h"
#include <ntifs.h>
#include <initguid.h>
#include "ifguids.h"
#include <wdmguid.h>

struct extension {
    PDEVICE_OBJECT pdo, lower;
    UNICODE_STRING link, link_a, link_b, second;
    BOOLEAN started;
};

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS open_name(PUNICODE_STRING name)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    InitializeObjectAttributes(&attributes, name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    NTSTATUS status =
        ZwOpenFile(&handle, FILE_READ_DATA, &attributes, &iosb, FILE_SHARE_READ | FILE_SHARE_WRITE, 0);
    if (NT_SUCCESS(status))
        ZwClose(handle);
    return status;
}

/* Registrations stay when the device and its driver go. */
static BOOLEAN is_registered(PDEVICE_OBJECT pdo)
{
    PWSTR list;
    if (!NT_SUCCESS(IoGetDeviceInterfaces(&GUID_IF_TEST, pdo, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &list)))
        return FALSE;
    BOOLEAN registered = list[0] != 0;
    ExFreePool(list);
    return registered;
}

static void register_all(struct extension *e)
{
    NTSTATUS first = is_registered(e->pdo) ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
    UNICODE_STRING a = RTL_CONSTANT_STRING(L"alpha"), b = RTL_CONSTANT_STRING(L"beta"),
                   bad = RTL_CONSTANT_STRING(L"al\\pha"), bad2 = RTL_CONSTANT_STRING(L"al/pha"), again;
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_TEST, NULL, &e->link), first);
    CHECK("DO-56", e->link.Buffer[e->link.Length / 2] == 0);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_TEST, NULL, &again),
                 STATUS_OBJECT_NAME_EXISTS);
    CHECK("DO-56", RtlEqualUnicodeString(&again, &e->link, FALSE));
    RtlFreeUnicodeString(&again);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_REFS, &a, &e->link_a), first);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_REFS, &b, &e->link_b), first);
    CHECK("DO-56", !RtlEqualUnicodeString(&e->link_a, &e->link_b, FALSE));
    CHECK("DO-56",
          e->link_a.Length > 12 && !memcmp((char *)e->link_a.Buffer + e->link_a.Length - 12, L"\\alpha", 12));
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_REFS, &bad, &again),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_REFS, &bad2, &again),
                 STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(e->pdo, &GUID_IF_SECOND, NULL, &e->second), first);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    UNICODE_STRING none;
    /* A device object that is no PDO. */
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(device, &GUID_IF_TEST, NULL, &none),
                 STATUS_INVALID_DEVICE_REQUEST);
    e->pdo = pdo;
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    register_all(e);
    device->Flags |= DO_BUFFERED_IO;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI wake(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID event)
{
    if (Irp->PendingReturned)
        KeSetEvent(event, 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS start(struct extension *e, PIRP irp)
{
    KEVENT event;
    PWSTR list;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, wake, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IoCallDriver(e->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
    }
    CHECK_STATUS("DO-58", open_name(&e->link), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link, TRUE), STATUS_SUCCESS);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link, TRUE), STATUS_OBJECT_NAME_EXISTS);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link_a, TRUE), STATUS_SUCCESS);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link_b, TRUE), STATUS_SUCCESS);
    /* START is not over. */
    CHECK_STATUS("DO-57", open_name(&e->link), STATUS_NO_SUCH_DEVICE);
    CHECK_STATUS("DO-57", IoGetDeviceInterfaces(&GUID_IF_TEST, e->pdo, 0, &list), STATUS_SUCCESS);
    CHECK("DO-57", list[0] == 0);
    ExFreePool(list);
    e->started = TRUE;
    say("dev.START");
    return complete(irp, status, 0);
}

static void free_names(struct extension *e)
{
    RtlFreeUnicodeString(&e->link);
    RtlFreeUnicodeString(&e->link_a);
    RtlFreeUnicodeString(&e->link_b);
    RtlFreeUnicodeString(&e->second);
}

static NTSTATUS remove_device(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    if (e->started) {
        CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link, FALSE), STATUS_SUCCESS);
        CHECK_STATUS("DO-58", open_name(&e->link), STATUS_OBJECT_NAME_NOT_FOUND);
        CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&e->link, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
        /* alpha and beta stay for the PnP manager. */
    }
    say("dev.REMOVE");
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    NTSTATUS status = IoCallDriver(e->lower, irp);
    free_names(e);
    IoDetachDevice(e->lower);
    IoDeleteDevice(device);
    return status;
}

DEFINE_GUID(GUID_LOCATION, 0x70211B0E, 0x0AFB, 0x47DB, 0xAF, 0xC1, 0x41, 0x0B, 0xF8, 0x42, 0x49, 0x7A);
static LONG interface_references;

static VOID NTAPI reference(PVOID Context)
{
    InterlockedIncrement(&interface_references);
}

static VOID NTAPI dereference(PVOID Context)
{
    CHECK("SR-53", Context == &interface_references && KeGetCurrentIrql() <= DISPATCH_LEVEL);
    InterlockedDecrement(&interface_references);
}

static NTSTATUS NTAPI location_string(PVOID Context, PWCHAR *LocationStrings)
{
    static const WCHAR text[] = L"IFDEV(05)\0";
    CHECK_EQ("SR-53", interface_references, 1);
    *LocationStrings = ExAllocatePoolWithTag(PagedPool, sizeof(text), 'coLI');
    memcpy(*LocationStrings, text, sizeof(text));
    return STATUS_SUCCESS;
}

static NTSTATUS query_interface(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PNP_LOCATION_INTERFACE *asked = (PNP_LOCATION_INTERFACE *)location->Parameters.QueryInterface.Interface;
    if (!IsEqualGUID(location->Parameters.QueryInterface.InterfaceType, &GUID_LOCATION)) {
        IoSkipCurrentIrpStackLocation(irp);
        return IoCallDriver(e->lower, irp);
    }
    CHECK_STATUS("PNP-08", irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
    CHECK_EQ("PNP-08", location->Parameters.QueryInterface.Version, 1);
    CHECK_EQ("PNP-08", location->Parameters.QueryInterface.Size, sizeof(*asked));
    CHECK("PNP-08", asked != NULL);
    if (location->Parameters.QueryInterface.Size < sizeof(*asked) || !asked)
        return complete(irp, STATUS_INVALID_PARAMETER, 0);
    asked->Size = sizeof(*asked);
    asked->Version = 1;
    asked->Context = &interface_references;
    asked->InterfaceReference = reference;
    asked->InterfaceDereference = dereference;
    asked->GetLocationString = location_string;
    reference(asked->Context);
    return complete(irp, STATUS_SUCCESS, 0);
}

LONG if_references(void)
{
    return interface_references;
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(e, irp);
    case IRP_MN_QUERY_INTERFACE:
        return query_interface(e, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(DeviceObject, e, irp);
    case IRP_MN_SURPRISE_REMOVAL:
        say("dev.SURPRISE");
        irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        say("dev.QUERY_REMOVE");
        irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        say("dev.CANCEL_REMOVE");
        irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
        irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    }
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PUNICODE_STRING name = &location->FileObject->FileName;
    ULONG count = name->Length / 2;
    if (count > location->Parameters.Read.Length)
        return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    for (ULONG i = 0; i < count; i++)
        ((char *)irp->AssociatedIrp.SystemBuffer)[i] = (char)name->Buffer[i];
    return complete(irp, STATUS_SUCCESS, count);
}

static VOID NTAPI told(PVOID context)
{
    CHECK_EQ("SR-34", KeGetCurrentIrql(), PASSIVE_LEVEL);
    say("told.%s", (char *)context);
}

/* 1: its own event, waiting; 2: not waiting, at DISPATCH_LEVEL; 3: a system event. */
static NTSTATUS report(struct extension *e, ULONG how)
{
    struct {
        TARGET_DEVICE_CUSTOM_NOTIFICATION n;
        UCHAR more[8];
    } change = {0};
    KIRQL irql;
    change.n.Version = 1;
    change.n.Size = FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) + 4;
    change.n.Event = GUID_IF_EVENT;
    change.n.NameBufferOffset = -1;
    memcpy(change.n.CustomDataBuffer, "abc", 4);
    if (how == 1)
        return IoReportTargetDeviceChange(e->pdo, &change.n);
    if (how == 2) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        NTSTATUS status = IoReportTargetDeviceChangeAsynchronous(e->pdo, &change.n, told, "x");
        memset(&change, 0xEE, sizeof(change)); /* the system has a copy */
        KeLowerIrql(irql);
        say("reported");
        return status;
    }
    change.n.Event = GUID_TARGET_DEVICE_REMOVE_COMPLETE;
    CHECK_STATUS("SR-34", IoReportTargetDeviceChangeAsynchronous(e->pdo, &change.n, told, "y"),
                 STATUS_INVALID_DEVICE_REQUEST);
    change.n.Event = GUID_IF_EVENT;
    CHECK_STATUS("SR-34",
                 IoReportTargetDeviceChangeAsynchronous(e->pdo->AttachedDevice, &change.n, told, "z"),
                 STATUS_INVALID_DEVICE_REQUEST);
    change.n.Event = GUID_TARGET_DEVICE_QUERY_REMOVE;
    return IoReportTargetDeviceChange(e->pdo, &change.n);
}

void if_properties(PDEVICE_OBJECT pdo, PUNICODE_STRING link);

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    NTSTATUS status = STATUS_SUCCESS;
    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(1):
        status = report(e, 1);
        break;
    case RL_IOCTL(2):
        status = report(e, 2);
        break;
    case RL_IOCTL(3):
        status = report(e, 3);
        break;
    case RL_IOCTL(4):
        status = IoSetDeviceInterfaceState(&e->second, TRUE);
        break;
    case RL_IOCTL(5):
        status = IoSetDeviceInterfaceState(&e->second, FALSE);
        break;
    case RL_IOCTL(6):
        if_properties(e->pdo, &e->link);
        break;
    case RL_IOCTL(7): /* of two that share a link one goes */
        CHECK_STATUS("DO-58", IoSetDeviceInterfaceState(&e->link_a, FALSE), STATUS_SUCCESS);
        CHECK_STATUS("DO-58", open_name(&e->link_b), STATUS_SUCCESS);
        CHECK_STATUS("DO-58", IoSetDeviceInterfaceState(&e->link_b, FALSE), STATUS_SUCCESS);
        CHECK_STATUS("DO-58", open_name(&e->link_b), STATUS_OBJECT_PATH_NOT_FOUND);
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
    }
    return complete(irp, status, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    testlog_open();
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_power;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    return STATUS_SUCCESS;
}

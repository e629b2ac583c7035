/* SPDX-License-Identifier: MIT */
/*
 * A WDM driver with two devices in each stack, of which the lower one makes the
 * MISTAKE that the file before this header names. Built right but for that.
 * The upper device is \Device\Broken; IOCTL_DO_IT sends a request of its own
 * into the stack, if the mistake is about such a one. As a bus it has one
 * child, without a driver, whose PDO makes the mistake.
 */
#ifndef STACK_H
#define STACK_H

#include "broken.h"

enum mistake {
    NO_MISTAKE, /* the function driver under a filter that makes it */
    FAIL_AND_PASS,
    TURN_BACK,
    CHANGE_UNKNOWN_STATUS,
    CHANGE_UNKNOWN_INFORMATION,
    LEAVE_STATUS,
    ANSWER_FOR_BUS,
    COMPLETE_UNKNOWN,
    COMPLETE_SUCCESS,
    COMPLETE_UNTOUCHED,
    COMPLETE_TARGET,
    FAIL_STOP,
    FAIL_REMOVE,
    NO_DETACH,
    NO_DELETE,
    SURPRISE_DETACH,
    SURPRISE_DELETE,
    OWN_PNP_STATUS,
    OWN_POWER_STATUS,
    OWN_WMI_STATUS,
    OWN_RESERVED,
    OWN_LEGACY,
    OWN_VERSION,
    OWN_SIZE,
    OWN_ADDRESS,
    OWN_NUMBER,
    POWER_FAIL_AND_PASS,
    POWER_TURN_BACK,
    POWER_CHANGE_MINOR,
    POWER_COMPLETE_UNKNOWN,
    POWER_COMPLETE_SUCCESS,
    POWER_COMPLETE_UNTOUCHED,
    WMI_COMPLETE,
    STAY_INITIALIZING,
    BOTH_BUFFERS,
    FILTER_BUFFERS,
    FILTER_TYPE,
    FILTER_PAGABLE,
    NO_UNLOAD,
    PDO_UNANSWERED, /* from here on it is a bus */
    PDO_TARGET,
    PDO_UNREFERENCED,
    PDO_DELETED,
    LIST_FDO
};

struct extension {
    PDEVICE_OBJECT lower;
    BOOLEAN upper, child;
};

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT child_pdo;

static BOOLEAN is_filter(void)
{
    return MISTAKE >= FILTER_BUFFERS && MISTAKE <= FILTER_PAGABLE;
}

static BOOLEAN is_bus(void)
{
    return MISTAKE >= PDO_UNANSWERED;
}

/* ---- passing on ---- */

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI back(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS pass_and_wait(struct extension *e, PIRP irp)
{
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(e->lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

/* ---- a request of its own, through the whole stack ---- */

static VOID send(PDEVICE_OBJECT device, UCHAR major, UCHAR minor, NTSTATUS status,
                 DEVICE_CAPABILITIES *capabilities)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(device);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->IoStatus.Status = status;
    next->MajorFunction = major;
    next->MinorFunction = minor;
    if (minor == IRP_MN_QUERY_CAPABILITIES)
        next->Parameters.DeviceCapabilities.Capabilities = capabilities;
    if (major == IRP_MJ_PNP && minor == IRP_MN_QUERY_DEVICE_RELATIONS)
        next->Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
    if (major == IRP_MJ_SYSTEM_CONTROL)
        next->Parameters.WMI.ProviderId = (ULONG_PTR)&event; /* nobody's */
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(top, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    if (major == IRP_MJ_PNP && minor == IRP_MN_QUERY_DEVICE_RELATIONS && NT_SUCCESS(irp->IoStatus.Status) &&
        irp->IoStatus.Information != 0)
        ExFreePool((PVOID)irp->IoStatus.Information);
    IoFreeIrp(irp);
    ObDereferenceObject(top);
}

static VOID do_it(PDEVICE_OBJECT device)
{
    DEVICE_CAPABILITIES c;

    RtlZeroMemory(&c, sizeof(c));
    c.Version = MISTAKE == OWN_VERSION ? 7 : 1;
    c.Size = MISTAKE == OWN_SIZE ? 8 : sizeof(c);
    c.Address = MISTAKE == OWN_ADDRESS ? 0 : (ULONG)-1;
    c.UINumber = MISTAKE == OWN_NUMBER ? 0 : (ULONG)-1;
    if (MISTAKE >= OWN_PNP_STATUS && MISTAKE <= OWN_NUMBER && MISTAKE != OWN_POWER_STATUS &&
        MISTAKE != OWN_WMI_STATUS && MISTAKE != OWN_RESERVED && MISTAKE != OWN_LEGACY)
        send(device, IRP_MJ_PNP, IRP_MN_QUERY_CAPABILITIES,
             MISTAKE == OWN_PNP_STATUS ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED, &c);
    else if (MISTAKE == OWN_RESERVED || MISTAKE == OWN_LEGACY)
        send(device, IRP_MJ_PNP, MISTAKE == OWN_LEGACY ? 0x18 : IRP_MN_QUERY_STOP_DEVICE,
             STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == OWN_WMI_STATUS)
        send(device, IRP_MJ_SYSTEM_CONTROL, IRP_MN_QUERY_ALL_DATA, STATUS_UNSUCCESSFUL, NULL);
    else if (MISTAKE == OWN_POWER_STATUS ||
             (MISTAKE >= POWER_FAIL_AND_PASS && MISTAKE <= POWER_COMPLETE_UNTOUCHED))
        send(device, IRP_MJ_POWER, IRP_MN_POWER_SEQUENCE,
             MISTAKE == OWN_POWER_STATUS ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == WMI_COMPLETE)
        send(device, IRP_MJ_SYSTEM_CONTROL, IRP_MN_QUERY_ALL_DATA, STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == ANSWER_FOR_BUS)
        send(device, IRP_MJ_PNP, IRP_MN_READ_CONFIG, STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == COMPLETE_TARGET)
        send(device, IRP_MJ_PNP, IRP_MN_QUERY_DEVICE_RELATIONS, STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == PDO_TARGET || MISTAKE == PDO_UNREFERENCED)
        send(child_pdo, IRP_MJ_PNP, IRP_MN_QUERY_DEVICE_RELATIONS, STATUS_NOT_SUPPORTED, NULL);
    else if (MISTAKE == PDO_UNANSWERED)
        send(child_pdo, IRP_MJ_PNP, IRP_MN_QUERY_CAPABILITIES, STATUS_NOT_SUPPORTED, &c);
}

/* ---- the child ---- */

static NTSTATUS list(PIRP irp, PDEVICE_OBJECT device)
{
    PDEVICE_RELATIONS relations = ExAllocatePoolWithTag(PagedPool, sizeof(*relations), 'leRB');

    relations->Count = 1;
    relations->Objects[0] = device;
    irp->IoStatus.Information = (ULONG_PTR)relations;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_id(PIRP irp, BUS_QUERY_ID_TYPE type)
{
    static const WCHAR id[] = L"BROKEN\\Child\0", instance[] = L"0\0";
    PCWSTR text = type == BusQueryInstanceID ? instance : id;
    SIZE_T bytes = type == BusQueryInstanceID ? sizeof(instance) : sizeof(id);
    PWSTR copy;

    if (type > BusQueryInstanceID)
        return finish(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    copy = ExAllocatePoolWithTag(PagedPool, bytes, 'diRB');
    RtlCopyMemory(copy, text, bytes);
    return finish(irp, STATUS_SUCCESS, (ULONG_PTR)copy);
}

static NTSTATUS answer_target(PDEVICE_OBJECT device, PIRP irp)
{
    if (MISTAKE == PDO_TARGET)
        return finish(irp, STATUS_SUCCESS, 0);
    if (MISTAKE != PDO_UNREFERENCED)
        ObReferenceObject(device);
    list(irp, device);
    return finish(irp, STATUS_SUCCESS, irp->IoStatus.Information);
}

static NTSTATUS child_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return answer_id(irp, location->Parameters.QueryId.IdType);
    case IRP_MN_QUERY_CAPABILITIES:
        if (MISTAKE == PDO_UNANSWERED)
            return finish(irp, STATUS_NOT_SUPPORTED, 0);
        location->Parameters.DeviceCapabilities.Capabilities->RawDeviceOK = TRUE;
        return finish(irp, STATUS_SUCCESS, 0);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation)
            return answer_target(device, irp);
        return finish(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    case IRP_MN_REMOVE_DEVICE:
        if (MISTAKE == PDO_DELETED)
            IoDeleteDevice(device);
        return finish(irp, STATUS_SUCCESS, 0);
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return finish(irp, STATUS_SUCCESS, 0);
    default:
        return finish(irp, irp->IoStatus.Status, irp->IoStatus.Information);
    }
}

static NTSTATUS bus_relations(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    if (MISTAKE == LIST_FDO) {
        ObReferenceObject(device);
        list(irp, device);
        return pass(e, irp);
    }
    if (child_pdo == NULL) {
        IoCreateDevice(driver, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN,
                       FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &child_pdo);
        ((struct extension *)child_pdo->DeviceExtension)->child = TRUE;
        child_pdo->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    ObReferenceObject(child_pdo);
    list(irp, child_pdo);
    return pass(e, irp);
}

/* ---- Plug and Play ---- */

static NTSTATUS remove_it(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    BOOLEAN wrong = !e->upper;
    NTSTATUS status;

    if (wrong && MISTAKE == FAIL_REMOVE)
        return finish(irp, STATUS_UNSUCCESSFUL, 0);
    irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass(e, irp);
    if (wrong && MISTAKE == NO_DETACH)
        return status;
    IoDetachDevice(e->lower);
    if (!(wrong && MISTAKE == NO_DELETE))
        IoDeleteDevice(device);
    if (!e->upper && child_pdo != NULL && MISTAKE != PDO_DELETED) {
        IoDeleteDevice(child_pdo);
        child_pdo = NULL;
    }
    return status;
}

static NTSTATUS surprise(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    NTSTATUS status;

    irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass(e, irp);
    if (!e->upper && MISTAKE == SURPRISE_DETACH)
        IoDetachDevice(e->lower);
    if (!e->upper && MISTAKE == SURPRISE_DELETE)
        IoDeleteDevice(device);
    return status;
}

static NTSTATUS wrong_state(struct extension *e, PIRP irp)
{
    if (MISTAKE == COMPLETE_SUCCESS)
        return finish(irp, STATUS_SUCCESS, 0);
    if (MISTAKE == COMPLETE_UNTOUCHED)
        return finish(irp, irp->IoStatus.Status, 0);
    if (MISTAKE == FAIL_AND_PASS)
        irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
    if (MISTAKE == TURN_BACK)
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    return pass(e, irp);
}

static NTSTATUS wrong_unknown(struct extension *e, PIRP irp)
{
    if (MISTAKE == COMPLETE_UNKNOWN)
        return finish(irp, irp->IoStatus.Status, 0);
    if (MISTAKE == CHANGE_UNKNOWN_STATUS)
        irp->IoStatus.Status = STATUS_SUCCESS;
    if (MISTAKE == CHANGE_UNKNOWN_INFORMATION)
        irp->IoStatus.Information = 5;
    return pass(e, irp);
}

static NTSTATUS other_pnp(PDEVICE_OBJECT device, struct extension *e, PIRP irp, PIO_STACK_LOCATION location)
{
    UCHAR minor = location->MinorFunction;

    if (e->upper)
        return pass(e, irp);
    if (minor == IRP_MN_QUERY_PNP_DEVICE_STATE)
        return wrong_state(e, irp);
    if (minor == IRP_MN_READ_CONFIG && MISTAKE == ANSWER_FOR_BUS)
        irp->IoStatus.Status = STATUS_SUCCESS;
    if (minor == IRP_MN_QUERY_DEVICE_RELATIONS && MISTAKE == COMPLETE_TARGET &&
        location->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation)
        return finish(irp, STATUS_SUCCESS, 0);
    if (minor == IRP_MN_QUERY_DEVICE_RELATIONS && is_bus() &&
        location->Parameters.QueryDeviceRelations.Type == BusRelations)
        return bus_relations(device, e, irp);
    return minor > 0x20 ? wrong_unknown(e, irp) : pass(e, irp);
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status;

    if (e->child)
        return child_pnp(device, irp);
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = pass_and_wait(e, irp);
        return finish(irp, status, irp->IoStatus.Information);
    case IRP_MN_STOP_DEVICE:
        if (!e->upper && MISTAKE == FAIL_STOP)
            return finish(irp, STATUS_UNSUCCESSFUL, 0);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        if (MISTAKE != LEAVE_STATUS)
            irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(e, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_it(device, e, irp);
    case IRP_MN_SURPRISE_REMOVAL:
        return surprise(device, e, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        if (e->upper && MISTAKE == TURN_BACK)
            irp->IoStatus.Status = STATUS_SUCCESS;
        /* fall through */
    default:
        return other_pnp(device, e, irp, location);
    }
}

/* ---- power and WMI ---- */

static NTSTATUS wrong_power(struct extension *e, PIRP irp, UCHAR minor)
{
    if (minor != IRP_MN_POWER_SEQUENCE)
        return MISTAKE == POWER_COMPLETE_UNKNOWN && minor > 3 ? finish(irp, irp->IoStatus.Status, 0)
                                                              : pass(e, irp);
    switch (MISTAKE) {
    case POWER_COMPLETE_SUCCESS:
        return finish(irp, STATUS_SUCCESS, 0);
    case POWER_COMPLETE_UNTOUCHED:
        return finish(irp, irp->IoStatus.Status, 0);
    case POWER_FAIL_AND_PASS:
        irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
        return pass(e, irp);
    case POWER_TURN_BACK:
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        return pass(e, irp);
    case POWER_CHANGE_MINOR:
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_POWER;
        return IoCallDriver(e->lower, irp);
    default:
        return pass(e, irp);
    }
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;

    if (e->child)
        return finish(irp, irp->IoStatus.Status, 0);
    if (!e->upper)
        return wrong_power(e, irp, minor);
    if (MISTAKE == POWER_TURN_BACK && minor == IRP_MN_POWER_SEQUENCE)
        irp->IoStatus.Status = STATUS_SUCCESS;
    return pass(e, irp);
}

static NTSTATUS NTAPI wmi(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;

    if (e->child || (!e->upper && MISTAKE == WMI_COMPLETE))
        return finish(irp, irp->IoStatus.Status, 0);
    return pass(e, irp);
}

static NTSTATUS NTAPI other(PDEVICE_OBJECT device, PIRP irp)
{
    if (major_of(irp) == IRP_MJ_DEVICE_CONTROL)
        do_it(device);
    return finish(irp, STATUS_SUCCESS, 0);
}

/* ---- the stack ---- */

static VOID wrong_flags(PDEVICE_OBJECT device, PDEVICE_OBJECT lower)
{
    if (MISTAKE == BOTH_BUFFERS)
        device->Flags |= DO_BUFFERED_IO | DO_DIRECT_IO;
    if (MISTAKE == FILTER_BUFFERS)
        device->Flags = (device->Flags & ~DO_DIRECT_IO) | DO_BUFFERED_IO;
    if (MISTAKE == FILTER_TYPE)
        device->DeviceType = FILE_DEVICE_KEYBOARD;
    if (MISTAKE == FILTER_PAGABLE)
        device->Flags &= ~DO_POWER_PAGABLE;
    if (MISTAKE != STAY_INITIALIZING)
        device->Flags &= ~DO_DEVICE_INITIALIZING;
}

static NTSTATUS attach(PDEVICE_OBJECT pdo, BOOLEAN upper)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Broken");
    PDEVICE_OBJECT device;
    struct extension *e;
    NTSTATUS status =
        IoCreateDevice(driver, sizeof(*e), upper ? &name : NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    e = device->DeviceExtension;
    e->upper = upper;
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    device->Flags |= e->lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
    if (MISTAKE == NO_MISTAKE)
        device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    device->DeviceType = e->lower->DeviceType;
    if (upper || is_filter())
        wrong_flags(device, e->lower);
    else
        device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT pdo)
{
    NTSTATUS status = attach(pdo, FALSE);

    if (is_filter())
        return status;
    return NT_SUCCESS(status) ? attach(pdo, TRUE) : status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = other;
    driver = DriverObject;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = wmi;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = MISTAKE == NO_UNLOAD ? NULL : unload;
    return STATUS_SUCCESS;
}

#endif

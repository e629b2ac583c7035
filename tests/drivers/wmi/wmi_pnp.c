/* SPDX-License-Identifier: MIT */
/*
 * A WDM driver that registers with WMI when its device starts, with instance
 * names from its PDO, through WMILIB.SYS; it deregisters in
 * IRP_MN_REMOVE_DEVICE and IRP_MN_SURPRISE_REMOVAL.
 */
#include "wmitest.h"
#include <wmilib.h>

struct extension {
    PDEVICE_OBJECT pdo, lower;
    WMILIB_CONTEXT context;
    BOOLEAN registered;
};

static ULONG value = 0x31313131;
static UNICODE_STRING registry_path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\wmi_pnp");
static WMIGUIDREGINFO guids[] = {{&LIB_BLOCK, 2, 0}};

static NTSTATUS NTAPI query_reginfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                    PUNICODE_STRING InstanceName, PUNICODE_STRING *RegistryPath,
                                    PUNICODE_STRING MofResourceName, PDEVICE_OBJECT *Pdo)
{
    struct extension *e = DeviceObject->DeviceExtension;
    *RegFlags = WMIREG_FLAG_INSTANCE_PDO;
    *RegistryPath = &registry_path;
    *Pdo = e->pdo;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI query_block(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                                  ULONG InstanceCount, PULONG InstanceLengthArray, ULONG BufferAvail,
                                  PUCHAR Buffer)
{
    PWNODE_HEADER header = IoGetCurrentIrpStackLocation(Irp)->Parameters.WMI.Buffer;
    ULONG i, needed = 8 * InstanceCount;
    CHECK("WMI-00", header->Flags & WNODE_FLAG_PDO_INSTANCE_NAMES);
    if (BufferAvail < needed)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, needed, IO_NO_INCREMENT);
    for (i = 0; i < InstanceCount; i++) {
        *(PULONG)(Buffer + 8 * i) = value + InstanceIndex + i;
        InstanceLengthArray[i] = 4;
    }
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, needed - 4, IO_NO_INCREMENT);
}

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    SYSCTL_IRP_DISPOSITION disposition;
    NTSTATUS status = WmiSystemControl(&e->context, DeviceObject, irp, &disposition);

    if (disposition == IrpProcessed)
        return status;
    if (disposition != IrpNotCompleted)
        return pass(e, irp);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI back(PDEVICE_OBJECT DeviceObject, PIRP irp, PVOID event)
{
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void check_suggestions(struct extension *e)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"link"), pdo, both;
    CHECK("WMI-01", NT_SUCCESS(IoWMISuggestInstanceName(e->pdo, NULL, FALSE, &pdo)));
    CHECK("WMI-01", NT_SUCCESS(IoWMISuggestInstanceName(e->pdo, &link, TRUE, &both)));
    CHECK("WMI-01", pdo.Length > 8 && both.Length > pdo.Length && RtlPrefixUnicodeString(&pdo, &both, FALSE));
    ExFreePool(pdo.Buffer);
    ExFreePool(both.Buffer);
}

static LONG_PTR references(PVOID object)
{
    LONG_PTR count = ObReferenceObject(object);
    ObDereferenceObject(object);
    return count;
}

/* What the library references for WMI, WMI gives back. */
static void check_registration(PDEVICE_OBJECT device, PDEVICE_OBJECT pdo)
{
    LARGE_INTEGER moment = {.QuadPart = -100000};
    LONG_PTR before = references(pdo);
    CHECK("WMI-0B", NT_SUCCESS(IoWMIRegistrationControl(device, WMIREG_ACTION_REGISTER)));
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
    CHECK_EQ("SR-57", references(pdo), before);
}

static NTSTATUS start(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    KEVENT event;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(e->lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
    if (NT_SUCCESS(status) && !e->registered) {
        e->registered = TRUE;
        check_suggestions(e);
        check_registration(device, e->pdo);
    }
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static void deregister(PDEVICE_OBJECT device, struct extension *e)
{
    if (e->registered)
        IoWMIRegistrationControl(device, WMIREG_ACTION_DEREGISTER);
    e->registered = FALSE;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    NTSTATUS status;

    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(device, e, irp);
    case IRP_MN_SURPRISE_REMOVAL:
        deregister(device, e);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(e, irp);
    case IRP_MN_REMOVE_DEVICE:
        deregister(device, e);
        irp->IoStatus.Status = STATUS_SUCCESS;
        status = pass(e, irp);
        IoDetachDevice(e->lower);
        IoDeleteDevice(device);
        return status;
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(e, irp);
    default:
        return pass(e, irp);
    }
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT device, PIRP irp)
{
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(((struct extension *)device->DeviceExtension)->lower, irp);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    struct extension *e;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*e), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    e = device->DeviceExtension;
    e->pdo = pdo;
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    e->context.GuidCount = 1;
    e->context.GuidList = guids;
    e->context.QueryWmiRegInfo = query_reginfo;
    e->context.QueryWmiDataBlock = query_block;
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

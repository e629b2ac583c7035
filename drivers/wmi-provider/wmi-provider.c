/* SPDX-License-Identifier: MIT */
/*
 * wmi-provider: a function driver that tells what it counted through WMI, with
 * the help of WMILIB.SYS: a block that can be queried and set, and an event when
 * the counter passes the limit that somebody set. A write counts its bytes.
 */
#include <initguid.h>
#include <ntddk.h>
#include <wmilib.h>
#include <wmistr.h>

#define PROVIDER_TAG 'rPmW'

/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0011} and ...12 */
DEFINE_GUID(COUNTERS, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x11);
DEFINE_GUID(LIMIT_PASSED, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x12);
DEFINE_GUID(COUNTER_INTERFACE, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x13);

enum { COUNTERS_INDEX, LIMIT_INDEX };
static WMIGUIDREGINFO blocks[] = {
    [COUNTERS_INDEX] = {&COUNTERS, 1, 0}, [LIMIT_INDEX] = {&LIMIT_PASSED, 1, WMIREG_FLAG_EVENT_ONLY_GUID}};

/* The data block, as its MOF would describe it. */
struct counters {
    ULONG writes, bytes, limit;
};

struct provider {
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    WMILIB_CONTEXT wmi;
    struct counters counters; /* each touched by interlocked operations */
    LONG listening;           /* somebody wants the event */
};

static UNICODE_STRING registry_path;

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* ---- WMI ---- */

/* Instances are named after the PDO. */
static NTSTATUS NTAPI query_reginfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                    PUNICODE_STRING InstanceName, PUNICODE_STRING *RegistryPath,
                                    PUNICODE_STRING MofResourceName, PDEVICE_OBJECT *Pdo)
{
    *RegFlags = WMIREG_FLAG_INSTANCE_PDO;
    *RegistryPath = &registry_path;
    *Pdo = ((struct provider *)DeviceObject->DeviceExtension)->pdo;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI query_block(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                                  ULONG InstanceCount, PULONG InstanceLengthArray, ULONG BufferAvail,
                                  PUCHAR Buffer)
{
    struct provider *provider = DeviceObject->DeviceExtension;
    NTSTATUS status = STATUS_SUCCESS;

    if (GuidIndex != COUNTERS_INDEX)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_WMI_GUID_NOT_FOUND, 0, IO_NO_INCREMENT);
    if (BufferAvail < sizeof(struct counters)) {
        status = STATUS_BUFFER_TOO_SMALL;
    } else {
        *(struct counters *)Buffer = provider->counters;
        *InstanceLengthArray = sizeof(struct counters);
    }
    return WmiCompleteRequest(DeviceObject, Irp, status, sizeof(struct counters), IO_NO_INCREMENT);
}

/* All of the block is given; the limit is what can be set. */
static NTSTATUS NTAPI set_block(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG InstanceIndex,
                                ULONG BufferSize, PUCHAR Buffer)
{
    struct provider *provider = DeviceObject->DeviceExtension;
    NTSTATUS status = GuidIndex != COUNTERS_INDEX             ? STATUS_WMI_GUID_NOT_FOUND
                      : BufferSize != sizeof(struct counters) ? STATUS_INVALID_BUFFER_SIZE
                                                              : STATUS_SUCCESS;

    if (NT_SUCCESS(status))
        InterlockedExchange((PLONG)&provider->counters.limit, (LONG)((struct counters *)Buffer)->limit);
    return WmiCompleteRequest(DeviceObject, Irp, status, 0, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI function_control(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                       WMIENABLEDISABLECONTROL Function, BOOLEAN Enable)
{
    struct provider *provider = DeviceObject->DeviceExtension;

    if (Function == WmiEventControl)
        InterlockedExchange(&provider->listening, Enable);
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
}

/* The library frees the event's data. */
static void tell(struct provider *provider, ULONG bytes)
{
    PULONG data = ExAllocatePoolWithTag(NonPagedPool, sizeof(*data), PROVIDER_TAG);

    if (data == NULL)
        return;
    *data = bytes;
    WmiFireEvent(provider->self, (LPGUID)&LIMIT_PASSED, 0, sizeof(*data), data);
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct provider *provider = DeviceObject->DeviceExtension;
    SYSCTL_IRP_DISPOSITION disposition;
    NTSTATUS status = IoAcquireRemoveLock(&provider->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    status = WmiSystemControl(&provider->wmi, DeviceObject, Irp, &disposition);
    switch (disposition) {
    case IrpProcessed:
        break;
    case IrpNotCompleted:
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        break;
    default: /* somebody else's: IrpForward, IrpNotWmi */
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(provider->lower, Irp);
    }
    IoReleaseRemoveLock(&provider->remove_lock, Irp);
    return status;
}

/* ---- what is counted ---- */

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct provider *provider = DeviceObject->DeviceExtension;
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length, before;
    NTSTATUS status = IoAcquireRemoveLock(&provider->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    InterlockedIncrement((PLONG)&provider->counters.writes);
    before = (ULONG)InterlockedExchangeAdd((PLONG)&provider->counters.bytes, (LONG)length);
    if (provider->listening && before <= provider->counters.limit &&
        before + length > provider->counters.limit)
        tell(provider, before + length);
    complete(Irp, STATUS_SUCCESS, length);
    IoReleaseRemoveLock(&provider->remove_lock, Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- PnP, power ---- */

/* The provider is asked what it has when it is registered, and registered when its device runs. */
static NTSTATUS start(struct provider *provider, PIRP Irp)
{
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (IoForwardIrpSynchronously(provider->lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        IoSetDeviceInterfaceState(&provider->link, TRUE);
        IoWMIRegistrationControl(provider->self, WMIREG_ACTION_REGISTER);
    }
    return complete(Irp, status, Irp->IoStatus.Information);
}

static NTSTATUS remove(struct provider *provider, PIRP Irp)
{
    PDEVICE_OBJECT self = provider->self, lower = provider->lower;
    NTSTATUS status;

    IoWMIRegistrationControl(self, WMIREG_ACTION_DEREGISTER); /* waits for requests that are inside */
    IoSetDeviceInterfaceState(&provider->link, FALSE);
    IoReleaseRemoveLockAndWait(&provider->remove_lock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(lower, Irp);
    IoDetachDevice(lower);
    RtlFreeUnicodeString(&provider->link);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct provider *provider = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&provider->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = start(provider, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return remove(provider, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        IoSetDeviceInterfaceState(&provider->link, FALSE);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS; /* counting needs no hardware */
        /* fall through */
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(provider->lower, Irp);
    }
    IoReleaseRemoveLock(&provider->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((struct provider *)DeviceObject->DeviceExtension)->lower, Irp);
}

/* ---- beginning and end ---- */

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct provider *provider;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*provider), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    provider = self->DeviceExtension;
    provider->self = self;
    provider->pdo = PhysicalDeviceObject;
    provider->counters.limit = MAXULONG;
    provider->wmi = (WMILIB_CONTEXT){.GuidCount = RTL_NUMBER_OF(blocks),
                                     .GuidList = blocks,
                                     .QueryWmiRegInfo = query_reginfo,
                                     .QueryWmiDataBlock = query_block,
                                     .SetWmiDataBlock = set_block,
                                     .WmiFunctionControl = function_control};
    IoInitializeRemoveLock(&provider->remove_lock, PROVIDER_TAG, 0, 0);
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, &COUNTER_INTERFACE, NULL, &provider->link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    provider->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (provider->lower == NULL) {
        RtlFreeUnicodeString(&provider->link);
        IoDeleteDevice(self);
        return STATUS_NO_SUCH_DEVICE;
    }
    self->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    ExFreePoolWithTag(registry_path.Buffer, PROVIDER_TAG);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    registry_path.MaximumLength = RegistryPath->Length;
    registry_path.Buffer = ExAllocatePoolWithTag(PagedPool, RegistryPath->Length, PROVIDER_TAG);
    if (registry_path.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyUnicodeString(&registry_path, RegistryPath); /* the system's goes with DriverEntry */
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * pci-msix: the function driver of a PCI device with registers and MSI-X. It
 * shows what IRP_MN_START_DEVICE gives a driver: the translated resources, with
 * the registers' physical address to be mapped and an interrupt to be
 * connected, as messages if the system gave the device some (the INF asks for
 * them), or else to its line. What it has taken it gives back when it is stopped
 * or removed. A read at offset N is how often message N came.
 */
#include <initguid.h>
#include <ntddk.h>

#define MSIX_TAG 'xisM'
#define MESSAGES 16 /* that are counted */

/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0041} */
DEFINE_GUID(GUID_MSIX_DEVICE, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x41);

struct device {
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    PUCHAR registers; /* NULL: not started, or it has none */
    ULONG register_bytes;
    ULONG connected; /* CONNECT_MESSAGE_BASED, CONNECT_LINE_BASED, 0: not */
    union {
        PVOID generic;
        PIO_INTERRUPT_MESSAGE_INFO messages;
        PKINTERRUPT line;
    } connection;
    LONG counts[MESSAGES];
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS pass_down(struct device *device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(device->lower, Irp);
}

/* ---- interrupts ---- */

/* A message is this device's alone: it is not shared, and nothing has to be asked or lowered. */
static BOOLEAN NTAPI message(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    struct device *device = Context;

    if (MessageId < MESSAGES)
        InterlockedIncrement(&device->counts[MessageId]);
    return TRUE;
}

/* A line may be another device's, too: the first register says whether it was this one, and a 1 lowers it. */
static BOOLEAN NTAPI line(PKINTERRUPT Interrupt, PVOID Context)
{
    struct device *device = Context;

    if (device->registers == NULL || !(READ_REGISTER_ULONG((PULONG)device->registers) & 1))
        return FALSE;
    WRITE_REGISTER_ULONG((PULONG)device->registers, 1);
    InterlockedIncrement(&device->counts[0]);
    return TRUE;
}

static NTSTATUS connect(struct device *device)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters = {.Version = CONNECT_MESSAGE_BASED};
    NTSTATUS status;

    parameters.MessageBased.PhysicalDeviceObject = device->pdo;
    parameters.MessageBased.ConnectionContext.Generic = &device->connection.generic;
    parameters.MessageBased.MessageServiceRoutine = message;
    parameters.MessageBased.ServiceContext = device;
    parameters.MessageBased.FallBackServiceRoutine = line;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    device->connected = parameters.Version; /* which of the two it became */
    if (device->connected == CONNECT_MESSAGE_BASED)
        DbgPrint("%lu messages\n", device->connection.messages->MessageCount);
    else
        DbgPrint("a line\n");
    return STATUS_SUCCESS;
}

static void disconnect(struct device *device)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters = {.Version = device->connected};

    parameters.ConnectionContext.Generic = device->connection.generic;
    if (device->connected != 0)
        IoDisconnectInterruptEx(&parameters);
    device->connected = 0;
}

/* ---- resources ---- */

static void show(const CM_PARTIAL_RESOURCE_DESCRIPTOR *resource)
{
    switch (resource->Type) {
    case CmResourceTypeMemory:
        DbgPrint("memory at 0x%I64x, %lu bytes\n", resource->u.Memory.Start.QuadPart,
                 resource->u.Memory.Length);
        break;
    case CmResourceTypePort:
        DbgPrint("ports at 0x%I64x, %lu of them\n", resource->u.Port.Start.QuadPart, resource->u.Port.Length);
        break;
    case CmResourceTypeInterrupt:
        DbgPrint("%s, vector 0x%lx, IRQL %lu\n",
                 resource->Flags & CM_RESOURCE_INTERRUPT_MESSAGE ? "message" : "interrupt",
                 resource->u.Interrupt.Vector, resource->u.Interrupt.Level);
        break;
    }
}

/* The first memory range is the registers. */
static NTSTATUS map(struct device *device, const CM_PARTIAL_RESOURCE_LIST *resources)
{
    for (ULONG i = 0; i < resources->Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *resource = &resources->PartialDescriptors[i];

        show(resource);
        if (resource->Type != CmResourceTypeMemory || device->registers != NULL)
            continue;
        device->register_bytes = resource->u.Memory.Length;
        device->registers = MmMapIoSpace(resource->u.Memory.Start, resource->u.Memory.Length, MmNonCached);
        if (device->registers == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/* The other way round than they were taken: the routine uses the registers. */
static void give_back(struct device *device)
{
    disconnect(device);
    if (device->registers != NULL)
        MmUnmapIoSpace(device->registers, device->register_bytes);
    device->registers = NULL;
}

static NTSTATUS take(struct device *device, const CM_RESOURCE_LIST *translated)
{
    NTSTATUS status;

    if (translated == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    status = map(device, &translated->List[0].PartialResourceList);
    if (NT_SUCCESS(status))
        status = connect(device);
    if (!NT_SUCCESS(status))
        give_back(device);
    return status;
}

/* ---- PnP, power ---- */

static NTSTATUS start(struct device *device, PIRP Irp)
{
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (IoForwardIrpSynchronously(device->lower, Irp)) /* the bus turns the device on */
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status))
        status = take(device,
                      IoGetCurrentIrpStackLocation(Irp)->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        IoSetDeviceInterfaceState(&device->link, TRUE);
    return complete(Irp, status, 0);
}

static NTSTATUS remove(struct device *device, PIRP Irp)
{
    PDEVICE_OBJECT self = device->self, lower = device->lower;
    NTSTATUS status;

    IoSetDeviceInterfaceState(&device->link, FALSE);
    IoReleaseRemoveLockAndWait(&device->remove_lock, Irp);
    give_back(device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass_down(device, Irp);
    IoDetachDevice(lower);
    RtlFreeUnicodeString(&device->link);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct device *device = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = start(device, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return remove(device, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        IoSetDeviceInterfaceState(&device->link, FALSE);
        /* fall through */
    case IRP_MN_STOP_DEVICE: /* it may be started with other resources */
        give_back(device);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        /* fall through */
    default:
        status = pass_down(device, Irp);
    }
    IoReleaseRemoveLock(&device->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(((struct device *)DeviceObject->DeviceExtension)->lower, Irp);
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return pass_down(DeviceObject->DeviceExtension, Irp);
}

/* ---- requests ---- */

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct device *device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG number = location->Parameters.Read.ByteOffset.QuadPart;

    if (location->Parameters.Read.Length < sizeof(LONG) || number < 0 || number >= MESSAGES)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    *(PLONG)Irp->AssociatedIrp.SystemBuffer = device->counts[number];
    return complete(Irp, STATUS_SUCCESS, sizeof(LONG));
}

/* ---- beginning and end ---- */

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct device *device;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*device), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    device = self->DeviceExtension;
    device->self = self;
    device->pdo = PhysicalDeviceObject;
    IoInitializeRemoveLock(&device->remove_lock, MSIX_TAG, 0, 0);
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_MSIX_DEVICE, NULL, &device->link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    device->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (device->lower == NULL) {
        RtlFreeUnicodeString(&device->link);
        IoDeleteDevice(self);
        return STATUS_NO_SUCH_DEVICE;
    }
    self->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_READ] = read;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

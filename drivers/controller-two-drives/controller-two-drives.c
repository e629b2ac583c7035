/* SPDX-License-Identifier: MIT */
/*
 * controller-two-drives: two drives behind one controller, which can move data
 * for one of them at a time. The drives are the halves of the model
 * dma-engine's memory; each is a device object with a StartIo queue of its own,
 * and a controller object lets one of them at the hardware.
 *
 * StartIo asks for the controller; ControllerControl sets it up for a transfer
 * and keeps it (KeepObject) until the DPC frees it, or, when there is nothing to
 * move, completes the request itself and lets the controller go (DeallocateObject).
 */
#include <ntddk.h>

/* Newer headers leave it to drivers older than them. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

#define PORT        0x300
#define LINE        5
#define DRIVE_BYTES 32768
#define REGISTER(n) ((PULONG)(ULONG_PTR)(PORT + (n)))

enum { CONTROL = 0x04, STATUS = 0x08, ADDRESS = 0x0C, ADDRESS_HIGH = 0x10, LENGTH = 0x14, OFFSET = 0x18 };
enum { START = 0x01, TO_DEVICE = 0x02, INTERRUPTS = 0x10 };
enum { DONE = 0x02 };

/* The controller's extension. */
struct shared {
    PDMA_ADAPTER adapter;
    PUCHAR buffer; /* a page for the transfer at hand */
    PHYSICAL_ADDRESS buffer_address;
    PKINTERRUPT interrupt;
    PDEVICE_OBJECT active; /* whose transfer that is */
};

struct drive {
    ULONG number;
    PCONTROLLER_OBJECT controller;
};

static struct shared *shared_of(PDEVICE_OBJECT device)
{
    return ((struct drive *)device->DeviceExtension)->controller->ControllerExtension;
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* ControllerControl: the hardware is this drive's. */
static IO_ALLOCATION_ACTION NTAPI use_controller(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                                 PVOID Context)
{
    struct drive *drive = DeviceObject->DeviceExtension;
    struct shared *shared = shared_of(DeviceObject);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN write = location->MajorFunction == IRP_MJ_WRITE;
    ULONG length = location->Parameters.Write.Length;

    DbgPrint("drive %lu has the controller\n", drive->number);
    if (length == 0) {
        IoStartNextPacket(DeviceObject, FALSE);
        complete(Irp, STATUS_SUCCESS, 0);
        return DeallocateObject;
    }
    if (write)
        RtlCopyMemory(shared->buffer, Irp->AssociatedIrp.SystemBuffer, length);
    shared->active = DeviceObject;
    WRITE_PORT_ULONG(REGISTER(ADDRESS), shared->buffer_address.LowPart);
    WRITE_PORT_ULONG(REGISTER(ADDRESS_HIGH), (ULONG)shared->buffer_address.HighPart);
    WRITE_PORT_ULONG(REGISTER(LENGTH), length);
    WRITE_PORT_ULONG(REGISTER(OFFSET),
                     drive->number * DRIVE_BYTES + location->Parameters.Write.ByteOffset.LowPart);
    WRITE_PORT_ULONG(REGISTER(CONTROL), START | INTERRUPTS | (write ? TO_DEVICE : 0));
    return KeepObject;
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct drive *drive = DeviceObject->DeviceExtension;

    IoAllocateController(drive->controller, DeviceObject, use_controller, NULL);
}

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    struct shared *shared = Context;

    if (!(READ_PORT_ULONG(REGISTER(STATUS)) & DONE))
        return FALSE;
    WRITE_PORT_ULONG(REGISTER(STATUS), DONE); /* lowers the line */
    IoRequestDpc(shared->active, shared->active->CurrentIrp, NULL);
    return TRUE;
}

/* The controller goes first: the other drive need not wait for this one's request to be completed. */
static VOID NTAPI finish_transfer(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = location->Parameters.Read.Length;

    if (location->MajorFunction == IRP_MJ_READ)
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, shared_of(DeviceObject)->buffer, length);
    IoFreeController(((struct drive *)DeviceObject->DeviceExtension)->controller);
    IoStartNextPacket(DeviceObject, FALSE);
    complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG offset = location->Parameters.Write.ByteOffset.QuadPart;

    if (location->MajorFunction != IRP_MJ_READ && location->MajorFunction != IRP_MJ_WRITE)
        return complete(Irp, STATUS_SUCCESS, 0);
    if (location->Parameters.Write.Length > PAGE_SIZE || offset < 0 || offset > DRIVE_BYTES - PAGE_SIZE)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

/* What is in the controller's extension goes before the controller object does. */
static void release(PDRIVER_OBJECT DriverObject, PCONTROLLER_OBJECT controller)
{
    struct shared *shared = controller->ControllerExtension;

    if (shared->interrupt != NULL)
        IoDisconnectInterrupt(shared->interrupt);
    if (shared->buffer != NULL)
        shared->adapter->DmaOperations->FreeCommonBuffer(shared->adapter, PAGE_SIZE, shared->buffer_address,
                                                         shared->buffer, TRUE);
    if (shared->adapter != NULL)
        shared->adapter->DmaOperations->PutDmaAdapter(shared->adapter);
    IoDeleteController(controller);
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    struct drive *drive = DriverObject->DeviceObject->DeviceExtension;

    release(DriverObject, drive->controller);
}

static NTSTATUS create_drive(PDRIVER_OBJECT DriverObject, ULONG number, PCONTROLLER_OBJECT controller)
{
    static UNICODE_STRING names[] = {RTL_CONSTANT_STRING(L"\\Device\\Drive0"),
                                     RTL_CONSTANT_STRING(L"\\Device\\Drive1")};
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(struct drive), &names[number], FILE_DEVICE_DISK, 0,
                                     FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    *(struct drive *)device->DeviceExtension = (struct drive){number, controller};
    device->Flags |= DO_BUFFERED_IO;
    IoInitializeDpcRequest(device, finish_transfer);
    return STATUS_SUCCESS;
}

static NTSTATUS acquire(struct shared *shared)
{
    DEVICE_DESCRIPTION description = {.Version = DEVICE_DESCRIPTION_VERSION,
                                      .Master = TRUE,
                                      .InterfaceType = Isa,
                                      .MaximumLength = PAGE_SIZE};
    KIRQL irql;
    KAFFINITY processors;
    ULONG registers, vector = HalGetInterruptVector(Isa, 0, LINE, LINE, &irql, &processors);

    shared->adapter = IoGetDmaAdapter(NULL, &description, &registers);
    if (shared->adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    shared->buffer = shared->adapter->DmaOperations->AllocateCommonBuffer(shared->adapter, PAGE_SIZE,
                                                                          &shared->buffer_address, TRUE);
    if (shared->buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    return IoConnectInterrupt(&shared->interrupt, isr, shared, NULL, vector, irql, irql, LevelSensitive,
                              FALSE, processors, FALSE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PCONTROLLER_OBJECT controller = IoCreateController(sizeof(struct shared));
    NTSTATUS status;

    if (controller == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = create_drive(DriverObject, 0, controller);
    if (NT_SUCCESS(status))
        status = create_drive(DriverObject, 1, controller);
    if (NT_SUCCESS(status))
        status = acquire(controller->ControllerExtension);
    if (!NT_SUCCESS(status))
        release(DriverObject, controller);
    return status;
}

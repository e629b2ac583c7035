/* SPDX-License-Identifier: MIT */
/*
 * dma-scatter: a bus master that takes its buffer in pieces, for the model
 * dma-engine. Write moves the caller's bytes to the device's memory, read
 * brings them back; one request at a time, by StartIo.
 *
 * StartIo asks for a scatter/gather list; AdapterListControl makes the device's
 * table from it and rings the doorbell; the ISR quiets the device; the DPC puts
 * the list, which is what makes a read's data visible, and starts the next.
 */
#include <ntddk.h>

/* Newer headers leave it to drivers older than them. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

#define PORT        0x300
#define LINE        5
#define TRANSFER    65536 /* at most, in one request */
#define REGISTER(n) ((PULONG)(ULONG_PTR)(PORT + (n)))

enum { CONTROL = 0x04, STATUS = 0x08, ADDRESS = 0x0C, ADDRESS_HIGH = 0x10, LENGTH = 0x14, OFFSET = 0x18 };
enum { START = 0x01, TO_DEVICE = 0x02, TABLE = 0x04, INTERRUPTS = 0x10 };
enum { DONE = 0x02, ERROR = 0x04 };

struct descriptor {
    ULONGLONG address;
    ULONG length, reserved;
};

struct engine {
    PDMA_ADAPTER adapter;
    ULONG map_registers;
    struct descriptor *table; /* in a common buffer */
    PHYSICAL_ADDRESS table_address;
    PKINTERRUPT interrupt;
    PSCATTER_GATHER_LIST list; /* of the current request */
    ULONG status;              /* what the ISR read; the interrupt's lock */
};

static BOOLEAN is_write(PIRP Irp)
{
    return IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE;
}

/* Read and Write have the length at the same place. */
static ULONG length_of(PIRP Irp)
{
    return IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* AdapterListControl: the list is this request's until it is put. The device is idle: nothing of it runs
 * beside. */
static VOID NTAPI start_transfer(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST List,
                                 PVOID Context)
{
    struct engine *engine = Context;

    engine->list = List;
    for (ULONG i = 0; i < List->NumberOfElements; i++) {
        engine->table[i].address = (ULONGLONG)List->Elements[i].Address.QuadPart;
        engine->table[i].length = List->Elements[i].Length;
    }
    WRITE_PORT_ULONG(REGISTER(ADDRESS), engine->table_address.LowPart);
    WRITE_PORT_ULONG(REGISTER(ADDRESS_HIGH), (ULONG)engine->table_address.HighPart);
    WRITE_PORT_ULONG(REGISTER(LENGTH), List->NumberOfElements);
    WRITE_PORT_ULONG(REGISTER(OFFSET), 0);
    WRITE_PORT_ULONG(REGISTER(CONTROL), START | TABLE | INTERRUPTS | (is_write(Irp) ? TO_DEVICE : 0));
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct engine *engine = DeviceObject->DeviceExtension;
    PVOID va = MmGetMdlVirtualAddress(Irp->MdlAddress);
    NTSTATUS status = engine->adapter->DmaOperations->GetScatterGatherList(
        engine->adapter, DeviceObject, Irp->MdlAddress, va, length_of(Irp), start_transfer, engine,
        is_write(Irp));

    if (!NT_SUCCESS(status)) {
        IoStartNextPacket(DeviceObject, FALSE);
        complete(Irp, status, 0);
    }
}

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE_OBJECT device = Context;
    struct engine *engine = device->DeviceExtension;
    ULONG status = READ_PORT_ULONG(REGISTER(STATUS));

    if (!(status & DONE))
        return FALSE;
    engine->status = status;
    WRITE_PORT_ULONG(REGISTER(STATUS), DONE | ERROR); /* lowers the line */
    IoRequestDpc(device, device->CurrentIrp, NULL);
    return TRUE;
}

static VOID NTAPI finish_transfer(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct engine *engine = DeviceObject->DeviceExtension;
    BOOLEAN good = !(engine->status & ERROR);

    engine->adapter->DmaOperations->PutScatterGatherList(engine->adapter, engine->list, is_write(Irp));
    IoStartNextPacket(DeviceObject, FALSE);
    complete(Irp, good ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR, good ? length_of(Irp) : 0);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if ((major != IRP_MJ_READ && major != IRP_MJ_WRITE) || length_of(Irp) == 0)
        return complete(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

static void release(struct engine *engine)
{
    if (engine->interrupt != NULL)
        IoDisconnectInterrupt(engine->interrupt);
    if (engine->table != NULL)
        engine->adapter->DmaOperations->FreeCommonBuffer(engine->adapter, PAGE_SIZE, engine->table_address,
                                                         engine->table, TRUE);
    if (engine->adapter != NULL)
        engine->adapter->DmaOperations->PutDmaAdapter(engine->adapter);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    release(DriverObject->DeviceObject->DeviceExtension);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS acquire(PDEVICE_OBJECT DeviceObject, struct engine *engine)
{
    DEVICE_DESCRIPTION description = {.Version = DEVICE_DESCRIPTION_VERSION,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .InterfaceType = Isa,
                                      .MaximumLength = TRANSFER};
    KIRQL irql;
    KAFFINITY processors;
    ULONG vector = HalGetInterruptVector(Isa, 0, LINE, LINE, &irql, &processors);

    engine->adapter = IoGetDmaAdapter(NULL, &description, &engine->map_registers);
    if (engine->adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    DbgPrint("%lu map registers\n", engine->map_registers);
    engine->table = engine->adapter->DmaOperations->AllocateCommonBuffer(engine->adapter, PAGE_SIZE,
                                                                         &engine->table_address, TRUE);
    if (engine->table == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    IoInitializeDpcRequest(DeviceObject, finish_transfer);
    return IoConnectInterrupt(&engine->interrupt, isr, DeviceObject, NULL, vector, irql, irql, LevelSensitive,
                              FALSE, processors, FALSE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Scatter");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(struct engine), &name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    DeviceObject->Flags |= DO_DIRECT_IO;
    status = acquire(DeviceObject, DeviceObject->DeviceExtension);
    if (!NT_SUCCESS(status)) {
        release(DeviceObject->DeviceExtension);
        IoDeleteDevice(DeviceObject);
    }
    return status;
}

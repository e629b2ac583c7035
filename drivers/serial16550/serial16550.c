/* SPDX-License-Identifier: MIT */
/*
 * serial16550: the classic chain of a device that interrupts, on COM1.
 *
 *   write: dispatch -> IoStartPacket -> StartIo -> first bytes to the FIFO
 *          -> interrupt -> ISR (more bytes ... all sent) -> IoRequestDpc
 *          -> DpcForIsr -> IoStartNextPacket, IoCompleteRequest
 *   read:  dispatch -> cancel-safe queue; the ISR keeps what arrives in a ring,
 *          DpcForIsr gives it to the oldest read
 */
#include "serial16550.h"

/* Left out of the headers for x64, where the PnP manager hands interrupts out. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

#define IRQ 4

/* As in ntddser.h. */
#define IOCTL_SERIAL_SET_BAUD_RATE CTL_CODE(FILE_DEVICE_SERIAL_PORT, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SERIAL_SET_TIMEOUTS  CTL_CODE(FILE_DEVICE_SERIAL_PORT, 7, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_SERIAL_GET_STATS     CTL_CODE(FILE_DEVICE_SERIAL_PORT, 35, METHOD_BUFFERED, FILE_ANY_ACCESS)

struct timeouts { /* SERIAL_TIMEOUTS, in milliseconds; 0: for ever */
    ULONG ReadInterval, ReadMultiplier, ReadConstant, WriteMultiplier, WriteConstant;
};

static VOID NTAPI dpc_for_isr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct extension *Extension = Context;
    ULONG sent;

    Irp = take_write(Extension, ALL_SENT, NULL, &sent);
    if (Irp != NULL)
        end_write(Extension, Irp, STATUS_SUCCESS, sent);
    serve_reads(Extension);
}

/* The device's timer. A time-out of n seconds strikes after more than n - 1 of them. */
static VOID NTAPI each_second(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct extension *Extension = Context;
    struct wanted Due = {NULL, ++Extension->Seconds};
    ULONG sent;
    PIRP Irp = take_write(Extension, TIMED_OUT, NULL, &sent);

    if (Irp != NULL)
        end_write(Extension, Irp, STATUS_TIMEOUT, sent);
    end_reads(Extension, Due, STATUS_TIMEOUT);
}

static NTSTATUS NTAPI dispatch_open_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
}

/* The last handle is gone: nobody waits for a read any more. Writes go on, as the line drains. */
static NTSTATUS NTAPI dispatch_cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct wanted OfFile = {IoGetCurrentIrpStackLocation(Irp)->FileObject, 0};

    end_reads(DeviceObject->DeviceExtension, OfFile, STATUS_CANCELLED);
    return complete(Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
}

static NTSTATUS set_baud_rate(struct extension *Extension, ULONG Rate)
{
    USHORT divisor = Rate != 0 ? (USHORT)(115200 / Rate) : 0;

    if (divisor == 0 || 115200 % Rate != 0)
        return STATUS_INVALID_PARAMETER;
    KeSynchronizeExecution(Extension->Interrupt, change_divisor, &divisor);
    return STATUS_SUCCESS;
}

static void set_timeouts(struct extension *Extension, const struct timeouts *Timeouts)
{
    Extension->ReadTimeout = Timeouts->ReadConstant / 1000 + (Timeouts->ReadConstant % 1000 != 0);
    Extension->WriteTimeout = Timeouts->WriteConstant / 1000 + (Timeouts->WriteConstant % 1000 != 0);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = location->Parameters.DeviceIoControl.InputBufferLength;
    struct extension *Extension = DeviceObject->DeviceExtension;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    struct take Stats = {Extension, buffer, 0, 0};

    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SERIAL_SET_BAUD_RATE:
        if (in < sizeof(ULONG))
            return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0, IO_NO_INCREMENT);
        return complete(Irp, set_baud_rate(Extension, *(PULONG)buffer), 0, IO_NO_INCREMENT);
    case IOCTL_SERIAL_SET_TIMEOUTS:
        if (in < sizeof(struct timeouts))
            return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0, IO_NO_INCREMENT);
        set_timeouts(Extension, buffer);
        return complete(Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    case IOCTL_SERIAL_GET_STATS:
        if (location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(struct stats))
            return complete(Irp, STATUS_BUFFER_TOO_SMALL, 0, IO_NO_INCREMENT);
        KeSynchronizeExecution(Extension->Interrupt, copy_stats, &Stats);
        return complete(Irp, STATUS_SUCCESS, sizeof(struct stats), IO_NO_INCREMENT);
    default:
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0, IO_NO_INCREMENT);
    }
}

static NTSTATUS connect(struct extension *Extension)
{
    KAFFINITY affinity;
    KIRQL irql;
    ULONG vector = HalGetInterruptVector(Isa, 0, IRQ, IRQ, &irql, &affinity);

    return IoConnectInterrupt(&Extension->Interrupt, isr, Extension, NULL, vector, irql, irql, Latched, FALSE,
                              affinity, FALSE);
}

static NTSTATUS start(PDEVICE_OBJECT DeviceObject)
{
    struct extension *Extension = DeviceObject->DeviceExtension;
    NTSTATUS status;

    Extension->DeviceObject = DeviceObject;
    KeInitializeSpinLock(&Extension->Lock);
    initialize_reads(Extension);
    IoInitializeDpcRequest(DeviceObject, dpc_for_isr);
    IoInitializeTimer(DeviceObject, each_second, Extension);
    status = connect(Extension);
    if (!NT_SUCCESS(status))
        return status;
    KeSynchronizeExecution(Extension->Interrupt, start_port, NULL);
    IoStartTimer(DeviceObject);
    return STATUS_SUCCESS;
}

static void stop(PDEVICE_OBJECT DeviceObject)
{
    struct extension *Extension = DeviceObject->DeviceExtension;

    IoStopTimer(DeviceObject);
    KeSynchronizeExecution(Extension->Interrupt, stop_port, NULL);
    IoDisconnectInterrupt(Extension->Interrupt);
    KeFlushQueuedDpcs();
}

static UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\COM1");

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteSymbolicLink(&link);
    stop(DriverObject->DeviceObject);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Serial0");
    PDEVICE_OBJECT device;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open_close;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = dispatch_cleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_write;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(struct extension), &name, FILE_DEVICE_SERIAL_PORT, 0, TRUE,
                            &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    status = start(device);
    if (NT_SUCCESS(status) && !NT_SUCCESS(status = IoCreateSymbolicLink(&link, &name)))
        stop(device);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}

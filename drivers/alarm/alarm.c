/* SPDX-License-Identifier: MIT */
/*
 * alarm: a driver for the card that examples/alarm.c plugs in. A control code
 * with a number of milliseconds waits until the card has rung.
 *
 *   port 0x300, 32 bits, written: ring after so many milliseconds (0: never mind)
 *   port 0x304, 8 bits, read: 1 if it rings; the reading silences it
 */
#include <ntddk.h>

#define ARM  ((PULONG)0x300)
#define BELL ((PUCHAR)0x304)
#define IRQ  5

#define IOCTL_ALARM_WAIT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Left out of the headers for x64, where the PnP manager hands interrupts out. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

static NTSTATUS complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    if (READ_PORT_UCHAR(BELL) == 0)
        return FALSE; /* somebody else's */
    IoRequestDpc((PDEVICE_OBJECT)Context, NULL, NULL);
    return TRUE;
}

static VOID NTAPI dpc_for_isr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    Irp = DeviceObject->CurrentIrp;
    IoStartNextPacket(DeviceObject, FALSE);
    complete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    WRITE_PORT_ULONG(ARM, *(PULONG)Irp->AssociatedIrp.SystemBuffer);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->Parameters.DeviceIoControl.IoControlCode != IOCTL_ALARM_WAIT)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    if (location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG) ||
        *(PULONG)Irp->AssociatedIrp.SystemBuffer == 0)
        return complete(Irp, STATUS_INVALID_PARAMETER);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI dispatch_open_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    PKINTERRUPT *interrupt = DriverObject->DeviceObject->DeviceExtension;

    WRITE_PORT_ULONG(ARM, 0);
    IoDisconnectInterrupt(*interrupt);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Alarm");
    PDEVICE_OBJECT device;
    KAFFINITY affinity;
    NTSTATUS status;
    ULONG vector;
    KIRQL irql;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] =
        dispatch_open_close;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(PKINTERRUPT), &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    IoInitializeDpcRequest(device, dpc_for_isr);
    vector = HalGetInterruptVector(Isa, 0, IRQ, IRQ, &irql, &affinity);
    status = IoConnectInterrupt(device->DeviceExtension, isr, device, NULL, vector, irql, irql,
                                LevelSensitive, TRUE, affinity, FALSE);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * The classic chain: dispatch, IoStartPacket, StartIo, the device's registers, the interrupt, the service
 * routine, IoRequestDpc, DpcForIsr, IoStartNextPacket, IoCompleteRequest. A read waits for the doorbell.
 */
#include "bell.h"

static struct bell bell = {.port = 0x300};
static PDEVICE_OBJECT device;
static BOOLEAN program_device; /* StartIo has the device ring soon; else somebody else has to */
static ULONG dpcs, requested, refused, unclaimed;
static KIRQL dpc_irql;
static PVOID dpc_context;
static PIRP dpc_irp;

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT object, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT object, PIRP irp)
{
    IoMarkIrpPending(irp);
    IoStartPacket(object, irp, NULL, NULL);
    return STATUS_PENDING;
}

static VOID NTAPI start_io(PDEVICE_OBJECT object, PIRP irp)
{
    if (program_device)
        __outbyte(bell.port + 1, 3);
}

static BOOLEAN NTAPI isr(PKINTERRUPT interrupt, PVOID context)
{
    PDEVICE_OBJECT object = context;
    if (!bell_isr(interrupt, &bell)) {
        unclaimed++;
        return FALSE;
    }
    requested++;
    if (!IoRequestDpc(object, object->CurrentIrp, (PVOID)(ULONG_PTR)requested))
        refused++;
    return TRUE;
}

static VOID NTAPI dpc_for_isr(PKDPC dpc, PDEVICE_OBJECT object, PIRP irp, PVOID context)
{
    CHECK("SR-10", dpc == &object->Dpc);
    CHECK("SR-10", object == device);
    dpcs++;
    dpc_irql = KeGetCurrentIrql();
    dpc_context = context;
    dpc_irp = irp;
    if (irp == NULL)
        return;
    *(UCHAR *)irp->AssociatedIrp.SystemBuffer = __inbyte(bell.port + 2);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 1;
    IoStartNextPacket(object, FALSE);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static VOID forget_dpcs(VOID)
{
    dpcs = requested = refused = 0;
}

/* Two interrupts before the DPC has run are one call, with what the first gave. */
static VOID requests_are_one_call(VOID)
{
    KIRQL irql;
    forget_dpcs();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ring(&bell);
    KeStallExecutionProcessor(10);
    ring(&bell);
    KeStallExecutionProcessor(10);
    CHECK_EQ("SR-10", requested, 2);
    CHECK_EQ("SR-10", refused, 1);
    CHECK_EQ("SR-10", dpcs, 0);
    KeLowerIrql(irql);
    CHECK_EQ("SR-10", dpcs, 1);
    CHECK_EQ("SR-10", dpc_irql, DISPATCH_LEVEL);
    CHECK_EQ("SR-10", (ULONG_PTR)dpc_context, 1);
    ring(&bell);
    KeStallExecutionProcessor(10);
    CHECK_EQ("SR-10", dpcs, 2);
    CHECK_EQ("SR-10", (ULONG_PTR)dpc_context, 3);
}

/* A loop that calls nothing: the clock has the device ring, and the interrupt comes into the middle of it. */
static VOID a_loop_is_interrupted(VOID)
{
    volatile ULONG *seen = &requested;
    KIRQL irql;
    forget_dpcs();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    __outbyte(bell.port + 1, 5);
    while (*seen == 0)
        YieldProcessor();
    CHECK_EQ("SR-08", dpcs, 0);
    KeLowerIrql(irql);
    CHECK_EQ("SR-08", dpcs, 1);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT object, PIRP irp)
{
    NTSTATUS status = STATUS_SUCCESS;
    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(0):
        requests_are_one_call();
        break;
    case RL_IOCTL(1):
        a_loop_is_interrupted();
        break;
    case RL_IOCTL(2):
        program_device = TRUE;
        break;
    case RL_IOCTL(3):
        program_device = FALSE;
        break;
    default:
        status = unclaimed == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    }
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path);

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    disconnect_bell(&bell);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Bell");
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLOSE] = create_close;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->DriverStartIo = start_io;
    driver->DriverUnload = unload;
    find_vectors();
    IoInitializeDpcRequest(device, dpc_for_isr);
    status = IoConnectInterrupt(&bell.interrupt, isr, device, NULL, vector_of_bells, irql_of_bells,
                                irql_of_bells, LevelSensitive, TRUE, all, FALSE);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Two devices behind one controller. Reads run through StartIo and
 * IoAllocateController, and each ControllerControl keeps the controller until
 * a write to the other device ends the operation; the first write of all runs
 * the checks that need no requests. Like SCSI's old disk controllers: no IRP
 * is completed while another holds the hardware.
 */
#include "rltest.h"

struct unit {
    ULONG number;
    ULONG calls;
    KIRQL irql;
    PIRP irp;
    PVOID base, context;
    IO_ALLOCATION_ACTION action;
};

static PCONTROLLER_OBJECT controller;
static PDEVICE_OBJECT units[2], holder;
static CHAR order[16];
static ULONG steps, canceled_seen;

static void step(CHAR what)
{
    order[steps++ % sizeof(order)] = what;
}

static IO_ALLOCATION_ACTION NTAPI record(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                         PVOID Context)
{
    struct unit *unit = DeviceObject->DeviceExtension;

    unit->calls++;
    unit->irql = KeGetCurrentIrql();
    unit->irp = Irp;
    unit->base = MapRegisterBase;
    unit->context = Context;
    step((CHAR)('0' + unit->number));
    return unit->action;
}

static struct unit *set_up(ULONG number, IO_ALLOCATION_ACTION action)
{
    struct unit *unit = units[number]->DeviceExtension;

    unit->calls = 0;
    unit->action = action;
    units[number]->CurrentIrp = (PIRP)(ULONG_PTR)(0x1000 + number);
    return unit;
}

static void check_creation(void)
{
    PCONTROLLER_OBJECT big = IoCreateController(20000);
    PUCHAR bytes = big->ControllerExtension;
    BOOLEAN zero = TRUE;

    for (ULONG i = 0; i < 20000; i++)
        zero &= bytes[i] == 0;
    CHECK("CTL-01", zero);
    CHECK("CTL-01", MmIsNonPagedSystemAddressValid(bytes) && MmIsNonPagedSystemAddressValid(bytes + 19999));
    CHECK("CTL-01", bytes >= (PUCHAR)(big + 1));
    RtlFillMemory(bytes, 20000, 0xA5);
    CHECK_EQ("CTL-01", big->Type, 2);
    IoDeleteController(big);
    big = IoCreateController(20000);
    CHECK_EQ("CTL-01", *(PUCHAR)big->ControllerExtension, 0);
    IoDeleteController(big);
    CHECK_EQ("CTL-01", IoCreateController(0xF0000000), NULL);
}

static void check_queue(void)
{
    struct unit *first = set_up(0, KeepObject), *second = set_up(1, KeepObject);
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoAllocateController(controller, units[0], record, &first->number);
    CHECK_EQ("CTL-02", first->calls, 1);
    CHECK("CTL-03", first->irp == units[0]->CurrentIrp && first->base == NULL);
    CHECK("CTL-03", first->context == &first->number && first->irql == DISPATCH_LEVEL);
    CHECK("SR-20", first->context == &first->number && first->irql == DISPATCH_LEVEL);
    IoAllocateController(controller, units[1], record, second);
    CHECK_EQ("CTL-02", second->calls, 0);
    units[1]->CurrentIrp = NULL;
    IoFreeController(controller);
    CHECK_EQ("CTL-05", second->calls, 1);
    CHECK("CTL-03", second->irp == (PIRP)(ULONG_PTR)0x1001 && second->context == second);
    IoAllocateController(controller, units[0], record, first);
    CHECK_EQ("CTL-04", first->calls, 1);
    IoFreeController(controller);
    CHECK_EQ("CTL-05", first->calls, 2);
    IoFreeController(controller);
    /* Nobody waits: the controller is free, and a new request has it at once. */
    first->calls = 0;
    IoAllocateController(controller, units[0], record, first);
    CHECK_EQ("CTL-05", first->calls, 1);
    IoFreeController(controller);
    KeLowerIrql(irql);
}

static void check_deallocate(void)
{
    struct unit *first = set_up(0, DeallocateObject), *second = set_up(1, DeallocateObject);
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoAllocateController(controller, units[0], record, NULL);
    IoAllocateController(controller, units[1], record, NULL);
    CHECK("CTL-04", first->calls == 1 && second->calls == 1);
    first->action = KeepObject;
    IoAllocateController(controller, units[0], record, NULL);
    IoAllocateController(controller, units[1], record, NULL);
    CHECK("CTL-04", first->calls == 2 && second->calls == 1);
    IoFreeController(controller);
    CHECK_EQ("CTL-04", second->calls, 2);
    IoAllocateController(controller, units[1], record, NULL);
    CHECK_EQ("CTL-04", second->calls, 3);
    KeLowerIrql(irql);
    units[0]->CurrentIrp = units[1]->CurrentIrp = NULL;
}

/* ---- requests ---- */

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (Irp == DeviceObject->CurrentIrp) {
        /* Started already: its ControllerControl will see that it is canceled. */
        IoReleaseCancelSpinLock(Irp->CancelIrql);
        return;
    }
    KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static IO_ALLOCATION_ACTION NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                          PVOID Context)
{
    KIRQL irql;

    CHECK("CTL-02", holder == NULL);
    IoAcquireCancelSpinLock(&irql);
    if (Irp->Cancel) {
        IoReleaseCancelSpinLock(irql);
        canceled_seen++;
        Irp->IoStatus.Status = STATUS_CANCELLED;
        Irp->IoStatus.Information = 0;
        IoFreeController(controller);
        IoStartNextPacket(DeviceObject, TRUE);
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return KeepObject;
    }
    IoSetCancelRoutine(Irp, NULL);
    IoReleaseCancelSpinLock(irql);
    holder = DeviceObject;
    return KeepObject;
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoAllocateController(controller, DeviceObject, control, NULL);
}

/* What the interrupt's DPC would do. */
static void finish(void)
{
    KIRQL irql;
    PDEVICE_OBJECT device;
    PIRP irp;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    device = holder;
    irp = device->CurrentIrp;
    holder = NULL;
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = ((struct unit *)device->DeviceExtension)->number + 1;
    IoFreeController(controller);
    IoStartNextPacket(device, TRUE);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    KeLowerIrql(irql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_READ) {
        IoMarkIrpPending(Irp);
        IoStartPacket(DeviceObject, Irp, NULL, cancel);
        return STATUS_PENDING;
    }
    if (location->MajorFunction == IRP_MJ_WRITE) {
        if (location->Parameters.Write.Length == 1) {
            check_creation();
            check_queue();
            check_deallocate();
        } else if (location->Parameters.Write.Length == 2) {
            finish();
        } else if (location->Parameters.Write.Length == 3) {
            /* It waits for the controller, and stays until its turn comes. */
            CHECK("CTL-06", IoCancelIrp(units[1]->CurrentIrp) && canceled_seen == 0);
        } else {
            CHECK("CTL-06", canceled_seen == 1 && holder == NULL);
        }
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteController(controller);
    IoDeleteDevice(units[0]);
    IoDeleteDevice(units[1]);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static UNICODE_STRING names[] = {RTL_CONSTANT_STRING(L"\\Device\\Ctl0"),
                                     RTL_CONSTANT_STRING(L"\\Device\\Ctl1")};

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    controller = IoCreateController(sizeof(ULONG));
    if (controller == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < 2; i++) {
        NTSTATUS status = IoCreateDevice(DriverObject, sizeof(struct unit), &names[i], FILE_DEVICE_UNKNOWN, 0,
                                         FALSE, &units[i]);
        if (!NT_SUCCESS(status))
            return status;
        ((struct unit *)units[i]->DeviceExtension)->number = i;
        units[i]->Flags |= DO_BUFFERED_IO;
    }
    return STATUS_SUCCESS;
}

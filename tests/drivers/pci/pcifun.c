/* SPDX-License-Identifier: MIT */
/*
 * A WDM function driver for whatever PCI function the play binds it to: it
 * checks what START_DEVICE gives it, uses configuration space, connects to its
 * interrupts by its PDO, and answers IOCTLs about them:
 *
 *     RL_IOCTL(0)  the number of interrupts by message N (input ULONG; ~0: by line)
 *     RL_IOCTL(1)  sends itself one message several times while it is masked
 *     RL_IOCTL(2)  step N of what the table of MSI-X can do
 */
#include "pcifun.h"

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS pass(struct device *d, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(d->lower, irp);
}

static NTSTATUS NTAPI back(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS forward_and_wait(struct device *d, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(d->lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

/* To the top of the own stack, as a driver asks its bus. */
NTSTATUS ask_pnp(struct device *d, UCHAR minor, PIO_STACK_LOCATION parameters, ULONG_PTR *information)
{
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP irp;
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, d->lower, NULL, 0, NULL, &event, &iosb);
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = minor;
    next->Parameters = parameters->Parameters;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    status = IoCallDriver(d->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    if (information != NULL)
        *information = iosb.Information;
    return status;
}

static void let_go(struct device *d)
{
    if (!d->started)
        return;
    disconnect_interrupts(d);
    let_go_of_resources(d);
    d->started = FALSE;
}

static NTSTATUS start(struct device *d, PIRP irp, PIO_STACK_LOCATION here)
{
    PCM_RESOURCE_LIST raw = here->Parameters.StartDevice.AllocatedResources;
    PCM_RESOURCE_LIST translated = here->Parameters.StartDevice.AllocatedResourcesTranslated;
    NTSTATUS status = forward_and_wait(d, irp);

    if (NT_SUCCESS(status)) {
        d->started = TRUE;
        take_resources(d, raw, translated);
        use_configuration(d);
        connect_interrupts(d);
    }
    return complete(irp, status, 0);
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PIO_STACK_LOCATION here = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status;

    switch (here->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(d, irp, here);
    case IRP_MN_QUERY_INTERFACE:
        if (!d->intercept)
            return pass(d, irp);
        status = forward_and_wait(d, irp);
        if (NT_SUCCESS(status))
            intercept_interface(d, here);
        return complete(irp, status, 0);
    case IRP_MN_STOP_DEVICE:
        let_go(d);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    case IRP_MN_REMOVE_DEVICE:
        let_go(d);
        irp->IoStatus.Status = STATUS_SUCCESS;
        status = pass(d, irp);
        IoDetachDevice(d->lower);
        IoDeleteDevice(device);
        return status;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    default:
        return pass(d, irp);
    }
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(d->lower, irp);
}

static NTSTATUS NTAPI dispatch_other(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_file(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PIO_STACK_LOCATION here = IoGetCurrentIrpStackLocation(irp);
    ULONG *value = irp->AssociatedIrp.SystemBuffer;

    if (here->Parameters.DeviceIoControl.InputBufferLength < sizeof(*value))
        return complete(irp, STATUS_INVALID_PARAMETER, 0);
    switch (here->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(0):
        return complete(irp, STATUS_SUCCESS, count_of(d, *value));
    case RL_IOCTL(1):
        merge_messages(d);
        return complete(irp, STATUS_SUCCESS, 0);
    case RL_IOCTL(2):
        use_table(d, *value);
        return complete(irp, STATUS_SUCCESS, 0);
    default:
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PciFun");
    PDEVICE_OBJECT device;
    struct device *d;
    NTSTATUS status = IoCreateDevice(driver, sizeof(*d), &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                                     FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    d = device->DeviceExtension;
    d->self = device;
    d->pdo = pdo;
    d->level = HIGH_LEVEL;
    d->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (d->lower == NULL) {
        IoDeleteDevice(device);
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    driver->DriverUnload = unload;
    driver->DriverExtension->AddDevice = add_device;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_other;
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_file;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_file;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * A stack of three unnamed devices of one driver, for tests of the IRP machine.
 * Each device calls the handler that the test put into its extension.
 */
#ifndef STACK_H
#define STACK_H

#include "rltest.h"

typedef NTSTATUS (*handler_fn)(PDEVICE_OBJECT DeviceObject, PIRP Irp);

struct layer {
    handler_fn handler;
    PDEVICE_OBJECT lower;
    ULONG calls;
    UCHAR last_major, last_minor;
    CCHAR last_location;
};

enum { BOTTOM, MIDDLE, TOP, LAYERS };
static PDEVICE_OBJECT stack[LAYERS];

static struct layer *layer_of(PDEVICE_OBJECT device)
{
    return device->DeviceExtension;
}

static NTSTATUS complete_with(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS succeed(PDEVICE_OBJECT device, PIRP Irp)
{
    return complete_with(Irp, STATUS_SUCCESS, 7);
}

static __attribute__((unused)) NTSTATUS skip_down(PDEVICE_OBJECT device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(layer_of(device)->lower, Irp);
}

static NTSTATUS copy_down(PDEVICE_OBJECT device, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return IoCallDriver(layer_of(device)->lower, Irp);
}

static NTSTATUS NTAPI stack_dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct layer *layer = layer_of(DeviceObject);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    layer->calls++;
    layer->last_major = location->MajorFunction;
    layer->last_minor = location->MinorFunction;
    layer->last_location = Irp->CurrentLocation;
    return layer->handler(DeviceObject, Irp);
}

static VOID stack_reset(void)
{
    int i;

    for (i = 0; i < LAYERS; i++) {
        struct layer *layer = layer_of(stack[i]);
        layer->handler = i == BOTTOM ? succeed : copy_down;
        layer->calls = 0;
    }
}

static NTSTATUS stack_create(PDRIVER_OBJECT driver)
{
    NTSTATUS status = STATUS_SUCCESS;
    int i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = stack_dispatch;
    for (i = 0; i < LAYERS && NT_SUCCESS(status); i++) {
        status = IoCreateDevice(driver, sizeof(struct layer), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &stack[i]);
        if (!NT_SUCCESS(status))
            break;
        stack[i]->Flags &= ~DO_DEVICE_INITIALIZING;
        if (i != BOTTOM)
            layer_of(stack[i])->lower = IoAttachDeviceToDeviceStack(stack[i], stack[i - 1]);
    }
    if (NT_SUCCESS(status))
        stack_reset();
    return status;
}

static VOID stack_delete(void)
{
    int i;

    for (i = LAYERS - 1; i >= 0; i--) {
        if (i != BOTTOM)
            IoDetachDevice(stack[i - 1]);
        IoDeleteDevice(stack[i]);
    }
}

/* A completion routine that stops the walk and tells an event; what a driver that allocated an IRP needs
 * (REQ-16). */
static NTSTATUS NTAPI stop_and_signal(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Context != NULL)
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of our own for the top device, with a stopping routine, major function set. */
static __attribute__((unused)) PIRP make_irp(UCHAR major, PKEVENT event)
{
    PIRP Irp = IoAllocateIrp(stack[TOP]->StackSize, FALSE);

    if (Irp != NULL) {
        IoGetNextIrpStackLocation(Irp)->MajorFunction = major;
        IoSetCompletionRoutine(Irp, stop_and_signal, event, TRUE, TRUE, TRUE);
    }
    return Irp;
}

static VOID NTAPI stack_unload(PDRIVER_OBJECT DriverObject)
{
    stack_delete();
}

#endif

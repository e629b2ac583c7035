/* SPDX-License-Identifier: MIT */
/*
 * trio-line: the function driver of what is in a slot of trio-bus, a line that
 * loops back: what is written can be read, by whoever waits first. It shows how
 * requests live with PnP and power: they wait in a cancel-safe queue while the
 * device is not started, being stopped or asleep, and fail when it is gone.
 *
 * Every queued request holds the remove lock, so IRP_MN_REMOVE_DEVICE waits for
 * the last of them.
 */
#include <ntddk.h>
#include "trio.h"

#define LINE_TAG 'niLT'
#define RING     256

struct line {
    PDEVICE_OBJECT self, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    IO_CSQ queue;
    LIST_ENTRY requests;
    KSPIN_LOCK queue_lock;
    KSPIN_LOCK serving;                            /* guards what follows: one at a time serves requests */
    BOOLEAN started, paused, leaving, awake, gone; /* leaving: asked whether it may be removed */
    UCHAR ring[RING];
    ULONG put, taken;
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

/* ---- requests ---- */

static VOID NTAPI csq_insert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, struct line, queue)->requests, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* A read when there is something, a write when there is room for all of it. */
static BOOLEAN can_be_served(struct line *line, PIRP Irp)
{
    ULONG used = line->put - line->taken;

    return is_write(Irp) ? length_of(Irp) <= RING - used : used != 0;
}

/* The context says which: NULL any, the line what can be served now, or a file object whose request it is. */
static PIRP NTAPI csq_peek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    struct line *line = CONTAINING_RECORD(Csq, struct line, queue);
    PLIST_ENTRY at = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : line->requests.Flink;

    for (; at != &line->requests; at = at->Flink) {
        PIRP found = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(found)->FileObject == PeekContext ||
            (PeekContext == line && can_be_served(line, found)))
            return found;
    }
    return NULL;
}

static VOID NTAPI csq_acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, struct line, queue)->queue_lock, Irql);
}

static VOID NTAPI csq_release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, struct line, queue)->queue_lock, Irql);
}

/* The end of a request that was queued. */
static void finish(struct line *line, PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    complete(Irp, status, information);
    IoReleaseRemoveLock(&line->remove_lock, Irp);
}

static VOID NTAPI csq_canceled(PIO_CSQ Csq, PIRP Irp)
{
    finish(CONTAINING_RECORD(Csq, struct line, queue), Irp, STATUS_CANCELLED, 0);
}

static ULONG transfer(struct line *line, PIRP Irp)
{
    PUCHAR buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG done = 0;

    if (is_write(Irp))
        for (; done < length_of(Irp); done++)
            line->ring[line->put++ % RING] = buffer[done];
    else
        for (; done < length_of(Irp) && line->taken != line->put; done++)
            buffer[done] = line->ring[line->taken++ % RING];
    return done;
}

static PIRP serve_one(struct line *line, PULONG done)
{
    PIRP irp = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&line->serving, &irql);
    if (line->started && !line->paused && !line->leaving && line->awake && !line->gone)
        irp = IoCsqRemoveNextIrp(&line->queue, line);
    if (irp != NULL)
        *done = transfer(line, irp);
    KeReleaseSpinLock(&line->serving, irql);
    return irp;
}

static void serve(struct line *line)
{
    ULONG done;
    PIRP irp;

    while ((irp = serve_one(line, &done)) != NULL)
        finish(line, irp, STATUS_SUCCESS, done);
}

static void fail_all(struct line *line, PFILE_OBJECT file, NTSTATUS status)
{
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&line->queue, file)) != NULL)
        finish(line, irp, status, 0);
}

/* One of the states, with what waits for it. */
static void set(struct line *line, BOOLEAN *state, BOOLEAN value)
{
    KIRQL irql;

    KeAcquireSpinLock(&line->serving, &irql);
    *state = value;
    KeReleaseSpinLock(&line->serving, irql);
    serve(line);
}

/* ---- dispatch ---- */

static NTSTATUS NTAPI read_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct line *line = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&line->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    if (line->gone || length_of(Irp) == 0 || length_of(Irp) > RING) {
        status = line->gone            ? STATUS_NO_SUCH_DEVICE
                 : length_of(Irp) == 0 ? STATUS_SUCCESS
                                       : STATUS_INVALID_BUFFER_SIZE;
        finish(line, Irp, status, 0);
        return status;
    }
    IoCsqInsertIrp(&line->queue, Irp, NULL); /* marks it pending */
    serve(line);
    if (line->gone) /* since the first look: nobody else will find it */
        fail_all(line, NULL, STATUS_NO_SUCH_DEVICE);
    return STATUS_PENDING;
}

/* Nobody new while it may be removed. A handle to a device that is gone can still be closed. */
static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct line *line = DeviceObject->DeviceExtension;
    BOOLEAN create = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE;

    return complete(Irp, create && (line->gone || line->leaving) ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    fail_all(DeviceObject->DeviceExtension, IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- PnP ---- */

static NTSTATUS start(struct line *line, PIRP Irp)
{
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (IoForwardIrpSynchronously(line->lower, Irp)) /* first those below */
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        line->paused = FALSE;
        set(line, &line->started, TRUE);
        IoSetDeviceInterfaceState(&line->link, TRUE);
    }
    return complete(Irp, status, Irp->IoStatus.Information);
}

static void go(struct line *line)
{
    IoSetDeviceInterfaceState(&line->link, FALSE);
    set(line, &line->gone, TRUE);
    fail_all(line, NULL, STATUS_NO_SUCH_DEVICE);
}

static NTSTATUS remove(struct line *line, PIRP Irp)
{
    PDEVICE_OBJECT self = line->self, lower = line->lower;
    NTSTATUS status;

    go(line);
    IoReleaseRemoveLockAndWait(&line->remove_lock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass_down(lower, Irp);
    IoDetachDevice(lower);
    RtlFreeUnicodeString(&line->link);
    IoDeleteDevice(self);
    return status;
}

/* Handled first here, then by those below: the way down. False: it is not for this driver. */
static BOOLEAN change(struct line *line, UCHAR minor)
{
    switch (minor) {
    case IRP_MN_QUERY_STOP_DEVICE:
        set(line, &line->paused, TRUE);
        return TRUE;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        set(line, &line->leaving, TRUE);
        return TRUE;
    case IRP_MN_STOP_DEVICE:
        set(line, &line->started, FALSE);
        return TRUE;
    case IRP_MN_CANCEL_STOP_DEVICE:
        set(line, &line->paused, FALSE);
        return TRUE;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        set(line, &line->leaving, FALSE);
        return TRUE;
    case IRP_MN_SURPRISE_REMOVAL:
        go(line);
        return TRUE;
    default:
        return FALSE;
    }
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct line *line = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&line->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return remove(line, Irp);
    if (minor == IRP_MN_START_DEVICE) {
        status = start(line, Irp);
    } else {
        if (change(line, minor))
            Irp->IoStatus.Status = STATUS_SUCCESS;
        status = pass_down(line->lower, Irp);
    }
    IoReleaseRemoveLock(&line->remove_lock, Irp);
    return status;
}

/* ---- power: requests wait while the device sleeps ---- */

static NTSTATUS NTAPI woke(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct line *line = Context;

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        PoSetPowerState(line->self, DevicePowerState,
                        IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State);
        set(line, &line->awake, TRUE);
    }
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&line->remove_lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* Up: those below first, then this device; down: the other way round. */
static NTSTATUS set_device_power(struct line *line, PIRP Irp, POWER_STATE state)
{
    NTSTATUS status;

    if (state.DeviceState == PowerDeviceD0) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, woke, line, TRUE, TRUE, TRUE);
        return PoCallDriver(line->lower, Irp);
    }
    set(line, &line->awake, FALSE);
    PoSetPowerState(line->self, DevicePowerState, state);
    status = pass_power_down(line->lower, Irp);
    IoReleaseRemoveLock(&line->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct line *line = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&line->remove_lock, Irp);

    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return complete(Irp, status, 0);
    }
    if (location->MinorFunction == IRP_MN_SET_POWER && location->Parameters.Power.Type == DevicePowerState)
        return set_device_power(line, Irp, location->Parameters.Power.State);
    status = pass_power_down(line->lower, Irp);
    IoReleaseRemoveLock(&line->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return pass_down(((struct line *)DeviceObject->DeviceExtension)->lower, Irp);
}

/* ---- beginning and end ---- */

static void init_line(struct line *line, PDEVICE_OBJECT self)
{
    line->self = self;
    line->awake = TRUE;
    IoInitializeRemoveLock(&line->remove_lock, LINE_TAG, 0, 0);
    InitializeListHead(&line->requests);
    KeInitializeSpinLock(&line->queue_lock);
    KeInitializeSpinLock(&line->serving);
    IoCsqInitialize(&line->queue, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_canceled);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct line *line;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*line), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    line = self->DeviceExtension;
    init_line(line, self);
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_TRIO_LINE, NULL, &line->link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    line->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (line->lower == NULL) {
        RtlFreeUnicodeString(&line->link);
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
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = read_write;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = read_write;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

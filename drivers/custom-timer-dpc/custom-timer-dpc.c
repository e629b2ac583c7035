/* SPDX-License-Identifier: MIT */
/*
 * custom-timer-dpc: a time-out of the driver's own, by a timer and its DPC.
 *
 * A read waits for the next write, but not longer than half a second: then the
 * CustomTimerDpc, which the kernel calls at DISPATCH_LEVEL when the timer
 * expires, completes it with STATUS_IO_TIMEOUT. Write and DPC may race for the
 * request; who takes it out of `waiting` under the lock completes it. Unload
 * cancels the timer, and waits for a call that has been queued already.
 */
#include <ntddk.h>

#define TIMEOUT_MS 500

struct mailbox {
    KSPIN_LOCK lock; /* guards waiting */
    PIRP waiting;
    KTIMER timer;
    KDPC dpc;
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* Whoever takes the request stops its timer, under the same lock: the next request starts it anew. */
static PIRP take_waiting(struct mailbox *box)
{
    KIRQL irql;
    PIRP irp;

    KeAcquireSpinLock(&box->lock, &irql);
    irp = box->waiting;
    box->waiting = NULL;
    KeCancelTimer(&box->timer); /* FALSE: its DPC is on the way, and will find nothing or another request */
    KeReleaseSpinLock(&box->lock, irql);
    return irp;
}

/* Not a request that came after the one whose time is up: the timer runs again then. */
static PIRP take_expired(struct mailbox *box)
{
    PIRP irp = NULL;

    KeAcquireSpinLockAtDpcLevel(&box->lock);
    if (KeReadStateTimer(&box->timer)) {
        irp = box->waiting;
        box->waiting = NULL;
    }
    KeReleaseSpinLockFromDpcLevel(&box->lock);
    return irp;
}

static VOID NTAPI timed_out(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PIRP irp = take_expired(DeferredContext);

    DbgPrint("CustomTimerDpc at IRQL %d: %s\n", KeGetCurrentIrql(), irp != NULL ? "time is up" : "too late");
    if (irp != NULL)
        complete(irp, STATUS_IO_TIMEOUT, 0);
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct mailbox *box = DeviceObject->DeviceExtension;
    LARGE_INTEGER due;
    KIRQL irql;

    due.QuadPart = -10000LL * TIMEOUT_MS; /* negative: from now on, in 100 ns */
    KeAcquireSpinLock(&box->lock, &irql);
    if (box->waiting != NULL) {
        KeReleaseSpinLock(&box->lock, irql);
        return complete(Irp, STATUS_DEVICE_BUSY, 0);
    }
    IoMarkIrpPending(Irp);
    box->waiting = Irp;
    KeSetTimer(&box->timer, due, &box->dpc);
    KeReleaseSpinLock(&box->lock, irql);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct mailbox *box = DeviceObject->DeviceExtension;
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    PIRP reader = take_waiting(box);

    if (reader == NULL)
        return complete(Irp, STATUS_DEVICE_NOT_READY, 0);
    length = min(length, IoGetCurrentIrpStackLocation(reader)->Parameters.Read.Length);
    RtlCopyMemory(reader->AssociatedIrp.SystemBuffer, Irp->AssociatedIrp.SystemBuffer, length);
    complete(reader, STATUS_SUCCESS, length);
    return complete(Irp, STATUS_SUCCESS, length);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    struct mailbox *box = DriverObject->DeviceObject->DeviceExtension;

    KeCancelTimer(&box->timer);
    KeFlushQueuedDpcs(); /* the routine is not running any more, on no processor */
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Letterbox");
    PDEVICE_OBJECT device;
    struct mailbox *box;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_READ] = read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(*box), &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    box = device->DeviceExtension;
    KeInitializeSpinLock(&box->lock);
    KeInitializeTimer(&box->timer);
    KeInitializeDpc(&box->dpc, timed_out, box);
    return STATUS_SUCCESS;
}

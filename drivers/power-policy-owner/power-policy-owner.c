/* SPDX-License-Identifier: MIT */
/*
 * power-policy-owner: a function driver decides in which power state its device
 * is. When the system goes to sleep it sends its device there, and wakes it
 * afterwards: a system power request is held until the device power request
 * that the driver asked for (PoRequestPowerIrp) is done. When nothing was
 * written for a while the device sleeps by itself (PoRegisterDeviceForIdleDetection),
 * and the next write, which waits in a cancel-safe queue, wakes it.
 */
#include <initguid.h>
#include <ntddk.h>

#define OWNER_TAG    'nwOP'
#define IDLE_SECONDS 2

/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0031} */
DEFINE_GUID(GUID_SLEEPER, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x31);

struct owner {
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    UNICODE_STRING link;
    PULONG idle_counter; /* the power manager's; NULL: not registered */
    IO_CSQ queue;        /* writes that wait for D0 */
    LIST_ENTRY writes;
    KSPIN_LOCK lock;          /* guards writes and state */
    DEVICE_POWER_STATE state; /* D0 from the start on; unspecified: not started, or gone */
    LONG waking;              /* a request for D0 is on its way */
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* ---- writes ---- */

static VOID NTAPI csq_insert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, struct owner, queue)->writes, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The context: only while the device is in D0. */
static PIRP NTAPI csq_peek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    struct owner *owner = CONTAINING_RECORD(Csq, struct owner, queue);
    PLIST_ENTRY at = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : owner->writes.Flink;

    if (at == &owner->writes || (PeekContext != NULL && owner->state != PowerDeviceD0))
        return NULL;
    return CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, struct owner, queue)->lock, Irql);
}

static VOID NTAPI csq_release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, struct owner, queue)->lock, Irql);
}

static void finish(struct owner *owner, PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    complete(Irp, status, information);
    IoReleaseRemoveLock(&owner->remove_lock, Irp);
}

static VOID NTAPI csq_canceled(PIO_CSQ Csq, PIRP Irp)
{
    finish(CONTAINING_RECORD(Csq, struct owner, queue), Irp, STATUS_CANCELLED, 0);
}

static void serve(struct owner *owner)
{
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&owner->queue, owner)) != NULL)
        finish(owner, irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length);
}

static void fail_all(struct owner *owner)
{
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&owner->queue, NULL)) != NULL)
        finish(owner, irp, STATUS_NO_SUCH_DEVICE, 0);
}

static void set_state(struct owner *owner, DEVICE_POWER_STATE state)
{
    KIRQL irql;

    KeAcquireSpinLock(&owner->lock, &irql);
    owner->state = state;
    KeReleaseSpinLock(&owner->lock, irql);
}

/* ---- the policy ---- */

static VOID NTAPI woken(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                        PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    struct owner *owner = Context;

    InterlockedExchange(&owner->waking, 0);
    IoReleaseRemoveLock(&owner->remove_lock, woken);
}

/* For a write that found the device asleep. One request at a time; the remove lock is its own. */
static void wake(struct owner *owner)
{
    POWER_STATE full = {.DeviceState = PowerDeviceD0};

    if (InterlockedExchange(&owner->waking, 1) != 0)
        return;
    if (!NT_SUCCESS(IoAcquireRemoveLock(&owner->remove_lock, woken))) {
        InterlockedExchange(&owner->waking, 0);
        return;
    }
    DbgPrint("a write wakes the device\n");
    if (!NT_SUCCESS(PoRequestPowerIrp(owner->pdo, IRP_MN_SET_POWER, full, woken, owner, NULL))) {
        InterlockedExchange(&owner->waking, 0);
        IoReleaseRemoveLock(&owner->remove_lock, woken);
    }
}

/* The device has followed: the system's request, which waited for that, can be completed. */
static VOID NTAPI device_followed(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                                  PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PIRP system = Context;
    struct owner *owner = IoGetCurrentIrpStackLocation(system)->DeviceObject->DeviceExtension;

    PoStartNextPowerIrp(system);
    finish(owner, system, IoStatus->Status, 0);
}

/* Those below know of the system's state; now the device follows. */
static NTSTATUS NTAPI system_passed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct owner *owner = Context;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE wanted;
    NTSTATUS status = Irp->IoStatus.Status;

    wanted.DeviceState =
        location->Parameters.Power.State.SystemState == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
    if (NT_SUCCESS(status))
        status = PoRequestPowerIrp(owner->pdo, IRP_MN_SET_POWER, wanted, device_followed, Irp, NULL);
    if (NT_SUCCESS(status))
        return STATUS_MORE_PROCESSING_REQUIRED;
    Irp->IoStatus.Status = status;
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&owner->remove_lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS set_system_power(struct owner *owner, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, system_passed, owner, TRUE, TRUE, TRUE);
    PoCallDriver(owner->lower, Irp);
    return STATUS_PENDING;
}

/* ---- the device's state ---- */

static NTSTATUS NTAPI woke(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct owner *owner = Context;

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        PoSetPowerState(owner->self, DevicePowerState,
                        IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State);
        set_state(owner, PowerDeviceD0);
        DbgPrint("in D0\n");
        serve(owner);
    }
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&owner->remove_lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS pass_power_down(struct owner *owner, PIRP Irp)
{
    NTSTATUS status;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    status = PoCallDriver(owner->lower, Irp);
    IoReleaseRemoveLock(&owner->remove_lock, Irp);
    return status;
}

/* Up: those below first; down: this device first. */
static NTSTATUS set_device_power(struct owner *owner, PIRP Irp, POWER_STATE state)
{
    if (state.DeviceState == PowerDeviceD0) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, woke, owner, TRUE, TRUE, TRUE);
        return PoCallDriver(owner->lower, Irp);
    }
    set_state(owner, state.DeviceState);
    PoSetPowerState(owner->self, DevicePowerState, state);
    DbgPrint("in D%d\n", state.DeviceState - PowerDeviceD0);
    return pass_power_down(owner, Irp);
}

static NTSTATUS NTAPI power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct owner *owner = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&owner->remove_lock, Irp);

    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return complete(Irp, status, 0);
    }
    if (location->MinorFunction != IRP_MN_SET_POWER)
        return pass_power_down(owner, Irp); /* it may: what is written waits */
    return location->Parameters.Power.Type == SystemPowerState
               ? set_system_power(owner, Irp)
               : set_device_power(owner, Irp, location->Parameters.Power.State);
}

/* ---- requests ---- */

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct owner *owner = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&owner->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    if (owner->idle_counter != NULL)
        PoSetDeviceBusy(owner->idle_counter);
    IoCsqInsertIrp(&owner->queue, Irp, NULL); /* marks it pending */
    if (owner->state == PowerDeviceUnspecified)
        fail_all(owner);
    else if (owner->state != PowerDeviceD0)
        wake(owner);
    serve(owner);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- PnP ---- */

/* IRP_MN_START_DEVICE leaves the device in D0. */
static NTSTATUS start(struct owner *owner, PIRP Irp)
{
    POWER_STATE full = {.DeviceState = PowerDeviceD0};
    NTSTATUS status = STATUS_NO_SUCH_DEVICE;

    if (IoForwardIrpSynchronously(owner->lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        PoSetPowerState(owner->self, DevicePowerState, full);
        set_state(owner, PowerDeviceD0);
        owner->idle_counter =
            PoRegisterDeviceForIdleDetection(owner->pdo, IDLE_SECONDS, IDLE_SECONDS, PowerDeviceD3);
        IoSetDeviceInterfaceState(&owner->link, TRUE);
    }
    return complete(Irp, status, Irp->IoStatus.Information);
}

static void stop(struct owner *owner)
{
    if (owner->idle_counter != NULL)
        PoRegisterDeviceForIdleDetection(owner->pdo, 0, 0, PowerDeviceUnspecified);
    owner->idle_counter = NULL;
    IoSetDeviceInterfaceState(&owner->link, FALSE);
    set_state(owner, PowerDeviceUnspecified);
    fail_all(owner);
}

static NTSTATUS remove(struct owner *owner, PIRP Irp)
{
    PDEVICE_OBJECT self = owner->self, lower = owner->lower;
    NTSTATUS status;

    stop(owner);
    IoReleaseRemoveLockAndWait(&owner->remove_lock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(lower, Irp);
    IoDetachDevice(lower);
    RtlFreeUnicodeString(&owner->link);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct owner *owner = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&owner->remove_lock, Irp);

    if (!NT_SUCCESS(status))
        return complete(Irp, status, 0);
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = start(owner, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return remove(owner, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_STOP_DEVICE:
        stop(owner);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        /* fall through */
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        status = IoCallDriver(owner->lower, Irp);
    }
    IoReleaseRemoveLock(&owner->remove_lock, Irp);
    return status;
}

static NTSTATUS NTAPI system_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((struct owner *)DeviceObject->DeviceExtension)->lower, Irp);
}

/* ---- beginning and end ---- */

static void init_owner(struct owner *owner, PDEVICE_OBJECT self, PDEVICE_OBJECT pdo)
{
    owner->self = self;
    owner->pdo = pdo;
    owner->state = PowerDeviceUnspecified;
    IoInitializeRemoveLock(&owner->remove_lock, OWNER_TAG, 0, 0);
    InitializeListHead(&owner->writes);
    KeInitializeSpinLock(&owner->lock);
    IoCsqInitialize(&owner->queue, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_canceled);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT self;
    struct owner *owner;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(*owner), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &self);

    if (!NT_SUCCESS(status))
        return status;
    owner = self->DeviceExtension;
    init_owner(owner, self, PhysicalDeviceObject);
    status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_SLEEPER, NULL, &owner->link);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(self);
        return status;
    }
    owner->lower = IoAttachDeviceToDeviceStack(self, PhysicalDeviceObject);
    if (owner->lower == NULL) {
        RtlFreeUnicodeString(&owner->link);
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
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->MajorFunction[IRP_MJ_PNP] = pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = power;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    DriverObject->DriverExtension->AddDevice = add_device;
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}

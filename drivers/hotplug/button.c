/* SPDX-License-Identifier: MIT */
/*
 * The button: a device that may be gone at any moment. A read waits until it is
 * pressed; when the button is pulled out, IRP_MN_SURPRISE_REMOVAL comes while
 * handles are open and reads wait: they fail at once, new ones too, and
 * IRP_MN_REMOVE_DEVICE follows when the last handle has been closed.
 */
#include "hotplug.h"

/* ---- reads ---- */

static VOID NTAPI csq_insert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, struct button, queue)->reads, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI csq_peek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    struct button *button = CONTAINING_RECORD(Csq, struct button, queue);
    PLIST_ENTRY at = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : button->reads.Flink;

    for (; at != &button->reads; at = at->Flink) {
        PIRP found = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(found)->FileObject == PeekContext)
            return found;
    }
    return NULL;
}

static VOID NTAPI csq_acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, struct button, queue)->reads_lock, Irql);
}

static VOID NTAPI csq_release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, struct button, queue)->reads_lock, Irql);
}

static VOID NTAPI csq_canceled(PIO_CSQ Csq, PIRP Irp)
{
    complete(Irp, STATUS_CANCELLED, 0);
}

/* A device that is gone takes none; refused under the lock, so none is left behind the flush of end_reads. */
static NTSTATUS NTAPI csq_insert_if_there(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    if (!CONTAINING_RECORD(Csq, struct button, queue)->started)
        return STATUS_DEVICE_NOT_CONNECTED;
    csq_insert(Csq, Irp);
    return STATUS_SUCCESS;
}

void init_button(struct button *button, PDEVICE_OBJECT self, struct bus *bus)
{
    button->self = self;
    button->bus = bus;
    InitializeListHead(&button->reads);
    KeInitializeSpinLock(&button->reads_lock);
    IoCsqInitializeEx(&button->queue, csq_insert_if_there, csq_remove, csq_peek, csq_acquire, csq_release,
                      csq_canceled);
    self->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
}

NTSTATUS button_read(struct button *button, PIRP Irp)
{
    NTSTATUS status = IoCsqInsertIrpEx(&button->queue, Irp, NULL, NULL); /* marks it pending if it goes in */

    return NT_SUCCESS(status) ? STATUS_PENDING : complete(Irp, status, 0);
}

void end_reads(struct button *button, PFILE_OBJECT file, NTSTATUS status)
{
    PIRP irp;

    while ((irp = IoCsqRemoveNextIrp(&button->queue, file)) != NULL)
        complete(irp, status, 0);
}

NTSTATUS button_control(struct button *button, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode != IOCTL_LET_GO)
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    IoRequestDeviceEject(button->self); /* the PnP manager asks everybody; then IRP_MN_EJECT comes */
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- what it is ---- */

static NTSTATUS refuse(PIRP Irp)
{
    return complete(Irp, Irp->IoStatus.Status, Irp->IoStatus.Information);
}

static NTSTATUS answer(PIRP Irp, const void *data, SIZE_T length)
{
    PVOID copy = ExAllocatePoolWithTag(PagedPool, length, HOTPLUG_TAG);

    if (copy == NULL)
        return complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    RtlCopyMemory(copy, data, length);
    return complete(Irp, STATUS_SUCCESS, (ULONG_PTR)copy);
}

static NTSTATUS query_id(struct button *button, PIRP Irp)
{
    static const WCHAR device[] = L"HOTPLUG\\Button", hardware[] = L"HOTPLUG\\Button\0";
    WCHAR room[12];
    UNICODE_STRING serial = {0, sizeof(room), room};

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryId.IdType) {
    case BusQueryDeviceID:
        return answer(Irp, device, sizeof(device));
    case BusQueryHardwareIDs:
        return answer(Irp, hardware, sizeof(hardware));
    case BusQueryInstanceID:
        RtlIntegerToUnicodeString(button->serial, 10, &serial);
        return answer(Irp, room, serial.Length + sizeof(WCHAR));
    default:
        return refuse(Irp);
    }
}

static NTSTATUS query_capabilities(PIRP Irp)
{
    PDEVICE_CAPABILITIES capabilities =
        IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceCapabilities.Capabilities;

    if (capabilities->Version != 1 || capabilities->Size < sizeof(DEVICE_CAPABILITIES))
        return complete(Irp, STATUS_UNSUCCESSFUL, 0);
    capabilities->RawDeviceOK = TRUE; /* without a function driver: this is one */
    capabilities->Removable = capabilities->EjectSupported = capabilities->SurpriseRemovalOK = TRUE;
    capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (ULONG state = PowerSystemSleeping1; state < PowerSystemMaximum; state++)
        capabilities->DeviceState[state] = PowerDeviceD3;
    return complete(Irp, STATUS_SUCCESS, Irp->IoStatus.Information);
}

static NTSTATUS query_relations(struct button *button, PIRP Irp)
{
    DEVICE_RELATIONS relations = {1, {button->self}};

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
        return refuse(Irp);
    ObReferenceObject(button->self);
    return answer(Irp, &relations, sizeof(relations));
}

/* ---- what becomes of it ---- */

/* An interface can be registered when the PnP manager knows the device. */
static NTSTATUS start(struct button *button, PIRP Irp)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (button->name.Buffer == NULL)
        status = IoRegisterDeviceInterface(button->self, &GUID_HOTPLUG_BUTTON, NULL, &button->name);
    if (NT_SUCCESS(status)) {
        button->started = TRUE;
        IoSetDeviceInterfaceState(&button->name, TRUE);
    }
    return complete(Irp, status, 0);
}

static void stop(struct button *button, NTSTATUS status)
{
    KIRQL irql;

    KeAcquireSpinLock(&button->reads_lock, &irql);
    button->started = FALSE;
    KeReleaseSpinLock(&button->reads_lock, irql);
    end_reads(button, NULL, status);
    if (button->name.Buffer != NULL)
        IoSetDeviceInterfaceState(&button->name, FALSE);
}

static NTSTATUS eject(struct button *button, PIRP Irp)
{
    struct bus *bus = button->bus;

    ExAcquireFastMutex(&bus->lock);
    if (bus->button == button)
        bus->button = NULL;
    ExReleaseFastMutex(&bus->lock);
    DbgPrint("button %lu comes out\n", button->serial);
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* It may be started again while the PnP manager has not been told that it is gone; then the device object
 * goes, once. */
static NTSTATUS remove(struct button *button, PIRP Irp)
{
    PDEVICE_OBJECT self = button->self;
    struct bus *bus = button->bus;
    BOOLEAN gone;

    stop(button, STATUS_DEVICE_NOT_CONNECTED);
    if (button->name.Buffer != NULL)
        RtlFreeUnicodeString(&button->name);
    button->name.Buffer = NULL;
    ExAcquireFastMutex(&bus->lock);
    gone = button->missing && forget(button);
    ExReleaseFastMutex(&bus->lock);
    complete(Irp, STATUS_SUCCESS, 0);
    if (gone)
        IoDeleteDevice(self);
    return STATUS_SUCCESS;
}

NTSTATUS button_pnp(struct button *button, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return query_id(button, Irp);
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(Irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(button, Irp);
    case IRP_MN_START_DEVICE:
        return start(button, Irp);
    case IRP_MN_EJECT:
        return eject(button, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove(button, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        DbgPrint("button %lu is gone\n", button->serial);
        stop(button, STATUS_DEVICE_NOT_CONNECTED);
        return complete(Irp, STATUS_SUCCESS, 0);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return complete(Irp, STATUS_SUCCESS, 0);
    default:
        return refuse(Irp);
    }
}

NTSTATUS button_power(struct button *button, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MinorFunction != IRP_MN_SET_POWER && location->MinorFunction != IRP_MN_QUERY_POWER)
        return refuse(Irp);
    if (location->MinorFunction == IRP_MN_SET_POWER && location->Parameters.Power.Type == DevicePowerState)
        PoSetPowerState(button->self, DevicePowerState, location->Parameters.Power.State);
    return complete(Irp, STATUS_SUCCESS, 0);
}

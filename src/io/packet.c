/* SPDX-License-Identifier: MIT */
/*
 * StartIo: the device queue lets one IRP of a device object through at a time.
 * The cancel lock guards CurrentIrp and the queue of cancelable requests; a
 * device with DeferredStartIo loops instead of recursing: start_count counts
 * who is in StartIo plus what was asked for meanwhile.
 */
#include "io/private.h"

/* As the call through the NULL pointer would end, but saying why. */
static _Noreturn void no_start_io(PDEVICE_OBJECT device, PIRP irp)
{
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_IRQL_NOT_LESS_OR_EQUAL,
        .p = {0, DISPATCH_LEVEL, 8, 0},
        .sentence = "a packet was to be started on a device whose driver has no StartIo routine",
        .irp = irp,
        .device = device,
    });
}

/* Rules: SR-06, SQ-39. At DISPATCH_LEVEL. */
static void call_start_io(PDEVICE_OBJECT device, PIRP irp)
{
    PDRIVER_STARTIO routine = device->DriverObject->DriverStartIo;
    /* SQ-39, REQ-09: none of the IoStart routines is for such a driver. */
    if (unlikely(routine == NULL))
        no_start_io(device, irp);
    struct ke_request starter = ke_request_begin(irp, device);
    TRACE(TRACE_START_IO, irp, .a = (uintptr_t)device, .b = (uintptr_t)routine);
    uint64_t cookie = ke_callout_enter("StartIo", routine);
    /* SR-06: at DISPATCH_LEVEL. */
    routine(device, irp);
    ke_callout_leave("StartIo", routine, cookie);
    TRACE(TRACE_START_IO_RETURN, irp);
    ke_request_end(starter);
}

static PIRP take_next(PDEVICE_OBJECT device, bool by_key, ULONG key)
{
    PKDEVICE_QUEUE_ENTRY entry = by_key ? KeRemoveByKeyDeviceQueue(&device->DeviceQueue, key)
                                        : KeRemoveDeviceQueue(&device->DeviceQueue);
    return entry ? container_of(entry, IRP, Tail.Overlay.DeviceQueueEntry) : NULL;
}

/* Rules: SQ-26, SQ-28. At DISPATCH_LEVEL. */
static void start_next(PDEVICE_OBJECT device, bool cancelable, bool by_key, ULONG key)
{
    KIRQL irql;
    if (cancelable)
        /* SQ-26, SQ-27: cancel routines look at CurrentIrp. */
        IoAcquireCancelSpinLock(&irql);
    /* SQ-26, SQ-32: nothing is current. */
    device->CurrentIrp = NULL;
    PIRP irp = take_next(device, by_key, key);
    if (irp) {
        /* SQ-26, SQ-33: the next one is, before StartIo and under the lock. */
        device->CurrentIrp = irp;
        /* SQ-23, SQ-27, SQ-38: from here on it cannot be canceled, if the driver wants it so. */
        if (cancelable && io_device_of(device)->non_cancelable)
            irp->CancelRoutine = NULL;
    }
    if (cancelable)
        IoReleaseCancelSpinLock(irql);
    /* DPC-13, SQ-35: the device works again before the caller completes what is done. */
    if (irp)
        call_start_io(device, irp);
    else
        TRACE(TRACE_DEVICE_IDLE, device);
}

/*
 * The caller is in StartIo by the count: what was asked for meanwhile happens here, until nothing is left.
 * Rules: SQ-30.
 */
static void drain(PDEVICE_OBJECT device)
{
    struct io_device *e = io_device_of(device);
    /* SQ-30: one after the other, when StartIo has returned. */
    while (__atomic_sub_fetch(&e->start_count, 1, __ATOMIC_SEQ_CST) != 0) {
        PIRP handed = __atomic_exchange_n(&e->start_handed, NULL, __ATOMIC_SEQ_CST);
        if (handed)
            call_start_io(device, handed);
        else
            start_next(device, e->start_cancelable, e->start_by_key, e->start_key);
    }
}

static void next_packet(PDEVICE_OBJECT device, bool cancelable, bool by_key, ULONG key)
{
    struct io_device *e = io_device_of(device);
    /* SQ-37: a StartIo that calls this is entered again, once for each packet. */
    if (!e->deferred_start_io) {
        start_next(device, cancelable, by_key, key);
        return;
    }
    e->start_cancelable = cancelable;
    e->start_by_key = by_key;
    e->start_key = key;
    /* SQ-30: within StartIo only the wish is recorded. */
    if (__atomic_add_fetch(&e->start_count, 1, __ATOMIC_SEQ_CST) > 1)
        return;
    start_next(device, cancelable, by_key, key);
    drain(device);
}

/*
 * The first IRP of an idle device. With DeferredStartIo another processor may just have found the queue empty
 * and not have left its loop: then the IRP is handed to it, lest StartIo be entered twice. Rules: SQ-22,
 * SQ-30, SQ-31.
 */
static void start_current(PDEVICE_OBJECT device, PIRP irp)
{
    struct io_device *e = io_device_of(device);
    if (!e->deferred_start_io) {
        call_start_io(device, irp);
        return;
    }
    __atomic_store_n(&e->start_handed, irp, __ATOMIC_SEQ_CST);
    if (__atomic_add_fetch(&e->start_count, 1, __ATOMIC_SEQ_CST) > 1)
        return;
    __atomic_store_n(&e->start_handed, NULL, __ATOMIC_SEQ_CST);
    call_start_io(device, irp);
    drain(device);
}

/* The cancel lock is held and is released. Rules: SQ-24. */
static void queued_cancelable(PIRP irp, KIRQL irql)
{
    PDRIVER_CANCEL routine = irp->Cancel ? IoSetCancelRoutine(irp, NULL) : NULL;
    if (!routine) {
        IoReleaseCancelSpinLock(irql);
        return;
    }
    irp->CancelIrql = irql;
    /* SQ-24: canceled before it was queued. */
    io_call_cancel_routine(irp, routine);
}

/*
 * Starts the IRP if the device is idle, else queues it. The dispatch routine has marked it pending.
 * IRQL: <= DISPATCH_LEVEL. Rules: SQ-20..SQ-25, DI-12, REQ-15.
 */
EXPORT(ntoskrnl, IoStartPacket, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction)
{
    KIRQL cancel_irql = DISPATCH_LEVEL;
    /* SQ-20, SQ-22, DI-12: StartIo and all that it calls. */
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    PKDEVICE_QUEUE_ENTRY entry = &Irp->Tail.Overlay.DeviceQueueEntry;
    BOOLEAN queued;
    if (CancelFunction) {
        IoAcquireCancelSpinLock(&cancel_irql);
        /* SQ-20, REQ-15: cancelable while it waits. */
        Irp->CancelRoutine = CancelFunction;
    }
    if (Key)
        /* SQ-21: by the value it points to. */
        queued = KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue, entry, *Key);
    else
        /* SQ-20: at the tail. */
        queued = KeInsertDeviceQueue(&DeviceObject->DeviceQueue, entry);
    if (queued) {
        TRACE(TRACE_IRP_QUEUED, Irp, .a = (uintptr_t)DeviceObject);
        if (CancelFunction)
            queued_cancelable(Irp, cancel_irql);
    } else {
        /* SQ-22, SQ-33: the device is idle. */
        DeviceObject->CurrentIrp = Irp;
        /* SQ-23, SQ-38: before StartIo. */
        if (CancelFunction && io_device_of(DeviceObject)->non_cancelable)
            Irp->CancelRoutine = NULL;
        if (CancelFunction)
            /* SQ-22: to DISPATCH_LEVEL, whatever the caller's was. */
            IoReleaseCancelSpinLock(cancel_irql);
        start_current(DeviceObject, Irp);
    }
    ke_lower_irql(irql);
}

/* IRQL: DISPATCH_LEVEL. Rules: SQ-26, SQ-27. */
EXPORT(ntoskrnl, IoStartNextPacket, DISPATCH_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    next_packet(DeviceObject, Cancelable, false, 0);
}

/* IRQL: <= DISPATCH_LEVEL. Rules: SQ-28. */
EXPORT(ntoskrnl, IoStartNextPacketByKey, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    /* SQ-28: the first at or above the key. */
    next_packet(DeviceObject, Cancelable, true, Key);
    ke_lower_irql(irql);
}

/* IRQL: any. Rules: SQ-29. */
EXPORT(ntoskrnl, IoSetStartIoAttributes, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo, BOOLEAN NonCancelable)
{
    /* SQ-29: loop instead of recursion. */
    io_device_of(DeviceObject)->deferred_start_io = DeferredStartIo;
    /* SQ-29: no cancel routine in StartIo. */
    io_device_of(DeviceObject)->non_cancelable = NonCancelable;
}

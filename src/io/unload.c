/* SPDX-License-Identifier: MIT */
/*
 * Unloading: driver and devices are marked, and Unload runs in a system thread
 * once nothing refers to a device of the driver and nobody is attached above.
 * Locks: the marks are under the database lock; none is held across Unload.
 */
#include "io/private.h"

/* No open file, nobody attached above (LC-10). Database lock held. */
bool io_driver_may_unload_locked(struct io_driver *d)
{
    if (!d->unload_pending || d->unload_queued)
        return false;
    for (PDEVICE_OBJECT device = d->public.DeviceObject; device; device = device->NextDevice) {
        /* LC-10: somebody still uses it. */
        if (device->ReferenceCount)
            return false;
        /* LC-10: somebody stands on it. */
        if (device->AttachedDevice)
            return false;
    }
    return true;
}

static void call_unload(struct io_driver *d)
{
    PDRIVER_OBJECT o = &d->public;
    PDRIVER_UNLOAD unload = o->DriverUnload;
    TRACE(TRACE_DRIVER_UNLOAD, o, .text = d->service);
    uint64_t cookie = ke_callout_enter("Unload", unload);
    /* SR-07: in a system thread at PASSIVE_LEVEL. */
    unload(o);
    ke_callout_leave("Unload", unload, cookie);
    TRACE(TRACE_DRIVER_UNLOAD_RETURN, o, .text = d->service);
}

void io_driver_gone(struct io_driver *d, bool unloaded)
{
    /* One that other drivers import from holds things for them. */
    if (io_ops.driver_gone && d->image && d->image->references <= 1)
        d->image_stays = io_ops.driver_gone(&d->public, unloaded);
}

static void unload_now(void *context)
{
    struct io_driver *d = context;
    call_unload(d);
    d->unloaded = true;
    io_forget_reinitialize(&d->public);
    io_driver_gone(d, true);
    unsigned left = io_remove_devices_left(&d->public);
    if (left && io_ops.devices_left)
        io_ops.devices_left(&d->public, left);
    TRACE(TRACE_UNLOAD, d->image, .text = d->service);
    /* LC-13: object, extension blocks and image go with the last reference. */
    io_driver_withdraw(d);
}

/* The last reference went; any IRQL up to DISPATCH_LEVEL, no lock held. */
void io_driver_queue_unload(struct io_driver *d)
{
    ex_queue_work(&d->unload_work, unload_now, d);
}

static void mark_devices_locked(struct io_driver *d)
{
    for (PDEVICE_OBJECT device = d->public.DeviceObject; device; device = device->NextDevice)
        /* LC-09: no new opens and no new attachments. */
        io_device_of(device)->flags |= IO_DEVICE_UNLOAD_PENDING;
}

/*
 * Asks a legacy driver to go. STATUS_SUCCESS: Unload has run. STATUS_PENDING: it will, with the last
 * reference. IRQL: PASSIVE_LEVEL. Rules: LC-09..LC-14, REQ-05, REQ-06.
 */
NTSTATUS io_unload_driver(PDRIVER_OBJECT driver)
{
    struct io_driver *d = io_driver_of(driver);
    /* LC-14, REQ-06: no routine, no unloading. */
    if (!driver->DriverUnload)
        return STATUS_INVALID_DEVICE_REQUEST;
    /* Its DriverEntry still runs. */
    if (!(driver->Flags & DRVO_INITIALIZED))
        return STATUS_INVALID_DEVICE_REQUEST;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    if (d->unload_pending) {
        KeReleaseSpinLock(&io_database_lock, irql);
        return STATUS_PENDING;
    }
    /* LC-09: the driver object is marked too. */
    driver->Flags |= DRVO_UNLOAD_INVOKED;
    d->unload_pending = true;
    mark_devices_locked(d);
    bool now = io_driver_may_unload_locked(d);
    d->unload_queued = now;
    KeReleaseSpinLock(&io_database_lock, irql);
    /* LC-14: later, when the last reference goes. */
    if (!now)
        return STATUS_PENDING;
    ob_reference(d);
    NTSTATUS status = io_in_system_thread(unload_now, d, "driver unload");
    ob_dereference(d);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Device stacks. A device knows the one above (AttachedDevice, which anybody
 * may read) and, privately, the one below. Written under the database lock.
 */
#include "io/private.h"

static PDEVICE_OBJECT top_of(PDEVICE_OBJECT device)
{
    while (device->AttachedDevice)
        device = device->AttachedDevice;
    return device;
}

static bool accepts_attachment(PDEVICE_OBJECT device)
{
    if (device->Flags & DO_DEVICE_INITIALIZING)
        /* DO-30: not ready. */
        return false;
    /* LC-09, DO-30: it goes away. */
    return !(io_device_of(device)->flags &
             (IO_DEVICE_UNLOAD_PENDING | IO_DEVICE_DELETE_PENDING | IO_DEVICE_REMOVE_PENDING));
}

/* Puts source above target's top and stores that in *lower before anybody can send through it. Rules:
 * DO-30..DO-32. */
NTSTATUS io_attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target, PDEVICE_OBJECT *lower)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    PDEVICE_OBJECT top = top_of(target);
    bool attached = accepts_attachment(top);
    if (attached) {
        /* DO-32: the lower pointer first, under the lock. */
        *lower = top;
        /* DO-21, DO-31: a location for each driver below, by what stands there now, and one. */
        source->StackSize = (CCHAR)(top->StackSize + 1);
        /* DO-22, DO-31: what the device needs. */
        source->AlignmentRequirement = top->AlignmentRequirement;
        /* DO-31: and its sectors. */
        source->SectorSize = top->SectorSize;
        io_device_of(source)->attached_to = top;
        /* DO-30: from here on requests go to source first. */
        top->AttachedDevice = source;
    }
    KeReleaseSpinLock(&io_database_lock, irql);
    if (!attached)
        return STATUS_NO_SUCH_DEVICE;
    TRACE(TRACE_DEVICE_ATTACHED, source, .a = (ULONG_PTR)*lower);
    return STATUS_SUCCESS;
}

/*
 * Attaches SourceDevice above the top of TargetDevice's stack; returns the device it is attached to, or NULL.
 * IRQL: <= DISPATCH_LEVEL. Rules: DO-30, DO-31.
 */
EXPORT(ntoskrnl, IoAttachDeviceToDeviceStack, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    PDEVICE_OBJECT lower = NULL;
    return NT_SUCCESS(io_attach(SourceDevice, TargetDevice, &lower)) ? lower : NULL;
}

/* The same; *AttachedToDeviceObject is valid before the first request comes. IRQL: <= DISPATCH_LEVEL. Rules:
 * DO-32. */
EXPORT(ntoskrnl, IoAttachDeviceToDeviceStackSafe, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                               PDEVICE_OBJECT *AttachedToDeviceObject)
{
    return io_attach(SourceDevice, TargetDevice, AttachedToDeviceObject);
}

/* The old form without a lower pointer. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoAttachDeviceByPointer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoAttachDeviceByPointer(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    PDEVICE_OBJECT lower;
    return io_attach(SourceDevice, TargetDevice, &lower);
}

void io_detach_locked(PDEVICE_OBJECT lower)
{
    PDEVICE_OBJECT upper = lower->AttachedDevice;
    if (!upper)
        return;
    io_device_of(upper)->attached_to = NULL;
    /* DO-36: the lower one is a top again. */
    lower->AttachedDevice = NULL;
}

/*
 * Takes the device above TargetDevice (the lower one) off it. A delete or unload that waited for that is
 * completed. IRQL: PASSIVE_LEVEL. Rules: DO-36, LC-15.
 */
EXPORT(ntoskrnl, IoDetachDevice, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    ob_reference(TargetDevice); /* it may be deleted already, and only this attachment keep it */
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    PDEVICE_OBJECT upper = TargetDevice->AttachedDevice;
    io_detach_locked(TargetDevice);
    /* LC-15: this may have been the last. */
    io_complete_pending(TargetDevice, irql);
    /* DO-36: nobody was attached. */
    if (!upper)
        io_irp_violation(0x202, NULL,
                         "IoDetachDevice was called for a device object that nobody is attached to");
    else
        TRACE(TRACE_DEVICE_DETACHED, upper, .a = (ULONG_PTR)TargetDevice);
    ob_dereference(TargetDevice);
}

/* The top of the stack, not referenced. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetAttachedDevice, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    /* DO-41: of those above only the top can be had. */
    return top_of(DeviceObject);
}

/* The top of the stack, referenced. IRQL: <= DISPATCH_LEVEL. Rules: DO-35. */
EXPORT(ntoskrnl, IoGetAttachedDeviceReference, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    /* DO-35: the top one. */
    PDEVICE_OBJECT top = top_of(DeviceObject);
    /* DO-35: the caller dereferences it. */
    ob_reference(top);
    KeReleaseSpinLock(&io_database_lock, irql);
    return top;
}

/* The device below, referenced, or NULL. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetLowerDeviceObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    PDEVICE_OBJECT lower = io_device_of(DeviceObject)->attached_to;
    if (lower)
        ob_reference(lower);
    KeReleaseSpinLock(&io_database_lock, irql);
    return lower;
}

/* The lowest device of the stack, referenced. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetDeviceAttachmentBaseRef, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    PDEVICE_OBJECT base = DeviceObject;
    while (io_device_of(base)->attached_to)
        base = io_device_of(base)->attached_to;
    ob_reference(base);
    KeReleaseSpinLock(&io_database_lock, irql);
    return base;
}

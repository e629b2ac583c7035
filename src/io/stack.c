/* SPDX-License-Identifier: MIT */
/*
 * What the PnP manager asks of a whole device stack: how many files are open
 * on it, that no more be opened, and whose devices stand in it. All of it is
 * read and written under the database lock, so that an open either counts or
 * is refused.
 */
#include "io/private.h"

static ULONG files_locked(PDEVICE_OBJECT pdo)
{
    ULONG count = 0;
    for (PDEVICE_OBJECT device = pdo; device; device = device->AttachedDevice)
        count += (ULONG)device->ReferenceCount;
    return count;
}

/* Files that are open on any device of the stack. IRQL: <= DISPATCH_LEVEL. */
ULONG io_stack_files(PDEVICE_OBJECT pdo)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    ULONG count = files_locked(pdo);
    KeReleaseSpinLock(&io_database_lock, irql);
    return count;
}

/*
 * From now on nobody opens the stack or attaches to it. Unless it is forced, only if no file is open: false,
 * and nothing is changed, if one is. IRQL: <= DISPATCH_LEVEL.
 */
bool io_stack_close(PDEVICE_OBJECT pdo, bool forced)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    bool closed = forced || files_locked(pdo) == 0;
    for (PDEVICE_OBJECT device = pdo; device && closed; device = device->AttachedDevice)
        io_device_of(device)->flags |= IO_DEVICE_REMOVE_PENDING;
    KeReleaseSpinLock(&io_database_lock, irql);
    return closed;
}

/* Takes io_stack_close back. IRQL: <= DISPATCH_LEVEL. */
void io_stack_open(PDEVICE_OBJECT pdo)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    for (PDEVICE_OBJECT device = pdo; device; device = device->AttachedDevice)
        io_device_of(device)->flags &= ~(ULONG)IO_DEVICE_REMOVE_PENDING;
    KeReleaseSpinLock(&io_database_lock, irql);
}

/* One of the stack's device objects is this driver's. IRQL: <= DISPATCH_LEVEL. */
bool io_stack_has_driver(PDEVICE_OBJECT pdo, PDRIVER_OBJECT driver)
{
    bool found = false;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    for (PDEVICE_OBJECT device = pdo; device && !found; device = device->AttachedDevice)
        found = device->DriverObject == driver;
    KeReleaseSpinLock(&io_database_lock, irql);
    return found;
}

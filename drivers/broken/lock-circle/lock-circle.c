/* SPDX-License-Identifier: MIT */
/* lock-circle: a mistake on purpose. Writing takes two spin locks in one order, flushing in the other. */
#include "../broken.h"

static KSPIN_LOCK lock_a, lock_b;

static VOID take_both(PKSPIN_LOCK first, PKSPIN_LOCK second)
{
    KIRQL irql;

    KeAcquireSpinLock(first, &irql);
    KeAcquireSpinLockAtDpcLevel(second);
    KeReleaseSpinLockFromDpcLevel(second);
    KeReleaseSpinLock(first, irql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE)
        take_both(&lock_a, &lock_b);
    if (major == IRP_MJ_FLUSH_BUFFERS)
        take_both(&lock_b, &lock_a); /* the mistake */
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* cancel-lock-circle: a mistake on purpose. The write routine takes its own lock inside the cancel spin
 * lock, the cancel routine the other way round.
 */
#include "../broken.h"

static KSPIN_LOCK lock;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    KIRQL outer;

    if (major == IRP_MJ_WRITE) {
        IoAcquireCancelSpinLock(&outer);
        KeAcquireSpinLockAtDpcLevel(&lock);
        KeReleaseSpinLockFromDpcLevel(&lock);
        IoReleaseCancelSpinLock(outer);
    }
    if (major == IRP_MJ_FLUSH_BUFFERS) {
        KIRQL inner;

        KeAcquireSpinLock(&lock, &outer);
        IoAcquireCancelSpinLock(&inner); /* the mistake */
        IoReleaseCancelSpinLock(inner);
        KeReleaseSpinLock(&lock, outer);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

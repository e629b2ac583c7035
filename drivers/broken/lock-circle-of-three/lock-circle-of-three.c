/* SPDX-License-Identifier: MIT */
/* lock-circle-of-three: a mistake on purpose. Three queued spin locks, each taken inside the one before:
 * A, B; B, C; C, A.
 */
#include "../broken.h"

static KSPIN_LOCK locks[3];

static VOID take_both(PKSPIN_LOCK first, PKSPIN_LOCK second)
{
    KLOCK_QUEUE_HANDLE outer, inner;

    KeAcquireInStackQueuedSpinLock(first, &outer);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(second, &inner);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&inner);
    KeReleaseInStackQueuedSpinLock(&outer);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        take_both(&locks[0], &locks[1]);
        take_both(&locks[1], &locks[2]);
    }
    if (major == IRP_MJ_FLUSH_BUFFERS)
        take_both(&locks[2], &locks[0]); /* the mistake */
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

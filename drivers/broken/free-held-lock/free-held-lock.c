/* SPDX-License-Identifier: MIT */
/* free-held-lock: a mistake on purpose. The write routine frees the memory in which it holds a spin lock. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = major_of(Irp);

    if (major == IRP_MJ_WRITE) {
        PKSPIN_LOCK lock = ExAllocatePoolWithTag(NonPagedPool, sizeof(*lock), 'korB');
        KIRQL irql;

        KeInitializeSpinLock(lock);
        KeAcquireSpinLock(lock, &irql);
        ExFreePoolWithTag(lock, 'korB'); /* the mistake */
        KeLowerIrql(irql);
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* start-next-under-lock: a mistake on purpose. IoStartNextPacket calls StartIo, which wants the same lock. */
#include "../broken.h"

static KSPIN_LOCK lock;

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIRP current = DeviceObject->CurrentIrp;
    KIRQL irql;

    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    if (current != NULL) {
        KeAcquireSpinLock(&lock, &irql);
        IoStartNextPacket(DeviceObject, FALSE); /* the mistake: not with a spin lock held */
        KeReleaseSpinLock(&lock, irql);
        finish(current, STATUS_SUCCESS, 0);
    }
    return STATUS_PENDING;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    DriverObject->DriverStartIo = start_io;
    return make_broken(DriverObject, dispatch, &device);
}

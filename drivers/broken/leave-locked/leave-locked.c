/* SPDX-License-Identifier: MIT */
/* leave-locked: a mistake on purpose. An MDL is freed, but its pages were not unlocked. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMDL mdl;

    if (major_of(Irp) == IRP_MJ_WRITE) {
        mdl = IoAllocateMdl(Irp->UserBuffer, IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length,
                            FALSE, FALSE, NULL);
        MmProbeAndLockPages(mdl, KernelMode, IoReadAccess); /* the buffer is good: the play's */
        IoFreeMdl(mdl);                                     /* the mistake: MmUnlockPages first */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

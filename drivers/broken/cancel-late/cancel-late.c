/* SPDX-License-Identifier: MIT */
/* cancel-late: a mistake on purpose. A read is kept pending for ever, and cannot be canceled. */
#include "../broken.h"

static PIRP kept;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_READ) {
        IoMarkIrpPending(Irp); /* the mistake: no cancel routine, and nothing that ends it by itself */
        kept = Irp;
        return STATUS_PENDING;
    }
    if (major_of(Irp) == IRP_MJ_CLEANUP && kept != NULL)
        finish(kept, STATUS_SUCCESS, 0);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

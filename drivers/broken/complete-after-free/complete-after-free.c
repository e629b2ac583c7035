/* SPDX-License-Identifier: MIT */
/* complete-after-free: a mistake on purpose. The completion routine frees the IRP; its sender completes it
 * once more. */
#include "../broken.h"

static PDEVICE_OBJECT device;
static PIRP own;

static NTSTATUS NTAPI free_it(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        own = IoAllocateIrp(device->StackSize, FALSE);
        IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoSetCompletionRoutine(own, free_it, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(device, own);
        IoCompleteRequest(own, IO_NO_INCREMENT); /* the mistake: the routine has freed it */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/* create-closed-file: a mistake on purpose. A driver sends a create with a file object that is open already.
 */
#include "../broken.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI stop(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID open_again(PFILE_OBJECT FileObject)
{
    PIRP Irp = IoAllocateIrp(device->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_CREATE;
    IoGetNextIrpStackLocation(Irp)->FileObject = FileObject; /* the mistake: it has been opened before */
    IoSetCompletionRoutine(Irp, stop, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(device, Irp);
    IoFreeIrp(Irp);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        open_again(IoGetCurrentIrpStackLocation(Irp)->FileObject);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

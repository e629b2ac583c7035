/* SPDX-License-Identifier: MIT */
/* system-buffer-overrun: a mistake on purpose. It answers with more bytes than the system buffer has. */
#include "../broken.h"

static void make_mistake(PIRP Irp)
{
    PIO_STACK_LOCATION here = IoGetCurrentIrpStackLocation(Irp);
    volatile UCHAR *buffer = Irp->AssociatedIrp.SystemBuffer;

    if (buffer != NULL)
        buffer[here->Parameters.Write.Length] = 0; /* the mistake */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (NT_SUCCESS(status))
        device->Flags |= DO_BUFFERED_IO;
    return status;
}

/* SPDX-License-Identifier: MIT */
/* unstopped-irp: a mistake on purpose. A driver sends an IRP of its own and lets it run to its top. */
#include "../broken.h"

static PDEVICE_OBJECT device;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE) {
        PIRP own = IoAllocateIrp(device->StackSize, FALSE);

        IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoCallDriver(device, own); /* the mistake: no completion routine */
    }
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return make_broken(DriverObject, dispatch, &device);
}

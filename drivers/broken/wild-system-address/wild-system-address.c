/* SPDX-License-Identifier: MIT */
/* wild-system-address: a mistake on purpose. It reads where there is no system memory. */
#include "../broken.h"

static volatile ULONG_PTR address = 0xFFFFF78123456000;

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    return *(volatile ULONG *)address; /* the mistake */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        Irp->IoStatus.Information = make_mistake(Irp);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

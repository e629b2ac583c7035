/* SPDX-License-Identifier: MIT */
/* stack-overflow: a mistake on purpose. It calls itself without an end. */
#include "../broken.h"

static volatile ULONG depth;

static DECLSPEC_NOINLINE ULONG deeper(ULONG level)
{
    volatile UCHAR room[512];

    room[level % sizeof(room)] = (UCHAR)level;
    depth = level;
    return level == MAXULONG ? 0 : deeper(level + 1) + room[0]; /* the mistake: so deep is no stack */
}

static DECLSPEC_NOINLINE ULONG_PTR make_mistake(PIRP Irp)
{
    return deeper(0);
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

/* SPDX-License-Identifier: MIT */
/* What the bus and its users share: the interfaces that they are opened by, and the bus's controls. */
#ifndef TRIO_H
#define TRIO_H

#include <initguid.h>

/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0001} */
DEFINE_GUID(GUID_TRIO_BUS, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x01);
/* {6B1FC2A0-5A0E-4B59-9E3E-7F6C3D1A0002} */
DEFINE_GUID(GUID_TRIO_LINE, 0x6B1FC2A0, 0x5A0E, 0x4B59, 0x9E, 0x3E, 0x7F, 0x6C, 0x3D, 0x1A, 0x00, 0x02);

/* Both take the slot's number, a ULONG: 0x222000, 0x222004. A plug answers with the instance id it gave. */
#define IOCTL_TRIO_PLUG   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_TRIO_UNPLUG CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define TRIO_SLOTS 4

static inline NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* A request that is not for this device object goes to the next lower one as it came. */
static inline NTSTATUS pass_down(PDEVICE_OBJECT lower, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(lower, Irp);
}

static inline NTSTATUS pass_power_down(PDEVICE_OBJECT lower, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(lower, Irp);
}

#endif

/* SPDX-License-Identifier: MIT */
/* unload-region: a mistake on purpose. Unload enters a guarded region and returns. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    delete_devices(DriverObject);
    KeEnterGuardedRegion(); /* the mistake: no KeLeaveGuardedRegion */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    DriverObject->DriverUnload = unload;
    return status;
}

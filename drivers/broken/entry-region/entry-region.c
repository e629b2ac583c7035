/* SPDX-License-Identifier: MIT */
/* entry-region: a mistake on purpose. The initialization routine enters a critical region and returns. */
#include "../broken.h"

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    KeEnterCriticalRegion(); /* the mistake: no KeLeaveCriticalRegion */
    return make_broken(DriverObject, dispatch, &device);
}

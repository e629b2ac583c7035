/* SPDX-License-Identifier: MIT */
/* leave-image-notify: a mistake on purpose. An image notify routine is not removed. */
#include "../broken.h"

static VOID NTAPI notify(PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo)
{
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = make_broken(DriverObject, dispatch, &device);

    if (!NT_SUCCESS(status))
        return status;
    status = PsSetLoadImageNotifyRoutine(notify);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* leave-process-notify: a mistake on purpose. A process notify routine is not removed. */
#include "../broken.h"

static VOID NTAPI notify(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
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
    status = PsSetCreateProcessNotifyRoutine(notify, FALSE);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* leave-registry-callback: a mistake on purpose. A registry callback is not unregistered. */
#include "../broken.h"

static LARGE_INTEGER cookie;

static NTSTATUS NTAPI watch(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    return STATUS_SUCCESS;
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
    status = CmRegisterCallback(watch, NULL, &cookie);
    return STATUS_SUCCESS;
}

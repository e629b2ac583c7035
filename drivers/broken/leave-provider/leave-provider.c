/* SPDX-License-Identifier: MIT */
/* leave-provider: a mistake on purpose. An event provider is not unregistered. */
#include "../broken.h"

typedef NTSTATUS NTAPI register_provider(const GUID *ProviderId, PVOID Callback, PVOID Context,
                                         PULONGLONG Handle);
static const GUID provider = {1, 2, 3, {4}};
static ULONGLONG registered;

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
    {
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"EtwRegister");
        register_provider *etw_register = (register_provider *)MmGetSystemRoutineAddress(&name);

        status = etw_register(&provider, NULL, NULL, &registered);
    }
    return STATUS_SUCCESS;
}

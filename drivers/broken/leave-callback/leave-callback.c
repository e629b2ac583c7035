/* SPDX-License-Identifier: MIT */
/* leave-callback: a mistake on purpose. A registered callback is not unregistered. */
#include "../broken.h"

static PVOID registration;

static VOID NTAPI called(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
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
    {
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\PowerState");
        OBJECT_ATTRIBUTES attributes;
        PCALLBACK_OBJECT object;

        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
        status = ExCreateCallback(&object, &attributes, FALSE, TRUE);
        if (NT_SUCCESS(status)) {
            registration = ExRegisterCallback(object, called, NULL);
            ObDereferenceObject(object);
        }
    }
    return STATUS_SUCCESS;
}

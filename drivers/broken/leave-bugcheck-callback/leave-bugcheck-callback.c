/* SPDX-License-Identifier: MIT */
/* leave-bugcheck-callback: a mistake on purpose. A bug check callback is not deregistered. */
#include "../broken.h"

static KBUGCHECK_CALLBACK_RECORD record;

static VOID NTAPI dying(PVOID Buffer, ULONG Length)
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
    KeRegisterBugCheckCallback(&record, (PVOID)dying, NULL, 0, (PUCHAR) "broken");
    return STATUS_SUCCESS;
}

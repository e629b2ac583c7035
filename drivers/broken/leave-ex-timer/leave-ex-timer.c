/* SPDX-License-Identifier: MIT */
/* leave-ex-timer: a mistake on purpose. A ExAllocateTimer timer is not deleted. */
#include "../broken.h"

typedef PVOID NTAPI allocate_timer(PVOID Callback, PVOID CallbackContext, ULONG Attributes);
static PVOID timer;

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
        UNICODE_STRING name = RTL_CONSTANT_STRING(L"ExAllocateTimer");
        allocate_timer *allocate = (allocate_timer *)MmGetSystemRoutineAddress(&name);

        timer = allocate(NULL, NULL, 0);
    }
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* leave-thread: a mistake on purpose. A thread still runs driver code when Unload returns. */
#include "../broken.h"

static VOID NTAPI run(PVOID Context)
{
    LARGE_INTEGER second = {.QuadPart = -10000000};

    for (;;)
        KeDelayExecutionThread(KernelMode, FALSE, &second);
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
        HANDLE thread;

        status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, run, NULL);
        if (NT_SUCCESS(status))
            ZwClose(thread);
    }
    return STATUS_SUCCESS;
}

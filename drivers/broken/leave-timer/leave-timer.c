/* SPDX-License-Identifier: MIT */
/* leave-timer: a mistake on purpose. A timer is still set when Unload returns. */
#include "../broken.h"

static KTIMER timer;
static KDPC dpc;

static VOID NTAPI tick(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
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
        LARGE_INTEGER due = {.QuadPart = -10000000};

        KeInitializeDpc(&dpc, tick, NULL);
        KeInitializeTimer(&timer);
        KeSetTimerEx(&timer, due, 1000, &dpc);
    }
    return STATUS_SUCCESS;
}

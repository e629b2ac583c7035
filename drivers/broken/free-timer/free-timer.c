/* SPDX-License-Identifier: MIT */
/* free-timer: a mistake on purpose. A pool block is freed whose timer is still set. */
#include "../broken.h"

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
        PKTIMER timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(KTIMER), 'emiT');

        if (timer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        KeInitializeTimer(timer);
        KeSetTimer(timer, due, NULL);
        ExFreePoolWithTag(timer, 'emiT');
    }
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* leave-wmi: a mistake on purpose. A WMI registration with a callback outlives the driver. */
#include "../broken.h"

#define WMIREG_FLAG_CALLBACK 0x80000000

static NTSTATUS NTAPI answer(UCHAR ActionCode, PVOID DataPath, ULONG BufferSize, PVOID Buffer, PVOID Context,
                             PULONG Size)
{
    *Size = 0;
    return STATUS_INVALID_DEVICE_REQUEST;
}

static struct {
    NTSTATUS(NTAPI *callback)(UCHAR, PVOID, ULONG, PVOID, PVOID, PULONG);
} registration = {answer};

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
    return IoWMIRegistrationControl((PDEVICE_OBJECT)&registration,
                                    WMIREG_ACTION_REGISTER | WMIREG_FLAG_CALLBACK);
}

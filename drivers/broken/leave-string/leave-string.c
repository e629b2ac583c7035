/* SPDX-License-Identifier: MIT */
/* leave-string: a mistake on purpose. A string that RtlAnsiStringToUnicodeString allocated is not freed. */
#include "../broken.h"

static UNICODE_STRING text;

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
        ANSI_STRING narrow = RTL_CONSTANT_STRING("hello");

        status = RtlAnsiStringToUnicodeString(&text, &narrow, TRUE);
    }
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* IOC-4: the access bits of a control code, against what the handle was granted; and the stricter check by
 * the driver. */
#include "target.h"

static NTSTATUS validate(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
        location->Parameters.DeviceIoControl.IoControlCode == RL_IOCTL(7))
        status = IoValidateDeviceIoControlAccess(Irp, FILE_WRITE_ACCESS);
    return complete_with(Irp, status, 0);
}

static VOID run_tests(PIRP Irp)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = target_create(DriverObject);

    target_handler = validate;
    return status;
}

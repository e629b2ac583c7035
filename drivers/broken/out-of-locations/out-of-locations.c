/* SPDX-License-Identifier: MIT */
/* out-of-locations: a mistake on purpose. A driver passes requests to a device that it did not make room for.
 */
#include "../broken.h"

static PDEVICE_OBJECT upper, target;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == target || major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    return IoCallDriver(target, Irp); /* the mistake: upper->StackSize is still 1 */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = make_broken(DriverObject, dispatch, &upper);

    if (NT_SUCCESS(status))
        status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &target);
    return status;
}

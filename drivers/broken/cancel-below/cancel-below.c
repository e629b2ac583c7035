/* SPDX-License-Identifier: MIT */
/* cancel-below: a mistake on purpose. A driver sets a cancel routine in a request that the driver below
 * has.
 */
#include "../broken.h"

static PDEVICE_OBJECT keeper;
static PFILE_OBJECT file;

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_FLUSH_BUFFERS) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(keeper, Irp);
    }
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoCallDriver(keeper, Irp);
    IoSetCancelRoutine(Irp, cancel); /* the mistake */
    return STATUS_PENDING;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    ObDereferenceObject(file);
    delete_devices(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Keeper");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &keeper);

    if (NT_SUCCESS(status))
        status = make_broken(DriverObject, dispatch, &device);
    if (NT_SUCCESS(status)) {
        device->StackSize = keeper->StackSize + 1;
        DriverObject->DriverUnload = unload;
    }
    return status;
}

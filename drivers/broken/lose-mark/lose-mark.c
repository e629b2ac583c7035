/* SPDX-License-Identifier: MIT */
/* lose-mark: a mistake on purpose. A completion routine forgets that the request was pended below. */
#include "../broken.h"

static PDEVICE_OBJECT keeper;
static PFILE_OBJECT file;

static NTSTATUS NTAPI done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_SUCCESS; /* the mistake: if (Irp->PendingReturned) IoMarkIrpPending(Irp) */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_FLUSH_BUFFERS) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(keeper, Irp);
    }
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, done, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(keeper, Irp);
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

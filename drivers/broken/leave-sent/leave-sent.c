/* SPDX-License-Identifier: MIT */
/* leave-sent: a mistake on purpose. Unload does not wait for a request that comes back to the driver. */
#include "../broken.h"

static PDEVICE_OBJECT keeper;
static PFILE_OBJECT file;

static NTSTATUS NTAPI came_back(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, came_back, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(keeper, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    ObDereferenceObject(file); /* the mistake: the write is below still */
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

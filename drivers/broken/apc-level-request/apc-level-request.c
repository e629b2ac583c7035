/* SPDX-License-Identifier: MIT */
/* apc-level-request: a mistake on purpose. A driver sends a request that ends in an APC at APC_LEVEL. */
#include "../broken.h"

static PDEVICE_OBJECT keeper;
static PFILE_OBJECT file;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_FLUSH_BUFFERS) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(keeper, Irp);
    }
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    PIRP own;
    KIRQL irql;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    own = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, keeper, "x", 1, NULL, &event, &iosb);
    KeRaiseIrql(APC_LEVEL, &irql);
    if (IoCallDriver(keeper, own) == STATUS_PENDING) /* the mistake */
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    KeLowerIrql(irql);
    return finish(Irp, STATUS_SUCCESS, 0);
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

/* SPDX-License-Identifier: MIT */
/* iosb-gone: a mistake on purpose. A driver sends a request with a status block on its stack and does not
 * wait for its end.
 */
#include "../broken.h"

static PDEVICE_OBJECT keeper;
static PFILE_OBJECT file;

static KEVENT event;

static __attribute__((noinline)) void send(void)
{
    struct {
        IO_STATUS_BLOCK gone;
        UCHAR above[4096];
    } deep;
    PIRP own;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    own = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, keeper, "x", 1, NULL, &event, &deep.gone);
    IoCallDriver(keeper, own); /* the mistake: it does not wait */
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_FLUSH_BUFFERS) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(keeper, Irp);
    }
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    send();
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

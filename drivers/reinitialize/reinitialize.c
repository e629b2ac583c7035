/* SPDX-License-Identifier: MIT */
/*
 * reinitialize: a driver that needs another one, which may be loaded later.
 *
 * DriverEntry cannot attach to a device that is not there yet, so it registers
 * a Reinitialize routine. The I/O manager calls it when the drivers that are
 * loaded together have all run their DriverEntry. If the device is missing
 * even then, the routine registers itself again, a few times; Count says how
 * often it has been called. Attached, the driver passes everything on and
 * counts what it sees, as a class driver above legacy ports might.
 */
#include <ntddk.h>

#define TRIES 3

struct filter {
    PDEVICE_OBJECT lower;
    LONG passed;
};

static NTSTATUS NTAPI pass_on(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *filter = DeviceObject->DeviceExtension;

    InterlockedIncrement(&filter->passed);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(filter->lower, Irp);
}

static NTSTATUS attach(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT target)
{
    PDEVICE_OBJECT device;
    struct filter *filter;
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(*filter), NULL, target->DeviceType, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    filter = device->DeviceExtension;
    filter->lower = IoAttachDeviceToDeviceStack(device, target);
    if (filter->lower == NULL) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    device->Flags |= filter->lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
    device->Flags &= ~DO_DEVICE_INITIALIZING; /* DriverEntry is over: nobody else clears it */
    return STATUS_SUCCESS;
}

static NTSTATUS find_and_attach(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Single");
    PFILE_OBJECT file;
    PDEVICE_OBJECT target;
    NTSTATUS status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &target);

    if (!NT_SUCCESS(status))
        return status;
    status = attach(DriverObject, target);
    ObDereferenceObject(file); /* the attachment keeps the device now */
    return status;
}

static VOID NTAPI reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    NTSTATUS status = find_and_attach(DriverObject);

    DbgPrint("Reinitialize, call %lu: status 0x%08lX\n", Count, status);
    if (!NT_SUCCESS(status) && Count < TRIES)
        IoRegisterDriverReinitialization(DriverObject, reinitialize, Context);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT device = DriverObject->DeviceObject;
    struct filter *filter;

    if (device == NULL)
        return;
    filter = device->DeviceExtension;
    DbgPrint("passed on %ld requests\n", filter->passed);
    IoDetachDevice(filter->lower);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = pass_on;
    DriverObject->DriverUnload = unload;
    DbgPrint("DriverEntry: attaching now gives status 0x%08lX\n", find_and_attach(DriverObject));
    IoRegisterDriverReinitialization(DriverObject, reinitialize, NULL);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * filter-upper: attaches above \Device\Doubler and lets everything through.
 *
 * Create and close are passed down without a completion routine (the stack
 * location is skipped). IOCTLs are passed down with one (the location is
 * copied), which adds one to the number on its way back up. The routine
 * carries the pending bit upward, because it does not stop the completion.
 */
#include <ntddk.h>

struct filter {
    PDEVICE_OBJECT lower;
};

static NTSTATUS NTAPI pass_down(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *filter = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(filter->lower, Irp);
}

static NTSTATUS NTAPI add_one(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (NT_SUCCESS(Irp->IoStatus.Status) && Irp->IoStatus.Information >= sizeof(ULONG)) {
        ULONG *number = Irp->AssociatedIrp.SystemBuffer;

        DbgPrint("upper: %lu came up%s, one more\n", *number, Irp->PendingReturned ? " later" : "");
        ++*number;
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI pass_down_and_watch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct filter *filter = DeviceObject->DeviceExtension;

    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, add_one, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(filter->lower, Irp);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT DeviceObject = DriverObject->DeviceObject;
    struct filter *filter = DeviceObject->DeviceExtension;

    IoDetachDevice(filter->lower);
    IoDeleteDevice(DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING target = RTL_CONSTANT_STRING(L"\\Device\\Doubler");
    PDEVICE_OBJECT DeviceObject;
    struct filter *filter;
    NTSTATUS status;
    ULONG major;

    for (major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++)
        DriverObject->MajorFunction[major] = pass_down;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = pass_down_and_watch;
    DriverObject->DriverUnload = unload;

    status = IoCreateDevice(DriverObject, sizeof(struct filter), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    filter = DeviceObject->DeviceExtension;
    status = IoAttachDevice(DeviceObject, &target, &filter->lower);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(DeviceObject);
        return status;
    }
    DeviceObject->Flags |= filter->lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
    DeviceObject->DeviceType = filter->lower->DeviceType;
    DeviceObject->Characteristics = filter->lower->Characteristics;
    return STATUS_SUCCESS;
}

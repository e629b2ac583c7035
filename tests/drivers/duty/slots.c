/* SPDX-License-Identifier: MIT */
/*
 * What dispatch slots decide: REQ-02..04, DR-01..07, DR-09, MJ-18. Two devices, a
 * filter over the target; the slots that are not set keep the default handler.
 */
#include "rltest.h"

#define IOCTL_BOTH RL_IOCTL(5) /* a code that user mode and the kernel may both send */

static PDEVICE_OBJECT target, filter;
static ULONG opened;

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* DR-04: the least that create and close may do. DR-05: no namespace, so no trailing name. */
static NTSTATUS NTAPI create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_CREATE) {
        if (location->FileObject->FileName.Length != 0)
            return complete(Irp, STATUS_INVALID_PARAMETER, 0);
        opened++;
    }
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject == filter) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(target, Irp);
    }
    return complete(Irp, STATUS_SUCCESS, 2);
}

/* DR-07: length and position zero, as serial and parallel class drivers answer. */
static NTSTATUS NTAPI query_information(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    PFILE_STANDARD_INFORMATION standard = Irp->AssociatedIrp.SystemBuffer;

    if (location->Parameters.QueryFile.FileInformationClass != FileStandardInformation)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    RtlZeroMemory(standard, sizeof(*standard));
    return complete(Irp, STATUS_SUCCESS, sizeof(*standard));
}

/* Sends a bare IRP; what the default handler answers is the result. */
static NTSTATUS NTAPI stop(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID check_default(UCHAR major, const char *id)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    Irp->IoStatus.Information = 55;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = major;
    IoSetCompletionRoutine(Irp, stop, NULL, TRUE, TRUE, TRUE);
    CHECK_STATUS(id, IoCallDriver(target, Irp), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS(id, Irp->IoStatus.Status, STATUS_INVALID_DEVICE_REQUEST);
    CHECK_EQ(id, Irp->IoStatus.Information, 0);
    IoFreeIrp(Irp);
}

static VOID test_defaults(void)
{
    check_default(IRP_MJ_QUERY_QUOTA, "REQ-02");
    check_default(IRP_MJ_DEVICE_CHANGE, "MJ-18"); /* reserved: nobody sends it, no driver has it */
    check_default(IRP_MJ_WRITE, "REQ-03");
    check_default(IRP_MJ_SHUTDOWN, "DR-03");
    IoDetachDevice(target); /* an attached device would hold the unload back, even one of the same driver */
    IoDeleteDevice(filter);
}

/* DR-09: the code alone does not tell who sent it; the major code and the requestor mode do. */
static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->Parameters.DeviceIoControl.IoControlCode == IOCTL_BOTH) {
        if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
            CHECK_EQ("DR-09", Irp->RequestorMode, UserMode);
        else
            CHECK_EQ("DR-09", Irp->RequestorMode, KernelMode);
        return complete(Irp, STATUS_SUCCESS, 0);
    }
    if (location->Parameters.DeviceIoControl.IoControlCode == RL_IOCTL(0)) {
        test_defaults();
        return complete(Irp, STATUS_SUCCESS, 0);
    }
    return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0); /* DR-06 */
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(target);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Slots");
    NTSTATUS status;

    /* REQ-04: one routine for several codes, others with their own. */
    DriverObject->MajorFunction[IRP_MJ_CREATE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = create_close;
    DriverObject->MajorFunction[IRP_MJ_READ] = read;
    DriverObject->MajorFunction[IRP_MJ_QUERY_INFORMATION] = query_information;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &target);
    if (!NT_SUCCESS(status))
        return status;
    target->Flags &= ~DO_DEVICE_INITIALIZING;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &filter);
    if (!NT_SUCCESS(status))
        return status;
    IoAttachDeviceToDeviceStack(filter, target);
    return STATUS_SUCCESS;
}

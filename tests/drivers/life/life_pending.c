/* SPDX-License-Identifier: MIT */
/* LC-09, LC-10, LC-14, LC-17: an unload waits for handles and work items; nobody new gets in meanwhile. */
#include <ntifs.h>
#include "rltest.h"

static PDEVICE_OBJECT device, filter, late;
static PIO_WORKITEM item;
static KEVENT go;

static VOID NTAPI work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KeWaitForSingleObject(&go, Executive, KernelMode, FALSE, NULL);
    DbgPrint("work item done\n");
    IoFreeWorkItem(item);
}

/* A device made while the unload is pending: nobody can open it either. */
static VOID make_late_device(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifeLate");

    CHECK_STATUS("LC-09", IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &late),
                 STATUS_SUCCESS);
    late->Flags &= ~DO_DEVICE_INITIALIZING;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        switch (location->Parameters.DeviceIoControl.IoControlCode) {
        case RL_IOCTL(0): /* while the unload is pending */
            CHECK("LC-09", IoAttachDeviceToDeviceStack(filter, device) == NULL);
            CHECK("LC-09", (device->DriverObject->Flags & DRVO_UNLOAD_INVOKED) != 0);
            make_late_device(device->DriverObject);
            break;
        case RL_IOCTL(1):
            item = IoAllocateWorkItem(device);
            IoQueueWorkItem(item, work, DelayedWorkQueue, NULL);
            break;
        case RL_IOCTL(2):
            KeSetEvent(&go, IO_NO_INCREMENT, FALSE);
            break;
        }
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("Unload runs\n");
    CHECK_EQ("LC-10", device->ReferenceCount, 0);
    CHECK_EQ("LC-10", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("LC-10", PsIsSystemThread(PsGetCurrentThread()));
    if (late != NULL)
        IoDeleteDevice(late);
    IoDeleteDevice(filter);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\LifePending");
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    KeInitializeEvent(&go, NotificationEvent, FALSE);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &filter);
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

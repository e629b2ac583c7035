/* SPDX-License-Identifier: MIT */
/*
 * pend-elsewhere: a mistake on purpose. The read routine leaves its IRP to another thread and returns
 * STATUS_PENDING when that one has completed it already, without having marked it.
 */
#include "../broken.h"

struct job {
    PIRP irp;
    KEVENT done;
};

static VOID NTAPI complete(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct job *job = Context;

    finish(job->irp, STATUS_SUCCESS, 0);
    KeSetEvent(&job->done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS read_elsewhere(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    struct job job = {.irp = irp};

    KeInitializeEvent(&job.done, NotificationEvent, FALSE);
    IoQueueWorkItem(item, complete, DelayedWorkQueue, &job);
    KeWaitForSingleObject(&job.done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(item);
    return STATUS_PENDING; /* the mistake: IoMarkIrpPending is missing */
}

static NTSTATUS NTAPI keep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_READ)
        return read_elsewhere(DeviceObject, Irp);
    if (major_of(Irp) != IRP_MJ_WRITE)
        return finish(Irp, STATUS_SUCCESS, 0);
    PIRP own = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(own, keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(DeviceObject, own);
    IoFreeIrp(own);
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT device;

    return make_broken(DriverObject, dispatch, &device);
}

/* SPDX-License-Identifier: MIT */
/*
 * IRP_MJ_SHUTDOWN: to whom, when, with what. The storage device registers, and
 * `shutdown_upper` stands on it without registering: it hears of it first. The
 * other devices say what a registration that was withdrawn is worth.
 */
#include "shutdown.h"

static PDEVICE_OBJECT storage, late, withdrawn, deleted, silent;
static PDRIVER_OBJECT driver;
static ULONG told_storage, told_late;
static BOOLEAN storage_is_down;

static NTSTATUS done(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI other(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return done(Irp);
}

static VOID NTAPI finish_later(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    LARGE_INTEGER while_all_wait = {.QuadPart = -500000};

    IoFreeWorkItem(((PIRP)Context)->Tail.Overlay.DriverContext[0]);
    KeDelayExecutionThread(KernelMode, FALSE, &while_all_wait);
    DbgPrint("storage is down\n");
    storage_is_down = TRUE;
    done(Context);
}

/* The next device is told when this one is done, be it later. */
static NTSTATUS put_off(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    IoMarkIrpPending(irp);
    irp->Tail.Overlay.DriverContext[0] = item;
    IoQueueWorkItem(item, finish_later, DelayedWorkQueue, irp);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI shutdown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    CHECK_EQ("MJ-10", location->MajorFunction, IRP_MJ_SHUTDOWN);
    CHECK("DI-10", KeGetCurrentIrql() <= APC_LEVEL);
    CHECK_EQ("MJ-10", Irp->RequestorMode, KernelMode);
    CHECK("DO-59", DeviceObject != withdrawn && DeviceObject != deleted);
    CHECK("MJ-10", DeviceObject != silent);
    if (DeviceObject == late) {
        DbgPrint("late is told\n");
        CHECK_EQ("SR-39", ++told_late, 1);
        CHECK("SR-39", told_storage == 1 && storage_is_down); /* its request was waited for */
        return done(Irp);
    }
    CHECK("SR-38", DeviceObject == storage);
    CHECK_EQ("SR-38", ++told_storage, 1);
    CHECK_EQ("SR-38", told_late, 0);
    return put_off(DeviceObject, Irp);
}

static NTSTATUS create(PUNICODE_STRING name, PDEVICE_OBJECT *device)
{
    return IoCreateDevice(driver, 0, name, FILE_DEVICE_UNKNOWN, 0, FALSE, device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(STORAGE_NAME);

    driver = DriverObject;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = other;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = shutdown;
    create(&name, &storage);
    create(NULL, &late);
    create(NULL, &withdrawn);
    create(NULL, &deleted);
    create(NULL, &silent);
    CHECK_EQ("SR-39", IoRegisterLastChanceShutdownNotification(late), STATUS_SUCCESS);
    CHECK_EQ("SR-38", IoRegisterShutdownNotification(storage), STATUS_SUCCESS);
    IoRegisterShutdownNotification(withdrawn);
    IoRegisterLastChanceShutdownNotification(withdrawn);
    IoUnregisterShutdownNotification(withdrawn); /* both kinds */
    IoRegisterShutdownNotification(deleted);
    IoRegisterLastChanceShutdownNotification(deleted);
    IoDeleteDevice(deleted);
    return STATUS_SUCCESS;
}

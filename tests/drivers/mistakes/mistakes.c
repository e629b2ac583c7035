/* SPDX-License-Identifier: MIT */
/*
 * A driver that makes the mistake that an IOCTL asks for. The plays beside it
 * say what the report of each must be, with and without the verifier.
 */
#include "rltest.h"

static KSPIN_LOCK lock_a, lock_b;
static KDPC dpc;
static KEVENT event;
static PIO_WORKITEM work;

static VOID NTAPI dpc_waits(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static VOID NTAPI dpc_lowers(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeLowerIrql(PASSIVE_LEVEL);
}

static VOID NTAPI dpc_faults(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    *(volatile ULONG *)0x10 = 1;
}

static VOID NTAPI work_raises(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KIRQL old;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
}

static NTSTATUS NTAPI completion_raises(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KIRQL old;
    KeRaiseIrql(APC_LEVEL, &old);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void queue_dpc(PKDEFERRED_ROUTINE routine)
{
    KeInitializeDpc(&dpc, routine, NULL);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void queue_work(PDEVICE_OBJECT DeviceObject)
{
    work = IoAllocateWorkItem(DeviceObject);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoQueueWorkItem(work, work_raises, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void send_with_bad_completion(PDEVICE_OBJECT DeviceObject)
{
    PIRP irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_CREATE;
    IoSetCompletionRoutine(irp, completion_raises, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(DeviceObject, irp);
    IoFreeIrp(irp);
}

static void locks(ULONG number)
{
    KIRQL old;
    KLOCK_QUEUE_HANDLE handle;
    switch (number) {
    case 10:
        KeAcquireSpinLock(&lock_a, &old);
        break;
    case 11:
        KeAcquireSpinLock(&lock_a, &old);
        KeAcquireSpinLockAtDpcLevel(&lock_a);
        break;
    case 12:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        KeReleaseSpinLockFromDpcLevel(&lock_a);
        break;
    case 13:
        KeAcquireSpinLock(&lock_a, &old);
        KeAcquireSpinLockAtDpcLevel(&lock_b);
        KeReleaseSpinLock(&lock_a, old);
        break;
    case 14:
        KeAcquireInStackQueuedSpinLock(&lock_a, &handle);
        break;
    case 15:
        KeEnterCriticalRegion();
        break;
    case 16:
        KeLeaveCriticalRegion();
        break;
    }
}

static void levels(ULONG number)
{
    KIRQL old;
    switch (number) {
    case 1:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        break;
    case 2:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        ZwClose((HANDLE)4);
        break;
    case 3:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        break;
    case 4:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        ExFreePool(ExAllocatePoolWithTag(PagedPool, 64, 'tseT'));
        break;
    case 5:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        *(volatile ULONG *)0x20 = 1;
        break;
    case 6:
        *(volatile ULONG *)0x30 = 1;
        break;
    }
}

static NTSTATUS finish(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return finish(Irp);
}

static NTSTATUS NTAPI dispatch_mistake(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG number = (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode >> 2) & 0x7FF;
    levels(number);
    if (number == 20)
        queue_dpc(dpc_waits);
    if (number == 21)
        queue_dpc(dpc_lowers);
    if (number == 22)
        queue_dpc(dpc_faults);
    if (number == 23)
        queue_work(DeviceObject);
    if (number == 24)
        send_with_bad_completion(DeviceObject);
    finish(Irp);
    locks(number); /* behind the completion, which would be the first mistake */
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Mistakes");
    PDEVICE_OBJECT DeviceObject;

    KeInitializeSpinLock(&lock_a);
    KeInitializeSpinLock(&lock_b);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_mistake;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
}

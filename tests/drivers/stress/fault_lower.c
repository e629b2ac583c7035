/* SPDX-License-Identifier: MIT */
/*
 * The lower of two drivers under the fault stress: what the request's first
 * parameter says goes wrong here, handled or not; an unhandled exception
 * crosses IoCallDriver and is the upper driver's.
 */
#include "fault.h"

static volatile LONG finally_runs;

static NOINLINE void go_wrong(ULONG kind)
{
    volatile ULONG zero = 0;

    switch (kind % 4) {
    case 0:
        *(volatile ULONG *)(ULONG_PTR)0x10 = 1;
        break;
    case 1:
        zero = 10 / zero;
        break;
    case 2:
        ExRaiseStatus(STATUS_DEVICE_DATA_ERROR);
        break;
    default:
        ExRaiseAccessViolation();
    }
}

static NOINLINE void go_wrong_and_tidy_up(ULONG kind)
{
    __try {
        go_wrong(kind);
    } __finally {
        InterlockedIncrement(&finally_runs);
    }
}

static NOINLINE ULONG handle_here(ULONG kind)
{
    ULONG seen = 0;

    __try {
        go_wrong_and_tidy_up(kind);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        seen = (ULONG)GetExceptionCode();
    }
    return seen;
}

/* Another exception on the way: the handler raises its own. */
static NOINLINE void change_into_another(ULONG kind)
{
    __try {
        go_wrong(kind);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        ExRaiseStatus(STATUS_DEVICE_PROTOCOL_ERROR);
    }
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG kind = location->Parameters.Write.Key;
    NTSTATUS status = STATUS_SUCCESS;

    switch (location->Parameters.Write.Length) {
    case HANDLED_BELOW:
        status = (NTSTATUS)handle_here(kind);
        break;
    case TIDIED_BELOW:
        go_wrong_and_tidy_up(kind);
        break;
    case CHANGED_BELOW:
        change_into_another(kind);
        break;
    default:
        go_wrong(kind);
    }
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FaultLower");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = succeed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = succeed;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = write;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (NT_SUCCESS(status))
        DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

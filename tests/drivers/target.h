/* SPDX-License-Identifier: MIT */
/*
 * A driver with two named devices: \Device\Control runs the tests on an IOCTL,
 * in the requester's thread; \Device\Target is what the tests open and send
 * requests to. Every request to the target goes through `target_handler`,
 * which a test sets; what it saw is in `saw`.
 */
#ifndef TARGET_H
#define TARGET_H

#include "rltest.h"

#define IOCTL_RUN RL_IOCTL(0)

static PDEVICE_OBJECT control_device, target_device;
static NTSTATUS (*target_handler)(PDEVICE_OBJECT DeviceObject, PIRP Irp, PIO_STACK_LOCATION location);
static PIRP held;

static struct {
    ULONG calls[IRP_MJ_MAXIMUM_FUNCTION + 1];
    UCHAR major, minor, location_flags;
    ULONG flags;
    KIRQL irql;
    PVOID thread, process, system_buffer, user_buffer, user_iosb, user_event;
    PMDL mdl;
    PFILE_OBJECT file;
    KPROCESSOR_MODE mode;
    IO_STACK_LOCATION location;
    CCHAR stack_count, current_location;
} saw;

static NTSTATUS complete_with(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS target_succeed(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    return complete_with(Irp, STATUS_SUCCESS, 0);
}

/* Keeps the IRP; the test completes `held` later. */
static __attribute__((unused)) NTSTATUS target_hold(PDEVICE_OBJECT device, PIRP Irp,
                                                    PIO_STACK_LOCATION location)
{
    IoMarkIrpPending(Irp);
    held = Irp;
    return STATUS_PENDING;
}

static VOID look_at(PIRP Irp, PIO_STACK_LOCATION location)
{
    saw.calls[location->MajorFunction]++;
    saw.major = location->MajorFunction;
    saw.minor = location->MinorFunction;
    saw.location_flags = location->Flags;
    saw.location = *location;
    saw.flags = Irp->Flags;
    saw.irql = KeGetCurrentIrql();
    saw.thread = PsGetCurrentThread();
    saw.process = PsGetCurrentProcess();
    saw.system_buffer = Irp->AssociatedIrp.SystemBuffer;
    saw.user_buffer = Irp->UserBuffer;
    saw.user_iosb = Irp->UserIosb;
    saw.user_event = Irp->UserEvent;
    saw.mdl = Irp->MdlAddress;
    saw.file = location->FileObject;
    saw.mode = Irp->RequestorMode;
    saw.stack_count = Irp->StackCount;
    saw.current_location = Irp->CurrentLocation;
}

static VOID run_tests(PIRP Irp);

static NTSTATUS NTAPI target_dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject == control_device) {
        if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
            location->Parameters.DeviceIoControl.IoControlCode == IOCTL_RUN)
            run_tests(Irp);
        return complete_with(Irp, STATUS_SUCCESS, 0);
    }
    look_at(Irp, location);
    /* Opening and closing always succeed, unless the test's handler wants to decide. */
    return target_handler(DeviceObject, Irp, location);
}

static VOID NTAPI target_unload(PDRIVER_OBJECT DriverObject)
{
    if (target_device != NULL)
        IoDeleteDevice(target_device);
    IoDeleteDevice(control_device);
}

static NTSTATUS make_device(PDRIVER_OBJECT driver, PCWSTR text, PDEVICE_OBJECT *device)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, text);
    return IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, device);
}

static NTSTATUS target_create(PDRIVER_OBJECT driver)
{
    NTSTATUS status;
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = target_dispatch;
    driver->DriverUnload = target_unload;
    target_handler = target_succeed;
    status = make_device(driver, L"\\Device\\Control", &control_device);
    if (NT_SUCCESS(status))
        status = make_device(driver, L"\\Device\\Target", &target_device);
    return status;
}

static NTSTATUS open_name(PCWSTR text, ULONG options, HANDLE *handle, PIO_STATUS_BLOCK iosb)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;

    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, iosb, NULL, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, options, NULL, 0);
}

/* Synchronous, of \Device\Target. */
static __attribute__((unused)) HANDLE open_target(void)
{
    IO_STATUS_BLOCK iosb;
    HANDLE handle = NULL;

    open_name(L"\\Device\\Target", FILE_SYNCHRONOUS_IO_NONALERT, &handle, &iosb);
    return handle;
}

static __attribute__((unused)) HANDLE open_target_async(void)
{
    IO_STATUS_BLOCK iosb;
    HANDLE handle = NULL;

    open_name(L"\\Device\\Target", 0, &handle, &iosb);
    return handle;
}

#endif

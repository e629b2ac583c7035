/* SPDX-License-Identifier: MIT */
/* FI-07: fast I/O routines that return with something changed; the control code says what. */
#include <ntifs.h>
#include "../rltest.h"

static FAST_IO_DISPATCH fast;

static BOOLEAN NTAPI control(PFILE_OBJECT FileObject, BOOLEAN Wait, PVOID InputBuffer,
                             ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                             ULONG IoControlCode, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    KIRQL irql;
    IoStatus->Status = STATUS_SUCCESS;
    if (IoControlCode == RL_IOCTL(1))
        KeRaiseIrql(APC_LEVEL, &irql);
    if (IoControlCode == RL_IOCTL(2))
        KeEnterCriticalRegion();
    if (IoControlCode == RL_IOCTL(3))
        __asm__ volatile("cli");
    return TRUE;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FastIo");
    PDEVICE_OBJECT device;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    fast.SizeOfFastIoDispatch = sizeof(fast);
    fast.FastIoDeviceControl = control;
    DriverObject->FastIoDispatch = &fast;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_FILE_SYSTEM, 0, FALSE, &device);
}

/* SPDX-License-Identifier: MIT */
/* The keeper of the shared log: see testlog.h. \Device\TestLog; a read returns everything and empties it. */
#include "testlog.h"

static PDEVICE_OBJECT device;
static PVOID registration;
static KSPIN_LOCK lock;
static char text[16384];
static size_t used;

static VOID NTAPI heard(PVOID context, PVOID word, PVOID unused)
{
    KIRQL irql;
    size_t length = strlen(word);
    KeAcquireSpinLock(&lock, &irql);
    if (used + length + 1 < sizeof(text)) {
        if (used)
            text[used++] = ' ';
        memcpy(text + used, word, length);
        used += length;
    }
    KeReleaseSpinLock(&lock, irql);
}

static NTSTATUS NTAPI succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG room = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    KIRQL irql;
    KeAcquireSpinLock(&lock, &irql);
    size_t length = used < room ? used : room;
    memcpy(Irp->AssociatedIrp.SystemBuffer, text, length);
    used = 0;
    KeReleaseSpinLock(&lock, irql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = length;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    ExUnregisterCallback(registration);
    testlog_close();
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\TestLog");
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    KeInitializeSpinLock(&lock);
    status = testlog_open();
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    registration = ExRegisterCallback(testlog_object, heard, NULL);
    driver->MajorFunction[IRP_MJ_CREATE] = succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = succeed;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* NMI callbacks: the last one registered first, each told whether the NMI has been handled. */
#include "../rltest.h"

static PVOID first, second, third;
static ULONG order; /* a digit for each call */
static BOOLEAN handles;

static BOOLEAN NTAPI on_first(PVOID Context, BOOLEAN Handled)
{
    CHECK_EQ("SR-44", KeGetCurrentIrql(), HIGH_LEVEL);
    CHECK("SR-44", Context == &first && Handled == handles);
    order = order * 10 + 1;
    return FALSE;
}

static BOOLEAN NTAPI on_second(PVOID Context, BOOLEAN Handled)
{
    CHECK_EQ("SR-44", Handled, FALSE);
    order = order * 10 + 2;
    return handles;
}

static BOOLEAN NTAPI on_third(PVOID Context, BOOLEAN Handled)
{
    CHECK("SR-44", FALSE); /* it was deregistered */
    return TRUE;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    if (location->MajorFunction == IRP_MJ_WRITE) {
        CHECK_EQ("SR-44", order, 21);
        DbgPrint("both have heard, and one has handled it\n");
        handles = FALSE; /* the next one stops the machine */
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SrNmi");
    PDEVICE_OBJECT device;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch;
    handles = TRUE;
    first = KeRegisterNmiCallback(on_first, &first);
    second = KeRegisterNmiCallback(on_second, NULL);
    third = KeRegisterNmiCallback(on_third, NULL);
    CHECK("SR-44", first != NULL && second != NULL && third != NULL);
    CHECK_STATUS("SR-44", KeDeregisterNmiCallback(third), STATUS_SUCCESS);
    CHECK_STATUS("SR-44", KeDeregisterNmiCallback(third), STATUS_INVALID_HANDLE);
    CHECK_STATUS("SR-44", KeDeregisterNmiCallback(&order), STATUS_INVALID_HANDLE);
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

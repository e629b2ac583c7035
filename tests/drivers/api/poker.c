/* SPDX-License-Identifier: MIT */
/*
 * Does to hardware what a control code asks for: ports, device memory through
 * MmMapIoSpace, and a page of RAM whose physical address it tells.
 */
#include <ntddk.h>

#define POKER(n)       CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define POKER_PORT_IN  POKER(0)
#define POKER_PORT_OUT POKER(1)
#define POKER_MEM_IN   POKER(2)
#define POKER_MEM_OUT  POKER(3)
#define POKER_PAGE     POKER(4) /* output: the physical address */
#define POKER_PAGE_IN  POKER(5) /* output: what lies in the page */

struct access {
    ULONG64 address, value;
    ULONG width;
};

static PUCHAR page;

static void port(const struct access *access, ULONG64 *value, BOOLEAN write)
{
    ULONG_PTR number = (ULONG_PTR)access->address;

    if (access->width == 1 && write)
        WRITE_PORT_UCHAR((PUCHAR)number, (UCHAR)*value);
    else if (access->width == 2 && write)
        WRITE_PORT_USHORT((PUSHORT)number, (USHORT)*value);
    else if (write)
        WRITE_PORT_ULONG((PULONG)number, (ULONG)*value);
    else if (access->width == 1)
        *value = READ_PORT_UCHAR((PUCHAR)number);
    else if (access->width == 2)
        *value = READ_PORT_USHORT((PUSHORT)number);
    else
        *value = READ_PORT_ULONG((PULONG)number);
}

static void memory(const struct access *access, ULONG64 *value, BOOLEAN write)
{
    PHYSICAL_ADDRESS at = {.QuadPart = (LONGLONG)access->address};
    volatile void *mapped = MmMapIoSpace(at, access->width, MmNonCached);

    if (mapped == NULL)
        return;
    if (access->width == 8 && write)
        *(volatile ULONG64 *)mapped = *value;
    else if (access->width == 8)
        *value = *(volatile ULONG64 *)mapped;
    else if (access->width == 4 && write)
        *(volatile ULONG *)mapped = (ULONG)*value;
    else if (access->width == 4)
        *value = *(volatile ULONG *)mapped;
    else if (write)
        *(volatile UCHAR *)mapped = (UCHAR)*value;
    else
        *value = *(volatile UCHAR *)mapped;
    MmUnmapIoSpace((PVOID)mapped, access->width);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;
    ULONG out = location->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    struct access access = {0};
    ULONG64 value;

    if (location->Parameters.DeviceIoControl.InputBufferLength >= sizeof(access))
        access = *(struct access *)buffer;
    value = access.value;
    if (code == POKER_PORT_IN || code == POKER_PORT_OUT)
        port(&access, &value, code == POKER_PORT_OUT);
    else if (code == POKER_MEM_IN || code == POKER_MEM_OUT)
        memory(&access, &value, code == POKER_MEM_OUT);
    else if (code == POKER_PAGE)
        value = (ULONG64)MmGetPhysicalAddress(page).QuadPart;
    if (code == POKER_PAGE_IN)
        RtlCopyMemory(buffer, page, out = min(out, PAGE_SIZE));
    else if (out >= sizeof(value))
        *(ULONG64 *)buffer = value, out = sizeof(value);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = out;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI poker_unload(PDRIVER_OBJECT DriverObject)
{
    MmFreeContiguousMemory(page);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Poker");
    PHYSICAL_ADDRESS highest = {.QuadPart = -1};
    PDEVICE_OBJECT device;
    NTSTATUS status;

    page = MmAllocateContiguousMemory(PAGE_SIZE, highest);
    if (page == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        MmFreeContiguousMemory(page);
        return status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverUnload = poker_unload;
    return STATUS_SUCCESS;
}

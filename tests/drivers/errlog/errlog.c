/* SPDX-License-Identifier: MIT */
/* The error log: sizes, what becomes of a packet, and what is read of it. */
#include "../rltest.h"

#define ERROR_CODE ((NTSTATUS)0xC0040004) /* IO_ERR_RESET */

static PDEVICE_OBJECT device;

static BOOLEAN is_zero(PVOID memory, ULONG bytes)
{
    for (ULONG i = 0; i < bytes; i++)
        if (((PUCHAR)memory)[i] != 0)
            return FALSE;
    return TRUE;
}

static VOID sizes(PDRIVER_OBJECT DriverObject)
{
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, ERROR_LOG_MAXIMUM_SIZE);
    CHECK_EQ("LOG-1", ERROR_LOG_MAXIMUM_SIZE, 240);
    CHECK("LOG-1", packet != NULL && is_zero(packet, ERROR_LOG_MAXIMUM_SIZE));
    IoFreeErrorLogEntry(packet);
    CHECK("LOG-1", IoAllocateErrorLogEntry(device, ERROR_LOG_MAXIMUM_SIZE + 1) == NULL);
    CHECK("LOG-1", IoAllocateErrorLogEntry(device, 8) == NULL);
    packet = IoAllocateErrorLogEntry(DriverObject, sizeof(*packet)); /* of a driver, without a device */
    packet->ErrorCode = ERROR_CODE;
    packet->UniqueErrorValue = 1;
    IoWriteErrorLogEntry(packet);
}

static VOID whole(void)
{
    static const WCHAR strings[] = L"first\0second";
    ULONG dump = 3 * sizeof(ULONG), offset = FIELD_OFFSET(IO_ERROR_LOG_PACKET, DumpData) + dump;
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, (UCHAR)(offset + sizeof(strings)));
    packet->MajorFunctionCode = IRP_MJ_WRITE;
    packet->RetryCount = 2;
    packet->DumpDataSize = (USHORT)dump;
    packet->NumberOfStrings = 2;
    packet->StringOffset = (USHORT)offset;
    packet->EventCategory = 5;
    packet->ErrorCode = ERROR_CODE;
    packet->UniqueErrorValue = 77;
    packet->FinalStatus = STATUS_DEVICE_NOT_READY;
    packet->SequenceNumber = 9;
    packet->IoControlCode = 0x222004;
    packet->DeviceOffset.QuadPart = 512;
    for (ULONG i = 0; i < 3; i++)
        packet->DumpData[i] = 0xA0 + i;
    RtlCopyMemory((PUCHAR)packet + offset, strings, sizeof(strings));
    IoWriteErrorLogEntry(packet);
}

/* Sizes and offsets that lie: what is not in the packet is not read. */
static VOID lying(void)
{
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, sizeof(*packet));
    packet->ErrorCode = ERROR_CODE;
    packet->UniqueErrorValue = 3;
    packet->DumpDataSize = 60000;
    packet->NumberOfStrings = 9;
    packet->StringOffset = 60001;
    IoWriteErrorLogEntry(packet);
}

/* At DISPATCH_LEVEL, as from a DPC; the device may go before anybody reads. */
static VOID at_dispatch_level(void)
{
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, sizeof(*packet));
    packet->ErrorCode = ERROR_CODE;
    packet->UniqueErrorValue = 4;
    IoWriteErrorLogEntry(packet);
    KeLowerIrql(irql);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Errors");
    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    sizes(DriverObject);
    whole();
    lying();
    at_dispatch_level();
    IoDeleteDevice(device);
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/* DR-07: a driver that answers QUERY_INFORMATION as serial class drivers do: length and position zero. */
#include <ntifs.h>
#include "target.h"

static NTSTATUS answer(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    if (location->MajorFunction == IRP_MJ_QUERY_INFORMATION) {
        ULONG length = location->Parameters.QueryFile.Length;
        RtlZeroMemory(Irp->AssociatedIrp.SystemBuffer, length);
        return complete_with(Irp, STATUS_SUCCESS, length);
    }
    return complete_with(Irp, STATUS_SUCCESS, 0);
}

static VOID run_tests(PIRP Irp)
{
    FILE_STANDARD_INFORMATION standard;
    FILE_POSITION_INFORMATION position;
    FILE_END_OF_FILE_INFORMATION end = {.EndOfFile.QuadPart = 0};
    IO_STATUS_BLOCK iosb;
    HANDLE handle;

    target_handler = answer;
    handle = open_target();
    RtlFillMemory(&standard, sizeof(standard), 0xCC);
    CHECK_STATUS("DR-07",
                 ZwQueryInformationFile(handle, &iosb, &standard, sizeof(standard), FileStandardInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("DR-07", standard.EndOfFile.QuadPart, 0);
    CHECK_EQ("DR-07", iosb.Information, sizeof(standard));
    CHECK_STATUS("DR-07",
                 ZwQueryInformationFile(handle, &iosb, &position, sizeof(position), FilePositionInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("DR-07", position.CurrentByteOffset.QuadPart, 0);
    CHECK_STATUS("DR-07", ZwSetInformationFile(handle, &iosb, &end, sizeof(end), FileEndOfFileInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("DR-07", saw.major, IRP_MJ_SET_INFORMATION);
    ZwClose(handle);
    target_handler = target_succeed;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return target_create(DriverObject);
}

/* SPDX-License-Identifier: MIT */
/* Bug-check callbacks: which are called, at which IRQL, in which order, with what; what the report has of it.
 */
#include "../rltest.h"

static KBUGCHECK_CALLBACK_RECORD plain, twice, removed;
static KBUGCHECK_REASON_CALLBACK_RECORD secondary, pages, io, reason_removed;
static UCHAR buffer[8] = "device!", big[40];
static ULONG step; /* what has been called */

static const GUID guid = {0x11223344, 0x5566, 0x7788, {1, 2, 3, 4, 5, 6, 7, 8}};

static VOID NTAPI on_plain(PVOID Buffer, ULONG Length)
{
    CHECK_EQ("SR-42", KeGetCurrentIrql(), HIGH_LEVEL);
    CHECK("SR-42", Buffer == buffer && Length == sizeof(buffer));
    CHECK_EQ("SR-42", step, 4); /* after the dump, and what drivers gave for it */
    RtlCopyMemory(Buffer, "reset ok", 8);
    step++;
}

static VOID NTAPI never(PVOID Buffer, ULONG Length)
{
    CHECK("SR-42", FALSE);
}

static VOID NTAPI on_secondary(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                               PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength)
{
    PKBUGCHECK_SECONDARY_DUMP_DATA data = ReasonSpecificData;
    CHECK_EQ("SR-43", KeGetCurrentIrql(), HIGH_LEVEL);
    CHECK("SR-43", Reason == KbCallbackSecondaryDumpData && Record == &secondary &&
                       ReasonSpecificDataLength == sizeof(*data));
    CHECK("SR-43", data->InBuffer != NULL && data->InBufferLength >= 16 &&
                       data->MaximumAllowed >= data->InBufferLength);
    if (step == 1) /* how much? */
        CHECK("SR-43", data->OutBuffer == NULL);
    else /* now the data */
        CHECK("SR-43", step == 2 && data->OutBuffer == data->InBuffer);
    data->Guid = guid;
    data->OutBuffer = data->InBuffer;
    data->OutBufferLength = 4;
    if (step == 2)
        RtlCopyMemory(data->OutBuffer, "\xCA\xFE\xF0\x0D", 4);
    step++;
}

static VOID NTAPI on_pages(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                           PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength)
{
    PKBUGCHECK_ADD_PAGES data = ReasonSpecificData;
    CHECK("SR-43", Reason == KbCallbackAddPages && ReasonSpecificDataLength == sizeof(*data));
    CHECK("SR-43", data->Flags == 0 && data->BugCheckCode == 0xABCD);
    if (data->Context == NULL) {
        data->Context = big; /* kept for the next call */
        data->Flags = KB_ADD_PAGES_FLAG_VIRTUAL_ADDRESS | KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST;
        data->Address = (ULONG_PTR)big & ~(ULONG_PTR)(PAGE_SIZE - 1);
        data->Count = 1;
        return;
    }
    CHECK("SR-43", data->Context == big);
    data->Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS;
    data->Address = 0x1000;
    data->Count = 2;
    step++;
}

static VOID NTAPI on_io(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                        PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength)
{
    PKBUGCHECK_DUMP_IO data = ReasonSpecificData;
    CHECK("SR-43", Reason == KbCallbackDumpIo && ReasonSpecificDataLength == sizeof(*data));
    CHECK("SR-43", data->Offset == ~0ull); /* one behind the other */
    if (data->Type != KbDumpIoComplete) {
        CHECK("SR-43", data->BufferLength == 4 && *(PUCHAR)data->Buffer == 0xCA);
        return;
    }
    CHECK("SR-43", data->Buffer == NULL && data->BufferLength == 0);
    step++;
}

static VOID NTAPI reason_never(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                               PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength)
{
    CHECK("SR-43", FALSE);
}

static NTSTATUS NTAPI stop(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE) {
        PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(DeviceObject, sizeof(*packet));
        packet->ErrorCode = (NTSTATUS)0xC0040004;
        packet->UniqueErrorValue = 11;
        IoWriteErrorLogEntry(packet);
        KeBugCheckEx(0xABCD, 1, 2, 3, 4);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID register_plain(void)
{
    KeInitializeCallbackRecord((&plain));
    KeInitializeCallbackRecord((&twice));
    KeInitializeCallbackRecord((&removed));
    CHECK_EQ("SR-42",
             KeRegisterBugCheckCallback(&plain, on_plain, buffer, sizeof(buffer), (PUCHAR) "sr-plain"), TRUE);
    CHECK_EQ("SR-42", KeRegisterBugCheckCallback(&plain, never, NULL, 0, (PUCHAR) "again"), FALSE);
    CHECK_EQ("SR-42", KeRegisterBugCheckCallback(&removed, never, NULL, 0, (PUCHAR) "removed"), TRUE);
    CHECK_EQ("SR-42", KeDeregisterBugCheckCallback(&removed), TRUE);
    CHECK_EQ("SR-42", KeDeregisterBugCheckCallback(&removed), FALSE);
    CHECK_EQ("SR-42", KeRegisterBugCheckCallback(&twice, never, NULL, 0, (PUCHAR) "corrupt"), TRUE);
    twice.Length = 77; /* a record that was written over is passed over */
}

static VOID register_reasons(void)
{
    KeInitializeCallbackRecord((&secondary));
    KeInitializeCallbackRecord((&pages));
    KeInitializeCallbackRecord((&io));
    KeInitializeCallbackRecord((&reason_removed));
    CHECK_EQ("SR-43",
             KeRegisterBugCheckReasonCallback(&secondary, on_secondary, KbCallbackSecondaryDumpData,
                                              (PUCHAR) "sr-secondary"),
             TRUE);
    CHECK_EQ("SR-43",
             KeRegisterBugCheckReasonCallback(&pages, on_pages, KbCallbackAddPages, (PUCHAR) "sr-pages"),
             TRUE);
    CHECK_EQ("SR-43", KeRegisterBugCheckReasonCallback(&io, on_io, KbCallbackDumpIo, (PUCHAR) "sr-io"), TRUE);
    CHECK_EQ(
        "SR-43",
        KeRegisterBugCheckReasonCallback(&reason_removed, reason_never, KbCallbackDumpIo, (PUCHAR) "gone"),
        TRUE);
    CHECK_EQ("SR-43", KeDeregisterBugCheckReasonCallback(&reason_removed), TRUE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SrBugCheck");
    PDEVICE_OBJECT device;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = stop;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = stop;
    register_plain();
    register_reasons();
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

/* SPDX-License-Identifier: MIT */
/*
 * Fast I/O: which routine is asked, in whose thread, with what, and what
 * happens when it is not there or says no. The driver plays the file system;
 * the requests come from the command line and from the driver itself.
 */
#include <ntifs.h>
#include "../rltest.h"

#define CODE_FAST  RL_IOCTL(1) /* done by the fast routine: 'f' + input length, output length */
#define CODE_IRP   RL_IOCTL(2) /* the fast routine says no */
#define CODE_RAW   RL_IOCTL(3) /* the fast routine reads the caller's memory itself */
#define CODE_TESTS RL_IOCTL(4) /* the driver's own requests */
#define CODE_SHORT RL_IOCTL(5) /* the table ends before the entry from now on */

static FAST_IO_DISPATCH fast;
static PDEVICE_OBJECT device;
static ULONG fast_calls, irps; /* since the last look */
static BOOLEAN say_no;
static PFILE_OBJECT last_file;
static PVOID requester; /* the thread that made the request, if it is ours */

static BOOLEAN asked(PFILE_OBJECT file, PDEVICE_OBJECT to)
{
    fast_calls++;
    CHECK("SR-40", to == device && file != NULL && file->DeviceObject == device);
    CHECK("SR-40", KeGetCurrentIrql() <= APC_LEVEL);
    if (requester != NULL)
        CHECK("SR-40", KeGetCurrentThread() == requester);
    return !say_no;
}

static BOOLEAN NTAPI fast_control(PFILE_OBJECT FileObject, BOOLEAN Wait, PVOID InputBuffer,
                                  ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
                                  ULONG IoControlCode, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    if (IoControlCode == CODE_TESTS || IoControlCode == CODE_SHORT)
        return FALSE;
    asked(FileObject, DeviceObject);
    CHECK_EQ("FI-04", Wait, TRUE);
    if (IoControlCode == CODE_IRP)
        return FALSE;
    CHECK_EQ("FI-04", ExGetPreviousMode(), UserMode);
    CHECK("FI-04", (ULONG_PTR)InputBuffer < (ULONG_PTR)MmHighestUserAddress); /* the caller's, not a copy */
    IoStatus->Information = 0;
    __try {
        if (IoControlCode == CODE_RAW)
            InputBuffer = (PVOID)(ULONG_PTR)8; /* memory that is not there */
        ProbeForRead(InputBuffer, InputBufferLength, 1);
        ProbeForWrite(OutputBuffer, OutputBufferLength, 1);
        ((PUCHAR)OutputBuffer)[0] = (UCHAR)(((PUCHAR)InputBuffer)[0] + 1);
        IoStatus->Information = 1;
        IoStatus->Status = STATUS_SUCCESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        IoStatus->Status = GetExceptionCode();
    }
    return TRUE;
}

static BOOLEAN transfer(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, ULONG key,
                        PIO_STATUS_BLOCK result, PDEVICE_OBJECT to)
{
    CHECK("FI-05", file->PrivateCacheMap != NULL && (file->Flags & FO_SYNCHRONOUS_IO) != 0);
    CHECK("SR-40", offset->QuadPart == 40 && length == 8 && wait && key == 0);
    result->Status = STATUS_SUCCESS;
    result->Information = 5;
    return asked(file, to);
}

static BOOLEAN NTAPI fast_read(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                               ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                               PDEVICE_OBJECT DeviceObject)
{
    RtlFillMemory(Buffer, 5, 'F');
    return transfer(FileObject, FileOffset, Length, Wait, LockKey, IoStatus, DeviceObject);
}

static BOOLEAN NTAPI fast_write(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                BOOLEAN Wait, ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                                PDEVICE_OBJECT DeviceObject)
{
    CHECK("SR-40", *(PUCHAR)Buffer == 'w');
    return transfer(FileObject, FileOffset, Length, Wait, LockKey, IoStatus, DeviceObject);
}

static BOOLEAN query(PFILE_OBJECT file, BOOLEAN wait, PIO_STATUS_BLOCK result, ULONG bytes, PDEVICE_OBJECT to)
{
    CHECK("FI-05", file->PrivateCacheMap != NULL && wait);
    result->Status = STATUS_SUCCESS;
    result->Information = bytes;
    return asked(file, to);
}

static BOOLEAN NTAPI fast_basic(PFILE_OBJECT FileObject, BOOLEAN Wait, PFILE_BASIC_INFORMATION Buffer,
                                PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    Buffer->FileAttributes = 0x80;
    return query(FileObject, Wait, IoStatus, sizeof(*Buffer), DeviceObject);
}

static BOOLEAN NTAPI fast_standard(PFILE_OBJECT FileObject, BOOLEAN Wait, PFILE_STANDARD_INFORMATION Buffer,
                                   PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    Buffer->NumberOfLinks = 7;
    return query(FileObject, Wait, IoStatus, sizeof(*Buffer), DeviceObject);
}

static BOOLEAN NTAPI fast_network(PFILE_OBJECT FileObject, BOOLEAN Wait,
                                  PFILE_NETWORK_OPEN_INFORMATION Buffer, PIO_STATUS_BLOCK IoStatus,
                                  PDEVICE_OBJECT DeviceObject)
{
    Buffer->FileAttributes = 0x81;
    return query(FileObject, Wait, IoStatus, sizeof(*Buffer), DeviceObject);
}

static BOOLEAN NTAPI fast_lock(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PLARGE_INTEGER Length,
                               PEPROCESS ProcessId, ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock,
                               PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    CHECK("SR-40", FileOffset->QuadPart == 3 && Length->QuadPart == 4 && Key == 9 && FailImmediately &&
                       ExclusiveLock && ProcessId == IoGetCurrentProcess());
    IoStatus->Status = STATUS_LOCK_NOT_GRANTED;
    return asked(FileObject, DeviceObject);
}

static BOOLEAN NTAPI fast_unlock(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PLARGE_INTEGER Length,
                                 PEPROCESS ProcessId, ULONG Key, PIO_STATUS_BLOCK IoStatus,
                                 PDEVICE_OBJECT DeviceObject)
{
    CHECK("SR-40", FileOffset->QuadPart == 3 && Length->QuadPart == 4 && Key == 9);
    IoStatus->Status = STATUS_SUCCESS;
    return asked(FileObject, DeviceObject);
}

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static VOID expect(ULONG by_fast, ULONG by_irp, const char *what)
{
    rl_check("FI-03", fast_calls == by_fast && irps == by_irp, what, __FILE__, __LINE__);
    fast_calls = irps = 0;
}

/* Each request twice: done by its routine, then refused by it. */
static VOID transfers(HANDLE file)
{
    IO_STATUS_BLOCK iosb;
    UCHAR buffer[8] = "write..";
    LARGE_INTEGER offset = {.QuadPart = 40};
    CHECK_STATUS("FI-05", ZwReadFile(file, NULL, NULL, NULL, &iosb, buffer, 8, &offset, NULL),
                 STATUS_SUCCESS);
    expect(0, 1, "a file that is not cached is read by IRP");
    last_file->PrivateCacheMap = &fast;
    for (say_no = FALSE; say_no <= TRUE; say_no++) {
        RtlCopyMemory(buffer, "write..", 8);
        ZwWriteFile(file, NULL, NULL, NULL, &iosb, buffer, 8, &offset, NULL);
        CHECK_EQ("FI-03", iosb.Information, say_no ? 8 : 5);
        expect(1, say_no, "a cached file is written by its routine, else by IRP");
        ZwReadFile(file, NULL, NULL, NULL, &iosb, buffer, 8, &offset, NULL);
        CHECK_EQ("FI-03", iosb.Information, say_no ? 8 : 5);
        expect(1, say_no, "a cached file is read by its routine, else by IRP");
    }
    say_no = FALSE;
}

static VOID queries(HANDLE file)
{
    IO_STATUS_BLOCK iosb;
    FILE_BASIC_INFORMATION basic;
    FILE_STANDARD_INFORMATION standard;
    FILE_NETWORK_OPEN_INFORMATION network;
    for (say_no = FALSE; say_no <= TRUE; say_no++) {
        ZwQueryInformationFile(file, &iosb, &basic, sizeof(basic), FileBasicInformation);
        expect(1, say_no, "FileBasicInformation");
        ZwQueryInformationFile(file, &iosb, &standard, sizeof(standard), FileStandardInformation);
        expect(1, say_no, "FileStandardInformation");
        ZwQueryInformationFile(file, &iosb, &network, sizeof(network), FileNetworkOpenInformation);
        expect(1, say_no, "FileNetworkOpenInformation");
        if (!say_no)
            CHECK("SR-40", basic.FileAttributes == 0x80 && standard.NumberOfLinks == 7 &&
                               network.FileAttributes == 0x81 && iosb.Information == sizeof(network));
    }
    say_no = FALSE;
    last_file->PrivateCacheMap = NULL;
    ZwQueryInformationFile(file, &iosb, &basic, sizeof(basic), FileBasicInformation);
    expect(0, 1, "a file that is not cached is asked by IRP");
}

static VOID locks(HANDLE file)
{
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER offset = {.QuadPart = 3}, length = {.QuadPart = 4};
    for (say_no = FALSE; say_no <= TRUE; say_no++) {
        NTSTATUS status = ZwLockFile(file, NULL, NULL, NULL, &iosb, &offset, &length, 9, TRUE, TRUE);
        CHECK_STATUS("FI-03", status, say_no ? STATUS_SUCCESS : STATUS_LOCK_NOT_GRANTED);
        expect(1, say_no, "a range is locked by its routine, else by IRP");
        CHECK_STATUS("FI-03", ZwUnlockFile(file, &iosb, &offset, &length, 9), STATUS_SUCCESS);
        expect(1, say_no, "a range is unlocked by its routine, else by IRP");
    }
    say_no = FALSE;
}

static VOID own_requests(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FastIo");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE file;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("FI-05",
                 ZwCreateFile(&file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &iosb, NULL, 0,
                              FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT,
                              NULL, 0),
                 STATUS_SUCCESS);
    requester = KeGetCurrentThread();
    fast_calls = irps = 0;
    transfers(file);
    queries(file);
    locks(file);
    requester = NULL;
    ZwClose(file);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;
    switch (location->MajorFunction) {
    case IRP_MJ_CREATE:
        last_file = location->FileObject;
        return complete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        irps++;
        return complete(Irp, STATUS_SUCCESS, 8);
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_LOCK_CONTROL:
        irps++;
        return complete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
        if (code == CODE_TESTS)
            own_requests();
        if (code == CODE_SHORT)
            fast.SizeOfFastIoDispatch = FIELD_OFFSET(FAST_IO_DISPATCH, FastIoDeviceControl);
        DbgPrint("IRP for control %lx\n", (code >> 2) & 0xFFF);
        return complete(Irp, STATUS_SUCCESS, 0);
    default:
        return complete(Irp, STATUS_SUCCESS, 0);
    }
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FastIo");
    CHECK("FI-01", DriverObject->FastIoDispatch == NULL); /* until a driver that may have one sets it */
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = unload;
    fast.SizeOfFastIoDispatch = sizeof(fast);
    fast.FastIoDeviceControl = fast_control;
    fast.FastIoRead = fast_read;
    fast.FastIoWrite = fast_write;
    fast.FastIoQueryBasicInfo = fast_basic;
    fast.FastIoQueryStandardInfo = fast_standard;
    fast.FastIoQueryNetworkOpenInfo = fast_network;
    fast.FastIoLock = fast_lock;
    fast.FastIoUnlockSingle = fast_unlock;
    DriverObject->FastIoDispatch = &fast;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_FILE_SYSTEM, 0, FALSE, &device);
}

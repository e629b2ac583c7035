/* SPDX-License-Identifier: MIT */
/* Every major function code that a system service sends: who sends it, its parameters, its buffer: MJ-00..1A,
 * DI-01, 02, 06..08. */
#include <ntifs.h>
#include "target.h"

static ULONG_PTR information;
static NTSTATUS answer;
static UCHAR data[512];

static NTSTATUS reply(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    return complete_with(Irp, answer, information);
}

static VOID expect_none(void)
{
    answer = STATUS_SUCCESS;
    information = 0;
    RtlZeroMemory(&saw, sizeof(saw));
}

static NTSTATUS create(PCWSTR text, ULONG disposition, ULONG options, ULONG attributes, ULONG share, PVOID ea,
                       ULONG ea_length, HANDLE *handle, PIO_STATUS_BLOCK iosb)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES object;

    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(handle, GENERIC_READ | SYNCHRONIZE, &object, iosb, NULL, attributes, share,
                        disposition, options, ea, ea_length);
}

static WCHAR seen_name[64];
static USHORT seen_name_length;
static PVOID seen_ea;
static ACCESS_MASK seen_access;
static NTSTATUS record_create(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    if (location->MajorFunction == IRP_MJ_CREATE) {
        seen_name_length = location->FileObject->FileName.Length;
        RtlCopyMemory(seen_name, location->FileObject->FileName.Buffer,
                      min(seen_name_length, sizeof(seen_name)));
        seen_ea = Irp->AssociatedIrp.SystemBuffer;
        seen_access = location->Parameters.Create.SecurityContext->DesiredAccess;
        return complete_with(Irp, STATUS_SUCCESS, FILE_OPENED);
    }
    return complete_with(Irp, STATUS_SUCCESS, 0);
}

static VOID test_create_close(void)
{
    struct {
        FILE_FULL_EA_INFORMATION header;
        UCHAR rest[24];
    } ea = {.header = {.EaNameLength = 3, .EaValueLength = 2, .EaName = "A"}};
    IO_STATUS_BLOCK iosb;
    HANDLE handle;
    PFILE_OBJECT file;

    expect_none();
    target_handler = record_create;
    ea.header.EaName[0] = 'A';
    RtlCopyMemory(ea.header.EaName, "ABC", 4);
    CHECK_STATUS("MJ-00",
                 create(L"\\Device\\Target\\sub\\name", FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT,
                        FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, &ea, sizeof(FILE_FULL_EA_INFORMATION) + 8,
                        &handle, &iosb),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-00", saw.major, IRP_MJ_CREATE);
    CHECK_EQ("MJ-00", saw.location.Parameters.Create.Options >> 24, FILE_OPEN_IF);
    CHECK_EQ("MJ-00", saw.location.Parameters.Create.Options & 0xFFFFFF, FILE_SYNCHRONOUS_IO_NONALERT);
    CHECK_EQ("MJ-00", saw.location.Parameters.Create.FileAttributes, FILE_ATTRIBUTE_NORMAL);
    CHECK_EQ("MJ-00", saw.location.Parameters.Create.ShareAccess, FILE_SHARE_READ);
    CHECK_EQ("MJ-00", saw.location.Parameters.Create.EaLength, sizeof(FILE_FULL_EA_INFORMATION) + 8);
    CHECK("MJ-00", seen_ea != NULL && seen_ea != &ea);
    CHECK("MJ-00",
          seen_name_length == 9 * sizeof(WCHAR) && RtlCompareMemory(seen_name, L"\\sub\\name", 18) == 18);
    CHECK("MJ-00", (seen_access & FILE_READ_DATA) != 0);
    CHECK_EQ("MJ-00", iosb.Information, FILE_OPENED);
    CHECK_EQ("DI-08", saw.irql, PASSIVE_LEVEL);
    CHECK("DI-08", saw.thread == PsGetCurrentThread());
    CHECK("DO-50", saw.file->DeviceObject == target_device);

    /* Cleanup with the last handle, close with the last reference. */
    ObReferenceObjectByHandle(handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&file, NULL);
    expect_none();
    target_handler = reply;
    ZwClose(handle);
    CHECK_EQ("MJ-12", saw.calls[IRP_MJ_CLEANUP], 1);
    CHECK_EQ("MJ-02", saw.calls[IRP_MJ_CLOSE], 0);
    CHECK_EQ("DI-07", saw.irql, PASSIVE_LEVEL);
    CHECK("DI-07", saw.process == PsGetCurrentProcess());
    CHECK_EQ("DO-60", file->Flags & FO_HANDLE_CREATED, FO_HANDLE_CREATED);
    ObDereferenceObject(file);
    CHECK_EQ("MJ-02", saw.calls[IRP_MJ_CLOSE], 1);
    CHECK_EQ("DI-06", saw.irql, PASSIVE_LEVEL);
    CHECK_EQ("DO-60", saw.calls[IRP_MJ_CLEANUP], 1);

    /* The name of the device alone: an empty FileName. */
    target_handler = record_create;
    create(L"\\Device\\Target", FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, 0, FILE_SHARE_READ, NULL, 0, &handle,
           &iosb);
    CHECK_EQ("MJ-00", seen_name_length, 0);
    ZwClose(handle);

    /* A failed create is not cleaned up or closed in the driver. */
    expect_none();
    target_handler = reply;
    answer = STATUS_ACCESS_DENIED;
    CHECK_STATUS("MJ-00", create(L"\\Device\\Target", FILE_OPEN, 0, 0, 0, NULL, 0, &handle, &iosb),
                 STATUS_ACCESS_DENIED);
    CHECK_EQ("MJ-00", saw.calls[IRP_MJ_CLEANUP] + saw.calls[IRP_MJ_CLOSE], 0);
}

/* A create may be pended like anything else: the open waits for it, and gives the final status. */
static NTSTATUS pend_create(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    if (location->MajorFunction != IRP_MJ_CREATE)
        return complete_with(Irp, STATUS_SUCCESS, 0);
    IoMarkIrpPending(Irp);
    complete_with(Irp, answer, FILE_OPENED);
    return STATUS_PENDING;
}

static VOID test_pended_create(void)
{
    IO_STATUS_BLOCK iosb = {.Information = 77};
    HANDLE handle = NULL;

    target_handler = pend_create;
    answer = STATUS_SUCCESS;
    CHECK_STATUS("MJ-00",
                 create(L"\\Device\\Target", FILE_OPEN, 0, 0, FILE_SHARE_READ, NULL, 0, &handle, &iosb),
                 STATUS_SUCCESS);
    CHECK_EQ("DO-50", iosb.Information, FILE_OPENED);
    ZwClose(handle);
    answer = STATUS_DEVICE_NOT_READY;
    CHECK_STATUS("DO-50",
                 create(L"\\Device\\Target", FILE_OPEN, 0, 0, FILE_SHARE_READ, NULL, 0, &handle, &iosb),
                 STATUS_DEVICE_NOT_READY);
}

static NTSTATUS io_create(CREATE_FILE_TYPE type, PVOID parameters)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Target\\pipe");
    OBJECT_ATTRIBUTES object;
    IO_STATUS_BLOCK iosb;
    HANDLE handle = NULL;
    NTSTATUS status;

    InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    status = IoCreateFile(&handle, GENERIC_READ, &object, &iosb, NULL, 0, FILE_SHARE_READ, FILE_CREATE, 0,
                          NULL, 0, type, parameters, 0);
    if (NT_SUCCESS(status))
        ZwClose(handle);
    return status;
}

static PVOID seen_parameters;
static UCHAR first_major;
static NTSTATUS record_special(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    if (location->MajorFunction == IRP_MJ_CREATE_NAMED_PIPE ||
        location->MajorFunction == IRP_MJ_CREATE_MAILSLOT) {
        first_major = location->MajorFunction;
        seen_parameters = location->Parameters.Others.Argument4;
    }
    return complete_with(Irp, STATUS_SUCCESS, FILE_CREATED);
}

static VOID test_special_creates(void)
{
    NAMED_PIPE_CREATE_PARAMETERS pipe = {.MaximumInstances = 1};
    MAILSLOT_CREATE_PARAMETERS slot = {.MaximumMessageSize = 8};

    target_handler = record_special;
    io_create(CreateFileTypeNamedPipe, &pipe);
    CHECK_EQ("MJ-01", first_major, IRP_MJ_CREATE_NAMED_PIPE);
    CHECK("MJ-01", seen_parameters == &pipe);
    io_create(CreateFileTypeMailslot, &slot);
    CHECK_EQ("MJ-13", first_major, IRP_MJ_CREATE_MAILSLOT);
    CHECK("MJ-13", seen_parameters == &slot);
}

static VOID test_read_write(HANDLE handle)
{
    LARGE_INTEGER offset = {.QuadPart = 0x1234};
    IO_STATUS_BLOCK iosb;
    ULONG key = 77;

    expect_none();
    information = 9;
    CHECK_STATUS("MJ-03", ZwReadFile(handle, NULL, NULL, NULL, &iosb, data, 100, &offset, &key),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-03", saw.major, IRP_MJ_READ);
    CHECK_EQ("MJ-03", saw.location.Parameters.Read.Length, 100);
    CHECK_EQ("MJ-03", saw.location.Parameters.Read.Key, 77);
    CHECK_EQ("MJ-03", saw.location.Parameters.Read.ByteOffset.QuadPart, 0x1234);
    CHECK_EQ("MJ-03", iosb.Information, 9);
    CHECK_EQ("DI-01", saw.irql, PASSIVE_LEVEL);
    CHECK("DI-02", saw.thread == PsGetCurrentThread()); /* the highest driver: the requester's thread */
    CHECK_EQ("DI-03", saw.irql <= APC_LEVEL, TRUE);
    CHECK_STATUS("MJ-04", ZwWriteFile(handle, NULL, NULL, NULL, &iosb, data, 50, &offset, &key),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-04", saw.major, IRP_MJ_WRITE);
    CHECK_EQ("MJ-04", saw.location.Parameters.Write.Length, 50);
    CHECK_EQ("MJ-04", saw.location.Parameters.Write.ByteOffset.QuadPart, 0x1234);
    CHECK_STATUS("MJ-09", ZwFlushBuffersFile(handle, &iosb), STATUS_SUCCESS);
    CHECK_EQ("MJ-09", saw.major, IRP_MJ_FLUSH_BUFFERS);
}

static VOID test_information(HANDLE handle)
{
    FILE_BASIC_INFORMATION basic = {.FileAttributes = 0x20};
    FILE_POSITION_INFORMATION position;
    FILE_MODE_INFORMATION mode;
    FILE_ALIGNMENT_INFORMATION alignment;
    FILE_ACCESS_INFORMATION access;
    IO_STATUS_BLOCK iosb;

    expect_none();
    information = sizeof(basic);
    CHECK_STATUS("MJ-05", ZwQueryInformationFile(handle, &iosb, &basic, sizeof(basic), FileBasicInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-05", saw.major, IRP_MJ_QUERY_INFORMATION);
    CHECK_EQ("MJ-05", saw.location.Parameters.QueryFile.FileInformationClass, FileBasicInformation);
    CHECK_EQ("MJ-05", saw.location.Parameters.QueryFile.Length, sizeof(basic));
    CHECK("MJ-05", saw.system_buffer != NULL && saw.system_buffer != &basic);
    CHECK_EQ("MJ-05", iosb.Information, sizeof(basic));
    /* What the I/O manager answers itself. */
    expect_none();
    CHECK_STATUS("MJ-05",
                 ZwQueryInformationFile(handle, &iosb, &position, sizeof(position), FilePositionInformation),
                 STATUS_SUCCESS);
    CHECK_STATUS("MJ-05", ZwQueryInformationFile(handle, &iosb, &mode, sizeof(mode), FileModeInformation),
                 STATUS_SUCCESS);
    CHECK("MJ-05", (mode.Mode & FILE_SYNCHRONOUS_IO_NONALERT) != 0);
    CHECK_STATUS(
        "MJ-05",
        ZwQueryInformationFile(handle, &iosb, &alignment, sizeof(alignment), FileAlignmentInformation),
        STATUS_SUCCESS);
    CHECK_EQ("MJ-05", alignment.AlignmentRequirement, target_device->AlignmentRequirement);
    CHECK_STATUS("MJ-05",
                 ZwQueryInformationFile(handle, &iosb, &access, sizeof(access), FileAccessInformation),
                 STATUS_SUCCESS);
    CHECK("MJ-05", (access.AccessFlags & FILE_READ_DATA) != 0);
    CHECK_EQ("MJ-05", saw.calls[IRP_MJ_QUERY_INFORMATION], 0);
    CHECK_STATUS("MJ-06", ZwSetInformationFile(handle, &iosb, &basic, sizeof(basic), FileBasicInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-06", saw.major, IRP_MJ_SET_INFORMATION);
    CHECK_EQ("MJ-06", saw.location.Parameters.SetFile.FileInformationClass, FileBasicInformation);
    CHECK("MJ-06", saw.system_buffer != NULL);
}

static VOID test_volume(HANDLE handle)
{
    FILE_FS_DEVICE_INFORMATION device = {0};
    FILE_FS_SIZE_INFORMATION size;
    IO_STATUS_BLOCK iosb;

    expect_none();
    CHECK_STATUS(
        "MJ-0A",
        ZwQueryVolumeInformationFile(handle, &iosb, &device, sizeof(device), FileFsDeviceInformation),
        STATUS_SUCCESS);
    CHECK_EQ("MJ-0A", device.DeviceType, FILE_DEVICE_UNKNOWN);
    CHECK_EQ("MJ-0A", saw.calls[IRP_MJ_QUERY_VOLUME_INFORMATION],
             0); /* the I/O manager answers for a device that is no file system */
    information = sizeof(size);
    CHECK_STATUS("MJ-0A",
                 ZwQueryVolumeInformationFile(handle, &iosb, &size, sizeof(size), FileFsSizeInformation),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-0A", saw.major, IRP_MJ_QUERY_VOLUME_INFORMATION);
    CHECK_EQ("MJ-0A", saw.location.Parameters.QueryVolume.FsInformationClass, FileFsSizeInformation);
    CHECK("MJ-0A", saw.system_buffer != NULL);
}

static VOID test_fs_services(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER offset = {.QuadPart = 5}, length = {.QuadPart = 6};

    expect_none();
    CHECK_STATUS("MJ-0C",
                 ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &iosb, data, sizeof(data),
                                      FileDirectoryInformation, TRUE, NULL, TRUE),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-0C", saw.major, IRP_MJ_DIRECTORY_CONTROL);
    CHECK_EQ("MJ-0C", saw.minor, IRP_MN_QUERY_DIRECTORY);
    CHECK_EQ("MJ-0C", saw.location_flags & (SL_RESTART_SCAN | SL_RETURN_SINGLE_ENTRY),
             SL_RESTART_SCAN | SL_RETURN_SINGLE_ENTRY);
    CHECK_STATUS("MJ-0D",
                 ZwFsControlFile(handle, NULL, NULL, NULL, &iosb,
                                 CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 6, METHOD_BUFFERED, FILE_ANY_ACCESS), data,
                                 4, data, 4),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-0D", saw.major, IRP_MJ_FILE_SYSTEM_CONTROL);
    CHECK_EQ("MJ-0D", saw.minor, IRP_MN_USER_FS_REQUEST);
    CHECK("MJ-0D", saw.system_buffer != NULL);
    CHECK_STATUS("MJ-11", ZwLockFile(handle, NULL, NULL, NULL, &iosb, &offset, &length, 3, TRUE, TRUE),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-11", saw.major, IRP_MJ_LOCK_CONTROL);
    CHECK_EQ("MJ-11", saw.minor, IRP_MN_LOCK);
    CHECK_EQ("MJ-11", saw.location_flags, SL_FAIL_IMMEDIATELY | SL_EXCLUSIVE_LOCK);
    CHECK_EQ("MJ-11", saw.location.Parameters.LockControl.ByteOffset.QuadPart, 5);
    CHECK_EQ("MJ-11", saw.location.Parameters.LockControl.Key, 3);
    CHECK_STATUS("MJ-11", ZwUnlockFile(handle, &iosb, &offset, &length, 3), STATUS_SUCCESS);
    CHECK_EQ("MJ-11", saw.minor, IRP_MN_UNLOCK_SINGLE);
}

static VOID test_ea_and_quota(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;
    struct {
        FILE_FULL_EA_INFORMATION header;
        UCHAR rest[24];
    } ea = {.header = {.EaNameLength = 3, .EaValueLength = 2}};

    expect_none();
    RtlCopyMemory(ea.header.EaName, "ABC", 4);
    CHECK_STATUS("MJ-07", ZwQueryEaFile(handle, &iosb, data, sizeof(data), FALSE, NULL, 0, NULL, TRUE),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-07", saw.major, IRP_MJ_QUERY_EA);
    CHECK_EQ("MJ-07", saw.location.Parameters.QueryEa.Length, sizeof(data));
    CHECK_STATUS("MJ-08", ZwSetEaFile(handle, &iosb, &ea, sizeof(FILE_FULL_EA_INFORMATION) + 8),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-08", saw.major, IRP_MJ_SET_EA);
    CHECK_EQ("MJ-08", saw.location.Parameters.SetEa.Length, sizeof(FILE_FULL_EA_INFORMATION) + 8);
}

/* A request that there is no memory for is not sent. */
#define HUGE_LENGTH 0x40000000

static VOID test_no_memory(HANDLE handle)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    IO_STATUS_BLOCK iosb;

    expect_none();
    target_device->Flags |= DO_BUFFERED_IO;
    CHECK_STATUS("MJ-03", ZwReadFile(handle, NULL, NULL, NULL, &iosb, data, HUGE_LENGTH, &zero, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-04", ZwWriteFile(handle, NULL, NULL, NULL, &iosb, data, HUGE_LENGTH, &zero, NULL),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-05", ZwQueryInformationFile(handle, &iosb, data, HUGE_LENGTH, FileBasicInformation),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-06", ZwSetInformationFile(handle, &iosb, data, HUGE_LENGTH, FileBasicInformation),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-07", ZwQueryEaFile(handle, &iosb, data, HUGE_LENGTH, FALSE, NULL, 0, NULL, TRUE),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-0A",
                 ZwQueryVolumeInformationFile(handle, &iosb, data, HUGE_LENGTH, FileFsSizeInformation),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-0B",
                 ZwSetVolumeInformationFile(handle, &iosb, data, HUGE_LENGTH, FileFsLabelInformation),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-0C",
                 ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &iosb, data, HUGE_LENGTH,
                                      FileDirectoryInformation, TRUE, NULL, TRUE),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("MJ-19",
                 ZwQueryQuotaInformationFile(handle, &iosb, data, HUGE_LENGTH, TRUE, NULL, 0, NULL, TRUE),
                 STATUS_INSUFFICIENT_RESOURCES);
    target_device->Flags &= ~DO_BUFFERED_IO;
    CHECK_EQ("MJ-03", saw.calls[IRP_MJ_READ] + saw.calls[IRP_MJ_WRITE] + saw.calls[IRP_MJ_QUERY_INFORMATION],
             0);
}

static VOID test_quota(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;

    expect_none();
    CHECK_STATUS("MJ-19",
                 ZwQueryQuotaInformationFile(handle, &iosb, data, sizeof(data), TRUE, NULL, 0, NULL, TRUE),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-19", saw.major, IRP_MJ_QUERY_QUOTA);
    CHECK_EQ("MJ-0B",
             ZwSetVolumeInformationFile(handle, &iosb, data, sizeof(FILE_FS_LABEL_INFORMATION) + 8,
                                        FileFsLabelInformation),
             STATUS_SUCCESS);
    CHECK_EQ("MJ-0B", saw.major, IRP_MJ_SET_VOLUME_INFORMATION);
    CHECK("MJ-0B", saw.system_buffer != NULL && saw.system_buffer != data);
}

static VOID test_control(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;
    PIRP Irp;
    KEVENT event;

    expect_none();
    ZwDeviceIoControlFile(handle, NULL, NULL, NULL, &iosb, RL_IOCTL(3), data, 12, data, 20);
    CHECK_EQ("MJ-0E", saw.major, IRP_MJ_DEVICE_CONTROL);
    CHECK_EQ("MJ-0E", saw.location.Parameters.DeviceIoControl.IoControlCode, RL_IOCTL(3));
    CHECK_EQ("MJ-0E", saw.location.Parameters.DeviceIoControl.InputBufferLength, 12);
    CHECK_EQ("MJ-0E", saw.location.Parameters.DeviceIoControl.OutputBufferLength, 20);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(RL_IOCTL(4), target_device, NULL, 0, NULL, 0, TRUE, &event, &iosb);
    IoCallDriver(target_device, Irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ("MJ-0F", saw.major, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    CHECK_EQ("MJ-0F", IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_SCSI);
}

/* MJ-14: for an open of the device itself the I/O manager answers from the device object; MJ-15 likewise. */
static VOID test_security(HANDLE handle)
{
    SECURITY_DESCRIPTOR everybody = {.Revision = SECURITY_DESCRIPTOR_REVISION, .Control = SE_DACL_PRESENT};
    BOOLEAN present, defaulted;
    PACL dacl;
    ULONG length = 0;
    NTSTATUS status = ZwQuerySecurityObject(handle, DACL_SECURITY_INFORMATION, NULL, 0, &length);

    expect_none();
    CHECK_STATUS("MJ-14", status, STATUS_BUFFER_TOO_SMALL);
    CHECK("MJ-14", length >= sizeof(SECURITY_DESCRIPTOR_RELATIVE) && length <= sizeof(data));
    CHECK_STATUS("MJ-14",
                 ZwQuerySecurityObject(handle, DACL_SECURITY_INFORMATION, data, sizeof(data), &length),
                 STATUS_SUCCESS);
    CHECK("MJ-14", RtlValidSecurityDescriptor((PSECURITY_DESCRIPTOR)data));
    CHECK_EQ("MJ-14", saw.calls[IRP_MJ_QUERY_SECURITY], 0);
    CHECK_STATUS("MJ-15", ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, (PSECURITY_DESCRIPTOR)data),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-15", saw.calls[IRP_MJ_SET_SECURITY], 0);
    CHECK_STATUS("MJ-15", ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &everybody), STATUS_SUCCESS);
    CHECK_STATUS("MJ-15",
                 ZwQuerySecurityObject(handle, DACL_SECURITY_INFORMATION, data, sizeof(data), &length),
                 STATUS_SUCCESS);
    CHECK_STATUS("MJ-15",
                 RtlGetDaclSecurityDescriptor((PSECURITY_DESCRIPTOR)data, &present, &dacl, &defaulted),
                 STATUS_SUCCESS);
    CHECK("MJ-15", present && dacl == NULL); /* the one that was set */
}

static VOID test_security_of_name(void)
{
    SECURITY_DESCRIPTOR nobody = {.Revision = SECURITY_DESCRIPTOR_REVISION, .Control = SE_DACL_PRESENT};
    IO_STATUS_BLOCK iosb;
    HANDLE handle;
    ULONG length = 0;

    target_handler = reply;
    expect_none();
    create(L"\\Device\\Target\\file", FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, 0, FILE_SHARE_READ, NULL, 0,
           &handle, &iosb);
    answer = STATUS_SUCCESS;
    ZwQuerySecurityObject(handle, OWNER_SECURITY_INFORMATION, data, 64, &length);
    CHECK_EQ("MJ-14", saw.major, IRP_MJ_QUERY_SECURITY); /* a name inside: the driver's business */
    CHECK_EQ("MJ-14", saw.location.Parameters.QuerySecurity.SecurityInformation, OWNER_SECURITY_INFORMATION);
    CHECK("MJ-14", saw.user_buffer != NULL);
    expect_none();
    CHECK_STATUS("MJ-15", ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &nobody), STATUS_SUCCESS);
    CHECK_EQ("MJ-15", saw.calls[IRP_MJ_SET_SECURITY], 1);
    CHECK_EQ("MJ-15", saw.location.Parameters.SetSecurity.SecurityInformation, DACL_SECURITY_INFORMATION);
    CHECK("MJ-15", saw.location.Parameters.SetSecurity.SecurityDescriptor != NULL);
    ZwClose(handle);
}

static VOID run_tests(PIRP Irp)
{
    HANDLE handle;

    test_create_close();
    test_pended_create();
    test_special_creates();
    target_handler = reply;
    expect_none();
    handle = open_target();
    test_read_write(handle);
    test_information(handle);
    test_volume(handle);
    test_fs_services(handle);
    test_ea_and_quota(handle);
    test_quota(handle);
    test_no_memory(handle);
    test_control(handle);
    test_security(handle);
    expect_none();
    ZwClose(handle);
    test_security_of_name();
    target_handler = target_succeed;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return target_create(DriverObject);
}

/* SPDX-License-Identifier: MIT */
/*
 * Services that only file systems answer: volumes, directories, byte range
 * locks, extended attributes, quotas. Each is one request with its parameters;
 * what the parameters point to lives in the IRP's auxiliary buffer.
 */
#include "io/fast_io.h"

/* Memory that goes with the IRP. */
static NTSTATUS attach_auxiliary(struct io_request *r, const void *from, ULONG length, PVOID *copy)
{
    *copy = mm_pool_allocate(NonPagedPool, length, IO_NAME_TAG, false, attach_auxiliary);
    if (!*copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->irp->Tail.Overlay.AuxiliaryBuffer = *copy;
    return arch_copy_guarded(*copy, from, length);
}

static NTSTATUS begin(struct io_request *r, HANDLE handle, ACCESS_MASK access, PIO_STATUS_BLOCK iosb,
                      UCHAR major, bool wait)
{
    NTSTATUS status = io_request_open(r, handle, access, NULL, NULL, NULL, iosb);
    if (status != STATUS_SUCCESS)
        return status;
    r->wait = wait;
    return io_request_allocate(r, major);
}

/* ---- volumes ---- */

static bool answers_for_itself(const struct io_request *r)
{
    switch (r->device->DeviceType) {
    case FILE_DEVICE_DISK_FILE_SYSTEM:
    case FILE_DEVICE_CD_ROM_FILE_SYSTEM:
    case FILE_DEVICE_TAPE_FILE_SYSTEM:
    case FILE_DEVICE_FILE_SYSTEM:
    case FILE_DEVICE_NETWORK_FILE_SYSTEM:
        return true;
    default:
        return false;
    }
}

static NTSTATUS answer_device_information(struct io_request *r, PVOID to)
{
    IO_STATUS_BLOCK iosb = {.Information = sizeof(FILE_FS_DEVICE_INFORMATION)};
    /* MJ-0A: of the device that was opened. */
    FILE_FS_DEVICE_INFORMATION value = {r->file->DeviceObject->DeviceType,
                                        r->file->DeviceObject->Characteristics};
    NTSTATUS status = ob_copy_out(to, &value, sizeof(value), r->mode);
    if (NT_SUCCESS(status))
        status = ob_copy_out(r->iosb, &iosb, sizeof(iosb), r->mode);
    return io_request_abandon(r, status);
}

static const USHORT volume_query_bytes[FileFsMaximumInformation] = {
    [FileFsVolumeInformation] = sizeof(FILE_FS_VOLUME_INFORMATION),
    [FileFsSizeInformation] = sizeof(FILE_FS_SIZE_INFORMATION),
    [FileFsDeviceInformation] = sizeof(FILE_FS_DEVICE_INFORMATION),
    [FileFsAttributeInformation] = sizeof(FILE_FS_ATTRIBUTE_INFORMATION),
    [FileFsControlInformation] = 48,
    [FileFsFullSizeInformation] = sizeof(FILE_FS_FULL_SIZE_INFORMATION),
    [FileFsObjectIdInformation] = sizeof(FILE_FS_OBJECTID_INFORMATION),
    [FileFsDriverPathInformation] = 12,
    [FileFsVolumeFlagsInformation] = 4,
    [FileFsSectorSizeInformation] = 28,
};
static const USHORT volume_set_bytes[FileFsMaximumInformation] = {
    [FileFsLabelInformation] = sizeof(FILE_FS_LABEL_INFORMATION),
    [FileFsControlInformation] = 48,
    [FileFsObjectIdInformation] = sizeof(FILE_FS_OBJECTID_INFORMATION),
    [FileFsVolumeFlagsInformation] = 4,
};

static NTSTATUS check_volume_class(const USHORT *bytes, FS_INFORMATION_CLASS class_, ULONG length)
{
    if ((ULONG)class_ >= FileFsMaximumInformation || !bytes[class_])
        return STATUS_INVALID_INFO_CLASS;
    return length < bytes[class_] ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-0A. */
EXPORT(ntoskrnl, NtQueryVolumeInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    struct io_request r;
    ACCESS_MASK access = FsInformationClass == FileFsControlInformation ? FILE_READ_DATA : 0;
    NTSTATUS status = check_volume_class(volume_query_bytes, FsInformationClass, Length);
    if (NT_SUCCESS(status))
        status = io_probe_write(FsInformation, Length, 1, ke_previous_mode());
    if (!NT_SUCCESS(status))
        return status;
    status = io_request_open(&r, FileHandle, access, NULL, NULL, NULL, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    if (FsInformationClass == FileFsDeviceInformation && !answers_for_itself(&r))
        return answer_device_information(&r, FsInformation);
    r.wait = true;
    status = io_request_allocate(&r, IRP_MJ_QUERY_VOLUME_INFORMATION);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-0A: always buffered. */
    status = io_buffer_out(r.irp, FsInformation, Length);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    r.next->Parameters.QueryVolume.Length = Length;
    r.next->Parameters.QueryVolume.FsInformationClass = FsInformationClass;
    return io_request_send(&r);
}

EXPORT(ntoskrnl, ZwQueryVolumeInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    return ZW_CALL(
        NtQueryVolumeInformationFile(FileHandle, IoStatusBlock, FsInformation, Length, FsInformationClass));
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-0B. */
NTSTATUS NTAPI NtSetVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                          PVOID FsInformation, ULONG Length,
                                          FS_INFORMATION_CLASS FsInformationClass)
{
    struct io_request r;
    NTSTATUS status = check_volume_class(volume_set_bytes, FsInformationClass, Length);
    if (!NT_SUCCESS(status))
        return status;
    status = begin(&r, FileHandle, FILE_WRITE_DATA, IoStatusBlock, IRP_MJ_SET_VOLUME_INFORMATION, true);
    if (status != STATUS_SUCCESS)
        return status;
    /* MJ-0B: always buffered. */
    status = io_buffer_in(r.irp, FsInformation, Length, Length, r.mode);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    r.next->Parameters.SetVolume.Length = Length;
    r.next->Parameters.SetVolume.FsInformationClass = FsInformationClass;
    return io_request_send(&r);
}

EXPORT(ntoskrnl, ZwSetVolumeInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                          PVOID FsInformation, ULONG Length,
                                          FS_INFORMATION_CLASS FsInformationClass)
{
    return ZW_CALL(
        NtSetVolumeInformationFile(FileHandle, IoStatusBlock, FsInformation, Length, FsInformationClass));
}

/* ---- directories ---- */

/* The pattern, as a string that lives as long as the IRP. */
static NTSTATUS attach_pattern(struct io_request *r, const UNICODE_STRING *pattern)
{
    UNICODE_STRING header, *copy;
    if (!pattern)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_copy_in(&header, pattern, sizeof(header), r->mode);
    if (!NT_SUCCESS(status) || !header.Length)
        return status;
    if (header.Length & 1)
        return STATUS_INVALID_PARAMETER;
    status = io_probe_read(header.Buffer, header.Length, 1, r->mode);
    if (!NT_SUCCESS(status))
        return status;
    copy = mm_pool_allocate(NonPagedPool, sizeof(*copy) + header.Length, IO_NAME_TAG, false, attach_pattern);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    r->irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)copy;
    copy->Buffer = (PWSTR)(copy + 1);
    copy->Length = copy->MaximumLength = header.Length;
    r->next->Parameters.QueryDirectory.FileName = copy;
    return arch_copy_guarded(copy->Buffer, header.Buffer, header.Length);
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-0C. */
EXPORT(ntoskrnl, NtQueryDirectoryFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                    ULONG Length, FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName, BOOLEAN RestartScan)
{
    struct io_request r;
    NTSTATUS status =
        io_request_open(&r, FileHandle, FILE_LIST_DIRECTORY, Event, ApcRoutine, ApcContext, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    status = io_request_allocate(&r, IRP_MJ_DIRECTORY_CONTROL);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-0C: the entries of a directory. */
    r.next->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    r.next->Flags =
        (UCHAR)((RestartScan ? SL_RESTART_SCAN : 0) | (ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0));
    r.next->Parameters.QueryDirectory.Length = Length;
    r.next->Parameters.QueryDirectory.FileInformationClass = FileInformationClass;
    status = attach_pattern(&r, FileName);
    if (NT_SUCCESS(status))
        /* MJ-0C: by the device's flags. */
        status = io_transfer_buffer(&r, FileInformation, Length, true);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    return io_request_send(&r);
}

EXPORT(ntoskrnl, ZwQueryDirectoryFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                    ULONG Length, FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName, BOOLEAN RestartScan)
{
    return ZW_CALL(NtQueryDirectoryFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                                        FileInformation, Length, FileInformationClass, ReturnSingleEntry,
                                        FileName, RestartScan));
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-0C. */
NTSTATUS NTAPI NtNotifyChangeDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                                           ULONG Length, ULONG CompletionFilter, BOOLEAN WatchTree)
{
    struct io_request r;
    NTSTATUS status =
        io_request_open(&r, FileHandle, FILE_LIST_DIRECTORY, Event, ApcRoutine, ApcContext, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    if (!CompletionFilter || CompletionFilter & ~0xFFFu)
        return io_request_abandon(&r, STATUS_INVALID_PARAMETER);
    status = io_request_allocate(&r, IRP_MJ_DIRECTORY_CONTROL);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-0C: what changes in a directory. */
    r.next->MinorFunction = IRP_MN_NOTIFY_CHANGE_DIRECTORY;
    r.next->Flags = WatchTree ? SL_WATCH_TREE : 0;
    r.next->Parameters.NotifyDirectory.Length = Length;
    r.next->Parameters.NotifyDirectory.CompletionFilter = CompletionFilter;
    status = io_transfer_buffer(&r, Buffer, Length, true);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    return io_request_send(&r);
}

/* ---- byte range locks ---- */

struct range {
    LARGE_INTEGER offset, length;
};

static NTSTATUS capture_range(const struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length,
                              struct range *range)
{
    NTSTATUS status = ob_copy_in(&range->offset, offset, sizeof(*offset), r->mode);
    return NT_SUCCESS(status) ? ob_copy_in(&range->length, length, sizeof(*length), r->mode) : status;
}

static NTSTATUS attach_range(struct io_request *r, PLARGE_INTEGER offset, PLARGE_INTEGER length, ULONG key)
{
    NTSTATUS status =
        ob_copy_in(&r->next->Parameters.LockControl.ByteOffset, offset, sizeof(*offset), r->mode);
    if (NT_SUCCESS(status))
        status = io_probe_read(length, sizeof(*length), sizeof(ULONG), r->mode);
    if (NT_SUCCESS(status))
        /* the length is pointed to */
        status =
            attach_auxiliary(r, length, sizeof(*length), (PVOID *)&r->next->Parameters.LockControl.Length);
    /* MJ-11: and under which key. */
    r->next->Parameters.LockControl.Key = key;
    return status;
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-11. */
EXPORT(ntoskrnl, NtLockFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtLockFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                          PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset, PLARGE_INTEGER Length,
                          ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock)
{
    struct io_request r;
    struct range range;
    NTSTATUS status = io_request_open(&r, FileHandle, 0, Event, ApcRoutine, ApcContext, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    if (r.mode != KernelMode && !(r.granted & (FILE_READ_DATA | FILE_WRITE_DATA)))
        return io_request_abandon(&r, STATUS_ACCESS_DENIED);
    status = capture_range(&r, ByteOffset, Length, &range);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    if (io_fast_lock(&r, &range.offset, &range.length, Key, FailImmediately, ExclusiveLock, &status)) {
        r.file->LockOperation = TRUE;
        return io_request_abandon(&r, status);
    }
    status = io_request_allocate(&r, IRP_MJ_LOCK_CONTROL);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-11: one range. */
    r.next->MinorFunction = IRP_MN_LOCK;
    r.next->Flags =
        (UCHAR)((FailImmediately ? SL_FAIL_IMMEDIATELY : 0) | (ExclusiveLock ? SL_EXCLUSIVE_LOCK : 0));
    status = attach_range(&r, ByteOffset, Length, Key);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    /* MJ-11: the last handle of a process gives its locks back. */
    r.file->LockOperation = TRUE;
    return io_request_send(&r);
}

EXPORT(ntoskrnl, ZwLockFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwLockFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                          PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset, PLARGE_INTEGER Length,
                          ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock)
{
    return ZW_CALL(NtLockFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, ByteOffset, Length,
                              Key, FailImmediately, ExclusiveLock));
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-11. */
EXPORT(ntoskrnl, NtUnlockFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtUnlockFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset,
                            PLARGE_INTEGER Length, ULONG Key)
{
    struct io_request r;
    struct range range;
    NTSTATUS status = io_request_open(&r, FileHandle, 0, NULL, NULL, NULL, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    r.wait = true;
    status = capture_range(&r, ByteOffset, Length, &range);
    if (!NT_SUCCESS(status) || io_fast_unlock(&r, &range.offset, &range.length, Key, &status))
        return io_request_abandon(&r, status);
    status = io_request_allocate(&r, IRP_MJ_LOCK_CONTROL);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-11: one range back. */
    r.next->MinorFunction = IRP_MN_UNLOCK_SINGLE;
    status = attach_range(&r, ByteOffset, Length, Key);
    if (!NT_SUCCESS(status))
        return io_request_abandon(&r, status);
    return io_request_send(&r);
}

EXPORT(ntoskrnl, ZwUnlockFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwUnlockFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset,
                            PLARGE_INTEGER Length, ULONG Key)
{
    return ZW_CALL(NtUnlockFile(FileHandle, IoStatusBlock, ByteOffset, Length, Key));
}

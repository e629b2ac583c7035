/* SPDX-License-Identifier: MIT */
/*
 * Information about files: what the I/O manager answers itself, what it asks
 * the driver for (always in a system buffer), the checks before both.
 */
#include "io/fast_io.h"

struct class_rule {
    USHORT query_bytes, set_bytes; /* least lengths; 0: the class cannot be queried or set */
    ACCESS_MASK query_access, set_access;
};

/* Classes that are in no row exist for file systems alone: any length, no access of their own. */
static const struct class_rule rules[FileMaximumInformation] = {
    [FileBasicInformation] = {sizeof(FILE_BASIC_INFORMATION), sizeof(FILE_BASIC_INFORMATION),
                              FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES},
    [FileStandardInformation] = {sizeof(FILE_STANDARD_INFORMATION), 0, 0, 0},
    [FileInternalInformation] = {sizeof(FILE_INTERNAL_INFORMATION), 0, 0, 0},
    [FileEaInformation] = {sizeof(FILE_EA_INFORMATION), 0, 0, 0},
    [FileAccessInformation] = {sizeof(FILE_ACCESS_INFORMATION), 0, 0, 0},
    [FileNameInformation] = {sizeof(FILE_NAME_INFORMATION), 0, 0, 0},
    [FileRenameInformation] = {0, sizeof(FILE_RENAME_INFORMATION), 0, DELETE},
    [FileLinkInformation] = {0, sizeof(FILE_LINK_INFORMATION), 0, 0},
    [FileDispositionInformation] = {0, sizeof(FILE_DISPOSITION_INFORMATION), 0, DELETE},
    [FilePositionInformation] = {sizeof(FILE_POSITION_INFORMATION), sizeof(FILE_POSITION_INFORMATION), 0, 0},
    [FileModeInformation] = {sizeof(FILE_MODE_INFORMATION), sizeof(FILE_MODE_INFORMATION), 0, 0},
    [FileAlignmentInformation] = {sizeof(FILE_ALIGNMENT_INFORMATION), 0, 0, 0},
    [FileAllInformation] = {sizeof(FILE_ALL_INFORMATION), 0, FILE_READ_ATTRIBUTES, 0},
    [FileAllocationInformation] = {0, sizeof(FILE_ALLOCATION_INFORMATION), 0, FILE_WRITE_DATA},
    [FileEndOfFileInformation] = {0, sizeof(FILE_END_OF_FILE_INFORMATION), 0, FILE_WRITE_DATA},
    [FileAlternateNameInformation] = {sizeof(FILE_NAME_INFORMATION), 0, 0, 0},
    [FileStreamInformation] = {sizeof(FILE_STREAM_INFORMATION), 0, 0, 0},
    [FilePipeInformation] = {sizeof(FILE_PIPE_INFORMATION), sizeof(FILE_PIPE_INFORMATION),
                             FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES},
    [FilePipeLocalInformation] = {40, 0, FILE_READ_ATTRIBUTES, 0},
    [FilePipeRemoteInformation] = {16, 16, FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES},
    [FileMailslotQueryInformation] = {24, 0, 0, 0},
    [FileMailslotSetInformation] = {0, 8, 0, 0},
    [FileCompressionInformation] = {16, 0, 0, 0},
    [FileObjectIdInformation] = {72, 72, 0, 0},
    [FileCompletionInformation] = {0, sizeof(FILE_COMPLETION_INFORMATION), 0, 0},
    [FileMoveClusterInformation] = {0, 24, 0, FILE_WRITE_DATA},
    [FileQuotaInformation] = {56, 56, 0, 0},
    [FileReparsePointInformation] = {16, 16, 0, 0},
    [FileNetworkOpenInformation] = {sizeof(FILE_NETWORK_OPEN_INFORMATION), 0, FILE_READ_ATTRIBUTES, 0},
    [FileAttributeTagInformation] = {sizeof(FILE_ATTRIBUTE_TAG_INFORMATION), 0, FILE_READ_ATTRIBUTES, 0},
    [FileTrackingInformation] = {0, 16, 0, FILE_WRITE_DATA},
    [FileValidDataLengthInformation] = {0, sizeof(FILE_VALID_DATA_LENGTH_INFORMATION), 0, FILE_WRITE_DATA},
    [FileShortNameInformation] = {0, 8, 0, DELETE},
    [FileIoCompletionNotificationInformation] = {sizeof(ULONG), sizeof(ULONG), 0, 0},
    [FileIoPriorityHintInformation] = {sizeof(ULONG), sizeof(ULONG), 0, 0},
    [FileHardLinkInformation] = {16, 0, 0, 0},
    [FileNormalizedNameInformation] = {sizeof(FILE_NAME_INFORMATION), 0, 0, 0},
    [FileIsRemoteDeviceInformation] = {sizeof(BOOLEAN), 0, 0, 0},
    [FileStandardLinkInformation] = {16, 0, 0, 0},
    [FileRemoteProtocolInformation] = {116, 0, 0, 0},
    [FileVolumeNameInformation] = {8, 0, 0, 0},
    [FileIdInformation] = {24, 0, 0, 0},
    [FileReplaceCompletionInformation] = {0, sizeof(FILE_COMPLETION_INFORMATION), 0, 0},
    [FileDispositionInformationEx] = {0, sizeof(ULONG), 0, DELETE},
    [FileRenameInformationEx] = {0, sizeof(FILE_RENAME_INFORMATION), 0, DELETE},
    [FileStatInformation] = {72, 0, FILE_READ_ATTRIBUTES, 0},
    [FileCaseSensitiveInformation] = {sizeof(ULONG), sizeof(ULONG), FILE_READ_ATTRIBUTES,
                                      FILE_WRITE_ATTRIBUTES},
};

static const struct class_rule *rule_of(FILE_INFORMATION_CLASS class_)
{
    return (ULONG)class_ < FileMaximumInformation ? &rules[class_] : &rules[0];
}

static ULONG mode_of(PFILE_OBJECT file)
{
    ULONG mode = 0;
    if (file->Flags & FO_WRITE_THROUGH)
        mode |= FILE_WRITE_THROUGH;
    if (file->Flags & FO_SEQUENTIAL_ONLY)
        mode |= FILE_SEQUENTIAL_ONLY;
    if (file->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        mode |= FILE_NO_INTERMEDIATE_BUFFERING;
    if (file->Flags & FO_SYNCHRONOUS_IO)
        mode |= file->Flags & FO_ALERTABLE_IO ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
    if (file->Flags & FO_DELETE_ON_CLOSE)
        mode |= FILE_DELETE_ON_CLOSE;
    return mode;
}

static ULONG notification_modes(PFILE_OBJECT file)
{
    ULONG modes = 0;
    if (file->Flags & FO_SKIP_COMPLETION_PORT)
        modes |= FILE_SKIP_COMPLETION_PORT_ON_SUCCESS;
    if (file->Flags & FO_SKIP_SET_EVENT)
        modes |= FILE_SKIP_SET_EVENT_ON_HANDLE;
    if (file->Flags & FO_SKIP_SET_FAST_IO)
        modes |= FILE_SKIP_SET_USER_EVENT_ON_FAST_IO;
    return modes;
}

/* Gives an answer of the I/O manager's own. */
static NTSTATUS answer(struct io_request *r, PVOID to, const void *value, ULONG length)
{
    IO_STATUS_BLOCK iosb = {.Information = length};
    NTSTATUS status = ob_copy_out(to, value, length, r->mode);
    iosb.Status = status;
    if (NT_SUCCESS(status))
        status = ob_copy_out(r->iosb, &iosb, sizeof(iosb), r->mode);
    return io_request_abandon(r, status);
}

/* True: answered (or refused) without the driver. Rules: MJ-05. */
static bool answered_here(struct io_request *r, FILE_INFORMATION_CLASS class_, PVOID to, NTSTATUS *status)
{
    PFILE_OBJECT file = r->file;
    ULONG value;
    switch (class_) {
    case FilePositionInformation:
        if (!r->synchronous)
            return false; /* the driver's business */
        /* MJ-05: the position is the file object's. */
        *status = answer(r, to, &file->CurrentByteOffset, sizeof(FILE_POSITION_INFORMATION));
        return true;
    case FileAccessInformation:
        /* MJ-05: what the handle was granted. */
        value = r->granted;
        break;
    case FileModeInformation:
        /* MJ-05: how it was opened. */
        value = mode_of(file);
        break;
    case FileAlignmentInformation:
        /* MJ-05: what the device needs. */
        value = r->device->AlignmentRequirement;
        break;
    case FileIoCompletionNotificationInformation:
        value = notification_modes(file);
        break;
    case FileIoPriorityHintInformation:
        value = IoPriorityNormal;
        break;
    case FileIsRemoteDeviceInformation:
        value = (r->device->Characteristics & FILE_REMOTE_DEVICE) != 0;
        *status = answer(r, to, &value, sizeof(BOOLEAN));
        return true;
    default:
        return false;
    }
    *status = answer(r, to, &value, sizeof(value));
    return true;
}

/* The parts of FileAllInformation that the driver leaves alone. */
static void fill_all_information(struct io_request *r)
{
    FILE_ALL_INFORMATION *all = r->irp->AssociatedIrp.SystemBuffer;
    all->AccessInformation.AccessFlags = r->granted;
    all->ModeInformation.Mode = mode_of(r->file);
    all->AlignmentInformation.AlignmentRequirement = r->device->AlignmentRequirement;
}

static NTSTATUS ask_driver(struct io_request *r, PVOID to, ULONG length, FILE_INFORMATION_CLASS class_)
{
    /* IRP-91: the service waits also on an asynchronous handle. */
    r->wait = true;
    NTSTATUS status = io_request_allocate(r, IRP_MJ_QUERY_INFORMATION);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-05: always buffered. */
    status = io_buffer_out(r->irp, to, length);
    if (!NT_SUCCESS(status))
        return io_request_abandon(r, status);
    if (class_ == FileAllInformation)
        fill_all_information(r);
    r->next->Parameters.QueryFile.Length = length;
    r->next->Parameters.QueryFile.FileInformationClass = class_;
    return io_request_send(r);
}

static NTSTATUS check_query(FILE_INFORMATION_CLASS class_, PVOID to, ULONG length, KPROCESSOR_MODE mode)
{
    const struct class_rule *rule = rule_of(class_);
    if (!rule->query_bytes)
        return STATUS_INVALID_INFO_CLASS;
    if (length < rule->query_bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    return io_probe_write(to, length, 1, mode);
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-05. */
EXPORT(ntoskrnl, NtQueryInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    struct io_request r;
    NTSTATUS status = check_query(FileInformationClass, FileInformation, Length, ke_previous_mode());
    if (!NT_SUCCESS(status))
        return status;
    status = io_request_open(&r, FileHandle, rule_of(FileInformationClass)->query_access, NULL, NULL, NULL,
                             IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    if (answered_here(&r, FileInformationClass, FileInformation, &status))
        return status;
    if (io_fast_query(&r, FileInformationClass, FileInformation, &status))
        return io_request_abandon(&r, status);
    return ask_driver(&r, FileInformation, Length, FileInformationClass);
}

EXPORT(ntoskrnl, ZwQueryInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    return ZW_CALL(
        NtQueryInformationFile(FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass));
}

static NTSTATUS set_position(struct io_request *r, const void *value)
{
    LARGE_INTEGER position = *(const LARGE_INTEGER *)value;
    if (position.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    if (r->file->Flags & FO_NO_INTERMEDIATE_BUFFERING && position.LowPart & r->device->AlignmentRequirement)
        return STATUS_INVALID_PARAMETER;
    /* MJ-06: the next transfer begins there. */
    r->file->CurrentByteOffset = position;
    return STATUS_SUCCESS;
}

static NTSTATUS set_mode(PFILE_OBJECT file, ULONG mode)
{
    ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    if (mode & ~(ULONG)(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | synchronous) ||
        (mode & synchronous) == synchronous)
        return STATUS_INVALID_PARAMETER;
    if (((mode & synchronous) != 0) != ((file->Flags & FO_SYNCHRONOUS_IO) != 0))
        return STATUS_INVALID_PARAMETER; /* a file stays what it was opened as */
    if (mode & FILE_WRITE_THROUGH && file->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        return STATUS_INVALID_PARAMETER;
    ULONG flags = file->Flags & ~(ULONG)(FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO);
    if (mode & FILE_WRITE_THROUGH)
        flags |= FO_WRITE_THROUGH;
    if (mode & FILE_SEQUENTIAL_ONLY)
        flags |= FO_SEQUENTIAL_ONLY;
    if (mode & FILE_SYNCHRONOUS_IO_ALERT)
        flags |= FO_ALERTABLE_IO;
    /* MJ-06: the file object says how it is used. */
    file->Flags = flags;
    return STATUS_SUCCESS;
}

/* Modes can be set and not taken back. */
static NTSTATUS set_notification_modes(PFILE_OBJECT file, ULONG modes)
{
    if (modes & ~(ULONG)(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE |
                         FILE_SKIP_SET_USER_EVENT_ON_FAST_IO))
        return STATUS_INVALID_PARAMETER;
    if (modes & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
        file->Flags |= FO_SKIP_COMPLETION_PORT;
    if (modes & FILE_SKIP_SET_EVENT_ON_HANDLE)
        file->Flags |= FO_SKIP_SET_EVENT;
    if (modes & FILE_SKIP_SET_USER_EVENT_ON_FAST_IO)
        file->Flags |= FO_SKIP_SET_FAST_IO;
    return STATUS_SUCCESS;
}

/* True: done (or refused) without the driver. Rules: MJ-06. */
static bool set_here(struct io_request *r, FILE_INFORMATION_CLASS class_, const void *value, NTSTATUS *status)
{
    const FILE_COMPLETION_INFORMATION *port = value;
    switch (class_) {
    case FilePositionInformation:
        if (!r->synchronous)
            return false;
        *status = set_position(r, value);
        break;
    case FileModeInformation:
        *status = set_mode(r->file, *(const ULONG *)value);
        break;
    case FileCompletionInformation:
        *status = io_set_completion_port(r->file, port->Port, port->Key, r->mode);
        break;
    case FileIoCompletionNotificationInformation:
        *status = set_notification_modes(r->file, *(const ULONG *)value);
        break;
    default:
        return false;
    }
    return true;
}

static void set_parameters(PIO_STACK_LOCATION next, ULONG length, FILE_INFORMATION_CLASS class_,
                           const void *value)
{
    next->Parameters.SetFile.Length = length;
    next->Parameters.SetFile.FileInformationClass = class_;
    if (class_ == FileRenameInformation || class_ == FileLinkInformation)
        next->Parameters.SetFile.ReplaceIfExists = *(const BOOLEAN *)value;
}

static NTSTATUS tell_driver(struct io_request *r, const void *from, ULONG length,
                            FILE_INFORMATION_CLASS class_)
{
    r->wait = true;
    NTSTATUS status = io_request_allocate(r, IRP_MJ_SET_INFORMATION);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-06: always buffered. */
    status = io_buffer_in(r->irp, from, length, length, r->mode);
    if (!NT_SUCCESS(status))
        return io_request_abandon(r, status);
    set_parameters(r->next, length, class_, r->irp->AssociatedIrp.SystemBuffer);
    return io_request_send(r);
}

/* Copies the small values that the I/O manager itself looks at. */
static NTSTATUS capture_value(void *to, size_t room, const void *from, ULONG length, KPROCESSOR_MODE mode)
{
    return ob_copy_in(to, from, MIN(room, length), mode);
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-06. */
EXPORT(ntoskrnl, NtSetInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                    ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
    struct io_request r;
    union {
        FILE_COMPLETION_INFORMATION port;
        LARGE_INTEGER position;
    } value = {0};
    const struct class_rule *rule = rule_of(FileInformationClass);
    if (!rule->set_bytes)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < rule->set_bytes)
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS status = capture_value(&value, sizeof(value), FileInformation, Length, ke_previous_mode());
    if (!NT_SUCCESS(status))
        return status;
    status = io_request_open(&r, FileHandle, rule->set_access, NULL, NULL, NULL, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    if (!set_here(&r, FileInformationClass, &value, &status))
        return tell_driver(&r, FileInformation, Length, FileInformationClass);
    IO_STATUS_BLOCK iosb = {0};
    if (NT_SUCCESS(status))
        status = ob_copy_out(r.iosb, &iosb, sizeof(iosb), r.mode);
    return io_request_abandon(&r, status);
}

EXPORT(ntoskrnl, ZwSetInformationFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                    ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
    return ZW_CALL(
        NtSetInformationFile(FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass));
}

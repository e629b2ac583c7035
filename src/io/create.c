/* SPDX-License-Identifier: MIT */
/*
 * Creating and opening by name: the parameters are checked and captured, the
 * object manager finds the device (open.c), and the file gets a handle.
 */
#include "io/private.h"

#define SYNCHRONOUS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define DIRECTORY_OPTIONS                                                                                    \
    (FILE_DIRECTORY_FILE | FILE_WRITE_THROUGH | SYNCHRONOUS | FILE_OPEN_FOR_BACKUP_INTENT |                  \
     FILE_DELETE_ON_CLOSE | FILE_OPEN_BY_FILE_ID | FILE_OPEN_REPARSE_POINT | FILE_NO_COMPRESSION |           \
     FILE_OPEN_FOR_FREE_SPACE_QUERY | FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_REMOTE_INSTANCE)

static bool valid_synchronous(ACCESS_MASK access, ULONG options)
{
    if (!(options & SYNCHRONOUS))
        return true;
    return access & SYNCHRONIZE && (options & SYNCHRONOUS) != SYNCHRONOUS;
}

static bool valid_directory(ULONG disposition, ULONG options)
{
    if (!(options & FILE_DIRECTORY_FILE))
        return true;
    return !(options & ~(ULONG)DIRECTORY_OPTIONS) &&
           (disposition == FILE_CREATE || disposition == FILE_OPEN || disposition == FILE_OPEN_IF);
}

static bool valid_parameters(const struct io_open *o, ACCESS_MASK access)
{
    ULONG options = o->create_options;
    if (o->file_attributes & ~(ULONG)FILE_ATTRIBUTE_VALID_FLAGS ||
        o->share_access & ~(ULONG)FILE_SHARE_VALID_FLAGS || o->disposition > FILE_MAXIMUM_DISPOSITION ||
        options & ~(ULONG)FILE_VALID_OPTION_FLAGS)
        return false;
    if (options & FILE_DELETE_ON_CLOSE && !(access & DELETE))
        return false;
    if (options & FILE_COMPLETE_IF_OPLOCKED && options & FILE_RESERVE_OPFILTER)
        return false;
    if (options & FILE_NO_INTERMEDIATE_BUFFERING && access & FILE_APPEND_DATA)
        return false;
    return valid_synchronous(access, options) && valid_directory(o->disposition, options);
}

static NTSTATUS capture_ea(struct io_open *o, PVOID ea, ULONG length, KPROCESSOR_MODE mode)
{
    ULONG offset;
    if (!ea || !length)
        return STATUS_SUCCESS;
    NTSTATUS status = io_probe_read(ea, length, sizeof(ULONG), mode);
    if (!NT_SUCCESS(status))
        return status;
    /* MJ-00: extended attributes travel in a system buffer. */
    o->ea = mm_pool_allocate(NonPagedPool, length, IO_BUFFER_TAG, false, capture_ea);
    if (!o->ea)
        return STATUS_INSUFFICIENT_RESOURCES;
    o->ea_length = length;
    status = arch_copy_guarded(o->ea, ea, length);
    return NT_SUCCESS(status) ? IoCheckEaBufferValidity(o->ea, length, &offset) : status;
}

static NTSTATUS capture_allocation(struct io_open *o, const LARGE_INTEGER *size, KPROCESSOR_MODE mode)
{
    if (!size)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_copy_in(&o->allocation_size, size, sizeof(*size), mode);
    if (NT_SUCCESS(status) && o->allocation_size.QuadPart < 0)
        status = STATUS_INVALID_PARAMETER;
    return status;
}

static NTSTATUS write_result(PHANDLE to_handle, PIO_STATUS_BLOCK to_iosb, HANDLE handle,
                             const struct io_open *o, KPROCESSOR_MODE mode)
{
    IO_STATUS_BLOCK iosb = {.Information = o->information};
    iosb.Status = o->final_status;
    NTSTATUS status = ob_copy_out(to_handle, &handle, sizeof(handle), mode);
    if (NT_SUCCESS(status))
        status = ob_copy_out(to_iosb, &iosb, sizeof(iosb), mode);
    return status;
}

static NTSTATUS open_and_handle(const struct ob_captured *captured, ACCESS_MASK access, KPROCESSOR_MODE mode,
                                struct io_open *o, PHANDLE to_handle, PIO_STATUS_BLOCK to_iosb)
{
    struct ob_open_request request = {
        .desired_access = access,
        .attributes = captured->attributes,
        .mode = mode,
        .wanted = io_file_type,
        .context = o,
        .full_name = &captured->name,
        .security_qos = captured->security_qos,
    };
    HANDLE handle;
    void *file = NULL;
    NTSTATUS status = ob_open_captured(captured, &request, &file);
    if (!NT_SUCCESS(status))
        return status;
    if (!o->parsed) { /* an object that is no file came of the name */
        ob_dereference(file);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    status = ob_handle_create(file, o->granted, captured->attributes, &request, &handle);
    if (NT_SUCCESS(status)) {
        ((PFILE_OBJECT)file)->Flags |= FO_HANDLE_CREATED;
        status = write_result(to_handle, to_iosb, handle, o, mode);
        if (!NT_SUCCESS(status))
            ob_handle_close(handle, mode);
    }
    ob_dereference(file); /* the handle has its own; without one, CLEANUP and CLOSE follow */
    return NT_SUCCESS(status) ? o->final_status : status;
}

/* Creates or opens a file for the caller of a service, by his previous mode. The status is the create's. */
static NTSTATUS create_file(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters, ULONG Options)
{
    KPROCESSOR_MODE mode = Options & IO_NO_PARAMETER_CHECKING ? KernelMode : ke_previous_mode();
    struct ob_captured captured;
    struct io_open o = {
        .type = IO_OPEN_PACKET_TYPE,
        .attach_only = (Options & IO_ATTACH_DEVICE) != 0,
        .check_access_always = (Options & IO_FORCE_ACCESS_CHECK) != 0,
        .disposition = Disposition,
        .create_options = CreateOptions,
        .options = Options & (SL_OPEN_PAGING_FILE | SL_OPEN_TARGET_DIRECTORY | SL_STOP_ON_SYMLINK),
        .file_attributes = FileAttributes,
        .share_access = ShareAccess,
        .create_type = CreateFileType,
        .extra = InternalParameters,
    };
    if (!(Options & IO_NO_PARAMETER_CHECKING) && !valid_parameters(&o, DesiredAccess))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = io_probe_write(FileHandle, sizeof(HANDLE), sizeof(HANDLE), mode);
    if (NT_SUCCESS(status))
        status = io_probe_write(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(ULONG), mode);
    if (NT_SUCCESS(status))
        status = capture_allocation(&o, AllocationSize, mode);
    if (NT_SUCCESS(status))
        status = ob_capture_attributes(ObjectAttributes, mode, &captured);
    if (!NT_SUCCESS(status))
        return status;
    status = capture_ea(&o, EaBuffer, EaLength, mode);
    if (NT_SUCCESS(status))
        status = open_and_handle(&captured, DesiredAccess, mode, &o, FileHandle, IoStatusBlock);
    if (o.ea)
        mm_pool_free(o.ea, 0, create_file);
    ob_release_captured(&captured);
    return status;
}

/*
 * The same for a driver: its parameters are the kernel's, in whatever thread it runs.
 * IRQL: PASSIVE_LEVEL. Rules: MJ-00, DO-50..DO-52, IRP-93.
 */
EXPORT(ntoskrnl, IoCreateFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters, ULONG Options)
{
    return ZW_CALL(create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                               FileAttributes, ShareAccess, Disposition, CreateOptions, EaBuffer, EaLength,
                               CreateFileType, InternalParameters, Options));
}

EXPORT(ntoskrnl, NtCreateFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                       FileAttributes, ShareAccess, CreateDisposition, CreateOptions, EaBuffer, EaLength,
                       CreateFileTypeNone, NULL, 0);
}

EXPORT(ntoskrnl, ZwCreateFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    return ZW_CALL(NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                                FileAttributes, ShareAccess, CreateDisposition, CreateOptions, EaBuffer,
                                EaLength));
}

EXPORT(ntoskrnl, NtOpenFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                          PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0, ShareAccess,
                       FILE_OPEN, OpenOptions, NULL, 0, CreateFileTypeNone, NULL, 0);
}

EXPORT(ntoskrnl, ZwOpenFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                          PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
    return ZW_CALL(
        NtOpenFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, ShareAccess, OpenOptions));
}

static NTSTATUS capture_timeout(LARGE_INTEGER *to, BOOLEAN *specified, const LARGE_INTEGER *from)
{
    if (!from)
        return STATUS_SUCCESS;
    *specified = TRUE;
    NTSTATUS status = ob_copy_in(to, from, sizeof(*to), ke_previous_mode());
    return NT_SUCCESS(status) && to->QuadPart >= 0 ? STATUS_INVALID_PARAMETER : status;
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-01. */
NTSTATUS NTAPI NtCreateNamedPipeFile(PHANDLE FileHandle, ULONG DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions,
                                     ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode,
                                     ULONG MaximumInstances, ULONG InboundQuota, ULONG OutboundQuota,
                                     PLARGE_INTEGER DefaultTimeout)
{
    /* MJ-01: what only a pipe has. */
    NAMED_PIPE_CREATE_PARAMETERS p = {NamedPipeType,    ReadMode,     CompletionMode,
                                      MaximumInstances, InboundQuota, OutboundQuota};
    NTSTATUS status = capture_timeout(&p.DefaultTimeout, &p.TimeoutSpecified, DefaultTimeout);
    if (!NT_SUCCESS(status))
        return status;
    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0, ShareAccess,
                       CreateDisposition, CreateOptions, NULL, 0, CreateFileTypeNamedPipe, &p, 0);
}

/* IRQL: PASSIVE_LEVEL. Rules: MJ-13. */
NTSTATUS NTAPI NtCreateMailslotFile(PHANDLE FileHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                                    ULONG CreateOptions, ULONG MailslotQuota, ULONG MaximumMessageSize,
                                    PLARGE_INTEGER ReadTimeout)
{
    /* MJ-13: what only a mailslot has. */
    MAILSLOT_CREATE_PARAMETERS p = {MailslotQuota, MaximumMessageSize};
    if (ReadTimeout) {
        p.TimeoutSpecified = TRUE;
        NTSTATUS status = ob_copy_in(&p.ReadTimeout, ReadTimeout, sizeof(p.ReadTimeout), ke_previous_mode());
        if (!NT_SUCCESS(status))
            return status;
    }
    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                       FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, CreateOptions, NULL, 0,
                       CreateFileTypeMailslot, &p, 0);
}

/* Opens with FILE_DELETE_ON_CLOSE and closes. IRQL: PASSIVE_LEVEL. */
NTSTATUS NTAPI NtDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    HANDLE handle;
    IO_STATUS_BLOCK iosb;
    KPROCESSOR_MODE mode = ke_previous_mode();
    struct ob_captured captured;
    struct io_open o = {.type = IO_OPEN_PACKET_TYPE,
                        .disposition = FILE_OPEN,
                        .create_options = FILE_DELETE_ON_CLOSE,
                        .share_access = FILE_SHARE_VALID_FLAGS};
    NTSTATUS status = ob_capture_attributes(ObjectAttributes, mode, &captured);
    if (!NT_SUCCESS(status))
        return status;
    status = open_and_handle(&captured, DELETE, KernelMode, &o, &handle, &iosb);
    if (NT_SUCCESS(status))
        ob_handle_close(handle, KernelMode);
    ob_release_captured(&captured);
    return status;
}

EXPORT(ntoskrnl, ZwDeleteFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtDeleteFile(ObjectAttributes));
}

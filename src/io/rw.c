/* SPDX-License-Identifier: MIT */
/*
 * Reading, writing and flushing. The byte offset of a synchronous file is the
 * file's own when the caller gives none; the I/O manager moves it (IRP-92).
 */
#include "io/fast_io.h"

struct transfer {
    PVOID buffer;
    ULONG length;
    const LARGE_INTEGER *offset;
    const ULONG *key;
    UCHAR major;
};

static bool uses_position(LARGE_INTEGER offset)
{
    return offset.HighPart == -1 && offset.LowPart == FILE_USE_FILE_POINTER_POSITION;
}

static bool at_end(LARGE_INTEGER offset)
{
    return offset.HighPart == -1 && offset.LowPart == FILE_WRITE_TO_END_OF_FILE;
}

/* Where the transfer begins, in r->offset. */
static NTSTATUS find_offset(struct io_request *r, const struct transfer *t)
{
    bool given = t->offset != NULL;
    if (given) {
        NTSTATUS status = ob_copy_in(&r->offset, t->offset, sizeof(r->offset), r->mode);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (t->major == IRP_MJ_WRITE && (r->granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == FILE_APPEND_DATA) {
        r->offset.HighPart = -1;
        r->offset.LowPart = FILE_WRITE_TO_END_OF_FILE;
        return STATUS_SUCCESS;
    }
    if (r->synchronous && (!given || uses_position(r->offset))) {
        /* IRP-92: where the last one ended. */
        r->offset = r->file->CurrentByteOffset;
        r->positioned = true;
        return STATUS_SUCCESS;
    }
    if (!given) {
        r->offset.QuadPart = 0;
        return r->file->Flags & (FO_NAMED_PIPE | FO_MAILSLOT) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    r->positioned = r->synchronous;
    if (r->offset.QuadPart < 0 && !(t->major == IRP_MJ_WRITE && at_end(r->offset)))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* Unbuffered files transfer whole sectors to and from aligned memory. */
static bool misaligned(const struct io_request *r, const struct transfer *t)
{
    ULONG sector = r->device->SectorSize;
    if (!(r->file->Flags & FO_NO_INTERMEDIATE_BUFFERING))
        return false;
    if (sector && (t->length % sector || (r->offset.QuadPart > 0 && r->offset.QuadPart % sector)))
        return true;
    return ((ULONG_PTR)t->buffer & r->device->AlignmentRequirement) != 0;
}

static NTSTATUS send_transfer(struct io_request *r, const struct transfer *t, ULONG key)
{
    NTSTATUS status = io_request_allocate(r, t->major);
    if (!NT_SUCCESS(status))
        return status;
    status = io_transfer_buffer(r, t->buffer, t->length, t->major == IRP_MJ_READ);
    if (!NT_SUCCESS(status))
        return io_request_abandon(r, status);
    r->irp->Flags |= t->major == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
    if (r->file->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        r->irp->Flags |= IRP_NOCACHE;
    if (t->major == IRP_MJ_WRITE && r->file->Flags & FO_WRITE_THROUGH)
        r->next->Flags |= SL_WRITE_THROUGH;
    /* MJ-03, MJ-04: how much, */
    r->next->Parameters.Read.Length = t->length;
    /* MJ-03, MJ-04: under which lock key, */
    r->next->Parameters.Read.Key = key;
    /* MJ-03, MJ-04: and where. */
    r->next->Parameters.Read.ByteOffset = r->offset;
    return io_request_send(r);
}

static NTSTATUS transfer(struct io_request *r, const struct transfer *t)
{
    ULONG key = 0;
    NTSTATUS status = find_offset(r, t);
    if (NT_SUCCESS(status) && misaligned(r, t))
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status) && t->key)
        status = ob_copy_in(&key, t->key, sizeof(key), r->mode);
    if (!NT_SUCCESS(status))
        return io_request_abandon(r, status);
    if (io_fast_transfer(r, t->major, t->buffer, t->length, key, &status))
        return io_request_abandon(r, status);
    return send_transfer(r, t, key);
}

/* Sends IRP_MJ_READ. IRQL: PASSIVE_LEVEL. Rules: MJ-03, BUF-01..BUF-08, IRP-92. */
EXPORT(ntoskrnl, NtReadFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                          PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                          PLARGE_INTEGER ByteOffset, PULONG Key)
{
    struct io_request r;
    struct transfer t = {Buffer, Length, ByteOffset, Key, IRP_MJ_READ};
    /* MJ-03: a handle that may read. */
    NTSTATUS status =
        io_request_open(&r, FileHandle, FILE_READ_DATA, Event, ApcRoutine, ApcContext, IoStatusBlock);
    return status == STATUS_SUCCESS ? transfer(&r, &t) : status;
}

EXPORT(ntoskrnl, ZwReadFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                          PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                          PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return ZW_CALL(NtReadFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                              ByteOffset, Key));
}

/* Sends IRP_MJ_WRITE. IRQL: PASSIVE_LEVEL. Rules: MJ-04, BUF-01..BUF-08, IRP-92. */
EXPORT(ntoskrnl, NtWriteFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                           PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                           PLARGE_INTEGER ByteOffset, PULONG Key)
{
    struct io_request r;
    struct transfer t = {Buffer, Length, ByteOffset, Key, IRP_MJ_WRITE};
    NTSTATUS status = io_request_open(&r, FileHandle, 0, Event, ApcRoutine, ApcContext, IoStatusBlock);
    if (status != STATUS_SUCCESS)
        return status;
    /* MJ-04: a handle that may write, or append. */
    if (r.mode != KernelMode && !(r.granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return io_request_abandon(&r, STATUS_ACCESS_DENIED);
    return transfer(&r, &t);
}

EXPORT(ntoskrnl, ZwWriteFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                           PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                           PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return ZW_CALL(NtWriteFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length,
                               ByteOffset, Key));
}

static NTSTATUS flush(HANDLE handle, UCHAR minor, PIO_STATUS_BLOCK iosb)
{
    struct io_request r;
    NTSTATUS status = io_request_open(&r, handle, 0, NULL, NULL, NULL, iosb);
    if (status != STATUS_SUCCESS)
        return status;
    if (r.mode != KernelMode && !(r.granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return io_request_abandon(&r, STATUS_ACCESS_DENIED);
    /* IRP-91: the service waits also on an asynchronous handle. */
    r.wait = true;
    status = io_request_allocate(&r, IRP_MJ_FLUSH_BUFFERS);
    if (!NT_SUCCESS(status))
        return status;
    r.next->MinorFunction = minor;
    /* MJ-09: what is cached goes to the device. */
    return io_request_send(&r);
}

/* Sends IRP_MJ_FLUSH_BUFFERS and waits. IRQL: PASSIVE_LEVEL. Rules: MJ-09. */
NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    return flush(FileHandle, 0, IoStatusBlock);
}

EXPORT(ntoskrnl, ZwFlushBuffersFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    return ZW_CALL(NtFlushBuffersFile(FileHandle, IoStatusBlock));
}

/* SPDX-License-Identifier: MIT */
/*
 * Device and file system controls: access bits, the four methods, and the
 * driver's fast path before any of it.
 */
#include "io/fast_io.h"

struct control {
    ULONG code;
    PVOID in, out;
    ULONG in_length, out_length;
    UCHAR major;
};

/* Rules: IOC-4. */
static bool access_granted(ACCESS_MASK granted, ULONG code)
{
    ULONG wanted = (code >> 14) & 3;
    if (wanted & FILE_READ_ACCESS && !(granted & FILE_READ_DATA))
        /* IOC-4: the handle was not opened for reading. */
        return false;
    if (wanted & FILE_WRITE_ACCESS && !(granted & FILE_WRITE_DATA))
        /* IOC-4: nor for writing. */
        return false;
    return true;
}

static NTSTATUS buffered(struct io_request *r, const struct control *c)
{
    NTSTATUS status = io_probe_write(c->out, c->out_length, 1, r->mode);
    if (!NT_SUCCESS(status))
        return status;
    /* IOC-0: one allocation of the larger length, with the input in it. */
    status = io_buffer_in(r->irp, c->in, c->in_length, MAX(c->in_length, c->out_length), r->mode);
    if (!NT_SUCCESS(status) || !c->out_length)
        return status;
    /* IOC-0: Information bytes of it are copied back. */
    r->irp->Flags |= IRP_INPUT_OPERATION;
    r->irp->UserBuffer = c->out;
    return status;
}

static NTSTATUS direct(struct io_request *r, const struct control *c, LOCK_OPERATION operation)
{
    NTSTATUS status = io_buffer_in(r->irp, c->in, c->in_length, c->in_length, r->mode);
    if (NT_SUCCESS(status))
        /* IOC-1, IOC-2: the second buffer in place. */
        status = io_lock_buffer(r->irp, c->out, c->out_length, operation, r->mode);
    return status;
}

static void neither(struct io_request *r, const struct control *c)
{
    /* IOC-3: the addresses as they are. */
    r->next->Parameters.DeviceIoControl.Type3InputBuffer = c->in;
    /* IOC-3: the output too. */
    r->irp->UserBuffer = c->out;
}

static NTSTATUS attach_buffers(struct io_request *r, const struct control *c)
{
    LOCK_OPERATION operation;
    switch (METHOD_FROM_CTL_CODE(c->code)) {
    case METHOD_BUFFERED:
        return buffered(r, c);
    case METHOD_NEITHER:
        neither(r, c);
        return STATUS_SUCCESS;
    case METHOD_OUT_DIRECT:
        /* IOC-2: locked for writing. */
        operation = IoWriteAccess;
        break;
    default:
        /* IOC-1: locked for reading. */
        operation = IoReadAccess;
    }
    return direct(r, c, operation);
}

static NTSTATUS send_control(struct io_request *r, const struct control *c)
{
    NTSTATUS status = io_request_allocate(r, c->major);
    if (!NT_SUCCESS(status))
        return status;
    r->next->Parameters.DeviceIoControl.OutputBufferLength = c->out_length;
    r->next->Parameters.DeviceIoControl.InputBufferLength = c->in_length;
    r->next->Parameters.DeviceIoControl.IoControlCode = c->code;
    if (r->granted & FILE_READ_DATA)
        r->next->Flags |= SL_READ_ACCESS_GRANTED;
    if (r->granted & FILE_WRITE_DATA)
        r->next->Flags |= SL_WRITE_ACCESS_GRANTED;
    status = attach_buffers(r, c);
    if (!NT_SUCCESS(status))
        return io_request_abandon(r, status);
    return io_request_send(r);
}

static NTSTATUS control_file(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc, PVOID apc_context,
                             PIO_STATUS_BLOCK iosb, const struct control *c)
{
    struct io_request r;
    NTSTATUS status = io_request_open(&r, handle, 0, event, apc, apc_context, iosb);
    if (status != STATUS_SUCCESS)
        return status;
    /* IOC-4: for a user's request. */
    if (r.mode != KernelMode && !access_granted(r.granted, c->code))
        return io_request_abandon(&r, STATUS_ACCESS_DENIED);
    if (c->major == IRP_MJ_DEVICE_CONTROL &&
        io_fast_control(&r, c->code, c->in, c->in_length, c->out, c->out_length, &status))
        return io_request_abandon(&r, status);
    return send_control(&r, c);
}

/*
 * Sends IRP_MJ_DEVICE_CONTROL to the file's device. IRQL: PASSIVE_LEVEL. Rules: MJ-0E, IOC-0..IOC-4,
 * FI-02..FI-04.
 */
EXPORT(ntoskrnl, NtDeviceIoControlFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode,
                                     PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    struct control c = {IoControlCode, InputBuffer, OutputBuffer, InputBufferLength, OutputBufferLength, 0};
    /* MJ-0E: the request that a device type's codes are for. */
    c.major = IRP_MJ_DEVICE_CONTROL;
    return control_file(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, &c);
}

EXPORT(ntoskrnl, ZwDeviceIoControlFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode,
                                     PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    return ZW_CALL(NtDeviceIoControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                                         IoControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                                         OutputBufferLength));
}

/* Sends IRP_MJ_FILE_SYSTEM_CONTROL, minor USER_FS_REQUEST. IRQL: PASSIVE_LEVEL. Rules: MJ-0D. */
EXPORT(ntoskrnl, NtFsControlFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength)
{
    struct control c = {FsControlCode, InputBuffer, OutputBuffer, InputBufferLength, OutputBufferLength, 0};
    /* MJ-0D: the same parameters and methods, another major. */
    c.major = IRP_MJ_FILE_SYSTEM_CONTROL;
    return control_file(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, &c);
}

EXPORT(ntoskrnl, ZwFsControlFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                               ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength)
{
    return ZW_CALL(NtFsControlFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, FsControlCode,
                                   InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength));
}

/* Never from user mode; the embedding API plays the kernel driver that sends it. Rules: MJ-0F. */
NTSTATUS io_internal_device_control(HANDLE file, HANDLE event, PIO_STATUS_BLOCK iosb, ULONG code, PVOID in,
                                    ULONG in_length, PVOID out, ULONG out_length)
{
    struct control c = {code, in, out, in_length, out_length, 0};
    /* MJ-0F: what kernel drivers send each other. */
    c.major = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    return ZW_CALL(control_file(file, event, NULL, NULL, iosb, &c));
}

/*
 * A stricter check of a control code's access than its two bits: RequiredAccess of FILE_READ_ACCESS,
 * FILE_WRITE_ACCESS against what the handle was granted. IRQL: any. Rules: IOC-4.
 */
EXPORT(ntoskrnl, IoValidateDeviceIoControlAccess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoValidateDeviceIoControlAccess(PIRP Irp, ULONG RequiredAccess)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    if (RequiredAccess & ~(ULONG)(FILE_READ_ACCESS | FILE_WRITE_ACCESS))
        return STATUS_INVALID_PARAMETER;
    if (Irp->RequestorMode == KernelMode)
        return STATUS_SUCCESS;
    if (RequiredAccess & FILE_READ_ACCESS && !(location->Flags & SL_READ_ACCESS_GRANTED))
        return STATUS_ACCESS_DENIED;
    if (RequiredAccess & FILE_WRITE_ACCESS && !(location->Flags & SL_WRITE_ACCESS_GRANTED))
        return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

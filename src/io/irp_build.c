/* SPDX-License-Identifier: MIT */
/*
 * IRPs made for the driver: read, write and the like by the target's buffer
 * flags, device controls by method, associated IRPs. The first location is
 * prepared; the caller may still set a completion routine before it sends.
 */
#include "io/private.h"
#include "ke/held.h"

/* Not for IoReuseIrp: what the builder hung on it would be lost. */
static PIRP allocate_built(CCHAR stack_size)
{
    PIRP irp = IoAllocateIrp(stack_size, FALSE);
    if (irp)
        io_irp_of(irp)->built = 1;
    return irp;
}

/*
 * A part of a request, for a highest-level driver that splits it. IRQL: <= DISPATCH_LEVEL.
 * Owns: the I/O manager frees it when it is complete. Rules: IRP-05.
 */
EXPORT(ntoskrnl, IoMakeAssociatedIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    PIRP part = allocate_built(StackSize);
    if (!part)
        return NULL;
    part->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    /* IRP-05: its completion counts the master down; the count itself is the creator's. */
    part->Flags |= IRP_ASSOCIATED_IRP;
    /* IRP-05: which master. */
    part->AssociatedIrp.MasterIrp = Irp;
    return part;
}

/*
 * Without the verifier the driver gets NULL, as for want of memory. what: the major function, or the control
 * code, which the kind of 0xC9 tells.
 */
static void judge_buffer(ULONG kind, PDEVICE_OBJECT device, ULONG what, NTSTATUS status)
{
    if (NT_SUCCESS(status) || status == STATUS_INSUFFICIENT_RESOURCES || !seam_vf)
        return;
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
        .p = {kind, (ULONG64)device, what, (ULONG)status},
        .sentence = kind == 8
                        ? "IoBuildAsynchronousFsdRequest or IoBuildSynchronousFsdRequest was called with a "
                          "buffer that is not there, or cannot be written for a read"
                        : "IoBuildDeviceIoControlRequest was called with a buffer that is not there, or "
                          "cannot be written for an answer",
        .device = device,
        .verifier = true,
        .raise_address = (ULONG64)ke_driver_caller(),
    });
}

/* A kernel buffer by the target's flags. Fails when out of memory, or the pages cannot be locked. */
static NTSTATUS attach_buffer(PIRP irp, PDEVICE_OBJECT device, PVOID buffer, ULONG length, bool into)
{
    if (!length || !buffer)
        return STATUS_SUCCESS;
    if (device->Flags & DO_BUFFERED_IO) {
        if (into)
            /* IRP-02: an answer, copied out at the end. */
            return io_buffer_out(irp, buffer, length);
        /* IRP-02: a copy of the data. */
        return io_buffer_in(irp, buffer, length, length, KernelMode);
    }
    if (device->Flags & DO_DIRECT_IO)
        /* IRP-02: the pages of the buffer. */
        return io_lock_buffer(irp, buffer, length, into ? IoWriteAccess : IoReadAccess, KernelMode);
    /* IRP-02: the address as it is. */
    irp->UserBuffer = buffer;
    return STATUS_SUCCESS;
}

/*
 * PNP, READ, WRITE, FLUSH_BUFFERS, SHUTDOWN for DeviceObject. Owns: the caller frees it from a completion
 * routine (REQ-16). IRQL: <= APC_LEVEL. Rules: IRP-02.
 */
EXPORT(ntoskrnl, IoBuildAsynchronousFsdRequest, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                         ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    bool transfers = MajorFunction == IRP_MJ_READ || MajorFunction == IRP_MJ_WRITE;
    PIRP irp = allocate_built(DeviceObject->StackSize);
    if (!irp)
        return NULL;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    /* IRP-02: the target's location is ready. */
    next->MajorFunction = (UCHAR)MajorFunction;
    /* IRP-02: the thread, without a reference and not in its list. */
    irp->Tail.Overlay.Thread = (PETHREAD)ps_current();
    if (transfers) {
        NTSTATUS status = attach_buffer(irp, DeviceObject, Buffer, Length, MajorFunction == IRP_MJ_READ);
        judge_buffer(0x08, DeviceObject, MajorFunction, status);
        if (!NT_SUCCESS(status)) {
            IoFreeIrp(irp);
            return NULL;
        }
        next->Parameters.Read.Length = Length;
        if (StartingOffset)
            next->Parameters.Read.ByteOffset = *StartingOffset;
        irp->Flags |= MajorFunction == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
    }
    irp->UserIosb = IoStatusBlock;
    return irp;
}

/*
 * The same, for a caller that waits on Event: the I/O manager finishes and frees it.
 * IRQL: <= APC_LEVEL. Rules: IRP-03, IRP-14.
 */
EXPORT(ntoskrnl, IoBuildSynchronousFsdRequest, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                        ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                        PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length, StartingOffset,
                                             IoStatusBlock);
    if (!irp)
        return NULL;
    /* IRP-03: set when it is complete. */
    irp->UserEvent = Event;
    /* IRP-03: the current thread's from here on. */
    io_queue_irp_to_thread(irp);
    return irp;
}

static NTSTATUS attach_control_buffers(PIRP irp, PIO_STACK_LOCATION next, ULONG method, PVOID in,
                                       ULONG in_length, PVOID out, ULONG out_length)
{
    NTSTATUS status = STATUS_SUCCESS;
    switch (method) {
    case METHOD_BUFFERED:
        if (in_length || out_length) {
            /* IOC-7: one buffer of the larger length, as for a user's request. */
            status = io_buffer_in(irp, in, in ? in_length : 0, MAX(in_length, out_length), KernelMode);
            if (out && NT_SUCCESS(status)) {
                irp->UserBuffer = out;
                irp->Flags |= IRP_INPUT_OPERATION;
            }
        }
        return status;
    case METHOD_NEITHER:
        next->Parameters.DeviceIoControl.Type3InputBuffer = in;
        irp->UserBuffer = out;
        return status;
    default:
        if (in && in_length)
            status = io_buffer_in(irp, in, in_length, in_length, KernelMode);
        if (out && out_length && NT_SUCCESS(status))
            /* IOC-7: the second buffer's pages. */
            status = io_lock_buffer(irp, out, out_length,
                                    method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess, KernelMode);
        return status;
    }
}

static void free_unsent(PIRP irp)
{
    if (irp->AssociatedIrp.SystemBuffer && irp->Flags & IRP_DEALLOCATE_BUFFER)
        mm_pool_free(irp->AssociatedIrp.SystemBuffer, 0, free_unsent);
    IoFreeIrp(irp);
}

/*
 * DEVICE_CONTROL or INTERNAL_DEVICE_CONTROL with system buffers; the current thread's; freed by the I/O
 * manager. IRQL: <= APC_LEVEL. Rules: IRP-04, IOC-6, IOC-7.
 */
EXPORT(ntoskrnl, IoBuildDeviceIoControlRequest, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                                         ULONG InputBufferLength, PVOID OutputBuffer,
                                         ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl,
                                         PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = allocate_built(DeviceObject->StackSize);
    if (!irp)
        return NULL;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    /* IRP-04: one of the two majors. */
    next->MajorFunction = InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    next->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    next->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    /* IOC-6: system memory, not probed; RequestorMode stays KernelMode, as in every new IRP. */
    NTSTATUS status = attach_control_buffers(irp, next, METHOD_FROM_CTL_CODE(IoControlCode), InputBuffer,
                                             InputBufferLength, OutputBuffer, OutputBufferLength);
    judge_buffer(0x09, DeviceObject, IoControlCode, status);
    if (!NT_SUCCESS(status)) {
        free_unsent(irp);
        return NULL;
    }
    /* IRP-04: set when it is complete. */
    irp->UserEvent = Event;
    irp->UserIosb = IoStatusBlock;
    io_queue_irp_to_thread(irp);
    return irp;
}

/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a request: copies in pool, locked pages, raw addresses. User
 * addresses are checked against the user range; touching them never faults
 * into our callers.
 */
#include "io/private.h"

NTSTATUS io_probe_read(const void *p, SIZE_T length, ULONG alignment, KPROCESSOR_MODE mode)
{
    if (mode == KernelMode || !length)
        return STATUS_SUCCESS;
    if ((ULONG_PTR)p & (alignment - 1))
        return STATUS_DATATYPE_MISALIGNMENT;
    return mm_user_range_ok(p, length) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
}

NTSTATUS io_probe_write(void *p, SIZE_T length, ULONG alignment, KPROCESSOR_MODE mode)
{
    NTSTATUS status = io_probe_read(p, length, alignment, mode);
    if (!NT_SUCCESS(status) || mode == KernelMode || !length)
        return status;
    for (ULONG_PTR at = (ULONG_PTR)p, end = at + length; at < end; at = (at | PAGE_MASK) + 1) {
        UCHAR byte;
        status = arch_copy_guarded(&byte, (void *)at, 1);
        if (NT_SUCCESS(status))
            status = arch_copy_guarded((void *)at, &byte, 1);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS allocate_system_buffer(PIRP irp, ULONG room)
{
    PVOID buffer = mm_pool_allocate(NonPagedPool, room, IO_BUFFER_TAG, false, allocate_system_buffer);
    if (!buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->AssociatedIrp.SystemBuffer = buffer;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return STATUS_SUCCESS;
}

NTSTATUS io_buffer_in(PIRP irp, const void *from, ULONG length, ULONG room, KPROCESSOR_MODE mode)
{
    if (!room)
        return STATUS_SUCCESS;
    NTSTATUS status = io_probe_read(from, length, 1, mode);
    if (NT_SUCCESS(status))
        status = allocate_system_buffer(irp, room);
    if (NT_SUCCESS(status) && length)
        status = arch_copy_guarded(irp->AssociatedIrp.SystemBuffer, from, length);
    return status;
}

NTSTATUS io_buffer_out(PIRP irp, void *to, ULONG length)
{
    /* BUF-06: no buffer for nothing. */
    if (!length)
        return STATUS_SUCCESS;
    NTSTATUS status = allocate_system_buffer(irp, length);
    if (!NT_SUCCESS(status))
        return status;
    irp->UserBuffer = to;
    irp->Flags |= IRP_INPUT_OPERATION;
    return STATUS_SUCCESS;
}

static NTSTATUS lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
    struct arch_try guard;
    if (!ARCH_CATCH(&guard))
        return guard.exception.ExceptionCode;
    MmProbeAndLockPages(mdl, mode, operation);
    arch_try_pop(&guard);
    return STATUS_SUCCESS;
}

NTSTATUS io_lock_buffer(PIRP irp, void *buffer, ULONG length, LOCK_OPERATION operation, KPROCESSOR_MODE mode)
{
    /* BUF-04: no MDL describes nothing. */
    if (!length)
        return STATUS_SUCCESS;
    PMDL mdl = IoAllocateMdl(buffer, length, FALSE, TRUE, irp);
    if (!mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = lock_pages(mdl, mode, operation);
    if (!NT_SUCCESS(status)) {
        irp->MdlAddress = NULL;
        IoFreeMdl(mdl);
    }
    return status;
}

/*
 * The data of a request by the flags of the device that it is sent to.
 * Rules: BUF-01..BUF-06, BUF-08.
 */
NTSTATUS io_transfer_buffer(struct io_request *r, void *buffer, ULONG length, bool into)
{
    NTSTATUS status =
        into ? io_probe_write(buffer, length, 1, r->mode) : io_probe_read(buffer, length, 1, r->mode);
    if (!NT_SUCCESS(status))
        return status;
    /* BUF-05, BUF-08: the top of the stack decides; buffered is tested first. */
    if (r->device->Flags & DO_BUFFERED_IO) {
        if (into)
            /* BUF-01, BUF-07: room for the answer. */
            status = io_buffer_out(r->irp, buffer, length);
        else
            /* BUF-01: the data, copied before the driver is called. */
            status = io_buffer_in(r->irp, buffer, length, length, r->mode);
    } else if (r->device->Flags & DO_DIRECT_IO) {
        /* BUF-02, BUF-07: a read writes the pages, a write reads them. */
        status = io_lock_buffer(r->irp, buffer, length, into ? IoWriteAccess : IoReadAccess, r->mode);
    } else {
        /* BUF-03: the raw address. */
        r->irp->UserBuffer = buffer;
    }
    return status;
}

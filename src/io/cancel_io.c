/* SPDX-License-Identifier: MIT */
/* NtCancelIoFile: cancels what the calling thread has outstanding on a file, and waits until it is over. */
#include "io/private.h"

static PIRP next_to_cancel(PFILE_OBJECT file)
{
    list_for_each(it, &ps_current()->irps)
    {
        PIRP irp = container_of(it, IRP, ThreadListEntry);
        if (irp->Tail.Overlay.OriginalFileObject == file && !irp->Cancel)
            return irp;
    }
    return NULL;
}

static bool any_left(PFILE_OBJECT file)
{
    /* An APC that finishes an IRP unlinks it: look only while none can run. */
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    bool left = false;
    list_for_each(it, &ps_current()->irps)
    {
        left |= container_of(it, IRP, ThreadListEntry)->Tail.Overlay.OriginalFileObject == file;
    }
    ke_lower_irql(irql);
    return left;
}

/* IRQL: PASSIVE_LEVEL. Rules: CAN-05. */
NTSTATUS NTAPI NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    IO_STATUS_BLOCK iosb = {0};
    PFILE_OBJECT file;
    PIRP irp;
    NTSTATUS status = io_probe_write(IoStatusBlock, sizeof(iosb), sizeof(ULONG), mode);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(FileHandle, 0, io_file_type, mode, (void **)&file, NULL);
    if (!NT_SUCCESS(status))
        return status;
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    while ((irp = next_to_cancel(file)) != NULL)
        /* CAN-05: the I/O manager created them. */
        IoCancelIrp(irp);
    ke_lower_irql(irql);
    while (any_left(file)) {
        LARGE_INTEGER interval = {.QuadPart = -100000};
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    }
    ob_dereference(file);
    return ob_copy_out(IoStatusBlock, &iosb, sizeof(iosb), mode);
}

EXPORT(ntoskrnl, ZwCancelIoFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    return ZW_CALL(NtCancelIoFile(FileHandle, IoStatusBlock));
}

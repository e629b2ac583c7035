/* SPDX-License-Identifier: MIT */
/*
 * Completion ports: a queue of finished requests with a semaphore that counts
 * them. The packets are IRPs whose final stage is over. Lock: the port's own.
 */
#include "io/private.h"

struct ob_type *io_port_type;

struct port {
    KSEMAPHORE packets; /* offset 0: waitable */
    KSPIN_LOCK lock;
    LIST_ENTRY queue; /* IRP.Tail.Overlay.ListEntry */
};

static void delete_port(void *body)
{
    struct port *port = body;
    while (!list_empty(&port->queue))
        IoFreeIrp(container_of(list_remove_head(&port->queue), IRP, Tail.Overlay.ListEntry));
}

static const struct ob_type_ops port_ops = {
    .name = "IoCompletion",
    .pool_tag = IO_TAG('I', 'o', 'C', 'p'),
    .mapping = {STANDARD_RIGHTS_READ | 1, STANDARD_RIGHTS_WRITE | 2, STANDARD_RIGHTS_EXECUTE,
                STANDARD_RIGHTS_ALL | 3},
    .valid_access = STANDARD_RIGHTS_ALL | 3,
    .dispatcher_offset = 0,
    .delete_ = delete_port,
};

NTSTATUS io_port_init(void)
{
    io_port_type = ob_type_create(&port_ops);
    return io_port_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Owns: takes the IRP over. IRQL: <= DISPATCH_LEVEL. Rules: IRP-89. */
void io_port_queue(void *body, PIRP irp)
{
    struct port *port = body;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&port->lock);
    /* IRP-89: in order of completion. */
    list_insert_tail(&port->queue, &irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&port->lock, irql);
    KeReleaseSemaphore(&port->packets, IO_NO_INCREMENT, 1, FALSE);
}

/* FileCompletionInformation: every later completion on the file goes to the port. */
NTSTATUS io_set_completion_port(PFILE_OBJECT file, HANDLE handle, PVOID key, KPROCESSOR_MODE mode)
{
    void *port;
    if (file->Flags & FO_SYNCHRONOUS_IO)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = ob_reference_by_handle(handle, 2, io_port_type, mode, &port, NULL);
    if (!NT_SUCCESS(status))
        return status;
    PIO_COMPLETION_CONTEXT context = mm_alloc(sizeof(*context), IO_STATE_TAG);
    if (!context) {
        ob_dereference(port);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    context->Port = port;
    context->Key = key;
    PIO_COMPLETION_CONTEXT none = NULL;
    if (!__atomic_compare_exchange_n(&file->CompletionContext, &none, context, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        mm_free(context); /* one port for a file, for good */
        ob_dereference(port);
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/* IRQL: PASSIVE_LEVEL. */
NTSTATUS NTAPI NtCreateIoCompletion(PHANDLE IoCompletionHandle, ACCESS_MASK DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, ULONG Count)
{
    struct port *port = ob_create(io_port_type, sizeof(*port));
    if (!port)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeSemaphore(&port->packets, 0, 0x7FFFFFFF);
    list_init(&port->queue);
    return ob_create_service(port, IoCompletionHandle, DesiredAccess, ObjectAttributes);
}

static void take_packet(struct port *port, PVOID *key, PVOID *apc_context, PIO_STATUS_BLOCK iosb)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&port->lock);
    PIRP irp = container_of(list_remove_head(&port->queue), IRP, Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&port->lock, irql);
    *key = irp->Tail.CompletionKey;
    *apc_context = irp->Overlay.AsynchronousParameters.UserApcContext;
    *iosb = irp->IoStatus;
    IoFreeIrp(irp);
}

/* Waits for the next packet. IRQL: PASSIVE_LEVEL. Rules: IRP-89. */
NTSTATUS NTAPI NtRemoveIoCompletion(HANDLE IoCompletionHandle, PVOID *KeyContext, PVOID *ApcContext,
                                    PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    struct port *port;
    LARGE_INTEGER limit;
    PVOID key, context;
    IO_STATUS_BLOCK iosb;
    NTSTATUS status = Timeout ? ob_copy_in(&limit, Timeout, sizeof(limit), mode) : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(IoCompletionHandle, 2, io_port_type, mode, (void **)&port, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = KeWaitForSingleObject(&port->packets, WrQueue, mode, FALSE, Timeout ? &limit : NULL);
    if (status == STATUS_SUCCESS) {
        take_packet(port, &key, &context, &iosb);
        status = ob_copy_out(KeyContext, &key, sizeof(key), mode);
        if (NT_SUCCESS(status))
            status = ob_copy_out(ApcContext, &context, sizeof(context), mode);
        if (NT_SUCCESS(status))
            status = ob_copy_out(IoStatusBlock, &iosb, sizeof(iosb), mode);
    }
    ob_dereference(port);
    return status;
}

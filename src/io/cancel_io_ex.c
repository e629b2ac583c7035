/* SPDX-License-Identifier: MIT */
/*
 * Cancelling what other threads have outstanding: NtCancelIoFileEx, documented
 * as CancelIoEx, and NtCancelSynchronousIoFile, as CancelSynchronousIo. A list of
 * IRPs belongs to its thread (irp_thread.c), so the thread itself cancels, in a
 * special kernel APC; who asked waits for that, and not for the requests to end.
 */
#include "io/private.h"

struct canceler {
    KAPC apc;
    KEVENT done;                    /* the thread has looked, or will never again */
    const FILE_OBJECT *file;        /* NULL: any */
    const IO_STATUS_BLOCK *request; /* NULL: any */
    bool synchronous;               /* only those that their thread waits for */
    unsigned found;
};

static bool is_waited_for(const IRP *irp)
{
    const FILE_OBJECT *file = irp->Tail.Overlay.OriginalFileObject;
    return irp->Flags & (IRP_SYNCHRONOUS_API | IRP_CREATE_OPERATION) ||
           (file && file->Flags & FO_SYNCHRONOUS_IO);
}

static bool matches(const struct canceler *c, const IRP *irp)
{
    if (c->file && irp->Tail.Overlay.OriginalFileObject != c->file)
        return false;
    if (c->request && irp->UserIosb != c->request)
        return false;
    return !c->synchronous || is_waited_for(irp);
}

static PIRP next_match(const struct canceler *c)
{
    list_for_each(it, &ps_current()->irps)
    {
        PIRP irp = container_of(it, IRP, ThreadListEntry);
        if (!irp->Cancel && matches(c, irp))
            return irp;
    }
    return NULL;
}

/* At APC_LEVEL: no final stage of this thread's takes one out of the list. */
static void cancel_here(struct canceler *c)
{
    PIRP irp;
    while ((irp = next_match(c)) != NULL) {
        c->found++;
        IoCancelIrp(irp);
    }
}

/* All that the current thread has outstanding; for a thread that is told to end. APC_LEVEL. */
void io_cancel_own_requests(void)
{
    struct canceler c = {0};
    cancel_here(&c);
}

static VOID NTAPI cancel_in_thread(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                   PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    struct canceler *c = container_of(Apc, struct canceler, apc);
    cancel_here(c);
    KeSetEvent(&c->done, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI thread_ended(PKAPC Apc)
{
    KeSetEvent(&container_of(Apc, struct canceler, apc)->done, IO_NO_INCREMENT, FALSE);
}

/* c: on this stack, which stays until the thread has looked. */
static void cancel_of_thread(struct canceler *c, struct ps_thread *thread)
{
    if (thread == ps_current()) {
        KIRQL irql = ke_raise_irql(APC_LEVEL);
        cancel_here(c);
        ke_lower_irql(irql);
        return;
    }
    KeInitializeEvent(&c->done, NotificationEvent, FALSE);
    KeInitializeApc(&c->apc, (PKTHREAD)thread, OriginalApcEnvironment, cancel_in_thread, thread_ended, NULL,
                    KernelMode, NULL);
    if (KeInsertQueueApc(&c->apc, NULL, NULL, IO_NO_INCREMENT))
        KeWaitForSingleObject(&c->done, Executive, KernelMode, FALSE, NULL);
}

/* ---- all threads of a process ---- */

struct threads {
    struct ps_thread **all; /* NULL: only counted */
    unsigned count, room;
};

static void collect(struct ps_thread *thread, void *context)
{
    struct threads *threads = context;
    if (!threads->all)
        threads->room++;
    else if (threads->count < threads->room && ob_reference_if_live(thread))
        threads->all[threads->count++] = thread;
}

/* A thread that begins meanwhile has sent nothing that the caller could know of. */
static NTSTATUS cancel_of_process(struct canceler *c, struct ke_process *process)
{
    struct threads threads = {0};
    ps_for_each_thread(process, collect, &threads);
    threads.room += 16;
    threads.all = mm_alloc(threads.room * sizeof(threads.all[0]), IO_STATE_TAG);
    if (!threads.all)
        return STATUS_INSUFFICIENT_RESOURCES;
    ps_for_each_thread(process, collect, &threads);
    for (unsigned i = 0; i < threads.count; i++) {
        cancel_of_thread(c, threads.all[i]);
        ob_dereference(threads.all[i]);
    }
    mm_free(threads.all);
    return STATUS_SUCCESS;
}

/* A request that could not be found has ended already, or was never there. */
static NTSTATUS answer(const struct canceler *c, PIO_STATUS_BLOCK to, KPROCESSOR_MODE mode)
{
    IO_STATUS_BLOCK iosb = {.Status = c->found ? STATUS_SUCCESS : STATUS_NOT_FOUND};
    NTSTATUS status = ob_copy_out(to, &iosb, sizeof(iosb), mode);
    return NT_SUCCESS(status) ? iosb.Status : status;
}

/*
 * Cancels what the process has outstanding on a file, whichever thread sent it: all, or the request whose
 * status block it is. It does not wait for the ends. STATUS_NOT_FOUND: there was none. IRQL: PASSIVE_LEVEL.
 * Rules: CAN-05.
 */
NTSTATUS NTAPI NtCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                PIO_STATUS_BLOCK IoStatusBlock)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    PFILE_OBJECT file;
    NTSTATUS status = io_probe_write(IoStatusBlock, sizeof(*IoStatusBlock), sizeof(ULONG), mode);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(FileHandle, 0, io_file_type, mode, (void **)&file, NULL);
    if (!NT_SUCCESS(status))
        return status;
    struct canceler c = {.file = file, .request = IoRequestToCancel};
    status = cancel_of_process(&c, ps_current()->process);
    ob_dereference(file);
    return NT_SUCCESS(status) ? answer(&c, IoStatusBlock, mode) : status;
}

EXPORT(ntoskrnl, ZwCancelIoFileEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                PIO_STATUS_BLOCK IoStatusBlock)
{
    return ZW_CALL(NtCancelIoFileEx(FileHandle, IoRequestToCancel, IoStatusBlock));
}

/*
 * Cancels the request that a thread waits for in a service, an open among them. It does not wait for the
 * end. STATUS_NOT_FOUND: the thread waits for none. IRQL: PASSIVE_LEVEL. Rules: CAN-05.
 */
NTSTATUS NTAPI NtCancelSynchronousIoFile(HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    struct ps_thread *thread;
    NTSTATUS status = io_probe_write(IoStatusBlock, sizeof(*IoStatusBlock), sizeof(ULONG), mode);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(ThreadHandle, THREAD_TERMINATE, ps_thread_type, mode,
                                        (void **)&thread, NULL);
    if (!NT_SUCCESS(status))
        return status;
    struct canceler c = {.request = IoRequestToCancel, .synchronous = true};
    cancel_of_thread(&c, thread);
    ob_dereference(thread);
    return answer(&c, IoStatusBlock, mode);
}

EXPORT(ntoskrnl, ZwCancelSynchronousIoFile, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwCancelSynchronousIoFile(HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    return ZW_CALL(NtCancelSynchronousIoFile(ThreadHandle, IoRequestToCancel, IoStatusBlock));
}

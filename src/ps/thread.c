/* SPDX-License-Identifier: MIT */
/*
 * Threads. The running thread holds one reference to itself, dropped when its
 * stack is reaped on another thread; handles hold their own. At its end a
 * thread runs the exit callouts at PASSIVE_LEVEL (io cancels its requests)
 * before its header is signaled.
 */
#include "ps/internal.h"

struct ob_type *ps_thread_type;
struct ps_callouts ps_callouts;
EXPORT_DATA(ntoskrnl, PsThreadType)
POBJECT_TYPE PsThreadType;

static void delete_thread(void *body)
{
    struct ps_thread *thread = body;
    ps_cid_free(thread->id);
    if (thread->impersonation_token)
        ob_dereference(thread->impersonation_token);
    if (thread->stack.low)
        mm_stack_destroy(&thread->stack);
    ob_dereference(thread->process);
}

static const struct ob_type_ops thread_ops = {
    .name = "Thread",
    .pool_tag = 0x65726854, /* 'Thre' */
    .case_sensitive = true,
    .valid_access = THREAD_ALL_ACCESS,
    .watchable = true,
    .mapping = {STANDARD_RIGHTS_READ | 0x0048, STANDARD_RIGHTS_WRITE | 0x0437,
                STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | 0x0804, THREAD_ALL_ACCESS},
    .dispatcher_offset = 0,
    .delete_ = delete_thread,
};

void ps_thread_unlink(struct ps_thread *thread)
{
    rl_lock_acquire(&ps_lock);
    if (thread->process_link.Flink) {
        list_remove(&thread->process_link);
        thread->process_link.Flink = NULL;
        thread->process->thread_count--;
        thread->process->active -= !thread->terminating;
    }
    rl_lock_release(&ps_lock);
}

/* Ends the critical region that a driver's system thread starts in; what then is left disabled is the
 * driver's doing. */
void ps_leave_first_region(struct ps_thread *thread)
{
    if (thread->start)
        thread->tcb.kernel_apc_disable++;
}

static void thread_exiting(struct ke_thread *tcb)
{
    struct ps_thread *thread = container_of(tcb, struct ps_thread, tcb);
    bool last = ps_is_last_to_end(thread);
    ps_notify_thread(thread, false);
    if (unlikely(last))
        ps_process_ends(thread->process);
    if (ps_callouts.thread_exiting)
        ps_callouts.thread_exiting(thread);
    if (unlikely(last))
        ps_process_ended(thread->process);
    thread->exit_time = host_system_time();
    ps_thread_unlink(thread);
}

static void thread_reaped(struct ke_thread *tcb)
{
    struct ps_thread *thread = container_of(tcb, struct ps_thread, tcb);
    mm_stack_destroy(&thread->stack);
    thread->stack = (struct mm_stack){0};
    ob_dereference(thread);
}

NTSTATUS ps_thread_type_init(void)
{
    ps_thread_type = ob_type_create(&thread_ops);
    PsThreadType = (POBJECT_TYPE)ps_thread_type;
    ke_thread_callouts = (struct ke_thread_callouts){thread_exiting, thread_reaped};
    return ps_thread_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* False: the process is to end. */
static bool link_thread(struct ps_thread *thread, struct ke_process *process)
{
    rl_lock_acquire(&ps_lock);
    bool lives = !process->terminating;
    if (likely(lives)) {
        list_insert_tail(&process->threads, &thread->process_link);
        process->thread_count++;
        process->active++;
    }
    rl_lock_release(&ps_lock);
    return lives;
}

/* Its owner may be a pthread outside of the machine. */
static NTSTATUS discard(struct ps_thread *thread, NTSTATUS status)
{
    if (ke_on_vp())
        ob_dereference(thread);
    else
        ps_dereference_later(thread);
    return status;
}

NTSTATUS ps_thread_create(struct ke_process *process, struct ps_thread **out)
{
    if (unlikely(process->terminating))
        return STATUS_PROCESS_IS_TERMINATING;
    struct ps_thread *thread = ob_create(ps_thread_type, sizeof(*thread));
    if (!thread)
        return STATUS_INSUFFICIENT_RESOURCES;
    ob_reference(process);
    thread->process = process;
    list_init(&thread->irps);
    thread->create_time = host_system_time();
    thread->id = ps_cid_allocate(thread);
    if (!thread->id || !NT_SUCCESS(mm_stack_create(&thread->stack)))
        return discard(thread, STATUS_INSUFFICIENT_RESOURCES);
    if (!link_thread(thread, process))
        return discard(thread, STATUS_PROCESS_IS_TERMINATING);
    *out = thread;
    return STATUS_SUCCESS;
}

void ps_for_each_thread(struct ke_process *process, void (*visit)(struct ps_thread *thread, void *context),
                        void *context)
{
    rl_lock_acquire(&ps_lock);
    list_for_each(link, &process->threads) visit(container_of(link, struct ps_thread, process_link), context);
    rl_lock_release(&ps_lock);
}

void ps_announce(struct ps_thread *thread)
{
    if (!__atomic_exchange_n(&thread->process->announced, true, __ATOMIC_RELAXED))
        ps_notify_process(thread->process, true);
    ps_notify_thread(thread, true);
}

/* ---- system threads ---- */

static void run_driver_thread(void *context)
{
    struct ps_thread *thread = context;
    uint64_t cookie = ke_callout_enter("system thread", (const void *)thread->start);
    /* SR-32: at PASSIVE_LEVEL, in the new thread. */
    thread->start(thread->start_context);
    ke_callout_leave("system thread", (const void *)thread->start, cookie);
    ps_leave_first_region(thread);
    ke_thread_exit(STATUS_SUCCESS);
}

NTSTATUS ps_create_system_thread(struct ps_thread **out, void (*start)(void *), void *context,
                                 const char *name)
{
    struct ps_thread *thread;
    NTSTATUS status = ps_thread_create(ps_system_process(), &thread);
    if (!NT_SUCCESS(status))
        return status;
    thread->system_thread = true;
    ke_thread_init(&thread->tcb, thread->stack.low, thread->stack.bytes, start, context, thread->process);
    thread->tcb.name = name;
    if (out) {
        ob_reference(thread);
        *out = thread;
    }
    ps_announce(thread);
    ke_thread_start(&thread->tcb);
    return STATUS_SUCCESS;
}

/* The process that a new thread belongs to; referenced. */
static NTSTATUS process_for_thread(HANDLE handle, struct ke_process **process)
{
    void *body = ps_system_process();
    if (handle) {
        NTSTATUS status = ob_reference_by_handle(handle, 2 /* PROCESS_CREATE_THREAD */, ps_process_type,
                                                 KernelMode, &body, NULL);
        if (!NT_SUCCESS(status))
            return status;
    } else {
        ob_reference(body);
    }
    *process = body;
    return STATUS_SUCCESS;
}

static NTSTATUS start_driver_thread(struct ps_thread *thread, PKSTART_ROUTINE start, PVOID context,
                                    ACCESS_MASK desired, PHANDLE handle)
{
    ACCESS_MASK granted;
    thread->start = start;
    thread->start_context = context;
    thread->system_thread = true;
    ke_thread_init(&thread->tcb, thread->stack.low, thread->stack.bytes, run_driver_thread, thread,
                   thread->process);
    thread->tcb.kernel_apc_disable = -1; /* inside a critical region, as documented */
    ob_check_access(thread, desired, KernelMode, &granted);
    return ob_handle_create(thread, granted, OBJ_KERNEL_HANDLE, NULL, handle);
}

/*
 * Creates a kernel-mode thread. The handle is a kernel handle (Vista and later); the caller closes it.
 * IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, PsCreateSystemThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    struct ke_process *process;
    struct ps_thread *thread;
    if (ObjectAttributes && (ObjectAttributes->Attributes & (OBJ_PERMANENT | OBJ_EXCLUSIVE | OBJ_OPENIF)))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = process_for_thread(ProcessHandle, &process);
    if (!NT_SUCCESS(status))
        return status;
    status = ps_thread_create(process, &thread);
    ob_dereference(process);
    if (!NT_SUCCESS(status))
        return status;
    status = start_driver_thread(thread, StartRoutine, StartContext, DesiredAccess, ThreadHandle);
    if (!NT_SUCCESS(status)) {
        ps_thread_unlink(thread);
        ob_dereference(thread);
        return status;
    }
    if (ClientId)
        *ClientId = (CLIENT_ID){thread->process->id, thread->id};
    ps_announce(thread);
    ke_thread_start(&thread->tcb);
    return STATUS_SUCCESS;
}

/* Ends the calling system thread and does not return; any other thread is refused. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, PsTerminateSystemThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    struct ps_thread *thread = ps_current();
    if (!thread->system_thread)
        return STATUS_INVALID_PARAMETER;
    ps_leave_first_region(thread);
    ke_thread_exit(ExitStatus);
}

/* ---- what a thread is asked for ---- */

EXPORT(ntoskrnl, PsGetCurrentThread, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PETHREAD NTAPI PsGetCurrentThread(VOID)
{
    return (PETHREAD)ps_current();
}

EXPORT(ntoskrnl, KeGetCurrentThread, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PKTHREAD NTAPI KeGetCurrentThread(VOID)
{
    return (PKTHREAD)ke_thread();
}

EXPORT(ntoskrnl, PsGetCurrentThreadId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
    return ps_current()->id;
}

/* The process that the thread belongs to, whatever it is attached to. */
EXPORT(ntoskrnl, PsGetCurrentProcessId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
    return ps_current()->process->id;
}

EXPORT(ntoskrnl, PsGetThreadId, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->id;
}

EXPORT(ntoskrnl, PsGetThreadProcessId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->process->id;
}

EXPORT(ntoskrnl, PsGetThreadProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread)
{
    return (PEPROCESS)((struct ps_thread *)Thread)->process;
}

EXPORT(ntoskrnl, IoThreadToProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
    return PsGetThreadProcess(Thread);
}

EXPORT(ntoskrnl, PsIsSystemThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->system_thread;
}

EXPORT(ntoskrnl, PsIsThreadTerminating, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->terminating;
}

EXPORT(ntoskrnl, PsGetThreadExitStatus, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread)
{
    struct ps_thread *thread = (struct ps_thread *)Thread;
    return thread->exit_time ? thread->tcb.exit_status : STATUS_PENDING;
}

/* No thread has an environment block: those of the API run no user-mode code. */
EXPORT(ntoskrnl, PsGetThreadTeb, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI PsGetThreadTeb(PETHREAD Thread)
{
    return NULL;
}

EXPORT(ntoskrnl, PsGetThreadCreateTime, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LONGLONG NTAPI PsGetThreadCreateTime(PETHREAD Thread)
{
    return (LONGLONG)((struct ps_thread *)Thread)->create_time;
}

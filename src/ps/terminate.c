/* SPDX-License-Identifier: MIT */
/*
 * NtTerminateProcess. Who calls it marks the process, tells its threads to end
 * and waits for none: a thread in the kernel ends on its way back to user mode
 * (its requests are canceled, its waits in user mode broken), one that is in
 * user mode, outside of any call, at once. The last one to end takes the
 * process with it: the notify routines, then the handles, then the object is
 * signaled. A system thread that a driver made in the process cannot be ended
 * by others: the process lasts as long as it does.
 */
#include "ke/routines.h"
#include "ps/internal.h"

#define PROCESS_TERMINATE 0x0001

/* ---- the end of the process, on its last thread, or on who terminates it when there is none ---- */

bool ps_is_last_to_end(struct ps_thread *thread)
{
    struct ke_process *process = thread->process;
    rl_lock_acquire(&ps_lock);
    thread->terminating = true;
    bool last = --process->active == 0 && process->terminating && !process->ended;
    if (last)
        process->ended = true;
    rl_lock_release(&ps_lock);
    return last;
}

void ps_process_ends(struct ke_process *process)
{
    process->exit_time = host_system_time();
    ps_notify_process(process, false);
}

/* In the process. */
void ps_process_ended(struct ke_process *process)
{
    ob_handle_table_close_all(process->handles);
    ke_signal(&process->header);
}

static void end_without_threads(struct ke_process *process)
{
    KAPC_STATE state;
    KeStackAttachProcess((PRKPROCESS)process, (PRKAPC_STATE)&state);
    ps_process_ends(process);
    ps_process_ended(process);
    KeUnstackDetachProcess((PRKAPC_STATE)&state);
}

/* ---- its threads ---- */

static VOID NTAPI cancel(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                         PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    if (ps_callouts.cancel_requests)
        ps_callouts.cancel_requests();
    ob_dereference(container_of(Apc, struct ps_thread, cancel_apc));
}

static VOID NTAPI ended_before(PKAPC Apc)
{
    ob_dereference(container_of(Apc, struct ps_thread, cancel_apc));
}

/* In the kernel: what it waits for there is to come to an end. */
static void cancel_requests(struct ps_thread *thread)
{
    ob_reference(thread);
    KeInitializeApc(&thread->cancel_apc, (PKTHREAD)thread, OriginalApcEnvironment, cancel, ended_before, NULL,
                    KernelMode, NULL);
    if (!KeInsertQueueApc(&thread->cancel_apc, NULL, NULL, IO_NO_INCREMENT))
        ob_dereference(thread);
}

/* One that was not told before: it is told once. Referenced. */
static struct ps_thread *next_to_tell(struct ke_process *process, const struct ps_thread *but)
{
    struct ps_thread *found = NULL;
    rl_lock_acquire(&ps_lock);
    list_for_each(link, &process->threads)
    {
        struct ps_thread *thread = container_of(link, struct ps_thread, process_link);
        if (!found && thread != but && !thread->told && !thread->terminating && thread->begun &&
            ob_reference_if_live(thread)) {
            thread->told = true;
            found = thread;
        }
    }
    rl_lock_release(&ps_lock);
    return found;
}

static void tell(struct ps_thread *thread, NTSTATUS status)
{
    ob_reference(thread); /* for the reaper, if the thread ends away from its pthread */
    if (ke_host_thread_doom(&thread->tcb, status))
        return;
    ob_dereference(thread);
    cancel_requests(thread);
}

static void tell_threads(struct ke_process *process, const struct ps_thread *but, NTSTATUS status)
{
    struct ps_thread *thread;
    while ((thread = next_to_tell(process, but)) != NULL) {
        tell(thread, status);
        ob_dereference(thread);
    }
}

/* Never returns: the frames above are abandoned. */
static _Noreturn void end_current(struct ps_thread *self, NTSTATUS status)
{
    if (self->tcb.process != self->tcb.own_process)
        ke_bugcheck_code(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG64)self->tcb.own_process,
                         (ULONG64)self->tcb.process, 0, 0);
    if (self->system_thread) {
        ps_leave_first_region(self);
        ke_thread_exit(status);
    }
    if (ke_irql() == PASSIVE_LEVEL && ps_callouts.frames_abandoned)
        ps_callouts.frames_abandoned(self);
    ke_host_thread_exit(status);
}

/* ---- the service ---- */

enum begun { ALREADY, BEGUN, WITHOUT_THREADS };

static enum begun begin(struct ke_process *process, NTSTATUS status)
{
    enum begun begun = ALREADY;
    rl_lock_acquire(&ps_lock);
    if (!process->terminating) {
        process->terminating = true;
        process->exit_status = status;
        process->ended = process->active == 0;
        begun = process->ended ? WITHOUT_THREADS : BEGUN;
    }
    rl_lock_release(&ps_lock);
    return begun;
}

static NTSTATUS terminate(struct ke_process *process, NTSTATUS status)
{
    const struct ps_thread *self = ps_current();
    /* The machine is not there without it. */
    if (process == ps_system_process())
        return STATUS_ACCESS_DENIED;
    switch (begin(process, status)) {
    case ALREADY:
        return STATUS_PROCESS_IS_TERMINATING;
    case WITHOUT_THREADS:
        end_without_threads(process);
        break;
    case BEGUN:
        tell_threads(process, self, status);
        break;
    }
    return STATUS_SUCCESS;
}

/* No handle: the other threads of the caller's process, which goes on. */
static NTSTATUS terminate_others(struct ps_thread *self, NTSTATUS status)
{
    if (self->process == ps_system_process())
        return STATUS_ACCESS_DENIED;
    tell_threads(self->process, self, status);
    return STATUS_SUCCESS;
}

/*
 * Ends a process and all of its threads, with that status. The current process: it does not return, and the
 * kernel stack of the calling thread is not unwound; the API's call gives STATUS_PROCESS_IS_TERMINATING. No
 * handle: all threads of the current process but the caller. STATUS_ACCESS_DENIED: the handle does not grant
 * PROCESS_TERMINATE, or it is the system process. STATUS_PROCESS_IS_TERMINATING: it has been called before.
 * IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, NtTerminateProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
    struct ps_thread *self = ps_current();
    struct ke_process *process;
    if (!ProcessHandle)
        return terminate_others(self, ExitStatus);
    NTSTATUS status = ob_reference_by_handle(ProcessHandle, PROCESS_TERMINATE, ps_process_type,
                                             ke_previous_mode(), (void **)&process, NULL);
    if (!NT_SUCCESS(status))
        return status;
    bool own = process == self->process;
    status = terminate(process, ExitStatus);
    ob_dereference(process);
    if (own && NT_SUCCESS(status))
        end_current(self, ExitStatus);
    return status;
}

EXPORT(ntoskrnl, ZwTerminateProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
    return ZW_CALL(NtTerminateProcess(ProcessHandle, ExitStatus));
}

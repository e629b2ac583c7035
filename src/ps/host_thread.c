/* SPDX-License-Identifier: MIT */
/*
 * Threads of the embedding process. A pthread that calls the API gets an
 * ETHREAD of the API's process at its first call and keeps it; when the
 * pthread ends, the thread runs its exit callouts like any other. Its storage
 * is freed by a later call (or at the end), as a thread cannot free the stack
 * it stands on. Called without a VP, on the pthread's own stack. A thread that
 * was terminated with its process is replaced at the pthread's next call.
 */
#include "ps/internal.h"

static __thread struct ps_thread *own_thread;
static __thread uint64_t own_machine;
static uint64_t machine = 1;    /* counts machines: a thread of a former one is not ours */
static struct ps_thread *ended; /* pushed atomically */

static NTSTATUS free_ended(void *arg)
{
    struct ps_thread *next, *thread = __atomic_exchange_n(&ended, NULL, __ATOMIC_ACQUIRE);
    for (; thread; thread = next) {
        next = thread->next_ended;
        ob_dereference(thread);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS announce(void *thread)
{
    ps_announce(thread);
    return STATUS_SUCCESS;
}

void ps_dereference_later(struct ps_thread *thread)
{
    thread->next_ended = __atomic_load_n(&ended, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&ended, &thread->next_ended, thread, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

static NTSTATUS nothing(void *arg)
{
    return STATUS_SUCCESS;
}

/* It was terminated: a last call ends it, if nobody has seen to that yet. */
static void give_up(struct ps_thread *thread)
{
    ke_host_call(&thread->tcb, nothing, NULL, KernelMode);
    ke_host_detach(&thread->tcb);
    ps_dereference_later(thread);
}

/* What the pthread does for the machine's operator goes on when the user process is no more. */
static NTSTATUS create(struct ps_thread **thread)
{
    NTSTATUS status = ps_thread_create(ps_api_process(), thread);
    return status == STATUS_PROCESS_IS_TERMINATING ? ps_thread_create(ps_system_process(), thread) : status;
}

/* From now on others may tell it to end; it learns here of what it missed. */
static void begin(struct ps_thread *thread)
{
    rl_lock_acquire(&ps_lock);
    thread->begun = true;
    if (unlikely(thread->process->terminating)) {
        thread->told = true;
        thread->tcb.doom = thread->process->exit_status;
        thread->tcb.doomed = true;
    }
    rl_lock_release(&ps_lock);
}

struct ps_thread *ps_host_thread(void)
{
    struct ps_thread *thread = own_machine == machine ? own_thread : NULL;
    if (likely(thread && !__atomic_load_n(&thread->tcb.doomed, __ATOMIC_ACQUIRE)))
        return thread;
    own_thread = NULL;
    if (thread)
        give_up(thread);
    if (!NT_SUCCESS(create(&thread)))
        return NULL;
    ke_thread_init(&thread->tcb, thread->stack.low, thread->stack.bytes, NULL, NULL, thread->process);
    thread->tcb.name = "host";
    begin(thread);
    own_thread = thread;
    own_machine = machine;
    if (__atomic_load_n(&ended, __ATOMIC_RELAXED))
        ke_host_call(&thread->tcb, free_ended, NULL, KernelMode);
    if (ps_notify_wants_threads())
        ke_host_call(&thread->tcb, announce, thread, KernelMode);
    else
        __atomic_store_n(&thread->process->announced, true, __ATOMIC_RELAXED);
    return thread;
}

static NTSTATUS leave(void *arg)
{
    free_ended(NULL);
    ke_host_thread_end(STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

void ps_host_thread_detach(void)
{
    struct ps_thread *thread = own_thread;
    own_thread = NULL;
    if (!thread || own_machine != machine)
        return;
    ke_host_call(&thread->tcb, leave, NULL, KernelMode);
    ke_host_detach(&thread->tcb);
    ps_dereference_later(thread);
}

void ps_end_host_threads(void)
{
    ended = NULL;
    machine++;
}

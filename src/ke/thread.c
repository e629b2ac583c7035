/* SPDX-License-Identifier: MIT */
/*
 * NT threads: from ps's storage to a running context, and back. A thread that
 * ends is signaled, leaves the processor for good, and is put on the list of
 * the dead under the dispatcher lock: whoever sees it there knows that its
 * stack is no longer in use. The reaper, a thread at PASSIVE_LEVEL, hands the
 * dead back to ps.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "host/memory.h"

struct ke_thread_callouts ke_thread_callouts;

static ULONG next_id;
static LIST_ENTRY dead_threads; /* through ready_link; dispatcher lock */
static KEVENT dead_event;

enum { REAPER_STACK_PAGES = 24, NORMAL_PRIORITY = 8 };
static struct ke_thread reaper;
static void *reaper_stack;

static void thread_main(void *arg)
{
    struct ke_thread *thread = arg;
    struct arch_try barrier;
    dispatcher_release();
    ke_lower_irql(PASSIVE_LEVEL);
    if (ARCH_TRY(&barrier)) {
        thread->start(thread->start_context);
        arch_try_pop(&barrier);
    }
    ke_thread_exit(STATUS_SUCCESS);
}

void ke_thread_init(struct ke_thread *thread, void *stack_low, size_t stack_bytes, void (*start)(void *),
                    void *context, struct ke_process *process)
{
    *thread = (struct ke_thread){
        .header = {.Type = ThreadObject, .Size = sizeof(DISPATCHER_HEADER) / sizeof(LONG)}};
    list_init(&thread->header.WaitListHead);
    list_init(&thread->apc_list[KernelMode]);
    list_init(&thread->apc_list[UserMode]);
    list_init(&thread->mutants);
    timer_init_for_thread(&thread->timer);
    arch_thread_init(&thread->arch, stack_low, stack_bytes);
    thread->process = thread->own_process = process;
    thread->start = start;
    thread->start_context = context;
    thread->priority = thread->base_priority = NORMAL_PRIORITY;
    thread->affinity = thread->user_affinity = ke_vp_count == 64 ? ~0ull : (1ull << ke_vp_count) - 1;
    thread->quantum = 1;
    thread->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
}

void ke_thread_start(struct ke_thread *thread)
{
    char *low = thread->arch.stack_low;
    arch_context_init(&thread->context, low, (size_t)((char *)thread->arch.stack_high - low), thread_main,
                      thread);
    TRACE(TRACE_THREAD_CREATED, thread);
    dispatcher_acquire();
    dispatch_ready(thread, false);
    if (ke_on_vp())
        dispatcher_release_and_yield();
    else
        dispatcher_release();
}

/* A thread may not end with its IRQL raised, inside a region, or holding a mutex: bug checks 0xA, 0x20, 0x39.
 */
static void check_exit(const struct ke_thread *thread)
{
    if (ke_irql() != PASSIVE_LEVEL)
        bugcheck_sentence(IRQL_NOT_LESS_OR_EQUAL, (uintptr_t)thread, ke_irql(), 0, 0,
                          "a thread ended with the IRQL raised");
    if (thread->kernel_apc_disable != 0 || thread->special_apc_disable != 0) {
        if (!list_empty(&thread->mutants))
            return; /* a mutex disables APCs too: mutants_abandon names it */
        bugcheck_sentence(KERNEL_APC_PENDING_DURING_EXIT, 0, (ULONG64)(USHORT)thread->kernel_apc_disable,
                          ke_irql(), 0, "a thread ended inside a critical or guarded region");
    }
}

void ke_thread_exit(NTSTATUS status)
{
    struct ke_thread *thread = ke_thread();
    check_exit(thread);
    thread->exit_status = status;
    if (ke_thread_callouts.exiting)
        ke_thread_callouts.exiting(thread);
    TRACE(TRACE_THREAD_EXIT, thread, .a = (ULONG)status);
    apc_rundown(thread);
    irql_set(DISPATCH_LEVEL);
    dispatcher_acquire();
    mutants_abandon(thread);
    queue_leave(thread);
    list_insert_tail(&dead_threads, &thread->ready_link);
    thread->header.SignalState = 1;
    wait_test(&thread->header, 0);
    dead_event.Header.SignalState = 1;
    wait_test(&dead_event.Header, 0);
    thread->state = KE_TERMINATED;
    dispatch_block();
    host_panic("a thread that has ended was resumed");
}

void ke_host_thread_end(NTSTATUS status)
{
    struct ke_thread *thread = ke_thread();
    __atomic_store_n(&thread->ending, 1, __ATOMIC_RELEASE);
    thread->exit_status = status;
    if (ke_thread_callouts.exiting)
        ke_thread_callouts.exiting(thread);
    TRACE(TRACE_THREAD_EXIT, thread, .a = (ULONG)status);
    apc_rundown(thread);
    dispatcher_acquire();
    mutants_abandon(thread);
    queue_leave(thread);
    thread->header.SignalState = 1;
    wait_test(&thread->header, 0);
    dispatcher_release_and_yield();
    apc_rundown(thread); /* none comes any more */
}

_Noreturn void ke_host_thread_exit(NTSTATUS status)
{
    struct ke_thread *thread = ke_thread();
    check_exit(thread);
    thread->doom = status;
    __atomic_store_n(&thread->doomed, true, __ATOMIC_SEQ_CST);
    ke_host_thread_end(status);
    struct carrier *carrier = thread->host;
    carrier->result = STATUS_PROCESS_IS_TERMINATING;
    carrier_go_home(vp_current(), HOME_CALL_DONE);
    host_panic("a host thread that has ended was resumed");
}

/* Its end, on its own NT stack and on whatever pthread. */
static void end_alone(void *arg)
{
    const struct ke_thread *thread = arg;
    ke_thread_exit(thread->doom);
}

static bool end_outside(struct ke_thread *thread)
{
    char *low = thread->arch.stack_low;
    if (ke_simulated || __atomic_load_n(&thread->in_call, __ATOMIC_SEQ_CST) ||
        __atomic_exchange_n(&thread->ending, 1, __ATOMIC_SEQ_CST))
        return false;
    thread->host = NULL;
    thread->start = end_alone;
    thread->start_context = thread;
    arch_context_init(&thread->context, low, (size_t)((char *)thread->arch.stack_high - low), thread_main,
                      thread);
    dispatcher_acquire();
    dispatch_ready(thread, false);
    dispatcher_release_and_yield();
    return true;
}

bool ke_host_thread_doom(struct ke_thread *thread, NTSTATUS status)
{
    thread->doom = status;
    __atomic_store_n(&thread->doomed, true, __ATOMIC_SEQ_CST);
    if (end_outside(thread))
        return true;
    dispatcher_acquire();
    if (thread->state == KE_WAITING && thread->wait_mode == UserMode)
        wait_end(thread, STATUS_USER_APC, 0);
    dispatcher_release_and_yield();
    return false;
}

void ke_signal(DISPATCHER_HEADER *header)
{
    dispatcher_acquire();
    header->SignalState = 1;
    wait_test(header, 0);
    dispatcher_release_and_yield();
}

/* ---- the reaper ---- */

static struct ke_thread *take_dead(void)
{
    struct ke_thread *thread = NULL;
    dispatcher_acquire();
    if (!list_empty(&dead_threads))
        thread = container_of(list_remove_head(&dead_threads), struct ke_thread, ready_link);
    dispatcher_release();
    return thread;
}

void ke_reap(void)
{
    struct ke_thread *thread;
    while ((thread = take_dead()) != NULL)
        if (ke_thread_callouts.reaped)
            ke_thread_callouts.reaped(thread);
}

static void reaper_main(void *unused)
{
    (void)unused;
    for (;;) {
        wait_for_object(&dead_event.Header);
        ke_reap();
    }
}

void threads_init(void)
{
    next_id = 0;
    list_init(&dead_threads);
    KeInitializeEvent(&dead_event, SynchronizationEvent, FALSE);
}

NTSTATUS reaper_init(void)
{
    reaper_stack = hmem_reserve(HMEM_STACK, REAPER_STACK_PAGES, 1, 1);
    if (reaper_stack == NULL || !NT_SUCCESS(hmem_commit(reaper_stack, REAPER_STACK_PAGES, HMEM_RW)))
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_thread_init(&reaper, reaper_stack, REAPER_STACK_PAGES * PAGE_SIZE, reaper_main, NULL, NULL);
    reaper.name = "reaper";
    ke_thread_start(&reaper);
    return STATUS_SUCCESS;
}

void reaper_fini(void)
{
    if (reaper_stack != NULL)
        hmem_release(reaper_stack, REAPER_STACK_PAGES);
    reaper_stack = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * ke_host_call: the embedding API enters the NT side. The call runs on the
 * thread's own NT stack, at PASSIVE_LEVEL, behind a barrier for exceptions;
 * what a system service must have put right when it returns is checked as
 * Windows does: IRQL (0x4A) and the APC-disable counts (0x1).
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static struct carrier *carrier_of(const struct ke_thread *thread)
{
    return thread->host;
}

static NTSTATUS call_behind_barrier(struct carrier *carrier)
{
    struct arch_try barrier;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    if (ARCH_TRY(&barrier)) {
        status = carrier->call(carrier->call_argument);
        arch_try_pop(&barrier);
    }
    return status;
}

/* What a driver left behind: as on the return from a system service. */
static void check_return(struct ke_thread *thread, const void *call)
{
    KIRQL irql = ke_irql();
    if (unlikely(irql != PASSIVE_LEVEL))
        bugcheck_sentence(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, (uintptr_t)call, irql, 0, 0,
                          "a driver returned from a request with the IRQL raised");
    if (unlikely(thread->kernel_apc_disable != 0 || thread->special_apc_disable != 0))
        bugcheck_sentence(APC_INDEX_MISMATCH, (uintptr_t)call, 0,
                          (ULONG64)(USHORT)thread->special_apc_disable << 16 |
                              (USHORT)thread->kernel_apc_disable,
                          0, "a driver returned from a request inside a critical or guarded region");
}

/* The way back to user mode, where a thread ends that was told to. What was done for the operator was done.
 */
static void end_doomed(struct ke_thread *thread, struct carrier *carrier)
{
    ke_host_thread_end(thread->doom);
    if (carrier->mode == UserMode && carrier->result != STATUS_RETRY)
        carrier->result = STATUS_PROCESS_IS_TERMINATING;
}

struct arch_context *host_call_main(void *arg)
{
    struct ke_thread *thread = arg;
    struct carrier *carrier = carrier_of(thread);
    if (carrier->entered_locked)
        dispatcher_release();
    thread->progress++;
    ke_lower_irql(PASSIVE_LEVEL);
    carrier->result = STATUS_RETRY;
    if (likely(!__atomic_load_n(&thread->doomed, __ATOMIC_ACQUIRE))) {
        carrier->result = call_behind_barrier(carrier);
        check_return(thread, carrier->call);
        if (thread->previous_mode == UserMode && thread->apc_pending[UserMode])
            apcs_deliver_user();
    }
    if (unlikely(__atomic_load_n(&thread->doomed, __ATOMIC_ACQUIRE)) && thread->header.SignalState == 0)
        end_doomed(thread, carrier);
    thread->progress++;
    carrier->reason = HOME_CALL_DONE;
    return &carrier->home;
}

static void begin(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    struct carrier *carrier = carrier_of(thread);
    char *low = thread->arch.stack_low;
    carrier->call = fn;
    carrier->call_argument = arg;
    carrier->mode = mode;
    thread->previous_mode = mode;
    arch_context_init_call(&thread->context, low, (size_t)((char *)thread->arch.stack_high - low),
                           host_call_main, thread);
}

/* To be called when the thread has said that it is in a call, or is in none any more: who dooms it looks at
 * that after having said so. True: this pthread does not own the thread any more. */
static bool ends_elsewhere(struct ke_thread *thread)
{
    return __atomic_exchange_n(&thread->ending, 1, __ATOMIC_SEQ_CST) != 0;
}

static NTSTATUS carry(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    begin(thread, fn, arg, mode);
    return ke_simulated ? simulated_host_call(thread) : carrier_host_call(thread);
}

static NTSTATUS nothing(void *unused)
{
    return STATUS_SUCCESS;
}

static NTSTATUS call(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    __atomic_store_n(&thread->in_call, 1, __ATOMIC_SEQ_CST);
    if (unlikely(thread->doomed) && ends_elsewhere(thread))
        return STATUS_RETRY;
    if (unlikely(thread->attachment == NULL) && carrier_attach(thread) == NULL) {
        thread->in_call = 0;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS status = carry(thread, fn, arg, mode);
    /* Doomed on the way out, when it was too late to see it there, and early enough to be seen in the call.
     */
    if (unlikely(__atomic_load_n(&thread->doomed, __ATOMIC_SEQ_CST)) &&
        !__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE) && !ends_elsewhere(thread)) {
        thread->in_call = 1;
        carry(thread, nothing, NULL, KernelMode);
    }
    return status;
}

NTSTATUS ke_host_call(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    NTSTATUS status = STATUS_SYSTEM_SHUTDOWN;
    if (likely(!__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE)))
        status = call(thread, fn, arg, mode);
    if (unlikely(__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE)))
        bugcheck_wait_for_report();
    return status;
}

void ke_host_idle(uint64_t timeout_100ns)
{
    if (ke_simulated) {
        simulated_idle_wait();
        return;
    }
    LARGE_INTEGER interval = {.QuadPart = -(LONGLONG)timeout_100ns};
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

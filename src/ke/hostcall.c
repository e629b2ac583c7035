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

struct arch_context *host_call_main(void *arg)
{
    struct ke_thread *thread = arg;
    struct carrier *carrier = carrier_of(thread);
    if (carrier->entered_locked)
        dispatcher_release();
    thread->progress++;
    ke_lower_irql(PASSIVE_LEVEL);
    carrier->result = call_behind_barrier(carrier);
    check_return(thread, carrier->call);
    if (thread->previous_mode == UserMode && thread->apc_pending[UserMode])
        apcs_deliver_user();
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
    thread->previous_mode = mode;
    arch_context_init_call(&thread->context, low, (size_t)((char *)thread->arch.stack_high - low),
                           host_call_main, thread);
}

static NTSTATUS call(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    if (unlikely(thread->host == NULL) && carrier_attach(thread) == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    begin(thread, fn, arg, mode);
    return ke_simulated ? simulated_host_call(thread) : carrier_host_call(thread);
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

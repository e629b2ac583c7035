/* SPDX-License-Identifier: MIT */
/*
 * KeIpiGenericCall: one routine on all processors at IPI_LEVEL, begun only
 * when all have arrived. One call at a time: a second caller waits for it,
 * still taking interrupts, the other's call among them.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static struct {
    PKIPI_BROADCAST_WORKER routine;
    ULONG_PTR argument;
    uint32_t arrived, done;
} call;
static uint32_t busy;

static ULONG_PTR run_routine(void)
{
    struct arch_try barrier;
    ULONG_PTR result = 0;
    if (ARCH_TRY(&barrier)) {
        /* SR-45: on this processor, as on all others. */
        result = call.routine(call.argument);
        arch_try_pop(&barrier);
    }
    return result;
}

static void wait_for_all(const uint32_t *count)
{
    struct spin spin = {0};
    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < ke_vp_count)
        spin_once(&spin);
}

static void on_other_vp(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&call.arrived, 1, __ATOMIC_ACQ_REL);
    wait_for_all(&call.arrived);
    run_routine();
    __atomic_add_fetch(&call.done, 1, __ATOMIC_ACQ_REL);
}

static void acquire_call(void)
{
    struct spin spin = {0};
    while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) != 0)
        spin_once(&spin);
}

static void interrupt_others(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (&ke_vps[i] != vp_current())
            interrupt_request_on(&ke_vps[i], IPI_LEVEL, 0, on_other_vp, NULL);
}

/* Returns what the routine returned on the caller's processor, when it has returned on all. IRQL: <
 * IPI_LEVEL. */
EXPORT(ntoskrnl, KeIpiGenericCall, PASSIVE_LEVEL, IPI_LEVEL - 1, X_CALLS_DRIVER)
ULONG_PTR NTAPI KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context)
{
    KIRQL irql = ke_irql();
    ke_raise_irql(MAX(irql, DISPATCH_LEVEL));
    acquire_call();
    call = (typeof(call)){BroadcastFunction, Context, 1, 1};
    ke_raise_irql(IPI_LEVEL);
    interrupt_others();
    wait_for_all(&call.arrived);
    ULONG_PTR result = run_routine();
    wait_for_all(&call.done);
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    ke_lower_irql(irql);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Busy waiting: KeStallExecutionProcessor. The VP keeps taking what its IRQL
 * lets in. In a simulated machine it only costs virtual time.
 */
#include "ke/dispatch.h"

static void stall_for(uint64_t ns)
{
    uint64_t until = host_counter_ns() + ns;
    while (host_counter_ns() < until) {
        if (vp_pending(vp_current()) != 0)
            irql_service();
        host_cpu_relax();
    }
}

/* Returns after at least this many microseconds, spent on the processor. IRQL: any. */
EXPORT(ntoskrnl, KeStallExecutionProcessor, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
EXPORT(hal, KeStallExecutionProcessor, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
    if (ke_simulated) {
        simulated_stall((uint64_t)MicroSeconds * 10);
        ke_sched_point();
    } else {
        stall_for((uint64_t)MicroSeconds * 1000);
    }
}

/* TRUE: a DPC or its VP has run so long that others should get their turn; here: something waits for this VP.
 */
EXPORT(ntoskrnl, KeShouldYieldProcessor, DISPATCH_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LOGICAL NTAPI KeShouldYieldProcessor(VOID)
{
    return (vp_pending(vp_current()) & (PEND_DPC | PEND_TIMER | PEND_PREEMPT | PEND_APC)) != 0;
}

/* x64 stores are ordered; what is left is that the compiler and the store buffer are done with them. IRQL:
 * any. */
EXPORT(hal, KeFlushWriteBuffer, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
EXPORT(ntoskrnl, KeFlushWriteBuffer, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeFlushWriteBuffer(VOID)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

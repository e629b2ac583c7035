/* SPDX-License-Identifier: MIT */
/*
 * One-time initialisation. The structure is one word: the low two bits are the
 * state, the rest the waiting threads while an initialisation runs, the
 * driver's context afterwards. Waiters are linked through blocks on their own
 * stacks, each with an event; nothing of ours is held while the driver's
 * routine runs but its normal kernel APCs, which are documented to be off.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "ke/routines.h"
#include "nt/status.h"

enum state { UNTOUCHED = 0, RUNNING = 1, DONE = 2, RUNNING_ASYNC = 3, STATE_MASK = 3 };

struct waiter {
    struct waiter *next; /* at least 4-byte aligned */
    KEVENT wake;
};

static ULONG_PTR load(PRTL_RUN_ONCE once)
{
    return (ULONG_PTR)__atomic_load_n(&once->Ptr, __ATOMIC_ACQUIRE);
}

static bool change(PRTL_RUN_ONCE once, ULONG_PTR from, ULONG_PTR to)
{
    PVOID expected = (PVOID)from;
    return __atomic_compare_exchange_n(&once->Ptr, &expected, (PVOID)to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* Waits for the running initialisation to end; returns at once if it has. */
static void wait_for_end(PRTL_RUN_ONCE once, ULONG_PTR seen)
{
    struct waiter self = {.next = (struct waiter *)(seen & ~(ULONG_PTR)STATE_MASK)};
    KeInitializeEvent(&self.wake, SynchronizationEvent, FALSE);
    if (change(once, seen, (ULONG_PTR)&self | RUNNING))
        KeWaitForSingleObject(&self.wake, Executive, KernelMode, FALSE, NULL);
}

static void wake_all(struct waiter *waiter)
{
    while (waiter) {
        struct waiter *next = waiter->next; /* the block is gone once its thread is awake */
        KeSetEvent(&waiter->wake, 0, FALSE);
        waiter = next;
    }
}

EXPORT(ntoskrnl, RtlRunOnceInitialize, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlRunOnceInitialize(PRTL_RUN_ONCE RunOnce)
{
    RunOnce->Ptr = NULL;
}

/* STATUS_PENDING: the caller initialises and calls RtlRunOnceComplete. Another caller's synchronous one is
 * waited for. */
EXPORT(ntoskrnl, RtlRunOnceBeginInitialize, PASSIVE_LEVEL, APC_LEVEL, X_RAISES | X_BLOCKS)
NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context)
{
    bool async = (Flags & RTL_RUN_ONCE_ASYNC) != 0, check_only = (Flags & RTL_RUN_ONCE_CHECK_ONLY) != 0;
    if ((Flags & ~(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_CHECK_ONLY)) || (async && check_only))
        return STATUS_INVALID_PARAMETER_2;
    for (;;) {
        ULONG_PTR seen = load(RunOnce);
        enum state state = seen & STATE_MASK;
        if (state == DONE) {
            if (Context)
                *Context = (PVOID)(seen & ~(ULONG_PTR)STATE_MASK);
            return STATUS_SUCCESS;
        }
        if (check_only)
            return STATUS_UNSUCCESSFUL;
        if (state != UNTOUCHED && async != (state == RUNNING_ASYNC))
            return STATUS_INVALID_PARAMETER_2;
        if (state == RUNNING_ASYNC)
            return STATUS_PENDING;
        if (state == RUNNING)
            wait_for_end(RunOnce, seen);
        else if (change(RunOnce, seen, async ? RUNNING_ASYNC : RUNNING))
            return STATUS_PENDING;
    }
}

/* The low two bits of Context must be clear; a failed attempt has none. */
EXPORT(ntoskrnl, RtlRunOnceComplete, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context)
{
    bool async = (Flags & RTL_RUN_ONCE_ASYNC) != 0, failed = (Flags & RTL_RUN_ONCE_INIT_FAILED) != 0;
    if ((Flags & ~(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_INIT_FAILED)) || (async && failed))
        return STATUS_INVALID_PARAMETER_2;
    if (((ULONG_PTR)Context & STATE_MASK) || (failed && Context))
        return STATUS_INVALID_PARAMETER_3;
    ULONG_PTR after = failed ? UNTOUCHED : (ULONG_PTR)Context | DONE;
    for (;;) {
        ULONG_PTR seen = load(RunOnce);
        if ((seen & STATE_MASK) != (async ? RUNNING_ASYNC : RUNNING))
            return STATUS_UNSUCCESSFUL;
        if (!change(RunOnce, seen, after))
            continue;
        if (!async)
            wake_all((struct waiter *)(seen & ~(ULONG_PTR)STATE_MASK));
        return STATUS_SUCCESS;
    }
}

/* InitFn returns TRUE for success. A failure leaves the structure as if it had not been called. */
EXPORT(ntoskrnl, RtlRunOnceExecuteOnce, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_RAISES | X_BLOCKS)
NTSTATUS NTAPI RtlRunOnceExecuteOnce(PRTL_RUN_ONCE RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter,
                                     PVOID *Context)
{
    PVOID context = NULL;
    KeEnterCriticalRegion();
    NTSTATUS status = RtlRunOnceBeginInitialize(RunOnce, 0, &context);
    if (status == STATUS_PENDING) {
        bool good = InitFn(RunOnce, Parameter, &context) != 0;
        status = RtlRunOnceComplete(RunOnce, good ? 0 : RTL_RUN_ONCE_INIT_FAILED, good ? context : NULL);
        if (!good)
            status = STATUS_UNSUCCESSFUL;
    }
    KeLeaveCriticalRegion();
    if (NT_SUCCESS(status) && Context)
        *Context = context;
    return status;
}

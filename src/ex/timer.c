/* SPDX-License-Identifier: MIT */
/*
 * EX_TIMER: timers that the system allocates, with a callback at DISPATCH_LEVEL.
 * Each has a DPC, which runs the callback, and finishes a deletion that had to
 * wait for the last expiry. What finishes one is whoever first claims it; the
 * storage goes only after every DPC that was queued has run.
 */
#include "ke/held.h"
#include "ex/ex.h"
#include "ke/routines.h"
#include "ke/timer_precise.h"

#define TIMER_TAG 0x6D547845u /* 'ExTm' */

struct _EX_TIMER {
    struct ke_precise_timer timer; /* offset 0: drivers wait for it */
    KDPC dpc;
    ULONG attributes;
    PEXT_CALLBACK callback;
    PVOID context;
    uint32_t deleting, finishing;
    EXT_DELETE_PARAMETERS delete;
    struct ex_work work;
};

static _Noreturn void misused(const void *timer, ULONG64 value, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = TIMER_OR_DPC_INVALID, .p = {0, (ULONG_PTR)timer, value}, .sentence = sentence};
    ke_bugcheck(&info);
}

/* ---- the end of a timer ---- */

static void finish(void *context)
{
    PEX_TIMER timer = context;
    EXT_DELETE_PARAMETERS delete = timer->delete;
    KeCancelTimer(&timer->timer.timer);
    KeFlushQueuedDpcs();
    mm_free(timer);
    if (delete.DeleteCallback == NULL)
        return;
    const void *routine = (const void *)delete.DeleteCallback;
    uint64_t cookie = ke_callout_enter("ExTimer delete", routine);
    delete.DeleteCallback(delete.DeleteContext);
    ke_callout_leave("ExTimer delete", routine, cookie);
}

static bool claim(PEX_TIMER timer)
{
    return __atomic_exchange_n(&timer->finishing, 1, __ATOMIC_ACQ_REL) == 0;
}

/* Rules: SR-15. */
static VOID NTAPI expired(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PEX_TIMER timer = DeferredContext;
    if (timer->callback != NULL) {
        uint64_t cookie = ke_callout_enter("ExTimer", (const void *)timer->callback);
        /* SR-15: at DISPATCH_LEVEL, with the timer and the context of its allocation. */
        timer->callback(timer, timer->context);
        ke_callout_leave("ExTimer", (const void *)timer->callback, cookie);
    }
    if (__atomic_load_n(&timer->deleting, __ATOMIC_ACQUIRE) && claim(timer))
        ex_queue_work(&timer->work, finish, timer);
}

/* ---- exports ---- */

/*
 * A timer, not set; NULL: no memory. Bug check 0xC7 for attributes that do not exist or exclude one another.
 * Owns: the caller, until ExDeleteTimer. IRQL: <= DISPATCH_LEVEL. Rules: SR-15.
 */
EXPORT(ntoskrnl, ExAllocateTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    if (Attributes & ~(EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION))
        misused(NULL, Attributes, "ExAllocateTimer was called with attributes that do not exist");
    if ((Attributes & EX_TIMER_HIGH_RESOLUTION) && (Attributes & EX_TIMER_NO_WAKE))
        misused(NULL, Attributes, "a timer cannot be both a high-resolution and a no-wake timer");
    PEX_TIMER timer = mm_alloc(sizeof *timer, TIMER_TAG);
    if (timer == NULL)
        return NULL;
    *timer = (struct _EX_TIMER){.attributes = Attributes, .callback = Callback, .context = CallbackContext};
    ke_precise_timer_init(&timer->timer,
                          Attributes & EX_TIMER_NOTIFICATION ? NotificationTimer : SynchronizationTimer);
    KeInitializeDpc(&timer->dpc, expired, timer);
    ke_hold(KE_HELD_EX_TIMER, timer);
    return timer;
}

static void check_set(PEX_TIMER timer, LONGLONG due, LONGLONG period, const EXT_SET_PARAMETERS *parameters)
{
    if ((timer->attributes & EX_TIMER_HIGH_RESOLUTION) && due >= 0)
        misused(timer, (ULONG64)due, "a high-resolution timer was set to an absolute time");
    if (period < 0 || period > INT32_MAX)
        misused(timer, (ULONG64)period, "a timer was set with a period that is negative or above MAXLONG");
    if (parameters == NULL)
        return;
    if (parameters->Version != 0 || parameters->Reserved != 0)
        misused(timer, parameters->Version, "a timer was set with parameters that were not initialized");
    if (parameters->NoWakeTolerance < EX_TIMER_UNLIMITED_TOLERANCE)
        misused(timer, (ULONG64)parameters->NoWakeTolerance, "a timer was set with a negative tolerance");
}

/*
 * Sets the timer, due at DueTime (negative: relative) and then each Period, both in 100 ns. TRUE: it was set
 * before, and that is canceled. A timer that is being deleted is left alone. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, ExSetTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period, PEXT_SET_PARAMETERS Parameters)
{
    check_set(Timer, DueTime, Period, Parameters);
    if (__atomic_load_n(&Timer->deleting, __ATOMIC_ACQUIRE))
        return FALSE;
    return ke_precise_timer_set(&Timer->timer, (LARGE_INTEGER){.QuadPart = DueTime}, (uint64_t)Period,
                                &Timer->dpc);
}

/* TRUE: it was set, and neither is signaled for it nor calls back. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, ExCancelTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    return KeCancelTimer(&Timer->timer.timer);
}

/*
 * Deletes the timer. Cancel: one that is set is canceled first (TRUE: it was); else it is deleted after its
 * next expiry. Wait: returns when its callback does not run any more and the delete callback has run.
 * Owns: the timer is the system's. IRQL: <= DISPATCH_LEVEL; with Wait <= APC_LEVEL.
 */
EXPORT(ntoskrnl, ExDeleteTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PEXT_DELETE_PARAMETERS Parameters)
{
    if (Wait && !Cancel)
        misused(Timer, 0, "ExDeleteTimer was called to wait for a timer without canceling it");
    ke_unhold(KE_HELD_EX_TIMER, Timer);
    if (Parameters != NULL)
        Timer->delete = *Parameters;
    BOOLEAN canceled = Cancel && KeCancelTimer(&Timer->timer.timer);
    __atomic_store_n(&Timer->deleting, 1, __ATOMIC_SEQ_CST);
    if (!Cancel && ke_timer_is_set(&Timer->timer.timer))
        return FALSE; /* its DPC is to come */
    if (!claim(Timer))
        return canceled;
    if (Wait)
        finish(Timer);
    else
        ex_queue_work(&Timer->work, finish, Timer);
    return canceled;
}

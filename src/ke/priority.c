/* SPDX-License-Identifier: MIT */
/*
 * Priorities and affinity of threads.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static struct ke_thread *of(PKTHREAD thread)
{
    return (struct ke_thread *)thread;
}

/* The current priority, boost included. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, KeQueryPriorityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    return of(Thread)->priority;
}

/* Sets current and base priority; returns the former one. 0 is for the zero-page thread only. IRQL:
 * PASSIVE_LEVEL. */
EXPORT(ntoskrnl, KeSetPriorityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    struct ke_thread *thread = of(Thread);
    dispatcher_acquire();
    KPRIORITY former = thread->priority;
    SCHAR priority = (SCHAR)MAX(1, MIN(Priority, HIGH_PRIORITY));
    thread->base_priority = priority;
    thread->saturation = 0;
    dispatch_set_priority(thread, priority);
    dispatcher_release_and_yield();
    return former;
}

enum { PROCESS_BASE_PRIORITY = 8 };

static SCHAR based_on_process(LONG increment)
{
    LONG priority = PROCESS_BASE_PRIORITY + increment;
    return (SCHAR)MAX(1, MIN(priority, LOW_REALTIME_PRIORITY - 1));
}

/* An increment of 16 or more either way saturates: the thread stays at that end of the range, and says so. */
static SCHAR saturation_of(LONG increment)
{
    return increment >= LOW_REALTIME_PRIORITY ? 1 : increment <= -LOW_REALTIME_PRIORITY ? -1 : 0;
}

/* Sets the base priority relative to the process's; returns the former increment, 16 or -16 for a saturated
 * one. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, KeSetBasePriorityThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    struct ke_thread *thread = of(Thread);
    dispatcher_acquire();
    LONG former = thread->saturation != 0 ? thread->saturation * LOW_REALTIME_PRIORITY
                                          : thread->base_priority - PROCESS_BASE_PRIORITY;
    thread->saturation = saturation_of(Increment);
    thread->base_priority = based_on_process(Increment);
    dispatch_set_priority(thread, thread->base_priority);
    dispatcher_release_and_yield();
    return former;
}

/* ---- affinity ---- */

static KAFFINITY existing(KAFFINITY affinity)
{
    return affinity & KeQueryActiveProcessors();
}

/* Moves the current thread to a processor of the set, below DISPATCH_LEVEL before this returns. */
static void set_affinity(struct ke_thread *thread, KAFFINITY affinity, bool system)
{
    struct vp *vp = vp_current();
    dispatcher_acquire();
    thread->affinity = affinity;
    thread->system_affinity = system;
    if (!(affinity & vp->mask))
        vp_pend(vp, PEND_PREEMPT);
    dispatcher_release_and_yield();
}

/* The current thread runs on these processors only. Returns the former set if one was in force, else 0.
 * No processor of the set exists: nothing changes. IRQL: <= DISPATCH_LEVEL; there it takes effect below. */
EXPORT(ntoskrnl, KeSetSystemAffinityThreadEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    struct ke_thread *thread = ke_thread();
    KAFFINITY former = thread->system_affinity ? thread->affinity : 0;
    if (existing(Affinity) != 0)
        set_affinity(thread, existing(Affinity), true);
    return former;
}

EXPORT(ntoskrnl, KeSetSystemAffinityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    KeSetSystemAffinityThreadEx(Affinity);
}

/* Back to a set that KeSetSystemAffinityThreadEx returned; 0: to the thread's own. */
EXPORT(ntoskrnl, KeRevertToUserAffinityThreadEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    struct ke_thread *thread = ke_thread();
    if (existing(Affinity) != 0)
        set_affinity(thread, existing(Affinity), true);
    else
        set_affinity(thread, thread->user_affinity, false);
}

EXPORT(ntoskrnl, KeRevertToUserAffinityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeRevertToUserAffinityThread(VOID)
{
    KeRevertToUserAffinityThreadEx(0);
}

/* The same with groups. The former affinity is all zero if none was in force; so is that of a set refused. */
EXPORT(ntoskrnl, KeSetSystemGroupAffinityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity)
{
    KAFFINITY former = 0;
    bool valid =
        Affinity->Group == 0 && !(Affinity->Reserved[0] | Affinity->Reserved[1] | Affinity->Reserved[2]);
    if (valid && existing(Affinity->Mask) != 0)
        former = KeSetSystemAffinityThreadEx(Affinity->Mask);
    if (PreviousAffinity != NULL)
        *PreviousAffinity = (GROUP_AFFINITY){.Mask = former};
}

EXPORT(ntoskrnl, KeRevertToUserGroupAffinityThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS)
VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    if (PreviousAffinity->Group == 0)
        KeRevertToUserAffinityThreadEx(PreviousAffinity->Mask);
}

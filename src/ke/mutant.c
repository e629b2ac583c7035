/* SPDX-License-Identifier: MIT */
/*
 * Mutants (KMUTEX is one whose owner gets no normal kernel APCs). SignalState
 * is 1 free, 0 owned, below for each recursive acquisition. A thread keeps a
 * list of what it owns: those it holds when it ends are abandoned, but for
 * mutexes of drivers, which is bug check 0x39 (SYSTEM_EXIT_OWNED_MUTEX).
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static void initialize(PRKMUTANT mutant, BOOLEAN apc_disable)
{
    mutant->Header.Lock = 0;
    mutant->Header.Type = MutantObject;
    mutant->Header.Size = sizeof *mutant / sizeof(LONG);
    mutant->Header.SignalState = 1;
    list_init(&mutant->Header.WaitListHead);
    list_init(&mutant->MutantListEntry);
    mutant->OwnerThread = NULL;
    mutant->Abandoned = FALSE;
    mutant->ApcDisable = apc_disable;
}

/* Level is reserved and not looked at. Free. IRQL: any. */
EXPORT(ntoskrnl, KeInitializeMutex, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    (void)Level;
    initialize(Mutex, TRUE);
}

/* As a user-mode mutex: no effect on APCs, may be abandoned. InitialOwner: the current thread owns it. */
EXPORT(ntoskrnl, KeInitializeMutant, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    initialize(Mutant, FALSE);
    if (!InitialOwner)
        return;
    dispatcher_acquire();
    mutant_acquired(Mutant, ke_thread());
    dispatcher_release();
}

/* Locked. The thread may be another than the current one: a wait was satisfied for it. */
void mutant_acquired(PKMUTANT mutant, struct ke_thread *thread)
{
    if (--mutant->Header.SignalState != 0)
        return;
    mutant->OwnerThread = (PKTHREAD)thread;
    if (mutant->ApcDisable)
        thread->kernel_apc_disable--;
    list_insert_head(&thread->mutants, &mutant->MutantListEntry);
}

/* Locked; the mutant is no longer owned. */
static void free_mutant(PKMUTANT mutant, struct ke_thread *owner, KPRIORITY increment)
{
    list_remove(&mutant->MutantListEntry);
    list_init(&mutant->MutantListEntry);
    mutant->OwnerThread = NULL;
    if (mutant->ApcDisable && ++owner->kernel_apc_disable == 0 && !list_empty(&owner->apc_list[KernelMode]))
        vp_pend(vp_current(), PEND_APC);
    wait_test(&mutant->Header, increment);
}

/*
 * Gives one acquisition back; returns the former SignalState (0: it is free now). Not the owner: raises
 * STATUS_ABANDONED for an abandoned mutant, else STATUS_MUTANT_NOT_OWNED. Abandoned: gives it up whoever owns
 * it.
 */
EXPORT(ntoskrnl, KeReleaseMutant, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES | X_RAISES_IRQL)
LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    struct ke_thread *thread = ke_thread();
    dispatcher_acquire();
    LONG former = Mutant->Header.SignalState;
    struct ke_thread *owner = (struct ke_thread *)Mutant->OwnerThread;
    if (!Abandoned && owner != thread) {
        BOOLEAN abandoned = Mutant->Abandoned;
        dispatcher_release();
        arch_raise_status(abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
    }
    Mutant->Header.SignalState = Abandoned ? 1 : former + 1;
    if (Abandoned)
        Mutant->Abandoned = TRUE;
    if (Mutant->Header.SignalState == 1 && owner != NULL)
        free_mutant(Mutant, owner, Increment);
    wait_release_dispatcher(Wait);
    return former;
}

/* The same with the increment of mutexes, 1. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, KeReleaseMutex, PASSIVE_LEVEL, DISPATCH_LEVEL, X_BLOCKS | X_RAISES | X_RAISES_IRQL)
LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KeReleaseMutant(Mutex, 1, FALSE, Wait);
}

/* 1: signaled (free). */
EXPORT(ntoskrnl, KeReadStateMutant, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateMutant(PRKMUTANT Mutant)
{
    return __atomic_load_n(&Mutant->Header.SignalState, __ATOMIC_ACQUIRE);
}

EXPORT(ntoskrnl, KeReadStateMutex, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    return KeReadStateMutant(Mutex);
}

/* Locked; the thread ends. */
void mutants_abandon(struct ke_thread *thread)
{
    while (!list_empty(&thread->mutants)) {
        PKMUTANT mutant = container_of(thread->mutants.Flink, KMUTANT, MutantListEntry);
        if (mutant->ApcDisable) {
            dispatcher_release();
            bugcheck_sentence(SYSTEM_EXIT_OWNED_MUTEX, (uintptr_t)mutant, (uintptr_t)thread, 0, 0,
                              "a thread ended while it owned a mutex");
        }
        mutant->Header.SignalState = 1;
        mutant->Abandoned = TRUE;
        free_mutant(mutant, thread, 0);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Attaching to another process. There is one address space, so memory does not
 * change; what changes is whose handles the thread uses and what
 * PsGetCurrentProcess says, and the pairing is checked as on NT (0x5).
 */
#include "ps/internal.h"

#define STAYED ((PKPROCESS)1) /* in ApcState.Process: the thread was in that process already */

/*
 * IRQL: <= APC_LEVEL. Saves where the thread was in ApcState and attaches; nests.
 */
EXPORT(ntoskrnl, KeStackAttachProcess, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState)
{
    struct ke_thread *thread = ke_thread();
    struct ke_process *target = (struct ke_process *)Process;
    if (ke_irql() >= DISPATCH_LEVEL)
        ke_bugcheck_code(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG64)target, (ULONG64)thread->process,
                         thread->process != thread->own_process, 1);
    memset(ApcState, 0, sizeof(*ApcState));
    ApcState->Process = target == thread->process ? STAYED : (PKPROCESS)thread->process;
    thread->process = target;
}

EXPORT(ntoskrnl, KeUnstackDetachProcess, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    struct ke_thread *thread = ke_thread();
    if (ApcState->Process == STAYED)
        return;
    if (!ApcState->Process || thread->process == (struct ke_process *)ApcState->Process)
        ke_bugcheck_code(INVALID_PROCESS_DETACH_ATTEMPT, (ULONG64)thread->process, (ULONG64)ApcState->Process,
                         0, 0);
    thread->process = (struct ke_process *)ApcState->Process;
}

/* The older pair, which does not nest: attaching while attached elsewhere stops the machine. */
EXPORT(ntoskrnl, KeAttachProcess, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeAttachProcess(PRKPROCESS Process)
{
    struct ke_thread *thread = ke_thread();
    struct ke_process *target = (struct ke_process *)Process;
    if (target == thread->process)
        return;
    if (thread->process != thread->own_process || ke_irql() >= DISPATCH_LEVEL)
        ke_bugcheck_code(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG64)target, (ULONG64)thread->process, 1, 0);
    thread->process = target;
}

EXPORT(ntoskrnl, KeDetachProcess, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI KeDetachProcess(VOID)
{
    struct ke_thread *thread = ke_thread();
    thread->process = thread->own_process;
}

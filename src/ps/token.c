/* SPDX-License-Identifier: MIT */
/*
 * Which tokens processes and threads act with. A thread may impersonate: its
 * impersonation token then stands before its process's primary token.
 */
#include "ps/internal.h"

static void *primary_token(void)
{
    struct ke_process *process = ps_current()->process;
    return process ? process->token : se_system_token(); /* none: while the machine starts */
}

static void *impersonation_token(SECURITY_IMPERSONATION_LEVEL *level)
{
    struct ps_thread *thread = ps_current();
    *level = thread->impersonation_level;
    return thread->impersonation_token;
}

static HANDLE process_id(void)
{
    struct ke_process *process = ps_current()->process;
    return process ? process->id : NULL;
}

void ps_token_init(void)
{
    se_subject_ops = (struct se_subject_ops){primary_token, impersonation_token, process_id};
}

/* The token comes back referenced; PsDereferencePrimaryToken gives it back. */
EXPORT(ntoskrnl, PsReferencePrimaryToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process)
{
    void *token = ((struct ke_process *)Process)->token;
    ob_reference(token);
    return token;
}

EXPORT(ntoskrnl, PsDereferencePrimaryToken, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
    ob_dereference(PrimaryToken);
}

/* NULL when the thread does not impersonate. */
EXPORT(ntoskrnl, PsReferenceImpersonationToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
                                                  PBOOLEAN EffectiveOnly,
                                                  PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    struct ps_thread *thread = (struct ps_thread *)Thread;
    if (!thread->impersonation_token)
        return NULL;
    ob_reference(thread->impersonation_token);
    *CopyOnOpen = FALSE;
    *EffectiveOnly = FALSE;
    *ImpersonationLevel = thread->impersonation_level;
    return thread->impersonation_token;
}

EXPORT(ntoskrnl, PsDereferenceImpersonationToken, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
    if (ImpersonationToken)
        ob_dereference(ImpersonationToken);
}

/* A NULL token ends impersonation. */
EXPORT(ntoskrnl, PsImpersonateClient, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
                                   BOOLEAN EffectiveOnly, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    struct ps_thread *thread = (struct ps_thread *)Thread;
    void *former = thread->impersonation_token;
    if (Token)
        ob_reference(Token);
    thread->impersonation_level = ImpersonationLevel;
    thread->impersonation_token = Token;
    if (former)
        ob_dereference(former);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, PsRevertToSelf, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI PsRevertToSelf(VOID)
{
    PsImpersonateClient((PETHREAD)ps_current(), NULL, FALSE, FALSE, SecurityAnonymous);
}

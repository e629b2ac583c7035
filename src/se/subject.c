/* SPDX-License-Identifier: MIT */
/*
 * Subject contexts: which tokens a thread acts with, held by references; and
 * the privilege checks made against them.
 */
#include "se/internal.h"

const struct se_token *se_effective(const SECURITY_SUBJECT_CONTEXT *subject)
{
    return subject->ClientToken ? subject->ClientToken : subject->PrimaryToken;
}

static void capture(PSECURITY_SUBJECT_CONTEXT subject)
{
    *subject = (SECURITY_SUBJECT_CONTEXT){0};
    if (se_subject_ops.impersonation_token)
        subject->ClientToken = se_subject_ops.impersonation_token(&subject->ImpersonationLevel);
    subject->PrimaryToken = se_subject_ops.primary_token ? se_subject_ops.primary_token() : se_system_token();
    subject->ProcessAuditId = se_subject_ops.process_id ? se_subject_ops.process_id() : NULL;
    if (subject->ClientToken)
        ob_reference(subject->ClientToken);
    ob_reference(subject->PrimaryToken);
}

/* The caller releases it with SeReleaseSubjectContext. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, SeCaptureSubjectContext, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    capture(SubjectContext);
}

EXPORT(ntoskrnl, SeReleaseSubjectContext, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    if (SubjectContext->PrimaryToken)
        ob_dereference(SubjectContext->PrimaryToken);
    if (SubjectContext->ClientToken)
        ob_dereference(SubjectContext->ClientToken);
    SubjectContext->PrimaryToken = SubjectContext->ClientToken = NULL;
}

static void count_lock(PACCESS_TOKEN token, LONG by)
{
    if (!token)
        return;
    LONG locks = __atomic_add_fetch(&((struct se_token *)token)->locks, by, __ATOMIC_ACQ_REL);
    if (locks < 0) /* unlocked more often than locked: as for any lock of NT's that is not owned */
        ke_bugcheck_code(RESOURCE_NOT_OWNED, (ULONG64)token, (ULONG64)ke_thread(), 0, 0);
}

/* Tokens stay as they are while locked; whoever would change one waits for its locks to go. */
EXPORT(ntoskrnl, SeLockSubjectContext, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    count_lock(SubjectContext->PrimaryToken, 1);
    count_lock(SubjectContext->ClientToken, 1);
}

EXPORT(ntoskrnl, SeUnlockSubjectContext, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    count_lock(SubjectContext->PrimaryToken, -1);
    count_lock(SubjectContext->ClientToken, -1);
}

EXPORT(ntoskrnl, SeQuerySubjectContextToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PACCESS_TOKEN NTAPI SeQuerySubjectContextToken(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    return (PACCESS_TOKEN)se_effective(SubjectContext);
}

/* Marks the privileges that were held; with PRIVILEGE_SET_ALL_NECESSARY all must be, else one is enough. */
static bool check_set(const struct se_token *token, PPRIVILEGE_SET set)
{
    ULONG held = 0;
    for (ULONG i = 0; i < set->PrivilegeCount; i++) {
        LUID_AND_ATTRIBUTES *privilege = &set->Privilege[i];
        if (privilege->Luid.HighPart == 0 && se_token_has_privilege(token, privilege->Luid.LowPart)) {
            privilege->Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
            held++;
        }
    }
    return (set->Control & PRIVILEGE_SET_ALL_NECESSARY) ? held == set->PrivilegeCount : held > 0;
}

EXPORT(ntoskrnl, SePrivilegeCheck, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
                               PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, KPROCESSOR_MODE AccessMode)
{
    if (AccessMode == KernelMode)
        return TRUE;
    if (SubjectSecurityContext->ClientToken &&
        SubjectSecurityContext->ImpersonationLevel < SecurityImpersonation)
        return FALSE;
    return check_set(se_effective(SubjectSecurityContext), RequiredPrivileges);
}

/* For the current thread; a kernel-mode caller always passes. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, SeSinglePrivilegeCheck, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    if (PreviousMode == KernelMode)
        return TRUE;
    return PrivilegeValue.HighPart == 0 && se_token_has_privilege(se_current_token(), PrivilegeValue.LowPart);
}

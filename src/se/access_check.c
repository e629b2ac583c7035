/* SPDX-License-Identifier: MIT */
/*
 * The access check: privileges first, then the owner's rights, then the DACL
 * in order: an allowed right stays allowed, a denied one ends the check.
 */
#include "se/internal.h"

ACCESS_MASK se_map(ACCESS_MASK mask, const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK mapped = mask & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
    if (mask & GENERIC_READ)
        mapped |= mapping->GenericRead;
    if (mask & GENERIC_WRITE)
        mapped |= mapping->GenericWrite;
    if (mask & GENERIC_EXECUTE)
        mapped |= mapping->GenericExecute;
    if (mask & GENERIC_ALL)
        mapped |= mapping->GenericAll;
    return mapped;
}

EXPORT(ntoskrnl, RtlMapGenericMask, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping)
{
    *AccessMask = se_map(*AccessMask, GenericMapping);
}

struct check {
    const struct se_request *request;
    ACCESS_MASK remaining; /* asked for, not yet granted */
    ACCESS_MASK granted;
    ACCESS_MASK denied; /* for MAXIMUM_ALLOWED: may not be granted any more */
    bool maximum;
    ULONG64 *privileges_used;
};

static void grant(struct check *check, ACCESS_MASK mask)
{
    mask &= ~check->denied;
    if (check->maximum)
        check->granted |= mask;
    else
        check->granted |= mask & check->remaining;
    check->remaining &= ~mask;
}

static bool use_privilege(struct check *check, ULONG privilege)
{
    if (!se_token_has_privilege(check->request->token, privilege))
        return false;
    if (check->privileges_used)
        *check->privileges_used |= 1ull << privilege;
    return true;
}

static NTSTATUS check_privileges(struct check *check)
{
    if (check->remaining & ACCESS_SYSTEM_SECURITY) {
        if (!use_privilege(check, SE_SECURITY_PRIVILEGE))
            return STATUS_PRIVILEGE_NOT_HELD;
        check->granted |= ACCESS_SYSTEM_SECURITY;
        check->remaining &= ~ACCESS_SYSTEM_SECURITY;
    }
    if ((check->remaining & WRITE_OWNER) && use_privilege(check, SE_TAKE_OWNERSHIP_PRIVILEGE)) {
        check->granted |= WRITE_OWNER;
        check->remaining &= ~WRITE_OWNER;
    }
    return STATUS_SUCCESS;
}

static bool names_owner_rights(const ACL *dacl)
{
    for (ACE_HEADER *ace = se_ace_first(dacl); ace; ace = se_ace_next(dacl, ace))
        if (se_ace_has_sid(ace) && !(ace->AceFlags & INHERIT_ONLY_ACE) &&
            se_sid_equal(se_ace_sid(ace), SeExports->SeOwnerRightsSid))
            return true;
    return false;
}

static bool ace_applies(const struct check *check, const struct se_parts *parts, const ACE_HEADER *ace,
                        bool deny)
{
    const struct se_token *token = check->request->token;
    if (ace->AceFlags & INHERIT_ONLY_ACE)
        return false;
    if (se_sid_equal(se_ace_sid(ace), SeExports->SeOwnerRightsSid))
        return parts->owner && se_token_has_sid(token, parts->owner, deny);
    return se_token_has_sid(token, se_ace_sid(ace), deny);
}

/* False: a right that was asked for is denied. */
static bool apply_ace(struct check *check, const struct se_parts *parts, const ACE_HEADER *ace)
{
    ACCESS_MASK mask = se_ace_has_sid(ace) ? se_map(se_ace_mask(ace), check->request->mapping) : 0;
    if (ace->AceType == ACCESS_ALLOWED_ACE_TYPE && ace_applies(check, parts, ace, false))
        grant(check, mask);
    if (ace->AceType == ACCESS_DENIED_ACE_TYPE && ace_applies(check, parts, ace, true)) {
        check->denied |= mask & ~check->granted;
        return !(mask & check->remaining);
    }
    return true;
}

static void check_dacl(struct check *check, const struct se_parts *parts)
{
    if (!parts->dacl) {
        grant(check,
              check->maximum ? check->request->mapping->GenericAll | check->remaining : check->remaining);
        return;
    }
    if (parts->owner && se_token_has_sid(check->request->token, parts->owner, false) &&
        !names_owner_rights(parts->dacl))
        grant(check, READ_CONTROL | WRITE_DAC);
    for (ACE_HEADER *ace = se_ace_first(parts->dacl); ace && (check->remaining || check->maximum);
         ace = se_ace_next(parts->dacl, ace))
        if (!apply_ace(check, parts, ace))
            return;
}

NTSTATUS se_evaluate(const struct se_parts *parts, const struct se_request *request, ACCESS_MASK *granted,
                     ULONG64 *privileges_used)
{
    ACCESS_MASK desired = se_map(request->desired, request->mapping);
    struct check check = {.request = request, .privileges_used = privileges_used};
    check.maximum = (desired & MAXIMUM_ALLOWED) != 0;
    check.remaining = desired & ~(MAXIMUM_ALLOWED | request->previously);
    *granted = 0;
    NTSTATUS status = check_privileges(&check);
    if (!NT_SUCCESS(status))
        return status;
    if (check.remaining || check.maximum)
        check_dacl(&check, parts);
    if (check.remaining)
        return STATUS_ACCESS_DENIED;
    *granted = check.granted | request->previously;
    return check.maximum && !*granted ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static ACCESS_MASK kernel_grant(ACCESS_MASK desired, ACCESS_MASK previously, const GENERIC_MAPPING *mapping)
{
    ACCESS_MASK mapped = se_map(desired, mapping);
    if (mapped & MAXIMUM_ALLOWED)
        mapped = (mapped & ~MAXIMUM_ALLOWED) | mapping->GenericAll;
    return mapped | previously;
}

NTSTATUS se_check(PSECURITY_DESCRIPTOR descriptor, void *token, ACCESS_MASK desired,
                  const GENERIC_MAPPING *mapping, KPROCESSOR_MODE mode, ACCESS_MASK *granted)
{
    struct se_parts parts = {0};
    struct se_request request = {.token = token, .desired = desired, .mapping = mapping};
    *granted = kernel_grant(desired, 0, mapping);
    if (mode == KernelMode)
        return STATUS_SUCCESS;
    if (descriptor)
        se_parts_of(descriptor, &parts);
    return se_evaluate(&parts, &request, granted, NULL);
}

static PPRIVILEGE_SET privilege_set(ULONG64 used)
{
    ULONG count = (ULONG)__builtin_popcountll(used), next = 0;
    PPRIVILEGE_SET set = se_pool(offsetof(PRIVILEGE_SET, Privilege) + count * sizeof(LUID_AND_ATTRIBUTES));
    if (!set)
        return NULL;
    set->PrivilegeCount = count;
    for (ULONG i = 0; i < 64; i++)
        if (used & (1ull << i))
            set->Privilege[next++] = (LUID_AND_ATTRIBUTES){{i, 0}, SE_PRIVILEGE_USED_FOR_ACCESS};
    return set;
}

EXPORT(ntoskrnl, SeFreePrivileges, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    mm_pool_free(Privileges, 0, __builtin_return_address(0));
}

/* An impersonating server may act for its client only from SecurityImpersonation up. */
static bool may_impersonate(const SECURITY_SUBJECT_CONTEXT *subject)
{
    return !subject->ClientToken || subject->ImpersonationLevel >= SecurityImpersonation;
}

/*
 * Decides whether the subject may have the access. KernelMode is always granted; a NULL descriptor denies a
 * user. Locks: none of ours; tokens do not change.
 */
EXPORT(ntoskrnl, SeAccessCheck, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
                            PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, BOOLEAN SubjectContextLocked,
                            ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
                            PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping,
                            KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    struct se_parts parts;
    ULONG64 used = 0;
    if (Privileges)
        *Privileges = NULL;
    *GrantedAccess = kernel_grant(DesiredAccess, PreviouslyGrantedAccess, GenericMapping);
    *AccessStatus = STATUS_SUCCESS;
    if (AccessMode == KernelMode)
        return TRUE;
    *AccessStatus = STATUS_ACCESS_DENIED;
    if (!may_impersonate(SubjectSecurityContext))
        *AccessStatus = STATUS_BAD_IMPERSONATION_LEVEL;
    *GrantedAccess = 0;
    if (!SecurityDescriptor || *AccessStatus == STATUS_BAD_IMPERSONATION_LEVEL)
        return FALSE;
    struct se_request request = {se_effective(SubjectSecurityContext), DesiredAccess, PreviouslyGrantedAccess,
                                 GenericMapping};
    se_parts_of(SecurityDescriptor, &parts);
    *AccessStatus = se_evaluate(&parts, &request, GrantedAccess, &used);
    if (NT_SUCCESS(*AccessStatus) && used && Privileges)
        *Privileges = privilege_set(used);
    return NT_SUCCESS(*AccessStatus);
}

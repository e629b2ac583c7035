/* SPDX-License-Identifier: MIT */
/*
 * Access control lists. Every walk is bounded by AclSize and by each entry's
 * AceSize, so that a list from outside cannot lead beyond its end.
 */
#include "se/internal.h"

static bool known_revision(ULONG revision)
{
    return revision >= MIN_ACL_REVISION && revision <= MAX_ACL_REVISION;
}

static bool ace_inside(const ACL *acl, const ACE_HEADER *ace)
{
    const char *end = (const char *)acl + acl->AclSize, *at = (const char *)ace;
    return at + sizeof(*ace) <= end && ace->AceSize >= sizeof(*ace) && at + ace->AceSize <= end;
}

bool se_ace_has_sid(const ACE_HEADER *ace)
{
    return ace->AceType <= SYSTEM_ALARM_ACE_TYPE || ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE ||
           ace->AceType == ACCESS_ALLOWED_CALLBACK_ACE_TYPE ||
           ace->AceType == ACCESS_DENIED_CALLBACK_ACE_TYPE;
}

static bool ace_valid(const ACE_HEADER *ace)
{
    ULONG fixed = offsetof(ACCESS_ALLOWED_ACE, SidStart);
    if (!se_ace_has_sid(ace))
        return true;
    if (ace->AceSize < fixed + offsetof(SID, SubAuthority))
        return false;
    return se_sid_valid(se_ace_sid(ace)) && fixed + se_sid_length(se_ace_sid(ace)) <= ace->AceSize;
}

bool se_acl_valid(const ACL *acl)
{
    if (!known_revision(acl->AclRevision) || acl->AclSize < sizeof(*acl) || acl->AclSize % sizeof(ULONG))
        return false;
    const ACE_HEADER *ace = (const ACE_HEADER *)(acl + 1);
    for (unsigned i = 0; i < acl->AceCount; i++) {
        if (!ace_inside(acl, ace) || ace->AceSize % sizeof(ULONG) || !ace_valid(ace))
            return false;
        ace = (const ACE_HEADER *)((const char *)ace + ace->AceSize);
    }
    return true;
}

/* The entry at an index; NULL if the list is broken before it. index == AceCount: the first free byte. */
static ACE_HEADER *ace_at(const ACL *acl, ULONG index)
{
    ACE_HEADER *ace = (ACE_HEADER *)(acl + 1);
    for (ULONG i = 0; i < index; i++) {
        if (!ace_inside(acl, ace))
            return NULL;
        ace = (ACE_HEADER *)((char *)ace + ace->AceSize);
    }
    return ace;
}

ACE_HEADER *se_ace_first(const ACL *acl)
{
    return acl->AceCount ? (ACE_HEADER *)(acl + 1) : NULL;
}

ACE_HEADER *se_ace_next(const ACL *acl, const ACE_HEADER *ace)
{
    ACE_HEADER *next = (ACE_HEADER *)((const char *)ace + ace->AceSize), *last = ace_at(acl, acl->AceCount);
    return next < last ? next : NULL;
}

EXPORT(ntoskrnl, RtlCreateAcl, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    if (AclLength < sizeof(*Acl))
        return STATUS_BUFFER_TOO_SMALL;
    if (AclLength > 0xFFFF || !known_revision(AclRevision))
        return STATUS_INVALID_PARAMETER;
    *Acl = (ACL){.AclRevision = (UCHAR)AclRevision, .AclSize = (USHORT)(AclLength & ~3u)};
    return STATUS_SUCCESS;
}

NTSTATUS se_acl_append(ACL *acl, ULONG revision, UCHAR type, UCHAR flags, ACCESS_MASK mask, const SID *sid)
{
    if (!se_sid_valid(sid))
        return STATUS_INVALID_SID;
    if (!known_revision(revision) || !known_revision(acl->AclRevision))
        return STATUS_REVISION_MISMATCH;
    ACCESS_ALLOWED_ACE *ace = (ACCESS_ALLOWED_ACE *)ace_at(acl, acl->AceCount);
    ULONG size = (ULONG)offsetof(ACCESS_ALLOWED_ACE, SidStart) + se_sid_length(sid);
    if (!ace)
        return STATUS_INVALID_ACL;
    if ((char *)ace + size > (char *)acl + acl->AclSize)
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    ace->Header = (ACE_HEADER){type, flags, (USHORT)size};
    ace->Mask = mask;
    memcpy(&ace->SidStart, sid, se_sid_length(sid));
    acl->AceCount++;
    acl->AclRevision = MAX(acl->AclRevision, (UCHAR)revision);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlAddAccessAllowedAce, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return se_acl_append(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, 0, AccessMask, Sid);
}

EXPORT(ntoskrnl, RtlAddAccessAllowedAceEx, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ULONG AccessMask,
                                        PSID Sid)
{
    if (AceFlags & ~(ULONG)VALID_INHERIT_FLAGS)
        return STATUS_INVALID_PARAMETER;
    return se_acl_append(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, (UCHAR)AceFlags, AccessMask, Sid);
}

/* How many ACEs the contiguous list holds; 0: malformed. */
static ULONG count_aces(const ACE_HEADER *list, ULONG length)
{
    ULONG count = 0, at = 0;
    while (at < length) {
        const ACE_HEADER *ace = (const ACE_HEADER *)((const char *)list + at);
        if (length - at < sizeof(*ace) || ace->AceSize < sizeof(*ace) || ace->AceSize > length - at)
            return 0;
        at += ace->AceSize;
        count++;
    }
    return count;
}

EXPORT(ntoskrnl, RtlAddAce, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList,
                         ULONG AceListLength)
{
    ULONG count = count_aces(AceList, AceListLength);
    if (!se_acl_valid(Acl) || !known_revision(AceRevision) || !count || Acl->AceCount + count > 0xFFFF)
        return STATUS_INVALID_PARAMETER;
    char *end = (char *)ace_at(Acl, Acl->AceCount);
    char *at = (char *)ace_at(Acl, MIN(StartingAceIndex, Acl->AceCount));
    if (AceListLength > (ULONG)((char *)Acl + Acl->AclSize - end))
        return STATUS_BUFFER_TOO_SMALL;
    memmove(at + AceListLength, at, (size_t)(end - at));
    memcpy(at, AceList, AceListLength);
    Acl->AceCount = (USHORT)(Acl->AceCount + count);
    Acl->AclRevision = MAX(Acl->AclRevision, (UCHAR)AceRevision);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlGetAce, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
    if (!known_revision(Acl->AclRevision) || AceIndex >= Acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    ACE_HEADER *ace = ace_at(Acl, AceIndex);
    if (!ace || !ace_inside(Acl, ace))
        return STATUS_INVALID_PARAMETER;
    *Ace = ace;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlDeleteAce, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
    if (!se_acl_valid(Acl) || AceIndex >= Acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    ACE_HEADER *ace = ace_at(Acl, AceIndex);
    char *after = (char *)ace + ace->AceSize, *end = (char *)ace_at(Acl, Acl->AceCount);
    USHORT size = ace->AceSize;
    memmove(ace, after, (size_t)(end - after));
    memset(end - size, 0, size);
    Acl->AceCount--;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of new objects (from an explicit one, the parent's inheritable
 * entries and the token's defaults), and replacing or selecting the parts of
 * an existing one.
 */
#include "se/internal.h"

struct assignment {
    const struct se_token *token;
    const GENERIC_MAPPING *mapping;
    bool container;
    bool kernel;
    ACL *inherited; /* owned */
    ACL *mapped;    /* owned */
};

/* ---- inheritance ---- */

static bool inherits(const ACE_HEADER *ace, bool container)
{
    return ace->AceFlags & (container ? CONTAINER_INHERIT_ACE : OBJECT_INHERIT_ACE) && se_ace_has_sid(ace);
}

static bool has_inheritable(const ACL *acl, bool container)
{
    if (acl)
        for (ACE_HEADER *ace = se_ace_first(acl); ace; ace = se_ace_next(acl, ace))
            if (inherits(ace, container))
                return true;
    return false;
}

/* CREATOR OWNER and CREATOR GROUP in a parent's entry stand for the new object's. */
static const SID *substitute(const SID *sid, const struct se_parts *parts)
{
    if (se_sid_equal(sid, &se_creator_owner_sid) && parts->owner)
        return parts->owner;
    if (se_sid_equal(sid, &se_creator_group_sid) && parts->group)
        return parts->group;
    return sid;
}

static UCHAR inherited_flags(const ACE_HEADER *ace, bool container)
{
    if (!container || (ace->AceFlags & NO_PROPAGATE_INHERIT_ACE))
        return 0;
    return ace->AceFlags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE);
}

static NTSTATUS inherit(struct assignment *assignment, const ACL *parent, const struct se_parts *parts,
                        const ACL **result)
{
    ULONG room = parent->AclSize + parent->AceCount * SECURITY_MAX_SID_SIZE;
    ACL *acl = mm_alloc(MIN(room, 0xFFFCu), SE_TAG);
    if (!acl)
        return STATUS_INSUFFICIENT_RESOURCES;
    *acl = (ACL){.AclRevision = parent->AclRevision, .AclSize = (USHORT)(MIN(room, 0xFFFCu) & ~3u)};
    assignment->inherited = acl;
    for (ACE_HEADER *ace = se_ace_first(parent); ace; ace = se_ace_next(parent, ace)) {
        if (!inherits(ace, assignment->container))
            continue;
        NTSTATUS status =
            se_acl_append(acl, acl->AclRevision, ace->AceType, inherited_flags(ace, assignment->container),
                          se_map(se_ace_mask(ace), assignment->mapping), substitute(se_ace_sid(ace), parts));
        if (!NT_SUCCESS(status))
            return status;
    }
    *result = acl;
    return STATUS_SUCCESS;
}

/* A copy with the generic rights of entries that apply to the object itself mapped. */
static NTSTATUS map_acl(struct assignment *assignment, const ACL *acl, const ACL **result)
{
    ACL *copy = mm_alloc(acl->AclSize, SE_TAG);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(copy, acl, acl->AclSize);
    assignment->mapped = copy;
    for (ACE_HEADER *ace = se_ace_first(copy); ace; ace = se_ace_next(copy, ace))
        if (se_ace_has_sid(ace) && !(ace->AceFlags & INHERIT_ONLY_ACE))
            ((ACCESS_ALLOWED_ACE *)ace)->Mask = se_map(se_ace_mask(ace), assignment->mapping);
    *result = copy;
    return STATUS_SUCCESS;
}

static NTSTATUS use_dacl(struct assignment *assignment, const ACL *dacl, bool defaulted,
                         struct se_parts *parts)
{
    parts->control |= SE_DACL_PRESENT | (defaulted ? SE_DACL_DEFAULTED : 0);
    return dacl ? map_acl(assignment, dacl, &parts->dacl) : STATUS_SUCCESS;
}

/* The table of SeAssignSecurity's documentation, the token's default DACL last. */
static NTSTATUS assign_dacl(struct assignment *assignment, const struct se_parts *parent,
                            const struct se_parts *explicit, struct se_parts *parts)
{
    bool given = explicit->control & SE_DACL_PRESENT,
         given_default = given && (explicit->control & SE_DACL_DEFAULTED);
    if (given && !given_default) {
        parts->control |= explicit->control & SE_DACL_PROTECTED;
        return use_dacl(assignment, explicit->dacl, false, parts);
    }
    if (has_inheritable(parent->dacl, assignment->container) && !(explicit->control & SE_DACL_PROTECTED)) {
        parts->control |= SE_DACL_PRESENT;
        return inherit(assignment, parent->dacl, parts, &parts->dacl);
    }
    if (given)
        return use_dacl(assignment, explicit->dacl, true, parts);
    return use_dacl(assignment, assignment->token->default_dacl, true, parts);
}

static bool may_own(const struct se_token *token, const SID *owner)
{
    if (se_sid_equal(owner, token->user) || se_sid_equal(owner, token->owner))
        return true;
    for (ULONG i = 0; i < token->group_count; i++)
        if ((token->groups[i].attributes & SE_GROUP_OWNER) && se_sid_equal(token->groups[i].sid, owner))
            return true;
    return se_token_has_privilege(token, SE_RESTORE_PRIVILEGE);
}

static NTSTATUS assign_owner(struct assignment *assignment, const struct se_parts *explicit,
                             struct se_parts *parts)
{
    parts->owner = explicit->owner;
    parts->group = explicit->group ? explicit->group : assignment->token->primary_group;
    if (!parts->owner)
        parts->owner = assignment->token->owner ? assignment->token->owner : assignment->token->user;
    else if (!assignment->kernel && !may_own(assignment->token, parts->owner))
        return STATUS_INVALID_OWNER;
    return STATUS_SUCCESS;
}

static NTSTATUS assign_sacl(struct assignment *assignment, const struct se_parts *explicit,
                            struct se_parts *parts)
{
    if (!(explicit->control & SE_SACL_PRESENT))
        return STATUS_SUCCESS;
    if (!assignment->kernel && !se_token_has_privilege(assignment->token, SE_SECURITY_PRIVILEGE))
        return STATUS_PRIVILEGE_NOT_HELD;
    parts->control |= explicit->control & (SE_SACL_PRESENT | SE_SACL_DEFAULTED);
    parts->sacl = explicit->sacl;
    return STATUS_SUCCESS;
}

static NTSTATUS assign(struct assignment *assignment, const struct se_parts *parent,
                       const struct se_parts *explicit, PSECURITY_DESCRIPTOR *new)
{
    struct se_parts parts = {0};
    NTSTATUS status = assign_owner(assignment, explicit, &parts);
    if (NT_SUCCESS(status))
        status = assign_sacl(assignment, explicit, &parts);
    if (NT_SUCCESS(status))
        status = assign_dacl(assignment, parent, explicit, &parts);
    if (NT_SUCCESS(status)) {
        *new = se_pool(se_parts_length(&parts));
        if (*new)
            se_write_relative(&parts, *new);
        else
            status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (assignment->inherited)
        mm_free(assignment->inherited);
    if (assignment->mapped)
        mm_free(assignment->mapped);
    return status;
}

static void parts_or_none(PSECURITY_DESCRIPTOR descriptor, struct se_parts *parts)
{
    *parts = (struct se_parts){0};
    if (descriptor)
        se_parts_of(descriptor, parts);
}

/* The new descriptor is self-relative, in paged pool; SeDeassignSecurity frees it. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, SeAssignSecurity, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor,
                                PSECURITY_DESCRIPTOR ExplicitDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor,
                                BOOLEAN IsDirectoryObject, PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
    struct se_parts parent, explicit;
    struct assignment assignment = {.token = se_effective(SubjectContext),
                                    .mapping = GenericMapping,
                                    .container = IsDirectoryObject,
                                    .kernel = ke_previous_mode() == KernelMode};
    *NewDescriptor = NULL;
    parts_or_none(ParentDescriptor, &parent);
    parts_or_none(ExplicitDescriptor, &explicit);
    return assign(&assignment, &parent, &explicit, NewDescriptor);
}

EXPORT(ntoskrnl, SeDeassignSecurity, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor)
{
    if (*SecurityDescriptor)
        mm_pool_free(*SecurityDescriptor, 0, __builtin_return_address(0));
    *SecurityDescriptor = NULL;
    return STATUS_SUCCESS;
}

/* ---- parts of an existing descriptor ---- */

static void take_control(struct se_parts *to, const struct se_parts *from, USHORT bits)
{
    to->control = (USHORT)((to->control & ~bits) | (from->control & bits));
}

static void take_parts(SECURITY_INFORMATION information, const struct se_parts *from, struct se_parts *to)
{
    if (information & OWNER_SECURITY_INFORMATION) {
        to->owner = from->owner;
        take_control(to, from, SE_OWNER_DEFAULTED);
    }
    if (information & GROUP_SECURITY_INFORMATION) {
        to->group = from->group;
        take_control(to, from, SE_GROUP_DEFAULTED);
    }
    if (information & DACL_SECURITY_INFORMATION) {
        to->dacl = from->dacl;
        take_control(to, from,
                     SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED);
    }
    if (information & SACL_SECURITY_INFORMATION) {
        to->sacl = from->sacl;
        take_control(to, from,
                     SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_PROTECTED | SE_SACL_AUTO_INHERITED);
    }
}

NTSTATUS se_merge(SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR old, PSECURITY_DESCRIPTOR with,
                  PSECURITY_DESCRIPTOR *merged)
{
    struct se_parts result, from;
    parts_or_none(old, &result);
    parts_or_none(with, &from);
    if ((information & OWNER_SECURITY_INFORMATION) && !from.owner)
        return STATUS_INVALID_OWNER;
    take_parts(information, &from, &result);
    return se_make_relative(&result, merged);
}

NTSTATUS se_select(SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR whole, PSECURITY_DESCRIPTOR *part)
{
    struct se_parts result = {0}, from;
    parts_or_none(whole, &from);
    take_parts(information, &from, &result);
    return se_make_relative(&result, part);
}

/* Selects parts into the caller's buffer, self-relative; *Length becomes the size needed. */
EXPORT(ntoskrnl, SeQuerySecurityDescriptorInfo, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
                                             PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length,
                                             PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor)
{
    struct se_parts result = {0}, from;
    parts_or_none(*ObjectsSecurityDescriptor, &from);
    take_parts(*SecurityInformation, &from, &result);
    ULONG needed = se_parts_length(&result), room = *Length;
    *Length = needed;
    if (room < needed)
        return STATUS_BUFFER_TOO_SMALL;
    se_write_relative(&result, SecurityDescriptor);
    return STATUS_SUCCESS;
}

/* Replaces parts of an object's descriptor: a new block of paged pool, the old one is the caller's to free.
 */
EXPORT(ntoskrnl, SeSetSecurityDescriptorInfo, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeSetSecurityDescriptorInfo(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
                                           PSECURITY_DESCRIPTOR ModificationDescriptor,
                                           PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor,
                                           POOL_TYPE PoolType, PGENERIC_MAPPING GenericMapping)
{
    struct se_parts result, from;
    if (!*ObjectsSecurityDescriptor)
        return STATUS_NO_SECURITY_ON_OBJECT;
    se_parts_of(*ObjectsSecurityDescriptor, &result);
    se_parts_of(ModificationDescriptor, &from);
    if ((*SecurityInformation & OWNER_SECURITY_INFORMATION) && !from.owner)
        return STATUS_INVALID_OWNER;
    take_parts(*SecurityInformation, &from, &result);
    void *block =
        mm_pool_allocate(PoolType, se_parts_length(&result), SE_TAG, false, __builtin_return_address(0));
    if (!block)
        return STATUS_INSUFFICIENT_RESOURCES;
    se_write_relative(&result, block);
    *ObjectsSecurityDescriptor = block;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * Security descriptors in both forms: absolute (pointers) and self-relative
 * (offsets, one block). Setting parts works on absolute ones only.
 */
#include "se/internal.h"

static const void *relative_part(const SECURITY_DESCRIPTOR_RELATIVE *sd, ULONG offset)
{
    return offset ? (const char *)sd + offset : NULL;
}

void se_parts_of(const void *descriptor, struct se_parts *parts)
{
    const SECURITY_DESCRIPTOR *absolute = descriptor;
    const SECURITY_DESCRIPTOR_RELATIVE *relative = descriptor;
    *parts = (struct se_parts){.control = absolute->Control & ~SE_SELF_RELATIVE};
    if (absolute->Control & SE_SELF_RELATIVE) {
        parts->owner = relative_part(relative, relative->Owner);
        parts->group = relative_part(relative, relative->Group);
        parts->sacl = relative_part(relative, relative->Sacl);
        parts->dacl = relative_part(relative, relative->Dacl);
    } else {
        parts->owner = absolute->Owner;
        parts->group = absolute->Group;
        parts->sacl = absolute->Sacl;
        parts->dacl = absolute->Dacl;
    }
    if (!(parts->control & SE_SACL_PRESENT))
        parts->sacl = NULL;
    if (!(parts->control & SE_DACL_PRESENT))
        parts->dacl = NULL;
}

bool se_parts_valid(const struct se_parts *parts)
{
    return (!parts->owner || se_sid_valid(parts->owner)) && (!parts->group || se_sid_valid(parts->group)) &&
           (!parts->sacl || se_acl_valid(parts->sacl)) && (!parts->dacl || se_acl_valid(parts->dacl));
}

static const SECURITY_DESCRIPTOR *checked(PSECURITY_DESCRIPTOR descriptor)
{
    const SECURITY_DESCRIPTOR *sd = descriptor;
    return sd && sd->Revision == SECURITY_DESCRIPTOR_REVISION ? sd : NULL;
}

EXPORT(ntoskrnl, RtlCreateSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *(SECURITY_DESCRIPTOR *)SecurityDescriptor =
        (SECURITY_DESCRIPTOR){.Revision = SECURITY_DESCRIPTOR_REVISION};
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlValidSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    struct se_parts parts;
    if (!checked(SecurityDescriptor))
        return FALSE;
    se_parts_of(SecurityDescriptor, &parts);
    return se_parts_valid(&parts);
}

EXPORT(ntoskrnl, RtlLengthSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    struct se_parts parts;
    se_parts_of(SecurityDescriptor, &parts);
    ULONG relative = se_parts_length(&parts);
    bool absolute = !(((SECURITY_DESCRIPTOR *)SecurityDescriptor)->Control & SE_SELF_RELATIVE);
    return relative +
           (absolute ? (ULONG)(sizeof(SECURITY_DESCRIPTOR) - sizeof(SECURITY_DESCRIPTOR_RELATIVE)) : 0);
}

/* ---- setting: absolute only ---- */

static NTSTATUS settable(PSECURITY_DESCRIPTOR descriptor)
{
    const SECURITY_DESCRIPTOR *sd = checked(descriptor);
    if (!sd)
        return STATUS_UNKNOWN_REVISION;
    return (sd->Control & SE_SELF_RELATIVE) ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static void set_control(SECURITY_DESCRIPTOR *sd, USHORT bit, bool set)
{
    sd->Control = (USHORT)(set ? sd->Control | bit : sd->Control & ~bit);
}

EXPORT(ntoskrnl, RtlSetDaclSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
                                            PACL Dacl, BOOLEAN DaclDefaulted)
{
    SECURITY_DESCRIPTOR *sd = SecurityDescriptor;
    NTSTATUS status = settable(sd);
    if (!NT_SUCCESS(status))
        return status;
    set_control(sd, SE_DACL_PRESENT, DaclPresent);
    if (DaclPresent) {
        sd->Dacl = Dacl;
        set_control(sd, SE_DACL_DEFAULTED, DaclDefaulted);
    }
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlSetSaclSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN SaclPresent,
                                            PACL Sacl, BOOLEAN SaclDefaulted)
{
    SECURITY_DESCRIPTOR *sd = SecurityDescriptor;
    NTSTATUS status = settable(sd);
    if (!NT_SUCCESS(status))
        return status;
    set_control(sd, SE_SACL_PRESENT, SaclPresent);
    if (SaclPresent) {
        sd->Sacl = Sacl;
        set_control(sd, SE_SACL_DEFAULTED, SaclDefaulted);
    }
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlSetOwnerSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                                             BOOLEAN OwnerDefaulted)
{
    SECURITY_DESCRIPTOR *sd = SecurityDescriptor;
    NTSTATUS status = settable(sd);
    if (!NT_SUCCESS(status))
        return status;
    sd->Owner = Owner;
    set_control(sd, SE_OWNER_DEFAULTED, OwnerDefaulted);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlSetGroupSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
                                             BOOLEAN GroupDefaulted)
{
    SECURITY_DESCRIPTOR *sd = SecurityDescriptor;
    NTSTATUS status = settable(sd);
    if (!NT_SUCCESS(status))
        return status;
    sd->Group = Group;
    set_control(sd, SE_GROUP_DEFAULTED, GroupDefaulted);
    return STATUS_SUCCESS;
}

/* ---- getting: either form; pointers into the descriptor ---- */

EXPORT(ntoskrnl, RtlGetDaclSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN DaclPresent,
                                            PACL *Dacl, PBOOLEAN DaclDefaulted)
{
    struct se_parts parts;
    if (!checked(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(SecurityDescriptor, &parts);
    *DaclPresent = (parts.control & SE_DACL_PRESENT) != 0;
    if (*DaclPresent) {
        *Dacl = (PACL)parts.dacl;
        *DaclDefaulted = (parts.control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlGetSaclSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN SaclPresent,
                                            PACL *Sacl, PBOOLEAN SaclDefaulted)
{
    struct se_parts parts;
    if (!checked(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(SecurityDescriptor, &parts);
    *SaclPresent = (parts.control & SE_SACL_PRESENT) != 0;
    if (*SaclPresent) {
        *Sacl = (PACL)parts.sacl;
        *SaclDefaulted = (parts.control & SE_SACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlGetOwnerSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Owner,
                                             PBOOLEAN OwnerDefaulted)
{
    struct se_parts parts;
    if (!checked(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(SecurityDescriptor, &parts);
    *Owner = (PSID)parts.owner;
    *OwnerDefaulted = (parts.control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlGetGroupSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Group,
                                             PBOOLEAN GroupDefaulted)
{
    struct se_parts parts;
    if (!checked(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(SecurityDescriptor, &parts);
    *Group = (PSID)parts.group;
    *GroupDefaulted = (parts.control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * Between the two forms of a descriptor, and in from callers. A self-relative
 * descriptor from outside is checked part by part against its length.
 */
#include "se/internal.h"

ULONG se_parts_length(const struct se_parts *parts)
{
    ULONG length = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
    length += parts->owner ? se_sid_length(parts->owner) : 0;
    length += parts->group ? se_sid_length(parts->group) : 0;
    length += parts->sacl ? (ULONG)ALIGN_UP(parts->sacl->AclSize, 4) : 0;
    length += parts->dacl ? (ULONG)ALIGN_UP(parts->dacl->AclSize, 4) : 0;
    return length;
}

static ULONG put_part(void *to, ULONG *at, const void *part, ULONG size)
{
    ULONG offset = *at;
    if (!part)
        return 0;
    memcpy((char *)to + offset, part, size);
    memset((char *)to + offset + size, 0, ALIGN_UP(size, 4) - size);
    *at += (ULONG)ALIGN_UP(size, 4);
    return offset;
}

void se_write_relative(const struct se_parts *parts, void *to)
{
    ULONG at = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
    SECURITY_DESCRIPTOR_RELATIVE sd = {
        SECURITY_DESCRIPTOR_REVISION, 0, (USHORT)(parts->control | SE_SELF_RELATIVE), 0, 0, 0, 0};
    sd.Sacl = put_part(to, &at, parts->sacl, parts->sacl ? parts->sacl->AclSize : 0);
    sd.Dacl = put_part(to, &at, parts->dacl, parts->dacl ? parts->dacl->AclSize : 0);
    sd.Owner = put_part(to, &at, parts->owner, parts->owner ? se_sid_length(parts->owner) : 0);
    sd.Group = put_part(to, &at, parts->group, parts->group ? se_sid_length(parts->group) : 0);
    memcpy(to, &sd, sizeof(sd));
}

NTSTATUS se_make_relative(const struct se_parts *parts, PSECURITY_DESCRIPTOR *descriptor)
{
    *descriptor = mm_alloc(se_parts_length(parts), SE_TAG);
    if (!*descriptor)
        return STATUS_INSUFFICIENT_RESOURCES;
    se_write_relative(parts, *descriptor);
    return STATUS_SUCCESS;
}

/* ---- untrusted self-relative bytes ---- */

static bool sid_fits(const void *descriptor, ULONG length, ULONG offset)
{
    const SID *sid = (const SID *)((const char *)descriptor + offset);
    if (!offset)
        return true;
    if (offset % 4 || offset < sizeof(SECURITY_DESCRIPTOR_RELATIVE) || length < offsetof(SID, SubAuthority) ||
        offset > length - offsetof(SID, SubAuthority))
        return false;
    return se_sid_valid(sid) && se_sid_length(sid) <= length - offset;
}

static bool acl_fits(const void *descriptor, ULONG length, ULONG offset)
{
    const ACL *acl = (const ACL *)((const char *)descriptor + offset);
    if (!offset)
        return true;
    if (offset % 4 || offset < sizeof(SECURITY_DESCRIPTOR_RELATIVE) || length < sizeof(*acl) ||
        offset > length - sizeof(*acl))
        return false;
    return acl->AclSize <= length - offset && se_acl_valid(acl);
}

bool se_relative_valid(const void *descriptor, ULONG length)
{
    const SECURITY_DESCRIPTOR_RELATIVE *sd = descriptor;
    if (length < sizeof(*sd) || sd->Revision != SECURITY_DESCRIPTOR_REVISION ||
        !(sd->Control & SE_SELF_RELATIVE))
        return false;
    return sid_fits(sd, length, sd->Owner) && sid_fits(sd, length, sd->Group) &&
           (!(sd->Control & SE_SACL_PRESENT) || acl_fits(sd, length, sd->Sacl)) &&
           (!(sd->Control & SE_DACL_PRESENT) || acl_fits(sd, length, sd->Dacl));
}

EXPORT(ntoskrnl, RtlValidRelativeSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
                                                 ULONG SecurityDescriptorLength,
                                                 SECURITY_INFORMATION RequiredInformation)
{
    const SECURITY_DESCRIPTOR_RELATIVE *sd = SecurityDescriptorInput;
    if (!se_relative_valid(sd, SecurityDescriptorLength))
        return FALSE;
    if ((RequiredInformation & OWNER_SECURITY_INFORMATION) && !sd->Owner)
        return FALSE;
    if ((RequiredInformation & GROUP_SECURITY_INFORMATION) && !sd->Group)
        return FALSE;
    if ((RequiredInformation & DACL_SECURITY_INFORMATION) && !(sd->Control & SE_DACL_PRESENT))
        return FALSE;
    return !(RequiredInformation & SACL_SECURITY_INFORMATION) || (sd->Control & SE_SACL_PRESENT);
}

EXPORT(ntoskrnl, SeValidSecurityDescriptor, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return se_relative_valid(SecurityDescriptor, Length);
}

/* ---- conversions ---- */

EXPORT(ntoskrnl, RtlAbsoluteToSelfRelativeSD, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                           PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                           PULONG BufferLength)
{
    struct se_parts parts;
    const SECURITY_DESCRIPTOR *sd = AbsoluteSecurityDescriptor;
    if (sd->Revision != SECURITY_DESCRIPTOR_REVISION || (sd->Control & SE_SELF_RELATIVE))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    se_parts_of(sd, &parts);
    ULONG length = se_parts_length(&parts);
    if (*BufferLength < length) {
        *BufferLength = length;
        return STATUS_BUFFER_TOO_SMALL;
    }
    se_write_relative(&parts, SelfRelativeSecurityDescriptor);
    *BufferLength = length;
    return STATUS_SUCCESS;
}

/* One part of an absolute descriptor goes to the caller's buffer for it. */
struct part_copy {
    const void *from;
    ULONG size;
    void *to;
    PULONG room;
};

static bool all_fit(struct part_copy *copies, unsigned count)
{
    bool fit = true;
    for (unsigned i = 0; i < count; i++) {
        fit = fit && *copies[i].room >= copies[i].size;
        *copies[i].room = copies[i].size;
    }
    return fit;
}

static void *copy_part(const struct part_copy *copy)
{
    if (!copy->from)
        return NULL;
    memcpy(copy->to, copy->from, copy->size);
    return copy->to;
}

EXPORT(ntoskrnl, RtlSelfRelativeToAbsoluteSD, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                           PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                           PULONG AbsoluteSecurityDescriptorSize, PACL Dacl, PULONG DaclSize,
                                           PACL Sacl, PULONG SaclSize, PSID Owner, PULONG OwnerSize,
                                           PSID PrimaryGroup, PULONG PrimaryGroupSize)
{
    struct se_parts parts;
    const SECURITY_DESCRIPTOR_RELATIVE *relative = SelfRelativeSecurityDescriptor;
    if (relative->Revision != SECURITY_DESCRIPTOR_REVISION || !(relative->Control & SE_SELF_RELATIVE))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    se_parts_of(relative, &parts);
    struct part_copy copies[] = {
        {NULL, sizeof(SECURITY_DESCRIPTOR), AbsoluteSecurityDescriptor, AbsoluteSecurityDescriptorSize},
        {parts.dacl, parts.dacl ? parts.dacl->AclSize : 0, Dacl, DaclSize},
        {parts.sacl, parts.sacl ? parts.sacl->AclSize : 0, Sacl, SaclSize},
        {parts.owner, parts.owner ? se_sid_length(parts.owner) : 0, Owner, OwnerSize},
        {parts.group, parts.group ? se_sid_length(parts.group) : 0, PrimaryGroup, PrimaryGroupSize},
    };
    if (!all_fit(copies, countof(copies)))
        return STATUS_BUFFER_TOO_SMALL;
    *(SECURITY_DESCRIPTOR *)AbsoluteSecurityDescriptor = (SECURITY_DESCRIPTOR){
        .Revision = SECURITY_DESCRIPTOR_REVISION,
        .Control = parts.control,
        .Dacl = copy_part(&copies[1]),
        .Sacl = copy_part(&copies[2]),
        .Owner = copy_part(&copies[3]),
        .Group = copy_part(&copies[4]),
    };
    return STATUS_SUCCESS;
}

/* ---- capturing ---- */

static ULONG relative_end(const SECURITY_DESCRIPTOR_RELATIVE *sd)
{
    struct se_parts parts;
    se_parts_of(sd, &parts);
    return se_parts_length(&parts);
}

/* A part of a user's descriptor: its header says how long it is; copied guarded. */
static NTSTATUS capture_part(const void *from, bool acl, void **part)
{
    union {
        ACL acl;
        SID sid;
    } header;
    *part = NULL;
    if (!from)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_copy_in(&header, from, sizeof(ACL), UserMode);
    if (!NT_SUCCESS(status))
        return status;
    ULONG size = acl ? header.acl.AclSize : se_sid_length(&header.sid);
    if (acl ? size < sizeof(ACL) : !se_sid_valid(&header.sid))
        return acl ? STATUS_INVALID_ACL : STATUS_INVALID_SID;
    *part = mm_alloc(size, SE_TAG);
    if (!*part)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ob_copy_in(*part, from, size, UserMode);
    if (acl ? ((ACL *)*part)->AclSize != size : se_sid_length(*part) != size)
        status = STATUS_INVALID_SECURITY_DESCR; /* it changed under us */
    return status;
}

static NTSTATUS capture_user_parts(const struct se_parts *user, struct se_parts *ours)
{
    *ours = (struct se_parts){.control = user->control};
    NTSTATUS status = capture_part(user->owner, false, (void **)&ours->owner);
    if (NT_SUCCESS(status))
        status = capture_part(user->group, false, (void **)&ours->group);
    if (NT_SUCCESS(status))
        status = capture_part(user->sacl, true, (void **)&ours->sacl);
    if (NT_SUCCESS(status))
        status = capture_part(user->dacl, true, (void **)&ours->dacl);
    return status;
}

static void free_parts(const struct se_parts *parts)
{
    const void *all[] = {parts->owner, parts->group, parts->sacl, parts->dacl};
    for (unsigned i = 0; i < countof(all); i++)
        if (all[i])
            mm_free((void *)all[i]);
}

static NTSTATUS checked_relative(const struct se_parts *parts, PSECURITY_DESCRIPTOR *captured)
{
    return se_parts_valid(parts) ? se_make_relative(parts, captured) : STATUS_INVALID_SECURITY_DESCR;
}

static NTSTATUS capture_user(const void *descriptor, PSECURITY_DESCRIPTOR *captured)
{
    SECURITY_DESCRIPTOR head = {0};
    struct se_parts user, ours;
    NTSTATUS status = ob_copy_in(&head, descriptor, sizeof(SECURITY_DESCRIPTOR_RELATIVE), UserMode);
    if (NT_SUCCESS(status) && !(head.Control & SE_SELF_RELATIVE))
        status = ob_copy_in(&head, descriptor, sizeof(head), UserMode);
    if (!NT_SUCCESS(status))
        return status;
    if (head.Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(&head, &user);
    if (head.Control & SE_SELF_RELATIVE) { /* offsets count from the user's address, not from our copy */
        intptr_t move = (const char *)descriptor - (const char *)&head;
        const void **all[] = {(const void **)&user.owner, (const void **)&user.group,
                              (const void **)&user.sacl, (const void **)&user.dacl};
        for (unsigned i = 0; i < countof(all); i++)
            if (*all[i])
                *all[i] = (const char *)*all[i] + move;
    }
    status = capture_user_parts(&user, &ours);
    if (NT_SUCCESS(status))
        status = checked_relative(&ours, captured);
    free_parts(&ours);
    return status;
}

NTSTATUS se_capture(PSECURITY_DESCRIPTOR descriptor, KPROCESSOR_MODE mode, PSECURITY_DESCRIPTOR *captured)
{
    struct se_parts parts;
    *captured = NULL;
    if (mode != KernelMode)
        return capture_user(descriptor, captured);
    if (((SECURITY_DESCRIPTOR *)descriptor)->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    se_parts_of(descriptor, &parts);
    return checked_relative(&parts, captured);
}

void *se_pool(size_t size)
{
    return mm_pool_allocate(PagedPool, size, SE_TAG, true, NULL);
}

/*
 * A self-relative copy in paged pool, freed by SeReleaseSecurityDescriptor (or ExFreePool). A kernel-mode
 * caller's descriptor is copied only when ForceCapture is TRUE: else the output is the input. Source:
 * exported by every ntoskrnl and used by the static wdmsec library; undocumented.
 */
EXPORT(ntoskrnl, SeCaptureSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeCaptureSecurityDescriptor(PSECURITY_DESCRIPTOR InputSecurityDescriptor,
                                           KPROCESSOR_MODE RequestorMode, POOL_TYPE PoolType,
                                           BOOLEAN ForceCapture,
                                           PSECURITY_DESCRIPTOR *OutputSecurityDescriptor)
{
    PSECURITY_DESCRIPTOR captured;
    *OutputSecurityDescriptor = NULL;
    if (!InputSecurityDescriptor)
        return STATUS_SUCCESS;
    if (RequestorMode == KernelMode && !ForceCapture) {
        *OutputSecurityDescriptor = InputSecurityDescriptor;
        return STATUS_SUCCESS;
    }
    NTSTATUS status = se_capture(InputSecurityDescriptor, RequestorMode, &captured);
    if (!NT_SUCCESS(status))
        return status;
    ULONG length = relative_end(captured);
    void *copy = mm_pool_allocate(PoolType, length, SE_TAG, false, __builtin_return_address(0));
    if (copy)
        *OutputSecurityDescriptor = memcpy(copy, captured, length);
    mm_free(captured);
    return copy ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Source: as SeCaptureSecurityDescriptor; frees exactly what that allocated. */
EXPORT(ntoskrnl, SeReleaseSecurityDescriptor, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI SeReleaseSecurityDescriptor(PSECURITY_DESCRIPTOR CapturedSecurityDescriptor,
                                           KPROCESSOR_MODE RequestorMode, BOOLEAN ForceCapture)
{
    if (CapturedSecurityDescriptor && (RequestorMode == UserMode || ForceCapture))
        mm_pool_free(CapturedSecurityDescriptor, 0, __builtin_return_address(0));
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * Security of objects. Types without a security routine of their own keep a
 * self-relative descriptor in the header, guarded by one lock; merging, and
 * the check itself, are se's. An object without a descriptor grants all.
 */
#include "ob/object.h"
#include "ob/security.h"
#include "ob/services.h"

NTSTATUS(*ob_access_check)
(PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired, const GENERIC_MAPPING *mapping, KPROCESSOR_MODE mode,
 ACCESS_MASK *granted);
struct ob_security_ops ob_security_ops;
static rl_lock security_lock;

ACCESS_MASK ob_map_access(const struct ob_type *type, ACCESS_MASK desired)
{
    const GENERIC_MAPPING *mapping = &type->ops.mapping;
    ACCESS_MASK mapped = desired & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
    if (desired & GENERIC_READ)
        mapped |= mapping->GenericRead;
    if (desired & GENERIC_WRITE)
        mapped |= mapping->GenericWrite;
    if (desired & GENERIC_EXECUTE)
        mapped |= mapping->GenericExecute;
    if (desired & GENERIC_ALL)
        mapped |= mapping->GenericAll;
    return mapped;
}

static ACCESS_MASK grant_all(const struct ob_type *type, ACCESS_MASK desired)
{
    ACCESS_MASK granted = ob_map_access(type, desired);
    if (granted & MAXIMUM_ALLOWED)
        granted = (granted & ~MAXIMUM_ALLOWED) | type->ops.mapping.GenericAll;
    return granted & (type->ops.valid_access | ACCESS_SYSTEM_SECURITY);
}

NTSTATUS ob_check_access(void *body, ACCESS_MASK desired, KPROCESSOR_MODE mode, ACCESS_MASK *granted)
{
    struct ob_header *header = ob_header_of(body);
    *granted = grant_all(header->type, desired);
    if (mode == KernelMode || !ob_access_check)
        return STATUS_SUCCESS;
    PSECURITY_DESCRIPTOR descriptor;
    BOOLEAN allocated;
    NTSTATUS status = ObGetObjectSecurity(body, &descriptor, &allocated);
    if (!NT_SUCCESS(status))
        return status;
    if (descriptor)
        status = ob_access_check(descriptor, desired, &header->type->ops.mapping, mode, granted);
    ObReleaseObjectSecurity(descriptor, allocated);
    return status;
}

/* Into `copy`, which has room for `room` bytes; returns the size, 0 when there is none. */
static ULONG read_descriptor(struct ob_header *header, void *copy, ULONG room)
{
    rl_lock_acquire(&security_lock);
    ULONG length = header->security ? ob_security_ops.length(header->security) : 0;
    if (length && length <= room)
        memcpy(copy, header->security, length);
    rl_lock_release(&security_lock);
    return length;
}

/* A copy of the header's descriptor in pool; NULL with success: it has none. It may change size meanwhile. */
static NTSTATUS copy_descriptor(struct ob_header *header, PSECURITY_DESCRIPTOR *copy)
{
    ULONG room = 0, length;
    *copy = NULL;
    while ((length = read_descriptor(header, *copy, room)) > room) {
        if (*copy)
            mm_free(*copy);
        room = length;
        *copy = mm_alloc(room, OB_TAG_CAPTURE);
        if (!*copy)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (length == 0 && *copy) {
        mm_free(*copy);
        *copy = NULL;
    }
    return STATUS_SUCCESS;
}

/* A copy of what the type's own routine says. */
static NTSTATUS ask_type(struct ob_header *header, PSECURITY_DESCRIPTOR *copy)
{
    ULONG length = 0;
    SECURITY_INFORMATION all = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                               DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION;
    NTSTATUS status = header->type->ops.security(header->body, OB_SECURITY_QUERY, &all, NULL, &length);
    *copy = NULL;
    if (status != STATUS_BUFFER_TOO_SMALL)
        return status;
    *copy = mm_alloc(length, OB_TAG_CAPTURE);
    if (!*copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = header->type->ops.security(header->body, OB_SECURITY_QUERY, &all, *copy, &length);
    if (!NT_SUCCESS(status)) {
        mm_free(*copy);
        *copy = NULL;
    }
    return status;
}

/* Gives a copy of an object's descriptor (MemoryAllocated TRUE), or NULL. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, ObGetObjectSecurity, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
                                   PBOOLEAN MemoryAllocated)
{
    struct ob_header *header = ob_header_of(Object);
    NTSTATUS status = header->type->ops.security ? ask_type(header, SecurityDescriptor)
                                                 : copy_descriptor(header, SecurityDescriptor);
    *MemoryAllocated = NT_SUCCESS(status) && *SecurityDescriptor != NULL;
    return status;
}

EXPORT(ntoskrnl, ObReleaseObjectSecurity, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated)
{
    if (SecurityDescriptor && MemoryAllocated)
        mm_free(SecurityDescriptor);
}

void ob_set_descriptor(void *body, PSECURITY_DESCRIPTOR descriptor)
{
    struct ob_header *header = ob_header_of(body);
    rl_lock_acquire(&security_lock);
    PSECURITY_DESCRIPTOR old = header->security;
    header->security = descriptor;
    rl_lock_release(&security_lock);
    if (old)
        mm_free(old);
}

/* Replaces the parts that `information` names; descriptor: captured, self-relative. */
static NTSTATUS set_parts(struct ob_header *header, SECURITY_INFORMATION information,
                          PSECURITY_DESCRIPTOR descriptor)
{
    ULONG length = ob_security_ops.length(descriptor);
    if (header->type->ops.security)
        return header->type->ops.security(header->body, OB_SECURITY_SET, &information, descriptor, &length);
    PSECURITY_DESCRIPTOR old, merged;
    NTSTATUS status = copy_descriptor(header, &old);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_security_ops.merge(information, old, descriptor, &merged);
    if (old)
        mm_free(old);
    if (NT_SUCCESS(status))
        ob_set_descriptor(header->body, merged);
    return status;
}

static ACCESS_MASK access_to_set(SECURITY_INFORMATION information)
{
    ACCESS_MASK access = 0;
    if (information & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION))
        access |= WRITE_OWNER;
    if (information & DACL_SECURITY_INFORMATION)
        access |= WRITE_DAC;
    if (information & SACL_SECURITY_INFORMATION)
        access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

NTSTATUS ob_set_security(void *body, SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR descriptor,
                         KPROCESSOR_MODE mode)
{
    PSECURITY_DESCRIPTOR captured;
    if (!descriptor)
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS status = ob_security_ops.capture(descriptor, mode, &captured);
    if (!NT_SUCCESS(status))
        return status;
    status = set_parts(ob_header_of(body), information, captured);
    mm_free(captured);
    return status;
}

EXPORT(ntoskrnl, NtSetSecurityObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                   PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    void *body;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status =
        ob_reference_by_handle(Handle, access_to_set(SecurityInformation), NULL, mode, &body, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_set_security(body, SecurityInformation, SecurityDescriptor, mode);
    ob_dereference(body);
    return status;
}

EXPORT(ntoskrnl, ZwSetSecurityObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                   PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return ZW_CALL(NtSetSecurityObject(Handle, SecurityInformation, SecurityDescriptor));
}

EXPORT(ntoskrnl, ObSetSecurityObjectByPointer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI ObSetSecurityObjectByPointer(PVOID Object, SECURITY_INFORMATION SecurityInformation,
                                            PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return ob_set_security(Object, SecurityInformation, SecurityDescriptor, KernelMode);
}

static ACCESS_MASK access_to_query(SECURITY_INFORMATION information)
{
    ACCESS_MASK access = 0;
    if (information & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                       LABEL_SECURITY_INFORMATION))
        access |= READ_CONTROL;
    if (information & SACL_SECURITY_INFORMATION)
        access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

enum { DESCRIPTOR_MAX = 64 * 1024 };

/* The type's routine answers for exactly these parts, into a buffer of ours. */
static NTSTATUS report_of_type(struct ob_header *header, SECURITY_INFORMATION information, void *buffer,
                               ULONG length, ULONG *needed, KPROCESSOR_MODE mode)
{
    ULONG room = MIN(length, DESCRIPTOR_MAX);
    void *copy = room ? mm_alloc(room, OB_TAG_CAPTURE) : NULL;
    if (room && !copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    *needed = room;
    NTSTATUS status = header->type->ops.security(header->body, OB_SECURITY_QUERY, &information, copy, needed);
    if (NT_SUCCESS(status) && *needed <= room)
        status = ob_copy_out(buffer, copy, *needed, mode);
    if (copy)
        mm_free(copy);
    return status;
}

/* Writes the parts asked for to the caller; *needed is their size. */
static NTSTATUS report_parts(void *body, SECURITY_INFORMATION information, void *buffer, ULONG length,
                             ULONG *needed, KPROCESSOR_MODE mode)
{
    PSECURITY_DESCRIPTOR whole, part = NULL;
    BOOLEAN allocated;
    if (ob_header_of(body)->type->ops.security)
        return report_of_type(ob_header_of(body), information, buffer, length, needed, mode);
    NTSTATUS status = ObGetObjectSecurity(body, &whole, &allocated);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_security_ops.select(information, whole, &part);
    if (NT_SUCCESS(status)) {
        *needed = ob_security_ops.length(part);
        status = length < *needed ? STATUS_BUFFER_TOO_SMALL : ob_copy_out(buffer, part, *needed, mode);
        mm_free(part);
    }
    ObReleaseObjectSecurity(whole, allocated);
    return status;
}

NTSTATUS NTAPI NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                     PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
                                     PULONG LengthNeeded)
{
    void *body;
    ULONG needed = 0;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status =
        ob_reference_by_handle(Handle, access_to_query(SecurityInformation), NULL, mode, &body, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = report_parts(body, SecurityInformation, SecurityDescriptor, Length, &needed, mode);
    ob_dereference(body);
    NTSTATUS told = ob_copy_out(LengthNeeded, &needed, sizeof(needed), mode);
    return NT_SUCCESS(told) ? status : told;
}

EXPORT(ntoskrnl, ZwQuerySecurityObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                                     PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
                                     PULONG LengthNeeded)
{
    return ZW_CALL(
        NtQuerySecurityObject(Handle, SecurityInformation, SecurityDescriptor, Length, LengthNeeded));
}

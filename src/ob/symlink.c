/* SPDX-License-Identifier: MIT */
/*
 * Symbolic links: names that stand for names. The target is text, looked up
 * anew at each use, and need not exist; it never changes after creation.
 */
#include "ke/held.h"
#include "ob/object.h"
#include "ob/services.h"
#include "rtl/rtl.h"
#include "host/host.h"

struct ob_type *ob_symbolic_link_type;

static void delete_link(void *body)
{
    struct ob_symbolic_link *link = body;
    ke_unhold(KE_HELD_LINK, link);
    if (link->target.Buffer)
        mm_free(link->target.Buffer);
}

static const struct ob_type_ops link_ops = {
    .name = "SymbolicLink",
    .pool_tag = 0x626d7953, /* 'Symb' */
    .valid_access = SYMBOLIC_LINK_ALL_ACCESS,
    .mapping = {STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY, STANDARD_RIGHTS_WRITE,
                STANDARD_RIGHTS_EXECUTE | SYMBOLIC_LINK_QUERY, SYMBOLIC_LINK_ALL_ACCESS},
    .dispatcher_offset = -1,
    .delete_ = delete_link,
};

NTSTATUS ob_symbolic_link_init(void)
{
    ob_symbolic_link_type = ob_type_create(&link_ops);
    return ob_symbolic_link_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void *ob_link_create(const UNICODE_STRING *target)
{
    struct ob_symbolic_link *link = ob_create(ob_symbolic_link_type, sizeof(*link));
    if (!link)
        return NULL;
    link->create_time.QuadPart = (LONGLONG)host_system_time();
    link->target.Buffer = mm_alloc(target->Length + sizeof(WCHAR), OB_TAG_NAME);
    if (!link->target.Buffer) {
        ob_dereference(link);
        return NULL;
    }
    memcpy(link->target.Buffer, target->Buffer, target->Length);
    link->target.Length = target->Length;
    link->target.MaximumLength = target->Length + sizeof(WCHAR);
    return link;
}

NTSTATUS ob_make_link(const WCHAR *path, const WCHAR *target)
{
    UNICODE_STRING name, text;
    rtl_init_string(&name, path);
    rtl_init_string(&text, target);
    void *link = ob_link_create(&text);
    if (!link)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = ob_insert(link, &name, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    ob_dereference(link);
    return status;
}

static NTSTATUS capture_target(PUNICODE_STRING target, KPROCESSOR_MODE mode, UNICODE_STRING *captured)
{
    NTSTATUS status = ob_capture_string(target, mode, captured);
    if (status == STATUS_OBJECT_NAME_INVALID || (NT_SUCCESS(status) && !captured->Length))
        return STATUS_INVALID_PARAMETER;
    return status;
}

NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                          POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
    UNICODE_STRING target;
    NTSTATUS status = capture_target(LinkTarget, ke_previous_mode(), &target);
    if (!NT_SUCCESS(status))
        return status;
    void *link = ob_link_create(&target);
    mm_free(target.Buffer);
    if (!link)
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_hold(KE_HELD_LINK, link);
    return ob_create_service(link, LinkHandle, DesiredAccess, ObjectAttributes);
}

EXPORT(ntoskrnl, ZwCreateSymbolicLinkObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                          POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
    return ZW_CALL(NtCreateSymbolicLinkObject(LinkHandle, DesiredAccess, ObjectAttributes, LinkTarget));
}

NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                        POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ob_open_service(LinkHandle, DesiredAccess, ObjectAttributes, ob_symbolic_link_type);
}

EXPORT(ntoskrnl, ZwOpenSymbolicLinkObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                        POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtOpenSymbolicLinkObject(LinkHandle, DesiredAccess, ObjectAttributes));
}

/* ReturnedLength, where given, counts the terminator; the string's Length does not. */
static NTSTATUS report_target(const UNICODE_STRING *target, PUNICODE_STRING to, PULONG returned,
                              KPROCESSOR_MODE mode)
{
    UNICODE_STRING room;
    ULONG needed = target->Length + (ULONG)sizeof(WCHAR);
    NTSTATUS status = ob_copy_in(&room, to, sizeof(room), mode);
    if (!NT_SUCCESS(status))
        return status;
    if (returned)
        status = ob_copy_out(returned, &needed, sizeof(needed), mode);
    if (!NT_SUCCESS(status))
        return status;
    if (room.MaximumLength < (returned ? needed : target->Length))
        return STATUS_BUFFER_TOO_SMALL;
    status = ob_copy_out(room.Buffer, target->Buffer, MIN(needed, room.MaximumLength), mode);
    return NT_SUCCESS(status) ? ob_copy_out(&to->Length, &target->Length, sizeof(to->Length), mode) : status;
}

NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
    void *body;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status =
        ob_reference_by_handle(LinkHandle, SYMBOLIC_LINK_QUERY, ob_symbolic_link_type, mode, &body, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = report_target(&((struct ob_symbolic_link *)body)->target, LinkTarget, ReturnedLength, mode);
    ob_dereference(body);
    return status;
}

EXPORT(ntoskrnl, ZwQuerySymbolicLinkObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
    return ZW_CALL(NtQuerySymbolicLinkObject(LinkHandle, LinkTarget, ReturnedLength));
}

/* SPDX-License-Identifier: MIT */
/* Opening, creating, deleting and flushing keys. */
#include "cm/callbacks.h"
#include "cm/store.h"

static NTSTATUS open_with(HANDLE *handle, ACCESS_MASK desired, const OBJECT_ATTRIBUTES *attributes,
                          struct cm_create *create, ULONG more_attributes)
{
    struct ob_captured captured;
    KPROCESSOR_MODE mode = ke_previous_mode();
    void *body;
    struct ob_open_request request = {
        .desired_access = desired, .mode = mode, .wanted = cm_key_type, .context = create};
    if (!attributes)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = ob_capture_attributes(attributes, mode, &captured);
    captured.attributes |= more_attributes;
    if (NT_SUCCESS(status) && captured.root && captured.name.Length && captured.name.Buffer[0] == '\\')
        status = STATUS_OBJECT_PATH_SYNTAX_BAD; /* relative to a key, so without a leading backslash */
    if (NT_SUCCESS(status))
        status = ob_open_captured(&captured, &request, &body);
    ob_release_captured(&captured);
    if (!NT_SUCCESS(status))
        return status;
    desired &= ~(ACCESS_MASK)KEY_WOW64_RES; /* one view of the registry: which is asked for does not matter */
    status = ob_give_handle(body, handle, desired, &request, mode);
    ob_dereference(body);
    return status;
}

NTSTATUS NTAPI NtOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return open_with(KeyHandle, DesiredAccess, ObjectAttributes, NULL, 0);
}

EXPORT(ntoskrnl, ZwOpenKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtOpenKey(KeyHandle, DesiredAccess, ObjectAttributes));
}

/* OpenOptions: REG_OPTION_OPEN_LINK opens a link key itself; REG_OPTION_BACKUP_RESTORE asks for what an
 * administrator has. */
NTSTATUS NTAPI NtOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG OpenOptions)
{
    if (OpenOptions & ~(ULONG)(REG_OPTION_OPEN_LINK | REG_OPTION_BACKUP_RESTORE))
        return STATUS_INVALID_PARAMETER;
    return open_with(KeyHandle, DesiredAccess, ObjectAttributes, NULL,
                     (OpenOptions & REG_OPTION_OPEN_LINK) ? OBJ_OPENLINK : 0);
}

EXPORT(ntoskrnl, ZwOpenKeyEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG OpenOptions)
{
    return ZW_CALL(NtOpenKeyEx(KeyHandle, DesiredAccess, ObjectAttributes, OpenOptions));
}

#define VALID_CREATE_OPTIONS                                                                                 \
    (REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK | REG_OPTION_BACKUP_RESTORE | REG_OPTION_OPEN_LINK)

NTSTATUS NTAPI NtCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG TitleIndex, PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    struct cm_create create = {.options = CreateOptions};
    NTSTATUS status = STATUS_SUCCESS;
    if (CreateOptions & ~(ULONG)VALID_CREATE_OPTIONS)
        return STATUS_INVALID_PARAMETER;
    if (Class)
        status = ob_capture_string(Class, mode, &create.class_name);
    if (NT_SUCCESS(status))
        status = open_with(KeyHandle, DesiredAccess, ObjectAttributes, &create, 0);
    if (create.class_name.Buffer)
        mm_free(create.class_name.Buffer);
    if (NT_SUCCESS(status) && Disposition)
        status = ob_copy_out(Disposition, &create.disposition, sizeof(*Disposition), mode);
    return status;
}

EXPORT(ntoskrnl, ZwCreateKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG TitleIndex, PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    return ZW_CALL(NtCreateKey(KeyHandle, DesiredAccess, ObjectAttributes, TitleIndex, Class, CreateOptions,
                               Disposition));
}

static NTSTATUS delete_key(void *object)
{
    struct cm_key *key;
    NTSTATUS status = cm_lock_key(object, &key);
    if (NT_SUCCESS(status)) {
        status = cm_remove_key(key);
        rl_lock_release(&cm_lock);
    }
    return status;
}

/* An operation on the key alone, with registered routines around it. */
static NTSTATUS on_key(HANDLE handle, ACCESS_MASK access, REG_NOTIFY_CLASS before, REG_NOTIFY_CLASS after,
                       NTSTATUS (*operation)(void *object))
{
    struct cm_key_object *object;
    REG_DELETE_KEY_INFORMATION information = {0}; /* that of a flush is the same */
    struct cm_notice notice = {
        .before = before, .after = after, .information = &information, .contexts = &information.CallContext};
    NTSTATUS status = cm_reference_key(handle, access, ke_previous_mode(), &object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_notified(&notice, object, operation, object);
    ob_dereference(object);
    return status;
}

NTSTATUS NTAPI NtDeleteKey(HANDLE KeyHandle)
{
    return on_key(KeyHandle, DELETE, RegNtPreDeleteKey, RegNtPostDeleteKey, delete_key);
}

EXPORT(ntoskrnl, ZwDeleteKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    return ZW_CALL(NtDeleteKey(KeyHandle));
}

/* The registry has no storage but memory: what was set is as safe as it will be, so only the key is checked.
 */
static NTSTATUS flush_key(void *object)
{
    struct cm_key *key;
    NTSTATUS status = cm_lock_key(object, &key);
    if (NT_SUCCESS(status))
        rl_lock_release(&cm_lock);
    return status;
}

NTSTATUS NTAPI NtFlushKey(HANDLE KeyHandle)
{
    return on_key(KeyHandle, 0, RegNtPreFlushKey, RegNtPostFlushKey, flush_key);
}

EXPORT(ntoskrnl, ZwFlushKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
    return ZW_CALL(NtFlushKey(KeyHandle));
}

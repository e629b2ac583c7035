/* SPDX-License-Identifier: MIT */
/*
 * ZwDuplicateObject: a handle of one process becomes one of another. Also a
 * way to close a handle of another process (DUPLICATE_CLOSE_SOURCE alone).
 */
#include "ob/handles.h"
#include "ps/internal.h"

struct duplicate {
    struct ke_process *source, *target; /* referenced; target may be NULL */
    HANDLE handle;
    ACCESS_MASK desired;
    ULONG attributes, options;
    KPROCESSOR_MODE mode;
};

static NTSTATUS reference_source(const struct duplicate *duplicate, void **body,
                                 OBJECT_HANDLE_INFORMATION *information)
{
    bool pseudo = (LONG64)duplicate->handle == -1 || (LONG64)duplicate->handle == -2;
    if (pseudo || ob_is_kernel_handle_value(duplicate->handle))
        return ob_reference_handle(duplicate->handle, 0, NULL, duplicate->mode, body, information);
    return ob_table_reference(duplicate->source->handles, duplicate->handle, 0, NULL, duplicate->mode, body,
                              information);
}

/* More access than the source handle has is granted only as if the object were opened anew. */
static NTSTATUS access_of(const struct duplicate *duplicate, void *body, ACCESS_MASK had,
                          ACCESS_MASK *granted)
{
    *granted = had;
    if (duplicate->options & DUPLICATE_SAME_ACCESS)
        return STATUS_SUCCESS;
    ob_check_access(body, duplicate->desired, KernelMode, granted);
    if ((*granted & ~had) == 0)
        return STATUS_SUCCESS;
    return ob_check_access(body, duplicate->desired, duplicate->mode, granted);
}

static NTSTATUS make_target(const struct duplicate *duplicate, void *body,
                            const OBJECT_HANDLE_INFORMATION *had, HANDLE *made)
{
    ACCESS_MASK granted;
    bool same = duplicate->options & DUPLICATE_SAME_ATTRIBUTES;
    ULONG attributes = same ? had->HandleAttributes : duplicate->attributes;
    struct ob_open_request request = {.desired_access = duplicate->desired,
                                      .attributes = attributes,
                                      .mode = duplicate->mode,
                                      .source_process = duplicate->source,
                                      .target_process = duplicate->target};
    NTSTATUS status = access_of(duplicate, body, had->GrantedAccess, &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (attributes & OBJ_KERNEL_HANDLE)
        return duplicate->mode == KernelMode ? ob_handle_create(body, granted, attributes, &request, made)
                                             : STATUS_INVALID_PARAMETER;
    return ob_table_create_handle(duplicate->target->handles, body, granted, attributes, &request, made);
}

static NTSTATUS close_source(const struct duplicate *duplicate)
{
    if (ob_is_kernel_handle_value(duplicate->handle))
        return ob_handle_close(duplicate->handle, duplicate->mode);
    return ob_table_close(duplicate->source->handles, duplicate->handle, UserMode, false);
}

static NTSTATUS run(const struct duplicate *duplicate, HANDLE *made)
{
    void *body;
    OBJECT_HANDLE_INFORMATION had;
    NTSTATUS status = reference_source(duplicate, &body, &had);
    if (!NT_SUCCESS(status))
        return status;
    if (duplicate->target)
        status = make_target(duplicate, body, &had, made);
    ob_dereference(body);
    /* The source is closed whether or not the copy could be made. */
    if (duplicate->options & DUPLICATE_CLOSE_SOURCE)
        close_source(duplicate);
    return status;
}

static NTSTATUS reference_process(HANDLE handle, KPROCESSOR_MODE mode, struct ke_process **process)
{
    return ob_reference_by_handle(handle, PROCESS_DUP_HANDLE, ps_process_type, mode, (void **)process, NULL);
}

EXPORT(ntoskrnl, NtDuplicateObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                                 PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                 ULONG Options)
{
    HANDLE made = NULL;
    struct duplicate duplicate = {.handle = SourceHandle,
                                  .desired = DesiredAccess,
                                  .attributes = HandleAttributes,
                                  .options = Options,
                                  .mode = ke_previous_mode()};
    if (!TargetProcessHandle && !(Options & DUPLICATE_CLOSE_SOURCE))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = reference_process(SourceProcessHandle, duplicate.mode, &duplicate.source);
    if (NT_SUCCESS(status) && TargetProcessHandle)
        status = reference_process(TargetProcessHandle, duplicate.mode, &duplicate.target);
    if (NT_SUCCESS(status))
        status = run(&duplicate, &made);
    if (NT_SUCCESS(status) && TargetHandle)
        status = ob_copy_out(TargetHandle, &made, sizeof(made), duplicate.mode);
    if (duplicate.source)
        ob_dereference(duplicate.source);
    if (duplicate.target)
        ob_dereference(duplicate.target);
    return status;
}

EXPORT(ntoskrnl, ZwDuplicateObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                                 PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                 ULONG Options)
{
    return ZW_CALL(NtDuplicateObject(SourceProcessHandle, SourceHandle, TargetProcessHandle, TargetHandle,
                                     DesiredAccess, HandleAttributes, Options));
}

/* SPDX-License-Identifier: MIT */
/*
 * Handles and what they count. A handle is an entry in a table, one reference
 * to the object and one of its handle count; closing the last handle takes the
 * name of a temporary object away. A type hears of every handle that opens and
 * closes, with no lock held.
 */
#include "ob/callbacks.h"
#include "ob/handles.h"
#include "ob/services.h"

struct ob_handle_table *(*ob_current_table)(void);
void *(*ob_pseudo_handle)(HANDLE handle);
static struct ob_handle_table *kernel_table;

struct ob_handle_table *ob_kernel_table(void)
{
    return kernel_table;
}

NTSTATUS ob_handles_init(void)
{
    kernel_table = ob_handle_table_create();
    return kernel_table ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void ob_handles_fini(void)
{
    kernel_table = NULL;
    ob_current_table = NULL;
    ob_pseudo_handle = NULL;
}

static struct ob_handle_table *current_table(void)
{
    struct ob_handle_table *table = ob_current_table ? ob_current_table() : NULL;
    return table ? table : kernel_table;
}

struct ob_handle_table *ob_table_for(HANDLE handle, KPROCESSOR_MODE mode)
{
    if (ob_is_kernel_handle_value(handle))
        return mode == KernelMode ? kernel_table : NULL;
    return current_table();
}

/* ---- opening ---- */

static void count_handle(struct ob_header *header)
{
    LONG handles = __atomic_add_fetch(&header->type->handles, 1, __ATOMIC_RELAXED);
    if (handles > header->type->peak_handles)
        header->type->peak_handles = handles;
    __atomic_add_fetch(&header->handle_count, 1, __ATOMIC_SEQ_CST);
    ob_reference(header->body);
}

/* Undoes count_handle, telling the type. process_handles: before, in the table it was in. */
static void uncount_handle(struct ob_header *header, struct ob_handle_table *table)
{
    LONG process_handles = 1;
    if (header->type->ops.close && header->handle_count > 1)
        process_handles = ob_table_handles_of(table, header) + 1;
    LONG before = __atomic_fetch_sub(&header->handle_count, 1, __ATOMIC_SEQ_CST);
    if (header->type->ops.close)
        header->type->ops.close(header->body, before, process_handles);
    __atomic_sub_fetch(&header->type->handles, 1, __ATOMIC_RELAXED);
    if (before == 1)
        ob_check_temporary(header);
    ob_dereference(header->body);
}

static bool may_share(struct ob_header *header, struct ob_handle_table *table)
{
    if (!(header->flags & OB_EXCLUSIVE))
        return true;
    struct ob_handle_table *owner = NULL;
    return __atomic_compare_exchange_n(&header->exclusive_table, &owner, table, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) ||
           owner == table;
}

static NTSTATUS make_handle(struct ob_handle_table *table, void *body, ACCESS_MASK granted, ULONG attributes,
                            struct ob_open_request *request, HANDLE *handle)
{
    struct ob_header *header = ob_header_of(body);
    if (!may_share(header, table))
        return STATUS_ACCESS_DENIED;
    if (header->type->ops.open) {
        NTSTATUS status = header->type->ops.open(body, granted, request);
        if (!NT_SUCCESS(status))
            return status;
    }
    count_handle(header);
    *handle = ob_table_insert(table, header, granted, attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE));
    if (*handle)
        return STATUS_SUCCESS;
    uncount_handle(header, table);
    return STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS ob_table_create_handle(struct ob_handle_table *table, void *body, ACCESS_MASK granted,
                                ULONG attributes, struct ob_open_request *request, HANDLE *handle)
{
    struct ob_watched watched;
    bool heard =
        ob_callbacks_before(&watched, body, (attributes & OBJ_KERNEL_HANDLE) != 0, request, &granted);
    NTSTATUS status = make_handle(table, body, granted, attributes, request, handle);
    if (unlikely(heard))
        ob_callbacks_after(&watched, body, status, granted);
    return status;
}

NTSTATUS ob_handle_create(void *body, ACCESS_MASK granted, ULONG attributes, struct ob_open_request *request,
                          HANDLE *handle)
{
    HANDLE value;
    bool kernel = attributes & OBJ_KERNEL_HANDLE;
    NTSTATUS status = ob_table_create_handle(kernel ? kernel_table : current_table(), body, granted,
                                             attributes, request, &value);
    if (NT_SUCCESS(status))
        *handle = kernel ? (HANDLE)((ULONG_PTR)value | OB_KERNEL_HANDLE_BITS) : value;
    return status;
}

/* ---- looking up ---- */

static NTSTATUS reference_pseudo(HANDLE handle, struct ob_type *type, void **body,
                                 OBJECT_HANDLE_INFORMATION *information)
{
    void *object = ob_pseudo_handle ? ob_pseudo_handle(handle) : NULL;
    if (!object)
        return STATUS_INVALID_HANDLE;
    if (type && ob_type_of(object) != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob_reference(object);
    *body = object;
    *information = (OBJECT_HANDLE_INFORMATION){0, ob_type_of(object)->ops.valid_access};
    return STATUS_SUCCESS;
}

NTSTATUS ob_table_reference(struct ob_handle_table *table, HANDLE handle, ACCESS_MASK desired,
                            struct ob_type *type, KPROCESSOR_MODE mode, void **body,
                            OBJECT_HANDLE_INFORMATION *information)
{
    struct ob_handle_entry *entry = table ? ob_table_entry(table, handle) : NULL;
    struct ob_header *header = entry ? ob_entry_lock(entry) : NULL;
    if (unlikely(!header))
        return STATUS_INVALID_HANDLE;
    NTSTATUS status = STATUS_SUCCESS;
    if (unlikely(type && header->type != type))
        status = STATUS_OBJECT_TYPE_MISMATCH;
    else if (unlikely(mode != KernelMode && (desired & ~entry->granted)))
        status = STATUS_ACCESS_DENIED;
    else {
        __atomic_fetch_add(&header->pointer_count, 1,
                           __ATOMIC_RELAXED); /* the handle's own keeps it above zero */
        *information = (OBJECT_HANDLE_INFORMATION){entry->attributes, entry->granted};
        *body = header->body;
    }
    ob_entry_unlock(entry, header);
    return status;
}

NTSTATUS ob_reference_handle(HANDLE handle, ACCESS_MASK desired, struct ob_type *type, KPROCESSOR_MODE mode,
                             void **body, OBJECT_HANDLE_INFORMATION *information)
{
    *body = NULL;
    if (unlikely((LONG64)handle == -1 || (LONG64)handle == -2))
        return reference_pseudo(handle, type, body, information);
    return ob_table_reference(ob_table_for(handle, mode), handle, desired, type, mode, body, information);
}

NTSTATUS ob_reference_by_handle(HANDLE handle, ACCESS_MASK desired, struct ob_type *type,
                                KPROCESSOR_MODE mode, void **body, ACCESS_MASK *granted)
{
    OBJECT_HANDLE_INFORMATION information;
    NTSTATUS status = ob_reference_handle(handle, desired, type, mode, body, &information);
    if (granted && NT_SUCCESS(status))
        *granted = information.GrantedAccess;
    return status;
}

NTSTATUS ob_handle_set_attributes(HANDLE handle, ULONG attributes, KPROCESSOR_MODE mode)
{
    struct ob_handle_table *table = ob_table_for(handle, mode);
    struct ob_handle_entry *entry = table ? ob_table_entry(table, handle) : NULL;
    struct ob_header *header = entry ? ob_entry_lock(entry) : NULL;
    if (!header)
        return STATUS_INVALID_HANDLE;
    entry->attributes = attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE);
    ob_entry_unlock(entry, header);
    return STATUS_SUCCESS;
}

/* ---- closing ---- */

static NTSTATUS refuse_close(HANDLE handle, KPROCESSOR_MODE mode, ULONG64 why, NTSTATUS status)
{
    /* 0x93: a kernel-mode caller closed a kernel handle that is not one (1), or one protected from close (0).
     */
    if (mode == KernelMode && ob_is_kernel_handle_value(handle))
        ke_bugcheck_code(INVALID_KERNEL_HANDLE, (ULONG64)handle, why, 0, 0);
    return status;
}

NTSTATUS ob_table_close(struct ob_handle_table *table, HANDLE handle, KPROCESSOR_MODE mode,
                        bool even_protected)
{
    struct ob_handle_entry *entry = table ? ob_table_entry(table, handle) : NULL;
    struct ob_header *header = entry ? ob_entry_lock(entry) : NULL;
    if (!header)
        return refuse_close(handle, mode, 1, STATUS_INVALID_HANDLE);
    if ((entry->attributes & OBJ_PROTECT_CLOSE) && !even_protected) {
        ob_entry_unlock(entry, header);
        return refuse_close(handle, mode, 0, STATUS_HANDLE_NOT_CLOSABLE);
    }
    ob_entry_unlock(entry, NULL);
    ob_table_free_entry(table, handle);
    uncount_handle(header, table);
    return STATUS_SUCCESS;
}

NTSTATUS ob_handle_close(HANDLE handle, KPROCESSOR_MODE mode)
{
    if ((LONG64)handle == -1 || (LONG64)handle == -2)
        return STATUS_INVALID_HANDLE;
    return ob_table_close(ob_table_for(handle, mode), handle, mode, false);
}

void ob_handle_table_close_all(struct ob_handle_table *table)
{
    for (HANDLE handle = ob_table_next(table, NULL); handle; handle = ob_table_next(table, handle))
        ob_table_close(table, handle, UserMode, true);
}

EXPORT(ntoskrnl, NtClose, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtClose(HANDLE Handle)
{
    return ob_handle_close(Handle, ke_previous_mode());
}

EXPORT(ntoskrnl, ZwClose, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    return ZW_CALL(NtClose(Handle));
}

EXPORT(ntoskrnl, ObCloseHandle, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    return ob_handle_close(Handle, PreviousMode);
}

EXPORT(ntoskrnl, ObIsKernelHandle, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
BOOLEAN NTAPI ObIsKernelHandle(HANDLE Handle)
{
    return ob_is_kernel_handle_value(Handle);
}

/* SPDX-License-Identifier: MIT */
/* Handles to processes, threads and their tokens. */
#include "ps/internal.h"

/* Writes a handle to an object found by id or by handle; consumes its reference. */
static NTSTATUS give(void *body, PHANDLE handle, ACCESS_MASK desired, ULONG attributes, KPROCESSOR_MODE mode)
{
    struct ob_open_request request = {.desired_access = desired, .attributes = attributes, .mode = mode};
    NTSTATUS status = ob_give_handle(body, handle, desired, &request, mode);
    ob_dereference(body);
    return status;
}

/* An id and a name exclude each other; without an id there must be a name. */
static NTSTATUS capture_id(POBJECT_ATTRIBUTES attributes, PCLIENT_ID id, KPROCESSOR_MODE mode,
                           CLIENT_ID *captured_id, ULONG *flags)
{
    struct ob_captured captured;
    NTSTATUS status = ob_capture_attributes(attributes, mode, &captured);
    *flags = captured.attributes;
    if (NT_SUCCESS(status) && captured.has_name == (id != NULL))
        status = STATUS_INVALID_PARAMETER_MIX;
    if (NT_SUCCESS(status) && captured.has_name)
        status = STATUS_OBJECT_NAME_NOT_FOUND; /* no process or thread has a name */
    if (NT_SUCCESS(status))
        status = ob_copy_in(captured_id, id, sizeof(*id), mode);
    ob_release_captured(&captured);
    return status;
}

EXPORT(ntoskrnl, NtOpenProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    CLIENT_ID id;
    ULONG attributes;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = capture_id(ObjectAttributes, ClientId, mode, &id, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    struct ke_process *process = NULL;
    struct ps_thread *thread = id.UniqueThread ? ps_lookup_thread(id.UniqueThread) : NULL;
    if (thread) {
        process = thread->process;
        ob_reference(process);
        ob_dereference(thread);
    } else if (!id.UniqueThread) {
        process = ps_lookup_process(id.UniqueProcess);
    }
    return process ? give(process, ProcessHandle, DesiredAccess, attributes, mode) : STATUS_INVALID_CID;
}

EXPORT(ntoskrnl, ZwOpenProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    return ZW_CALL(NtOpenProcess(ProcessHandle, DesiredAccess, ObjectAttributes, ClientId));
}

EXPORT(ntoskrnl, NtOpenThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI NtOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    CLIENT_ID id;
    ULONG attributes;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = capture_id(ObjectAttributes, ClientId, mode, &id, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    struct ps_thread *thread = ps_lookup_thread(id.UniqueThread);
    if (thread && id.UniqueProcess && thread->process->id != id.UniqueProcess) {
        ob_dereference(thread);
        thread = NULL;
    }
    return thread ? give(thread, ThreadHandle, DesiredAccess, attributes, mode) : STATUS_INVALID_CID;
}

EXPORT(ntoskrnl, ZwOpenThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    return ZW_CALL(NtOpenThread(ThreadHandle, DesiredAccess, ObjectAttributes, ClientId));
}

/* ---- tokens ---- */

static NTSTATUS open_process_token(HANDLE handle, ACCESS_MASK desired, ULONG attributes, PHANDLE token)
{
    struct ke_process *process;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = ob_reference_by_handle(handle, 0x0400 /* PROCESS_QUERY_INFORMATION */, ps_process_type,
                                             mode, (void **)&process, NULL);
    if (!NT_SUCCESS(status))
        return status;
    ob_reference(process->token);
    status = give(process->token, token, desired, attributes, mode);
    ob_dereference(process);
    return status;
}

EXPORT(ntoskrnl, NtOpenProcessToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return open_process_token(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

EXPORT(ntoskrnl, ZwOpenProcessToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return ZW_CALL(NtOpenProcessToken(ProcessHandle, DesiredAccess, TokenHandle));
}

EXPORT(ntoskrnl, NtOpenProcessTokenEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                    PHANDLE TokenHandle)
{
    if (ke_previous_mode() == UserMode)
        HandleAttributes &= ~(ULONG)OBJ_KERNEL_HANDLE;
    return open_process_token(ProcessHandle, DesiredAccess, HandleAttributes, TokenHandle);
}

EXPORT(ntoskrnl, ZwOpenProcessTokenEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                    PHANDLE TokenHandle)
{
    return ZW_CALL(NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, HandleAttributes, TokenHandle));
}

/* STATUS_NO_TOKEN when the thread does not impersonate. */
EXPORT(ntoskrnl, NtOpenThreadTokenEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                                   ULONG HandleAttributes, PHANDLE TokenHandle)
{
    struct ps_thread *thread;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = ob_reference_by_handle(ThreadHandle, 0x0040 /* THREAD_QUERY_INFORMATION */,
                                             ps_thread_type, mode, (void **)&thread, NULL);
    if (!NT_SUCCESS(status))
        return status;
    void *token = thread->impersonation_token;
    if (token)
        ob_reference(token);
    ob_dereference(thread);
    if (mode == UserMode)
        HandleAttributes &= ~(ULONG)OBJ_KERNEL_HANDLE;
    return token ? give(token, TokenHandle, DesiredAccess, HandleAttributes, mode) : STATUS_NO_TOKEN;
}

EXPORT(ntoskrnl, ZwOpenThreadTokenEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                                   ULONG HandleAttributes, PHANDLE TokenHandle)
{
    return ZW_CALL(
        NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, HandleAttributes, TokenHandle));
}

EXPORT(ntoskrnl, ZwOpenThreadToken, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                                 PHANDLE TokenHandle)
{
    return ZW_CALL(NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle));
}

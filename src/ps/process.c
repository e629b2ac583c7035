/* SPDX-License-Identifier: MIT */
/*
 * Processes. There are two: System (id 4), which owns every system thread and
 * all kernel handles, and the user process that the embedding API acts as.
 * Both share one address space; what differs is handles, token and id.
 */
#include "ps/internal.h"

struct ob_type *ps_process_type;
EXPORT_DATA(ntoskrnl, PsProcessType)
POBJECT_TYPE PsProcessType;
EXPORT_DATA(ntoskrnl, PsInitialSystemProcess)
PEPROCESS PsInitialSystemProcess;

static struct ke_process *system_process, *api_process;

static void delete_process(void *body)
{
    struct ke_process *process = body;
    ps_cid_free(process->id);
    if (process->token)
        ob_dereference(process->token);
    if (process->handles && process->handles != ob_kernel_table())
        ob_handle_table_destroy(process->handles);
}

static const struct ob_type_ops process_ops = {
    .name = "Process",
    .pool_tag = 0x636f7250, /* 'Proc' */
    .case_sensitive = true,
    .valid_access = PROCESS_ALL_ACCESS,
    .watchable = true,
    .mapping = {STANDARD_RIGHTS_READ | 0x0410, STANDARD_RIGHTS_WRITE | 0x0BEA,
                STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE | 0x1001, PROCESS_ALL_ACCESS},
    .dispatcher_offset = offsetof(struct ke_process, header),
    .delete_ = delete_process,
};

NTSTATUS ps_process_type_init(void)
{
    ps_process_type = ob_type_create(&process_ops);
    PsProcessType = (POBJECT_TYPE)ps_process_type;
    return ps_process_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static void fill_process(struct ke_process *process, const char *image_name, void *token,
                         struct ke_process *parent)
{
    process->header.Type = ProcessObject;
    process->header.Size = sizeof(process->header) / sizeof(LONG);
    list_init(&process->header.WaitListHead);
    list_init(&process->threads);
    for (unsigned i = 0; image_name[i] && i + 1 < sizeof(process->image_name); i++)
        process->image_name[i] = image_name[i];
    process->create_time = host_system_time();
    process->exit_status = STATUS_PENDING;
    process->parent = parent;
    if (token) {
        ob_reference(token);
        process->token = token;
    }
}

NTSTATUS ps_process_create(const char *image_name, void *token, struct ke_process *parent,
                           struct ke_process **out)
{
    struct ke_process *process = ob_create(ps_process_type, sizeof(*process));
    if (!process)
        return STATUS_INSUFFICIENT_RESOURCES;
    fill_process(process, image_name, token, parent);
    process->handles = parent ? ob_handle_table_create() : ob_kernel_table();
    process->id = ps_cid_allocate(process);
    if (!process->handles || !process->id) {
        ob_dereference(process);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *out = process;
    return STATUS_SUCCESS;
}

struct ke_process *ps_system_process(void)
{
    return system_process;
}

struct ke_process *ps_api_process(void)
{
    return api_process;
}

static struct ob_handle_table *current_table(void)
{
    struct ke_thread *thread = ke_thread();
    return thread && thread->process ? thread->process->handles : NULL;
}

static void *pseudo_handle(HANDLE handle)
{
    return (LONG64)handle == -1 ? (void *)ke_thread()->process : (void *)ps_current();
}

/* The thread that starts the machine was there before there were processes. */
static void adopt_boot_thread(void)
{
    struct ps_thread *thread = ps_current();
    if (!thread->process)
        thread->process = thread->tcb.process = thread->tcb.own_process = system_process;
    thread->system_thread = true;
}

NTSTATUS ps_init(void)
{
    NTSTATUS status = ps_cid_init();
    if (NT_SUCCESS(status))
        status = ps_process_type_init();
    if (NT_SUCCESS(status))
        status = ps_thread_type_init();
    if (NT_SUCCESS(status))
        status = ps_process_create("System", se_system_token(), NULL, &system_process);
    if (NT_SUCCESS(status))
        status = ps_process_create("ringless.exe", se_administrator_token(), system_process, &api_process);
    if (!NT_SUCCESS(status))
        return status;
    api_process->session = 1;
    system_process->announced = true; /* before anybody could ask to be told */
    PsInitialSystemProcess = (PEPROCESS)system_process;
    ob_current_table = current_table;
    ob_pseudo_handle = pseudo_handle;
    ps_token_init();
    adopt_boot_thread();
    return STATUS_SUCCESS;
}

/* The machine ends: storage goes with the pool, only what points to it is cleared. */
void ps_fini(void)
{
    ps_end_host_threads();
    ps_notify_fini();
    ob_current_table = NULL;
    ob_pseudo_handle = NULL;
    PsInitialSystemProcess = NULL;
    system_process = api_process = NULL;
    ke_thread_callouts = (struct ke_thread_callouts){0};
    ps_cid_fini();
}

void ps_for_each_process(void (*visit)(struct ke_process *process, void *context), void *context)
{
    visit(system_process, context);
    visit(api_process, context);
}

/* ---- what a process is asked for ---- */

/* The process whose handles the current thread uses: the one it is attached to. */
EXPORT(ntoskrnl, PsGetCurrentProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PEPROCESS NTAPI PsGetCurrentProcess(VOID)
{
    return (PEPROCESS)ke_thread()->process;
}

EXPORT(ntoskrnl, IoGetCurrentProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
    return PsGetCurrentProcess();
}

EXPORT(ntoskrnl, PsGetProcessId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    return ((struct ke_process *)Process)->id;
}

/* Source: exported by every ntoskrnl, undocumented: at most 15 characters, zero-terminated. */
EXPORT(ntoskrnl, PsGetProcessImageFileName, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process)
{
    return ((struct ke_process *)Process)->image_name;
}

EXPORT(ntoskrnl, PsGetProcessInheritedFromUniqueProcessId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
HANDLE NTAPI PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process)
{
    struct ke_process *parent = ((struct ke_process *)Process)->parent;
    return parent ? parent->id : NULL;
}

EXPORT(ntoskrnl, PsGetProcessSessionId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI PsGetProcessSessionId(PEPROCESS Process)
{
    return ((struct ke_process *)Process)->session;
}

EXPORT(ntoskrnl, PsGetCurrentProcessSessionId, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI PsGetCurrentProcessSessionId(VOID)
{
    return ke_thread()->process->session;
}

EXPORT(ntoskrnl, PsGetProcessCreateTimeQuadPart, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(PEPROCESS Process)
{
    return (LONGLONG)((struct ke_process *)Process)->create_time;
}

EXPORT(ntoskrnl, PsGetProcessExitTime, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LARGE_INTEGER NTAPI PsGetProcessExitTime(VOID)
{
    return (LARGE_INTEGER){.QuadPart = (LONGLONG)ke_thread()->process->exit_time};
}

EXPORT(ntoskrnl, PsGetProcessExitStatus, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process)
{
    return ((struct ke_process *)Process)->exit_status;
}

/* No process of this machine has a user-mode image: the one that the API plays has neither environment block
 * nor section, none is 32-bit. */
EXPORT(ntoskrnl, PsGetProcessPeb, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI PsGetProcessPeb(PEPROCESS Process)
{
    return NULL;
}

EXPORT(ntoskrnl, PsGetProcessSectionBaseAddress, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI PsGetProcessSectionBaseAddress(PEPROCESS Process)
{
    return NULL;
}

EXPORT(ntoskrnl, PsGetProcessWow64Process, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI PsGetProcessWow64Process(PEPROCESS Process)
{
    return NULL;
}

EXPORT(ntoskrnl, PsGetCurrentProcessWow64Process, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI PsGetCurrentProcessWow64Process(VOID)
{
    return NULL;
}

/* The system process is; nobody can protect another. */
EXPORT(ntoskrnl, PsIsProtectedProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PsIsProtectedProcess(PEPROCESS Process)
{
    return (struct ke_process *)Process == system_process;
}

EXPORT(ntoskrnl, PsIsSystemProcess, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PsIsSystemProcess(PEPROCESS Process)
{
    return (struct ke_process *)Process == system_process;
}

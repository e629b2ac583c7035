/* SPDX-License-Identifier: MIT */
/*
 * ZwQuerySystemInformation: the machine, its processes, its loaded images.
 * Lists are put together in pool, so that no lock is held while the caller's
 * memory is touched.
 */
#include "ke/routines.h"
#include "ldr/ldr.h"
#include "ob/handles.h"
#include "ps/internal.h"
#include "ps/query.h"

enum { /* SYSTEM_INFORMATION_CLASS: those that are answered */
       SystemBasicInformation = 0,
       SystemTimeOfDayInformation = 3,
       SystemProcessInformation = 5,
       SystemModuleInformation = 11,
       SystemKernelDebuggerInformation = 35,
};

static NTSTATUS basic(const struct ps_question *question)
{
    SYSTEM_BASIC_INFORMATION info = {
        .TimerResolution = KeQueryTimeIncrement(),
        .PageSize = PAGE_SIZE,
        .NumberOfPhysicalPages = (ULONG)(hmem_ram_bytes() / PAGE_SIZE),
        .HighestPhysicalPageNumber = (ULONG)(hmem_ram_bytes() / PAGE_SIZE) - 1,
        .AllocationGranularity = 0x10000,
        .MinimumUserModeAddress = 0x10000,
        .MaximumUserModeAddress = HMEM_USER_HIGHEST,
        .ActiveProcessorsAffinityMask = ke_cpus() == 64 ? ~0ull : (1ull << ke_cpus()) - 1,
        .NumberOfProcessors = (CCHAR)ke_cpus(),
    };
    return ps_answer(question, &info, sizeof(info));
}

/* A shorter buffer gets the first fields. */
static NTSTATUS time_of_day(struct ps_question *question)
{
    uint64_t now = host_system_time();
    SYSTEM_TIMEOFDAY_INFORMATION info = {.BootTime.QuadPart = (LONGLONG)(now - host_interrupt_time()),
                                         .CurrentTime.QuadPart = (LONGLONG)now};
    if (question->length > sizeof(info))
        return STATUS_INFO_LENGTH_MISMATCH;
    question->exact = false;
    return ps_answer(question, &info, question->length);
}

/* ---- modules ---- */

struct module_list {
    RTL_PROCESS_MODULES *modules; /* NULL while counting */
    ULONG count, room;
};

static void put_path(RTL_PROCESS_MODULE_INFORMATION *module, const char *name)
{
    static const char folder[] = "\\SystemRoot\\System32\\drivers\\";
    size_t at = sizeof(folder) - 1;
    memcpy(module->FullPathName, folder, at);
    module->OffsetToFileName = (USHORT)at;
    while (*name && at + 1 < sizeof(module->FullPathName))
        module->FullPathName[at++] = *name++;
}

static void visit_image(struct ldr_image *image, void *context)
{
    struct module_list *list = context;
    ULONG index = list->count++;
    if (!list->modules || index >= list->room)
        return;
    RTL_PROCESS_MODULE_INFORMATION *module = &list->modules->Modules[index];
    module->ImageBase = image->base;
    module->ImageSize = (ULONG)image->size;
    module->LoadOrderIndex = (USHORT)index;
    module->LoadCount = 1;
    put_path(module, image->name);
    list->modules->NumberOfModules = index + 1;
}

static ULONG modules_size(ULONG count)
{
    return (ULONG)offsetof(RTL_PROCESS_MODULES, Modules) +
           count * (ULONG)sizeof(RTL_PROCESS_MODULE_INFORMATION);
}

static NTSTATUS modules(const struct ps_question *question)
{
    struct module_list list = {0};
    ldr_for_each(visit_image, &list);
    list.room = list.count;
    list.count = 0;
    list.modules = mm_alloc(modules_size(list.room), PS_TAG_QUERY);
    if (!list.modules)
        return STATUS_INSUFFICIENT_RESOURCES;
    ldr_for_each(visit_image, &list);
    NTSTATUS status = ps_answer(question, list.modules, modules_size(list.modules->NumberOfModules));
    mm_free(list.modules);
    return status;
}

/* ---- processes ---- */

struct process_list {
    char *bytes;   /* NULL while measuring */
    char *seen_at; /* the caller's buffer */
    ULONG used, room;
    SYSTEM_PROCESS_INFORMATION *last;
    SYSTEM_THREAD_INFORMATION *thread, *threads_end;
};

static void visit_thread(struct ps_thread *thread, void *context)
{
    struct process_list *list = context;
    if (list->thread >= list->threads_end)
        return;
    list->last->NumberOfThreads++;
    *list->thread++ = (SYSTEM_THREAD_INFORMATION){
        .CreateTime.QuadPart = (LONGLONG)thread->create_time,
        .StartAddress = (PVOID)(uintptr_t)thread->start,
        .ClientId = {thread->process->id, thread->id},
        .Priority = thread->tcb.priority,
        .BasePriority = thread->tcb.base_priority,
        .ThreadState = thread->tcb.state == KE_RUNNING   ? 2
                       : thread->tcb.state == KE_WAITING ? 5
                                                         : 1,
    };
}

static ULONG entry_size(const struct ke_process *process)
{
    ULONG threads = (ULONG)__atomic_load_n(&process->thread_count, __ATOMIC_RELAXED);
    ULONG name = (ULONG)sizeof(process->image_name) * (ULONG)sizeof(WCHAR);
    return (ULONG)ALIGN_UP(
        sizeof(SYSTEM_PROCESS_INFORMATION) + threads * sizeof(SYSTEM_THREAD_INFORMATION) + name, 8);
}

static void put_name(struct process_list *list, SYSTEM_PROCESS_INFORMATION *entry,
                     const struct ke_process *process, ULONG size)
{
    ULONG at = list->used + size - (ULONG)sizeof(process->image_name) * (ULONG)sizeof(WCHAR), chars = 0;
    WCHAR *text = (WCHAR *)(void *)(list->bytes + at);
    for (; process->image_name[chars]; chars++)
        text[chars] = (WCHAR)process->image_name[chars];
    entry->ImageName =
        (UNICODE_STRING){(USHORT)(chars * sizeof(WCHAR)), (USHORT)((chars + 1) * sizeof(WCHAR)),
                         (WCHAR *)(void *)(list->seen_at + at)};
}

static void visit_process(struct ke_process *process, void *context)
{
    struct process_list *list = context;
    ULONG size = entry_size(process);
    if (list->bytes && list->used + size <= list->room) {
        SYSTEM_PROCESS_INFORMATION *entry = (SYSTEM_PROCESS_INFORMATION *)(void *)(list->bytes + list->used);
        ULONG name = (ULONG)sizeof(process->image_name) * (ULONG)sizeof(WCHAR);
        if (list->last)
            list->last->NextEntryOffset = (ULONG)((char *)entry - (char *)list->last);
        list->last = entry;
        entry->CreateTime.QuadPart = (LONGLONG)process->create_time;
        entry->BasePriority = 8;
        entry->UniqueProcessId = process->id;
        entry->InheritedFromUniqueProcessId = process->parent ? process->parent->id : NULL;
        entry->HandleCount = ob_table_count(process->handles);
        entry->SessionId = process->session;
        put_name(list, entry, process, size);
        list->thread = entry->Threads;
        list->threads_end = (SYSTEM_THREAD_INFORMATION *)(void *)((char *)entry + size - name);
        ps_for_each_thread(process, visit_thread, list);
    }
    list->used += size;
}

static NTSTATUS processes(const struct ps_question *question)
{
    struct process_list list = {.seen_at = question->buffer};
    ps_for_each_process(visit_process, &list);
    list.room = list.used + 64 * (ULONG)sizeof(SYSTEM_THREAD_INFORMATION); /* threads may be made meanwhile */
    list.used = 0;
    list.bytes = mm_alloc(list.room, PS_TAG_QUERY);
    if (!list.bytes)
        return STATUS_INSUFFICIENT_RESOURCES;
    ps_for_each_process(visit_process, &list);
    NTSTATUS status = ps_answer(question, list.bytes, MIN(list.used, list.room));
    mm_free(list.bytes);
    return status;
}

static NTSTATUS answer_class(ULONG class, struct ps_question *question)
{
    static const BOOLEAN no_debugger[2] = {FALSE, TRUE}; /* KernelDebuggerEnabled, KernelDebuggerNotPresent */
    switch (class) {
    case SystemBasicInformation:
        question->exact = true;
        return basic(question);
    case SystemTimeOfDayInformation:
        return time_of_day(question);
    case SystemProcessInformation:
        return processes(question);
    case SystemModuleInformation:
        return modules(question);
    case SystemKernelDebuggerInformation:
        return ps_answer(question, no_debugger, sizeof(no_debugger));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

EXPORT(ntoskrnl, NtQuerySystemInformation, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                        ULONG SystemInformationLength, PULONG ReturnLength)
{
    struct ps_question question = {.buffer = SystemInformation,
                                   .length = SystemInformationLength,
                                   .returned = ReturnLength,
                                   .mode = ke_previous_mode()};
    return answer_class(SystemInformationClass, &question);
}

EXPORT(ntoskrnl, ZwQuerySystemInformation, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                        ULONG SystemInformationLength, PULONG ReturnLength)
{
    return ZW_CALL(NtQuerySystemInformation(SystemInformationClass, SystemInformation,
                                            SystemInformationLength, ReturnLength));
}

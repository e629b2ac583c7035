/* SPDX-License-Identifier: MIT */
/* ZwQueryInformationProcess, ZwQueryInformationThread, ZwSetInformationThread: the classes that have a true
 * answer here. */
#include "ke/routines.h"
#include "ob/handles.h"
#include "ps/internal.h"
#include "ps/query.h"
#include "rtl/rtl.h"

NTSTATUS ps_answer(const struct ps_question *question, const void *data, ULONG size)
{
    if (question->returned) {
        NTSTATUS status = ob_copy_out(question->returned, &size, sizeof(size), question->mode);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (question->exact ? question->length != size : question->length < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    return ob_copy_out(question->buffer, data, size, question->mode);
}

/* ---- processes ---- */

static NTSTATUS process_basic(struct ke_process *process, const struct ps_question *question)
{
    PROCESS_BASIC_INFORMATION info = {
        .ExitStatus = process->exit_status,
        .AffinityMask = ke_cpus() == 64 ? ~0ull : (1ull << ke_cpus()) - 1,
        .BasePriority = 8,
        .UniqueProcessId = (ULONG_PTR)process->id,
        .InheritedFromUniqueProcessId = process->parent ? (ULONG_PTR)process->parent->id : 0,
    };
    return ps_answer(question, &info, sizeof(info));
}

/* A native path; the system process has none. */
static NTSTATUS process_image_name(struct ke_process *process, const struct ps_question *question)
{
    struct {
        UNICODE_STRING name;
        WCHAR text[64];
    } info = {0};
    UNICODE_STRING folder;
    ULONG length = 0;
    if (process->parent) {
        rtl_init_string(&folder, u"\\Device\\HarddiskVolume1\\Ringless\\");
        memcpy(info.text, folder.Buffer, folder.Length);
        length = folder.Length / sizeof(WCHAR);
        for (const char *c = process->image_name; *c; c++)
            info.text[length++] = (WCHAR)*c;
        info.name = (UNICODE_STRING){(USHORT)(length * sizeof(WCHAR)), (USHORT)((length + 1) * sizeof(WCHAR)),
                                     (WCHAR *)((char *)question->buffer + sizeof(UNICODE_STRING))};
    }
    return ps_answer(question, &info, (ULONG)sizeof(UNICODE_STRING) + info.name.MaximumLength);
}

static NTSTATUS process_times(struct ke_process *process, const struct ps_question *question)
{
    KERNEL_USER_TIMES times = {.CreateTime.QuadPart = (LONGLONG)process->create_time,
                               .ExitTime.QuadPart = (LONGLONG)process->exit_time};
    return ps_answer(question, &times, sizeof(times));
}

static NTSTATUS query_process(struct ke_process *process, PROCESSINFOCLASS class,
                              struct ps_question *question)
{
    ULONG number;
    ULONG_PTR none = 0;
    question->exact = class != ProcessImageFileName;
    switch (class) {
    case ProcessBasicInformation:
        return process_basic(process, question);
    case ProcessImageFileName:
        return process_image_name(process, question);
    case ProcessTimes:
        return process_times(process, question);
    case ProcessHandleCount:
        number = ob_table_count(process->handles);
        return ps_answer(question, &number, sizeof(number));
    case ProcessSessionInformation:
        return ps_answer(question, &process->session, sizeof(process->session));
    case ProcessDebugPort:        /* no debugger */
    case ProcessWow64Information: /* every process is 64-bit */
        return ps_answer(question, &none, sizeof(none));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

EXPORT(ntoskrnl, NtQueryInformationProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                         PVOID ProcessInformation, ULONG ProcessInformationLength,
                                         PULONG ReturnLength)
{
    struct ke_process *process;
    struct ps_question question = {.buffer = ProcessInformation,
                                   .length = ProcessInformationLength,
                                   .returned = ReturnLength,
                                   .mode = ke_previous_mode()};
    NTSTATUS status = ob_reference_by_handle(ProcessHandle, 0x0400 /* PROCESS_QUERY_INFORMATION */,
                                             ps_process_type, question.mode, (void **)&process, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = query_process(process, ProcessInformationClass, &question);
    ob_dereference(process);
    return status;
}

EXPORT(ntoskrnl, ZwQueryInformationProcess, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                         PVOID ProcessInformation, ULONG ProcessInformationLength,
                                         PULONG ReturnLength)
{
    return ZW_CALL(NtQueryInformationProcess(ProcessHandle, ProcessInformationClass, ProcessInformation,
                                             ProcessInformationLength, ReturnLength));
}

/* ---- threads ---- */

static NTSTATUS thread_basic(struct ps_thread *thread, const struct ps_question *question)
{
    THREAD_BASIC_INFORMATION info = {
        .ExitStatus = thread->exit_time ? thread->tcb.exit_status : STATUS_PENDING,
        .ClientId = {thread->process->id, thread->id},
        .AffinityMask = thread->tcb.affinity,
        .Priority = thread->tcb.priority,
        .BasePriority = thread->tcb.base_priority,
    };
    return ps_answer(question, &info, sizeof(info));
}

static NTSTATUS query_thread(struct ps_thread *thread, THREADINFOCLASS class,
                             const struct ps_question *question)
{
    ULONG number;
    KERNEL_USER_TIMES times = {.CreateTime.QuadPart = (LONGLONG)thread->create_time,
                               .ExitTime.QuadPart = (LONGLONG)thread->exit_time};
    switch (class) {
    case ThreadBasicInformation:
        return thread_basic(thread, question);
    case ThreadTimes:
        return ps_answer(question, &times, sizeof(times));
    case ThreadQuerySetWin32StartAddress:
        return ps_answer(question, &thread->start, sizeof(thread->start));
    case ThreadIsIoPending:
        number = !list_empty(&thread->irps);
        return ps_answer(question, &number, sizeof(number));
    case ThreadIsTerminated:
        number = thread->exit_time != 0;
        return ps_answer(question, &number, sizeof(number));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

EXPORT(ntoskrnl, NtQueryInformationThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                        PVOID ThreadInformation, ULONG ThreadInformationLength,
                                        PULONG ReturnLength)
{
    struct ps_thread *thread;
    struct ps_question question = {.buffer = ThreadInformation,
                                   .length = ThreadInformationLength,
                                   .returned = ReturnLength,
                                   .exact = true,
                                   .mode = ke_previous_mode()};
    NTSTATUS status = ob_reference_by_handle(ThreadHandle, 0x0040 /* THREAD_QUERY_INFORMATION */,
                                             ps_thread_type, question.mode, (void **)&thread, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = query_thread(thread, ThreadInformationClass, &question);
    ob_dereference(thread);
    return status;
}

EXPORT(ntoskrnl, ZwQueryInformationThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                        PVOID ThreadInformation, ULONG ThreadInformationLength,
                                        PULONG ReturnLength)
{
    return ZW_CALL(NtQueryInformationThread(ThreadHandle, ThreadInformationClass, ThreadInformation,
                                            ThreadInformationLength, ReturnLength));
}

static NTSTATUS set_impersonation(struct ps_thread *thread, HANDLE handle, KPROCESSOR_MODE mode)
{
    void *token = NULL;
    NTSTATUS status = STATUS_SUCCESS;
    if (handle)
        status = ob_reference_by_handle(handle, TOKEN_IMPERSONATE, (struct ob_type *)SeTokenObjectType, mode,
                                        &token, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = PsImpersonateClient((PETHREAD)thread, token, FALSE, FALSE,
                                 token ? SecurityImpersonation : SecurityAnonymous);
    if (token)
        ob_dereference(token);
    return status;
}

static NTSTATUS set_priority(struct ps_thread *thread, THREADINFOCLASS class, LONG value)
{
    if (class == ThreadPriority && (value <= LOW_PRIORITY || value > HIGH_PRIORITY))
        return STATUS_INVALID_PARAMETER;
    if (class == ThreadPriority)
        KeSetPriorityThread((PKTHREAD)thread, value);
    else
        KeSetBasePriorityThread((PKTHREAD)thread, value);
    return STATUS_SUCCESS;
}

static NTSTATUS set_thread(struct ps_thread *thread, THREADINFOCLASS class, const void *buffer, ULONG length,
                           KPROCESSOR_MODE mode)
{
    LONG value;
    HANDLE handle;
    bool priority = class == ThreadPriority || class == ThreadBasePriority;
    if (!priority && class != ThreadImpersonationToken)
        return STATUS_INVALID_INFO_CLASS;
    if (length != (priority ? sizeof(value) : sizeof(handle)))
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS status = ob_copy_in(priority ? (void *)&value : (void *)&handle, buffer, length, mode);
    if (!NT_SUCCESS(status))
        return status;
    return priority ? set_priority(thread, class, value) : set_impersonation(thread, handle, mode);
}

EXPORT(ntoskrnl, NtSetInformationThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    struct ps_thread *thread;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = ob_reference_by_handle(ThreadHandle, THREAD_SET_INFORMATION, ps_thread_type, mode,
                                             (void **)&thread, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = set_thread(thread, ThreadInformationClass, ThreadInformation, ThreadInformationLength, mode);
    ob_dereference(thread);
    return status;
}

EXPORT(ntoskrnl, ZwSetInformationThread, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    return ZW_CALL(NtSetInformationThread(ThreadHandle, ThreadInformationClass, ThreadInformation,
                                          ThreadInformationLength));
}

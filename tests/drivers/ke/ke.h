/* SPDX-License-Identifier: MIT */
/* What the drivers of this folder share: threads of their own, waits that only look, exceptions as statuses.
 */
#ifndef KE_TEST_H
#define KE_TEST_H

#include <ntifs.h>
#include "../rltest.h"

#define STATUS_OF(statement)                                                                                 \
    ({                                                                                                       \
        NTSTATUS status_ = STATUS_SUCCESS;                                                                   \
        __try {                                                                                              \
            statement;                                                                                       \
        } __except (EXCEPTION_EXECUTE_HANDLER) {                                                             \
            status_ = GetExceptionCode();                                                                    \
        }                                                                                                    \
        status_;                                                                                             \
    })

static __attribute__((unused)) LARGE_INTEGER ms(LONG milliseconds)
{
    LARGE_INTEGER time;
    time.QuadPart = -10000ll * milliseconds;
    return time;
}

/* The state of an object as a wait with a time-out of zero finds it (and takes it). */
static __attribute__((unused)) NTSTATUS look(PVOID object)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &zero);
}

static __attribute__((unused)) VOID pause(LONG milliseconds)
{
    LARGE_INTEGER time = ms(milliseconds);
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static __attribute__((unused)) PKTHREAD start_thread(PKSTART_ROUTINE routine, PVOID context)
{
    HANDLE handle;
    PVOID thread = NULL;
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context)))
        return NULL;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    return thread;
}

static __attribute__((unused)) VOID end_thread(PKTHREAD thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

/* What is newer than the import library, or not in it. */
static __attribute__((unused)) PVOID routine(PCWSTR text)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name);
}

/* Waits until somebody waits on the object. */
static __attribute__((unused)) VOID until_waited_for(PVOID object)
{
    DISPATCHER_HEADER *header = object;
    while (IsListEmpty((LIST_ENTRY *)(volatile LIST_ENTRY *)&header->WaitListHead))
        pause(1);
}

#endif

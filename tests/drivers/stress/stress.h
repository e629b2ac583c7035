/* SPDX-License-Identifier: MIT */
/*
 * What the stress drivers share: a sequence of choices that only its seed
 * decides, and threads that are started together and waited for.
 */
#ifndef STRESS_H
#define STRESS_H

#include <ntddk.h>

#define STRESS_THREADS_MAX 16
/* Input: ULONG rounds of each thread, ULONG threads, ULONG seed. */
#define STRESS_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)

struct stress_input {
    ULONG rounds, threads, seed;
};

static __attribute__((unused)) ULONG stress_next(ULONG *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

static __attribute__((unused)) PVOID stress_start(PKSTART_ROUTINE routine, PVOID context)
{
    HANDLE handle;
    PVOID thread = NULL;

    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context)))
        return NULL;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    return thread;
}

static __attribute__((unused)) void stress_join(PVOID thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

#endif

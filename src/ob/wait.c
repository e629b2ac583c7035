/* SPDX-License-Identifier: MIT */
/*
 * Waiting on handles: each is referenced for the length of the wait, and the
 * type says where in the body the waitable header is.
 */
#include "ob/object.h"
#include "ke/routines.h"
#include "ob/services.h"

static NTSTATUS waitable_of(HANDLE handle, KPROCESSOR_MODE mode, void **body, void **waitable)
{
    NTSTATUS status = ob_reference_by_handle(handle, SYNCHRONIZE, NULL, mode, body, NULL);
    if (!NT_SUCCESS(status))
        return status;
    LONG offset = ob_type_of(*body)->ops.dispatcher_offset;
    if (offset < 0) {
        ob_dereference(*body);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    *waitable = (char *)*body + offset;
    return STATUS_SUCCESS;
}

static NTSTATUS capture_timeout(PLARGE_INTEGER *timeout, LARGE_INTEGER *storage, KPROCESSOR_MODE mode)
{
    if (!*timeout)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_copy_in(storage, *timeout, sizeof(*storage), mode);
    *timeout = storage;
    return status;
}

EXPORT(ntoskrnl, NtWaitForSingleObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    void *body, *waitable;
    LARGE_INTEGER storage;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = capture_timeout(&Timeout, &storage, mode);
    if (NT_SUCCESS(status))
        status = waitable_of(Handle, mode, &body, &waitable);
    if (!NT_SUCCESS(status))
        return status;
    status = KeWaitForSingleObject(waitable, UserRequest, mode, Alertable, Timeout);
    ob_dereference(body);
    return status;
}

EXPORT(ntoskrnl, ZwWaitForSingleObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return ZW_CALL(NtWaitForSingleObject(Handle, Alertable, Timeout));
}

struct wait_many {
    HANDLE handles[MAXIMUM_WAIT_OBJECTS];
    void *bodies[MAXIMUM_WAIT_OBJECTS];
    void *waitables[MAXIMUM_WAIT_OBJECTS];
    KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
};

static NTSTATUS wait_many(struct wait_many *wait, ULONG count, WAIT_TYPE type, BOOLEAN alertable,
                          PLARGE_INTEGER timeout, KPROCESSOR_MODE mode)
{
    ULONG referenced = 0;
    NTSTATUS status = STATUS_SUCCESS;
    while (referenced < count) {
        status = waitable_of(wait->handles[referenced], mode, &wait->bodies[referenced],
                             &wait->waitables[referenced]);
        if (!NT_SUCCESS(status))
            break;
        referenced++;
    }
    if (NT_SUCCESS(status))
        status = KeWaitForMultipleObjects(count, wait->waitables, type, UserRequest, mode, alertable, timeout,
                                          wait->blocks);
    while (referenced)
        ob_dereference(wait->bodies[--referenced]);
    return status;
}

NTSTATUS NTAPI NtWaitForMultipleObjects(ULONG Count, HANDLE Handles[], WAIT_TYPE WaitType, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout)
{
    LARGE_INTEGER storage;
    KPROCESSOR_MODE mode = ke_previous_mode();
    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS)
        return STATUS_INVALID_PARAMETER_1;
    if (WaitType != WaitAll && WaitType != WaitAny)
        return STATUS_INVALID_PARAMETER_3;
    struct wait_many *wait = mm_alloc(sizeof(*wait), OB_TAG_CAPTURE);
    if (!wait)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = capture_timeout(&Timeout, &storage, mode);
    if (NT_SUCCESS(status))
        status = ob_copy_in(wait->handles, Handles, Count * sizeof(HANDLE), mode);
    if (NT_SUCCESS(status))
        status = wait_many(wait, Count, WaitType, Alertable, Timeout, mode);
    mm_free(wait);
    return status;
}

EXPORT(ntoskrnl, ZwWaitForMultipleObjects, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwWaitForMultipleObjects(ULONG Count, HANDLE Handles[], WAIT_TYPE WaitType, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout)
{
    return ZW_CALL(NtWaitForMultipleObjects(Count, Handles, WaitType, Alertable, Timeout));
}

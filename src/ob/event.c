/* SPDX-License-Identifier: MIT */
/*
 * Events as objects: a KEVENT that has handles, and a name if wanted. What a
 * pointer from ObReferenceObjectByHandle points to is the KEVENT itself.
 */
#include "ob/object.h"
#include "ke/routines.h"
#include "ob/services.h"

struct ob_type *ob_event_type;
EXPORT_DATA(ntoskrnl, ExEventObjectType)
POBJECT_TYPE ExEventObjectType;

static const struct ob_type_ops event_ops = {
    .name = "Event",
    .pool_tag = 0x6e657645, /* 'Even' */
    .case_sensitive = true,
    .valid_access = EVENT_ALL_ACCESS,
    .mapping = {STANDARD_RIGHTS_READ | EVENT_QUERY_STATE, STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
                STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS},
    .dispatcher_offset = 0,
};

NTSTATUS ob_event_init(void)
{
    ob_event_type = ob_type_create(&event_ops);
    ExEventObjectType = (POBJECT_TYPE)ob_event_type;
    return ob_event_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

EXPORT(ntoskrnl, NtCreateEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType, BOOLEAN InitialState)
{
    if (EventType != NotificationEvent && EventType != SynchronizationEvent)
        return STATUS_INVALID_PARAMETER;
    KEVENT *event = ob_create(ob_event_type, sizeof(*event));
    if (!event)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(event, EventType, InitialState);
    return ob_create_service(event, EventHandle, DesiredAccess, ObjectAttributes);
}

EXPORT(ntoskrnl, ZwCreateEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType, BOOLEAN InitialState)
{
    return ZW_CALL(NtCreateEvent(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState));
}

NTSTATUS NTAPI NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ob_open_service(EventHandle, DesiredAccess, ObjectAttributes, ob_event_type);
}

EXPORT(ntoskrnl, ZwOpenEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(NtOpenEvent(EventHandle, DesiredAccess, ObjectAttributes));
}

/* Sets or resets by handle; the previous state is written after the event has changed, as a fault there
 * undoes nothing. */
static NTSTATUS change_state(HANDLE handle, LONG(NTAPI *change)(PRKEVENT event), PLONG previous)
{
    void *event;
    KPROCESSOR_MODE mode = ke_previous_mode();
    if (previous && mode == UserMode && !mm_user_range_ok(previous, sizeof(*previous)))
        return STATUS_ACCESS_VIOLATION;
    NTSTATUS status = ob_reference_by_handle(handle, EVENT_MODIFY_STATE, ob_event_type, mode, &event, NULL);
    if (!NT_SUCCESS(status))
        return status;
    LONG before = change(event);
    ob_dereference(event);
    return previous ? ob_copy_out(previous, &before, sizeof(before), mode) : STATUS_SUCCESS;
}

static LONG NTAPI set_event(PRKEVENT event)
{
    return KeSetEvent(event, EVENT_INCREMENT, FALSE);
}

EXPORT(ntoskrnl, NtSetEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return change_state(EventHandle, set_event, PreviousState);
}

EXPORT(ntoskrnl, ZwSetEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ZW_CALL(NtSetEvent(EventHandle, PreviousState));
}

NTSTATUS NTAPI NtResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return change_state(EventHandle, KeResetEvent, PreviousState);
}

EXPORT(ntoskrnl, ZwResetEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ZW_CALL(NtResetEvent(EventHandle, PreviousState));
}

NTSTATUS NTAPI NtClearEvent(HANDLE EventHandle)
{
    return change_state(EventHandle, KeResetEvent, NULL);
}

EXPORT(ntoskrnl, ZwClearEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle)
{
    return ZW_CALL(NtClearEvent(EventHandle));
}

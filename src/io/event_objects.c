/* SPDX-License-Identifier: MIT */
/* Named events of drivers: created signaled, or opened if another driver has made them. */
#include "io/private.h"
#include "ob/routines.h"

static PKEVENT create_event(PUNICODE_STRING name, PHANDLE handle, EVENT_TYPE type)
{
    OBJECT_ATTRIBUTES attributes;
    PKEVENT event;
    InitializeObjectAttributes(&attributes, name, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(handle, EVENT_ALL_ACCESS, &attributes, type, TRUE)))
        return NULL;
    if (!NT_SUCCESS(ob_reference_by_handle(*handle, 0, ob_event_type, KernelMode, (void **)&event, NULL)))
        return NULL;
    ob_dereference(event); /* the handle keeps it */
    return event;
}

/* The event is valid until the caller closes the handle. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoCreateNotificationEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return create_event(EventName, EventHandle, NotificationEvent);
}

EXPORT(ntoskrnl, IoCreateSynchronizationEvent, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return create_event(EventName, EventHandle, SynchronizationEvent);
}

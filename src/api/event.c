/* SPDX-License-Identifier: MIT */
/* User-mode events: an NT event object with a handle in the API's process. */
#include <stdlib.h>
#include "api/api.h"

struct rgl_event {
    HANDLE handle;
};

struct event_call {
    HANDLE *handle;
    HANDLE value;
    EVENT_TYPE type;
    BOOLEAN signaled;
    LARGE_INTEGER timeout;
    bool limited;
};

static NTSTATUS do_create(void *arg)
{
    struct event_call *call = arg;

    return NtCreateEvent(call->handle, EVENT_ALL_ACCESS, NULL, call->type, call->signaled);
}

static rgl_status create(struct event_call *call, rgl_event **event)
{
    rgl_status status;

    api_scratch_reset();
    call->handle = api_scratch(sizeof(HANDLE));
    *event = calloc(1, sizeof(**event));
    if (call->handle == NULL || *event == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "no room for an event");
    status = api_call(do_create, call, UserMode);
    if (status >= 0)
        (*event)->handle = *call->handle;
    return status == RGL_STATUS_BUG_CHECK ? status : api_ok(status);
}

rgl_status rgl_event_create(rgl_machine *machine, bool manual_reset, bool signaled, rgl_event **event)
{
    struct event_call call = {.type = manual_reset ? NotificationEvent : SynchronizationEvent,
                              .signaled = signaled};
    rgl_status status;

    *event = NULL;
    if (!api_enter(&status))
        return status;
    status = create(&call, event);
    if (status < 0) {
        free(*event);
        *event = NULL;
    }
    api_leave();
    return status;
}

uint64_t rgl_event_handle(const rgl_event *event)
{
    return (uintptr_t)event->handle;
}

static NTSTATUS do_wait(void *arg)
{
    struct event_call *call = arg;

    ke_thread()->previous_mode = KernelMode; /* the time-out is not in the user range */
    PVOID object;
    NTSTATUS status =
        ob_reference_by_handle(call->value, SYNCHRONIZE, ob_event_type, KernelMode, &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status =
        KeWaitForSingleObject(object, UserRequest, UserMode, FALSE, call->limited ? &call->timeout : NULL);
    ob_dereference(object);
    return status;
}

rgl_status rgl_event_wait(rgl_event *event, int64_t timeout_ms)
{
    struct event_call call = {.value = event->handle, .limited = timeout_ms >= 0};

    call.timeout = api_timeout(timeout_ms);
    return api_call(do_wait, &call, UserMode);
}

static NTSTATUS do_set(void *arg)
{
    struct event_call *call = arg;

    return call->signaled ? NtSetEvent(call->value, NULL) : NtResetEvent(call->value, NULL);
}

rgl_status rgl_event_set(rgl_event *event, bool signaled)
{
    struct event_call call = {.value = event->handle, .signaled = signaled};

    return api_call(do_set, &call, UserMode);
}

static NTSTATUS do_close(void *arg)
{
    return NtClose(((struct event_call *)arg)->value);
}

void rgl_event_close(rgl_event *event)
{
    struct event_call call = {.value = event->handle};

    api_call(do_close, &call, UserMode);
    free(event);
}

/* SPDX-License-Identifier: MIT */
/* What must run in a system thread (DriverEntry, Unload), whoever asks for it: a thread is made for it and
 * waited for. */
#include "io/private.h"

struct system_call {
    void (*fn)(void *);
    void *context;
    KEVENT done;
};

static void run_system_call(void *context)
{
    struct system_call *call = context;
    call->fn(call->context);
    KeSetEvent(&call->done, IO_NO_INCREMENT, FALSE);
    ke_thread_exit(STATUS_SUCCESS);
}

NTSTATUS io_in_system_thread(void (*fn)(void *), void *context, const char *name)
{
    struct system_call call = {.fn = fn, .context = context};
    struct ps_thread *thread;
    if (ps_current()->system_thread) {
        fn(context);
        return STATUS_SUCCESS;
    }
    KeInitializeEvent(&call.done, NotificationEvent, FALSE);
    NTSTATUS status = ps_create_system_thread(&thread, run_system_call, &call, name);
    if (!NT_SUCCESS(status))
        return status;
    KeWaitForSingleObject(&call.done, Executive, KernelMode, FALSE, NULL);
    ob_dereference(thread);
    return STATUS_SUCCESS;
}

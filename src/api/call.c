/* SPDX-License-Identifier: MIT */
/*
 * Crossing to the NT side and back. Who may call; the message of the last
 * failure, kept per thread; the thread's scratch memory in the user range, in
 * which requests' buffers and status blocks lie while a driver works on them.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "api/api.h"
#include "ob/ob.h"
#include "rtl/rtl.h"

#define SCRATCH_BYTES (64u << 10)
#define OVERSIZE_MAX  8

/* What a calling thread keeps between calls. Of a former machine: stale, made anew. */
struct api_thread {
    unsigned machine;
    unsigned char *scratch;
    size_t used;
    void *oversize[OVERSIZE_MAX];
    unsigned oversize_count;
    HANDLE event;
};

static __thread struct api_thread self;
static __thread char message[512];
static unsigned machine_number;
static bool forked;
static pthread_key_t exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void mark_forked(void)
{
    forked = true;
}

static void thread_ends(void *value)
{
    (void)value;
    if (api_machine.alive && !forked && self.machine == machine_number)
        ps_host_thread_detach();
}

static void prepare_process(void)
{
    pthread_key_create(&exit_key, thread_ends);
    pthread_atfork(NULL, NULL, mark_forked);
}

void api_thread_init(void)
{
    pthread_once(&once, prepare_process);
    machine_number++;
}

const char *rgl_message(void)
{
    return message;
}

rgl_status api_fail(rgl_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return status;
}

rgl_status api_ok(rgl_status status)
{
    if (status >= 0)
        message[0] = '\0';
    else if (rtl_status_name(status) != NULL)
        snprintf(message, sizeof(message), "the system answered %s", rtl_status_name(status));
    else
        snprintf(message, sizeof(message), "the system answered 0x%08X", (unsigned)status);
    return status;
}

bool api_may_call(rgl_status *status)
{
    if (forked)
        *status = api_fail(RGL_STATUS_AFTER_FORK, "a forked process may only exec or exit");
    else if (!api_machine.alive)
        *status = api_fail(STATUS_INVALID_DEVICE_STATE, "there is no machine");
    else if (api_machine.config.simulated && api_machine.owner != (uint64_t)pthread_self())
        *status =
            api_fail(RGL_STATUS_WRONG_THREAD, "a machine with a seed belongs to the thread that made it");
    else if (api_machine.shut_down)
        *status = api_fail(STATUS_SYSTEM_SHUTDOWN, "the machine was shut down");
    else
        return true;
    return false;
}

static void enter_thread(void)
{
    if (self.machine == machine_number)
        return;
    self = (struct api_thread){.machine = machine_number};
    pthread_setspecific(exit_key, &self);
}

static rgl_status stopped_status(void)
{
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();

    if (info == NULL)
        return api_fail(STATUS_SYSTEM_SHUTDOWN, "the machine is stopped");
    return api_fail(RGL_STATUS_BUG_CHECK, "bug check 0x%X stopped the machine", info->code);
}

rgl_status api_call(NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    rgl_status status;
    struct ps_thread *thread;

    if (!api_may_call(&status))
        return status;
    enter_thread();
    if (ke_bugcheck_happened() != NULL)
        return stopped_status();
    thread = ps_host_thread();
    if (thread == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "no memory for the calling thread");
    status = ke_host_call(&thread->tcb, fn, arg, mode);
    api_debug_deliver();
    if (unlikely(ke_bugcheck_happened() != NULL))
        return stopped_status();
    return status;
}

void *api_scratch(size_t bytes)
{
    enter_thread();
    bytes = ALIGN_UP(bytes, 16);
    if (self.scratch == NULL) {
        self.scratch = mm_user_allocate(SCRATCH_BYTES, HMEM_RW);
        if (self.scratch == NULL)
            return NULL;
    }
    if (bytes <= SCRATCH_BYTES - self.used) {
        void *piece = self.scratch + self.used;
        self.used += bytes;
        return piece;
    }
    if (self.oversize_count == OVERSIZE_MAX)
        return NULL;
    void *piece = mm_user_allocate(bytes, HMEM_RW);
    if (piece != NULL)
        self.oversize[self.oversize_count++] = piece;
    return piece;
}

void api_scratch_reset(void)
{
    self.used = 0;
    while (self.oversize_count != 0)
        mm_user_free(self.oversize[--self.oversize_count]);
}

static NTSTATUS create_event(void *arg)
{
    return NtCreateEvent(arg, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
}

HANDLE api_scratch_event(void)
{
    enter_thread();
    if (self.event == NULL) {
        HANDLE *slot = api_scratch(sizeof(HANDLE));
        if (slot != NULL && NT_SUCCESS(api_call(create_event, slot, UserMode)))
            self.event = *slot;
    }
    return self.event;
}

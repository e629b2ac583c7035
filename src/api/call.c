/* SPDX-License-Identifier: MIT */
/*
 * Crossing to the NT side and back. Who may call; the message of the last
 * failure, kept per thread; the thread's scratch memory in the user range, in
 * which requests' buffers and status blocks lie while a driver works on them.
 *
 * A thread says that it is inside before it looks whether the machine lives;
 * who ends the machine says so before it looks who is inside. So one of the two
 * sees the other.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "api/api.h"
#include "ob/ob.h"
#include "rtl/rtl.h"

#define SCRATCH_BYTES (64u << 10)
#define OVERSIZE_MAX  8

/* What a calling thread keeps between calls. Of a former machine: stale, made anew. */
struct api_thread {
    struct api_thread *next; /* of all that have called; guarded by api_lock */
    bool listed;
    bool attached;   /* the pthread's signal state is the machine's */
    unsigned depth;  /* of api_enter */
    uint32_t inside; /* depth != 0, as other threads may see it */
    unsigned machine;
    unsigned char *scratch;
    size_t used;
    void *oversize[OVERSIZE_MAX];
    unsigned oversize_count;
    HANDLE event;
};

static __thread struct api_thread self;
static __thread char message[512];
static struct api_thread *threads;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned machine_number;
static bool forked;
static pthread_key_t exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void mark_forked(void)
{
    forked = true;
}

void api_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void api_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static void thread_ends(void *value);

static void prepare_process(void)
{
    pthread_key_create(&exit_key, thread_ends);
    pthread_atfork(NULL, NULL, mark_forked);
}

static void enlist(void)
{
    pthread_once(&once, prepare_process);
    api_lock();
    self.next = threads;
    self.listed = true;
    threads = &self;
    api_unlock();
    pthread_setspecific(exit_key, &self);
}

static void delist(void)
{
    struct api_thread **link = &threads;

    api_lock();
    while (*link != NULL && *link != &self)
        link = &(*link)->next;
    if (*link != NULL)
        *link = self.next;
    self.listed = false;
    api_unlock();
}

static NTSTATUS close_event(void *arg)
{
    return NtClose(arg);
}

/* What this thread has of the live machine goes back to it, and its signal state to the pthread. */
static void leave_machine(void)
{
    if (self.event != NULL)
        api_call(close_event, self.event, UserMode);
    self.event = NULL;
    api_scratch_reset();
    if (self.scratch != NULL)
        mm_user_free(self.scratch);
    self.scratch = NULL;
    ps_host_thread_detach();
    self.attached = false;
    self.machine = 0;
}

/* The machine whose signal state this pthread has is gone. */
static void leave_former_machine(void)
{
    if (self.attached)
        arch_thread_restore();
    self.attached = false;
    self.scratch = NULL;
    self.event = NULL;
    self.used = self.oversize_count = 0;
    self.machine = 0;
}

static void thread_ends(void *value)
{
    rgl_status status;

    (void)value;
    if (forked)
        return;
    if (api_enter(&status)) {
        leave_machine();
        api_leave();
    } else if (self.machine != machine_number || !api_machine.alive) {
        leave_former_machine();
    }
    delist();
}

bool api_thread_init(void)
{
    pthread_once(&once, prepare_process);
    return !forked;
}

void api_new_machine(void)
{
    machine_number++;
    __atomic_store_n(&api_machine.alive, true, __ATOMIC_SEQ_CST);
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
    else if (!__atomic_load_n(&api_machine.alive, __ATOMIC_SEQ_CST) ||
             (api_machine.closing && api_machine.closer != (uint64_t)pthread_self()))
        *status = api_fail(STATUS_INVALID_DEVICE_STATE, "there is no machine");
    else if (api_machine.config.simulated && api_machine.owner != (uint64_t)pthread_self())
        *status =
            api_fail(RGL_STATUS_WRONG_THREAD, "a machine with a seed belongs to the thread that made it");
    else if (api_machine.shut_down && api_machine.saver != (uint64_t)pthread_self())
        *status = api_fail(STATUS_SYSTEM_SHUTDOWN, "the machine was shut down");
    else
        return true;
    return false;
}

bool api_enter(rgl_status *status)
{
    if (unlikely(!self.listed) && !forked)
        enlist();
    if (self.depth++ == 0)
        __atomic_store_n(&self.inside, 1, __ATOMIC_SEQ_CST);
    if (unlikely(!api_may_call(status))) {
        api_leave();
        return false;
    }
    if (unlikely(self.machine != machine_number)) {
        leave_former_machine();
        self.machine = machine_number;
    }
    return true;
}

void api_leave(void)
{
    if (--self.depth == 0)
        __atomic_store_n(&self.inside, 0, __ATOMIC_RELEASE);
}

static bool others_inside(void)
{
    bool found = false;

    api_lock();
    for (const struct api_thread *thread = threads; thread != NULL; thread = thread->next)
        found = found || (thread != &self && __atomic_load_n(&thread->inside, __ATOMIC_SEQ_CST));
    api_unlock();
    return found;
}

bool api_others_left(unsigned tries_ms)
{
    while (others_inside())
        if (tries_ms-- == 0 || usleep(1000) != 0)
            return false;
    return true;
}

void api_expel_threads(void)
{
    leave_machine();
    do
        ke_stop();
    while (others_inside() && usleep(1000) == 0);
}

static rgl_status stopped_status(void)
{
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();

    if (info == NULL)
        return api_fail(STATUS_SYSTEM_SHUTDOWN, "the machine is stopped");
    return api_fail(RGL_STATUS_BUG_CHECK, "bug check 0x%X stopped the machine", info->code);
}

/*
 * In user mode one acts as the user process; what is done for the machine's operator outlives it. False: the
 * thread was terminated before the call began; the pthread's next one is another.
 */
static bool call_as_thread(NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode, rgl_status *status)
{
    struct ps_thread *thread = ps_host_thread();

    if (thread == NULL) {
        *status = api_fail(STATUS_INSUFFICIENT_RESOURCES, "no memory for the calling thread");
        return true;
    }
    self.attached = true;
    if (unlikely(mode == UserMode && !ps_acts_as_user(thread))) {
        *status = api_fail(STATUS_PROCESS_IS_TERMINATING, "a driver has terminated the user process");
        return true;
    }
    *status = ke_host_call(&thread->tcb, fn, arg, mode);
    return likely(*status != STATUS_RETRY) || !thread->tcb.doomed;
}

static rgl_status call_inside(NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    rgl_status status;

    if (unlikely(ke_bugcheck_happened() != NULL))
        return stopped_status();
    while (unlikely(!call_as_thread(fn, arg, mode, &status)))
        ;
    if (unlikely(ke_bugcheck_happened() != NULL))
        return stopped_status();
    return status;
}

rgl_status api_call(NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = call_inside(fn, arg, mode);
    api_debug_deliver();
    api_leave();
    return status;
}

void *api_scratch(size_t bytes)
{
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
    if (self.event == NULL) {
        HANDLE *slot = api_scratch(sizeof(HANDLE));
        if (slot != NULL && NT_SUCCESS(api_call(create_event, slot, UserMode)))
            self.event = *slot;
    }
    return self.event;
}

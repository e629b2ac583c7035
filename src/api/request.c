/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous requests. Every asynchronous handle is associated with one
 * completion port of the machine; a system thread takes packets from it, marks
 * the request done, and tells the host side by an eventfd. The embedder's
 * callback runs in rgl_poll or rgl_request_wait, never on an NT stack.
 *
 * A request has up to three holders: the embedder until it releases it, the
 * system until its result was delivered, the pump while it touches it. The NT
 * side cannot free: what it lets go of last is buried, and freed by a later
 * call. The machine's end takes the system's part of all requests away; what
 * the embedder holds stays its own until it is released.
 */
#include "api/request.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "api/api.h"
#include "base/lock.h"
#include "host/host.h"
#include "io/services.h"
#include "rtl/rtl.h"

enum delivery { UNDELIVERED, DELIVERING, DELIVERED };

struct rgl_request {
    struct rgl_request *next;          /* in the list of the done or the buried; guarded by done_lock */
    struct rgl_request *newer, *older; /* of all; guarded by api_lock */
    struct rgl_operation_args args;
    IO_STATUS_BLOCK *iosb; /* in the user range, with the buffers behind it; NULL once the machine is gone */
    void *in, *out;
    LARGE_INTEGER *offset;
    HANDLE file;
    KEVENT done_event;
    struct rgl_io io;
    uint32_t holders;
    bool done, released;
    bool ended; /* its result is known: exchanged by who gives it, for a terminated process may be told twice
                 */
    enum delivery delivery; /* guarded by delivery_mutex */
    pthread_t deliverer;
};

static rl_lock done_lock; /* guards done_first, done_last and buried */
static struct rgl_request *done_first, **done_last = &done_first, *buried;
static struct rgl_request *newest; /* of all that live */
static pthread_mutex_t delivery_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t delivery_over = PTHREAD_COND_INITIALIZER;
static HANDLE port;
static int done_fd = -1;
static bool started; /* guarded by start_mutex, with port and done_fd */
static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- life ---- */

static void enlist(struct rgl_request *request)
{
    api_lock();
    request->older = newest;
    if (newest != NULL)
        newest->newer = request;
    newest = request;
    api_unlock();
}

static void delist(struct rgl_request *request)
{
    api_lock();
    if (request->newer != NULL)
        request->newer->older = request->older;
    else if (newest == request)
        newest = request->older;
    if (request->older != NULL)
        request->older->newer = request->newer;
    api_unlock();
}

static void destroy(struct rgl_request *request)
{
    delist(request);
    if (request->iosb != NULL)
        mm_user_free(request->iosb);
    free(request);
}

static bool was_last(struct rgl_request *request)
{
    return __atomic_sub_fetch(&request->holders, 1, __ATOMIC_ACQ_REL) == 0;
}

static void let_go(struct rgl_request *request)
{
    if (was_last(request))
        destroy(request);
}

/* NT side. */
static void let_go_later(struct rgl_request *request)
{
    if (!was_last(request))
        return;
    rl_lock_acquire(&done_lock);
    request->next = buried;
    buried = request;
    rl_lock_release(&done_lock);
}

static void free_buried(void)
{
    struct rgl_request *next, *request;

    if (likely(__atomic_load_n(&buried, __ATOMIC_RELAXED) == NULL))
        return;
    rl_lock_acquire(&done_lock);
    request = buried;
    buried = NULL;
    rl_lock_release(&done_lock);
    for (; request != NULL; request = next) {
        next = request->next;
        destroy(request);
    }
}

/* ---- done ---- */

/* NT side, or host side for an immediate end: the result is final. */
static void mark_done(struct rgl_request *request, NTSTATUS status, ULONG_PTR information)
{
    request->io = (struct rgl_io){.status = status, .information = information};
    rl_lock_acquire(&done_lock);
    request->next = NULL;
    *done_last = request;
    done_last = &request->next;
    __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
    rl_lock_release(&done_lock);
    host_eventfd_signal(done_fd);
}

static bool take_from_done(struct rgl_request *wanted)
{
    rl_lock_acquire(&done_lock);
    struct rgl_request **link = &done_first;
    while (*link != NULL && *link != wanted)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found) {
        *link = wanted->next;
        if (*link == NULL)
            done_last = link;
    }
    rl_lock_release(&done_lock);
    return found;
}

static void pump(void *context)
{
    IO_STATUS_BLOCK iosb;
    PVOID key, request;

    while (NT_SUCCESS(NtRemoveIoCompletion(port, &key, &request, &iosb, NULL))) {
        struct rgl_request *r = request;
        if (unlikely(__atomic_exchange_n(&r->ended, true, __ATOMIC_ACQ_REL))) {
            let_go_later(r); /* the sender has given up */
            continue;
        }
        /* From mark_done on the others may let go at any time. */
        __atomic_add_fetch(&r->holders, 1, __ATOMIC_RELAXED);
        mark_done(r, iosb.Status, iosb.Information);
        KeSetEvent(&r->done_event, IO_NO_INCREMENT, FALSE);
        if (__atomic_load_n(&r->released, __ATOMIC_SEQ_CST) && take_from_done(r))
            let_go_later(r); /* nobody wants the result */
        let_go_later(r);
    }
}

/* A kernel handle: the system thread that takes the packets is in another process than the handles of the
 * API. */
static NTSTATUS start_pump(void *arg)
{
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS status = NtCreateIoCompletion(&port, 0x1F0003 /* IO_COMPLETION_ALL_ACCESS */, &attributes, 0);

    if (NT_SUCCESS(status))
        status = ps_create_system_thread(NULL, pump, NULL, "completions");
    return status;
}

static rgl_status start(void)
{
    rgl_status status = STATUS_SUCCESS;

    pthread_mutex_lock(&start_mutex);
    if (!started) {
        if (done_fd < 0)
            done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        status = api_call(start_pump, NULL, KernelMode);
        started = status >= 0;
    }
    pthread_mutex_unlock(&start_mutex);
    return status;
}

/* Nobody else is inside any more and nothing of the machine runs. */
void api_requests_stop(void)
{
    struct rgl_request *older;

    free_buried();
    for (struct rgl_request *request = newest; request != NULL; request = older) {
        older = request->older;
        request->iosb = NULL; /* the user range goes as a whole */
        request->newer = request->older = NULL;
        __atomic_store_n(&request->holders, request->released ? 0 : 1, __ATOMIC_RELEASE);
        if (request->released)
            free(request);
    }
    newest = done_first = NULL;
    done_last = &done_first;
    if (done_fd >= 0)
        close(done_fd);
    done_fd = -1;
    started = false;
}

static NTSTATUS associate(void *arg)
{
    FILE_COMPLETION_INFORMATION information = {.Port = port, .Key = NULL};
    IO_STATUS_BLOCK iosb;

    if (!ps_acts_as_user(ps_current()))
        return STATUS_PROCESS_IS_TERMINATING;
    return NtSetInformationFile((HANDLE)arg, &iosb, &information, sizeof(information),
                                FileCompletionInformation);
}

rgl_status api_associate(rgl_file *file)
{
    rgl_status status = start();

    return status >= 0 ? api_call(associate, file->handle, KernelMode) : status;
}

int rgl_completion_fd(rgl_machine *machine)
{
    rgl_status status;

    return api_may_call(&status) && start() >= 0 ? done_fd : -1;
}

/* ---- sending ---- */

static NTSTATUS send(void *arg)
{
    struct rgl_request *r = arg;
    const struct rgl_operation_args *a = &r->args;

    KeInitializeEvent(&r->done_event, NotificationEvent, FALSE);
    switch (a->operation) {
    case RGL_OP_READ:
        return NtReadFile(r->file, NULL, NULL, r, r->iosb, r->out, (ULONG)a->out_length, r->offset, NULL);
    case RGL_OP_WRITE:
        return NtWriteFile(r->file, NULL, NULL, r, r->iosb, r->in, (ULONG)a->in_length, r->offset, NULL);
    case RGL_OP_IOCTL:
        return NtDeviceIoControlFile(r->file, NULL, NULL, r, r->iosb, a->code, r->in, (ULONG)a->in_length,
                                     r->out, (ULONG)a->out_length);
    case RGL_OP_FLUSH: /* the service waits: its result is final, and no packet comes */
        return NtFlushBuffersFile(r->file, r->iosb);
    }
    return STATUS_INVALID_PARAMETER;
}

static void lay_out(struct rgl_request *r, size_t in_at, size_t out_at)
{
    r->offset = (LARGE_INTEGER *)(r->iosb + 1);
    r->offset->QuadPart = r->args.offset >= 0 ? r->args.offset : 0;
    r->in = r->args.in_length != 0 ? (char *)r->iosb + in_at : NULL;
    r->out = r->args.out_length != 0 ? (char *)r->iosb + out_at : NULL;
    if (r->in != NULL)
        memcpy(r->in, r->args.in, r->args.in_length);
    if (r->out != NULL)
        memcpy(r->out, r->args.out, r->args.out_length);
}

static struct rgl_request *make_request(const rgl_file *file, const struct rgl_operation_args *args)
{
    struct rgl_request *r = calloc(1, sizeof(*r));
    size_t in_at = ALIGN_UP(sizeof(*r->iosb) + sizeof(*r->offset), 16);
    size_t out_at = in_at + ALIGN_UP(args->in_length, 16);

    if (r == NULL)
        return NULL;
    r->iosb = mm_user_allocate(out_at + args->out_length, HMEM_RW);
    if (r->iosb == NULL) {
        free(r);
        return NULL;
    }
    r->args = *args;
    r->file = file->handle;
    r->holders = 2;
    lay_out(r, in_at, out_at);
    enlist(r);
    return r;
}

/* The process ended, perhaps in the middle of the request: a packet may come all the same, and then it holds
 * the request until that. */
static void give_up(struct rgl_request *r)
{
    __atomic_add_fetch(&r->holders, 1, __ATOMIC_RELAXED);
    if (!__atomic_exchange_n(&r->ended, true, __ATOMIC_ACQ_REL))
        mark_done(r, STATUS_PROCESS_IS_TERMINATING, 0);
    else
        let_go(r);
}

static rgl_status submit(rgl_file *file, const struct rgl_operation_args *args, rgl_request **request)
{
    struct rgl_request *r;
    rgl_status status;

    if (!file->async)
        return api_fail(STATUS_INVALID_PARAMETER, "the handle was not opened for asynchronous requests");
    if (args->in_length > 0xFFFFFFFFu || args->out_length > 0xFFFFFFFFu || args->operation > RGL_OP_FLUSH)
        return api_fail(STATUS_INVALID_PARAMETER, "no such operation, or more than 4 GiB");
    free_buried();
    r = make_request(file, args);
    if (r == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "no room in the user range for the buffers");
    status = api_call(send, r, UserMode);
    if (status == RGL_STATUS_BUG_CHECK || status == STATUS_SYSTEM_SHUTDOWN) {
        r->released = true; /* goes with the machine, which may still hold it */
        return status;
    }
    if (unlikely(status == STATUS_PROCESS_IS_TERMINATING && ps_api_process()->terminating))
        give_up(r);
    /* An immediate error brings no packet (IRP-89). */
    else if (NT_ERROR(status) || args->operation == RGL_OP_FLUSH)
        mark_done(r, status, r->iosb->Information);
    *request = r;
    return NT_ERROR(status) ? api_ok(status) : status;
}

rgl_status rgl_submit(rgl_file *file, const struct rgl_operation_args *args, rgl_request **request)
{
    rgl_status status;

    *request = NULL;
    if (!api_enter(&status))
        return status;
    status = submit(file, args, request);
    api_leave();
    return status;
}

/* ---- delivery ---- */

/* Of a request that the caller took from the list of the done. */
static void deliver(struct rgl_request *r)
{
    pthread_mutex_lock(&delivery_mutex);
    r->delivery = DELIVERING;
    r->deliverer = pthread_self();
    pthread_mutex_unlock(&delivery_mutex);
    if (r->out != NULL && r->args.out != NULL && !r->released)
        memcpy(r->args.out, r->out, r->args.out_length);
    if (r->args.done != NULL && !r->released)
        r->args.done(r->args.context, &r->io);
    pthread_mutex_lock(&delivery_mutex);
    r->delivery = DELIVERED;
    pthread_cond_broadcast(&delivery_over);
    pthread_mutex_unlock(&delivery_mutex);
    let_go(r);
}

/* Another thread took it: its callback has run when this returns (unless it is that callback which waits). */
static void wait_delivered(struct rgl_request *r)
{
    pthread_mutex_lock(&delivery_mutex);
    while (r->delivery != DELIVERED &&
           !(r->delivery == DELIVERING && pthread_equal(r->deliverer, pthread_self())))
        pthread_cond_wait(&delivery_over, &delivery_mutex);
    pthread_mutex_unlock(&delivery_mutex);
}

static struct rgl_request *take_first_done(void)
{
    rl_lock_acquire(&done_lock);
    struct rgl_request *r = done_first;
    if (r != NULL) {
        done_first = r->next;
        if (done_first == NULL)
            done_last = &done_first;
    }
    rl_lock_release(&done_lock);
    return r;
}

static NTSTATUS wait_done(void *arg)
{
    void **both = arg;
    struct rgl_request *r = both[0];

    return KeWaitForSingleObject(&r->done_event, UserRequest, UserMode, FALSE, both[1]);
}

static rgl_status wait_inside(struct rgl_request *request, int64_t timeout_ms, struct rgl_io *io)
{
    LARGE_INTEGER timeout = api_timeout(timeout_ms);
    void *both[2] = {request, timeout_ms >= 0 ? &timeout : NULL};
    rgl_status status = STATUS_SUCCESS;

    if (!__atomic_load_n(&request->done, __ATOMIC_ACQUIRE))
        status = api_call(wait_done, both, UserMode);
    if (status == STATUS_PROCESS_IS_TERMINATING) /* what it had sent ends in its time, too */
        status = api_call(wait_done, both, KernelMode);
    if (!__atomic_load_n(&request->done, __ATOMIC_ACQUIRE))
        return status;
    if (take_from_done(request))
        deliver(request);
    else
        wait_delivered(request);
    if (io != NULL)
        *io = request->io;
    return STATUS_SUCCESS;
}

rgl_status rgl_request_wait(rgl_request *request, int64_t timeout_ms, struct rgl_io *io)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = wait_inside(request, timeout_ms, io);
    api_leave();
    return status;
}

void rgl_request_release(rgl_request *request)
{
    rgl_status status;

    if (request == NULL)
        return;
    if (api_enter(&status)) {
        __atomic_store_n(&request->released, true, __ATOMIC_SEQ_CST);
        if (take_from_done(request))
            let_go(request);
        let_go(request);
        api_leave();
    } else if (request->iosb == NULL) {
        free(request); /* its machine is gone */
    }
}

unsigned rgl_poll(rgl_machine *machine)
{
    struct rgl_request *request;
    unsigned count = 0;
    rgl_status status;
    uint64_t value;

    if (!api_enter(&status))
        return 0;
    if (done_fd >= 0 && read(done_fd, &value, sizeof(value)) < 0)
        value = 0;
    for (; (request = take_first_done()) != NULL; count++)
        deliver(request);
    free_buried();
    api_debug_deliver();
    api_leave();
    return count;
}

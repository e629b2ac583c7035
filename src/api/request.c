/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous requests. Every asynchronous handle is associated with one
 * completion port of the machine; a system thread takes packets from it, marks
 * the request done, and tells the host side by an eventfd. The embedder's
 * callback runs in rgl_poll or rgl_request_wait, never on an NT stack.
 *
 * A request is held by the embedder and, until it is done, by the system;
 * whoever lets go last frees it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "api/api.h"
#include "api/request.h"
#include "base/lock.h"
#include "host/host.h"
#include "io/services.h"
#include "rtl/rtl.h"

struct rgl_request {
    struct rgl_request *next; /* in the list of the done; guarded by done_lock */
    struct rgl_operation_args args;
    IO_STATUS_BLOCK *iosb; /* in the user range, with the buffers behind it */
    void *in, *out;
    LARGE_INTEGER *offset;
    HANDLE file;
    KEVENT done_event;
    struct rgl_io io;
    uint32_t holders;
    bool done, delivered, released;
};

static rl_lock done_lock; /* guards done_first and done_last */
static struct rgl_request *done_first, **done_last = &done_first;
static HANDLE port;
static int done_fd = -1;
static bool started;

static void let_go(struct rgl_request *request)
{
    if (__atomic_sub_fetch(&request->holders, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    mm_user_free(request->iosb);
    free(request);
}

/* NT side, or host side for an immediate end: the result is final. The event is set under the lock, as who
 * finds the request in the list may free it; at DISPATCH_LEVEL, as a switch with the lock held would never
 * end when simulated. */
static void mark_done(struct rgl_request *request, NTSTATUS status, ULONG_PTR information, bool on_nt)
{
    KIRQL irql = on_nt ? ke_raise_irql(DISPATCH_LEVEL) : PASSIVE_LEVEL;

    request->io = (struct rgl_io){.status = status, .information = information};
    rl_lock_acquire(&done_lock);
    request->next = NULL;
    *done_last = request;
    done_last = &request->next;
    __atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
    if (on_nt)
        KeSetEvent(&request->done_event, IO_NO_INCREMENT, FALSE);
    rl_lock_release(&done_lock);
    host_eventfd_signal(done_fd);
    if (on_nt)
        ke_lower_irql(irql);
}

static void pump(void *context)
{
    IO_STATUS_BLOCK iosb;
    PVOID key, request;

    while (NT_SUCCESS(NtRemoveIoCompletion(port, &key, &request, &iosb, NULL)))
        mark_done(request, iosb.Status, iosb.Information, true);
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

    if (started)
        return status;
    if (done_fd < 0)
        done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    status = api_call(start_pump, NULL, KernelMode);
    started = status >= 0;
    return status;
}

void api_requests_stop(void)
{
    while (done_first != NULL) {
        struct rgl_request *request = done_first;
        done_first = request->next;
        if (request->released)
            free(request);
    }
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
    return start() >= 0 ? done_fd : -1;
}

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
    r->offset = (LARGE_INTEGER *)(r->iosb + 1);
    r->offset->QuadPart = args->offset >= 0 ? args->offset : 0;
    r->in = args->in_length != 0 ? (char *)r->iosb + in_at : NULL;
    r->out = args->out_length != 0 ? (char *)r->iosb + out_at : NULL;
    if (r->in != NULL)
        memcpy(r->in, args->in, args->in_length);
    if (r->out != NULL)
        memcpy(r->out, args->out, args->out_length);
    return r;
}

rgl_status rgl_submit(rgl_file *file, const struct rgl_operation_args *args, rgl_request **request)
{
    struct rgl_request *r;
    rgl_status status;

    *request = NULL;
    if (!api_may_call(&status))
        return status;
    if (!file->async)
        return api_fail(STATUS_INVALID_PARAMETER, "the handle was not opened for asynchronous requests");
    r = make_request(file, args);
    if (r == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "no room in the user range for the buffers");
    status = api_call(send, r, UserMode);
    if (status == RGL_STATUS_BUG_CHECK) {
        free(r);
        return status;
    }
    /* An immediate error brings no packet (IRP-89). */
    if (NT_ERROR(status) || args->operation == RGL_OP_FLUSH)
        mark_done(r, status, r->iosb->Information, false);
    *request = r;
    return NT_ERROR(status) ? api_ok(status) : status;
}

static NTSTATUS wait_done(void *arg)
{
    void **both = arg;
    struct rgl_request *r = both[0];

    return KeWaitForSingleObject(&r->done_event, UserRequest, UserMode, FALSE, both[1]);
}

static void deliver(struct rgl_request *r)
{
    if (r->delivered)
        return;
    r->delivered = true;
    if (r->out != NULL && r->args.out != NULL && !r->released)
        memcpy(r->args.out, r->out, r->args.out_length);
    if (r->args.done != NULL && !r->released)
        r->args.done(r->args.context, &r->io);
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

rgl_status rgl_request_wait(rgl_request *request, int64_t timeout_ms, struct rgl_io *io)
{
    LARGE_INTEGER timeout = {.QuadPart = -timeout_ms * 10000};
    void *both[2] = {request, timeout_ms >= 0 ? &timeout : NULL};
    rgl_status status = STATUS_SUCCESS;

    if (!__atomic_load_n(&request->done, __ATOMIC_ACQUIRE))
        status = api_call(wait_done, both, UserMode);
    if (status == STATUS_TIMEOUT || status < 0)
        return status;
    if (take_from_done(request)) {
        deliver(request);
        let_go(request);
    }
    if (io != NULL)
        *io = request->io;
    return status;
}

void rgl_request_release(rgl_request *request)
{
    request->released = true;
    let_go(request);
}

unsigned rgl_poll(rgl_machine *machine)
{
    unsigned count = 0;
    uint64_t value;

    if (done_fd >= 0 && read(done_fd, &value, sizeof(value)) < 0)
        value = 0;
    for (;;) {
        rl_lock_acquire(&done_lock);
        struct rgl_request *r = done_first;
        if (r != NULL) {
            done_first = r->next;
            if (done_first == NULL)
                done_last = &done_first;
        }
        rl_lock_release(&done_lock);
        if (r == NULL)
            break;
        deliver(r);
        let_go(r);
        count++;
    }
    api_debug_deliver();
    return count;
}

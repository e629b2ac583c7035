/* SPDX-License-Identifier: MIT */
/*
 * Handles of the API's user process and the synchronous requests on them. A
 * request's buffers are copied into the thread's scratch memory, which lies in
 * the user range; a buffer that lies there already is used in place.
 */
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/request.h"
#include "io/services.h"
#include "rtl/rtl.h"

#define NAME_MAX_WCHARS 512

struct open_request {
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    IO_STATUS_BLOCK iosb;
    HANDLE handle;
    ACCESS_MASK access;
    ULONG options, share;
    WCHAR text[NAME_MAX_WCHARS];
};

static NTSTATUS do_open(void *arg)
{
    struct open_request *r = arg;

    return NtCreateFile(&r->handle, r->access, &r->attributes, &r->iosb, NULL, 0, r->share, FILE_OPEN,
                        r->options, NULL, 0);
}

/* \\.\X and \\?\X are what user mode writes for \??\X. */
static void name_to_nt(struct open_request *r, const char *name)
{
    int at = 0;

    if (strncmp(name, "\\\\.\\", 4) == 0 || strncmp(name, "\\\\?\\", 4) == 0) {
        at = rtl_wide_from_utf8(r->text, NAME_MAX_WCHARS, "\\??\\", 4);
        name += 4;
    }
    at += rtl_wide_from_utf8(r->text + at, (size_t)(NAME_MAX_WCHARS - at), name, strlen(name));
    r->name =
        (UNICODE_STRING){.Length = (USHORT)(at * 2), .MaximumLength = (USHORT)(at * 2), .Buffer = r->text};
}

static void fill_open(struct open_request *r, const char *name, unsigned flags)
{
    memset(r, 0, sizeof(*r));
    name_to_nt(r, name);
    r->attributes = (OBJECT_ATTRIBUTES){
        .Length = sizeof(r->attributes), .ObjectName = &r->name, .Attributes = OBJ_CASE_INSENSITIVE};
    if (!(flags & (RGL_OPEN_READ | RGL_OPEN_WRITE)))
        flags |= RGL_OPEN_READ | RGL_OPEN_WRITE;
    r->access = SYNCHRONIZE | (flags & RGL_OPEN_READ ? GENERIC_READ : 0) |
                (flags & RGL_OPEN_WRITE ? GENERIC_WRITE : 0);
    r->share = flags & RGL_OPEN_EXCLUSIVE ? 0 : FILE_SHARE_READ | FILE_SHARE_WRITE;
    r->options = flags & RGL_OPEN_ASYNC ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
}

static void link_file(rgl_file *file)
{
    api_lock();
    file->next = api_machine.files;
    api_machine.files = file;
    api_unlock();
}

static void unlink_file(rgl_file *file)
{
    api_lock();
    struct rgl_file **link = &api_machine.files;
    while (*link != NULL && *link != file)
        link = &(*link)->next;
    if (*link != NULL)
        *link = file->next;
    api_unlock();
}

static NTSTATUS do_close(void *arg)
{
    return NtClose((HANDLE)arg);
}

static rgl_status open_file(const char *name, unsigned flags, rgl_file *file, struct rgl_io *io)
{
    struct open_request *r;
    rgl_status status;

    api_scratch_reset();
    r = api_scratch(sizeof(*r));
    if (r == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "the user range is exhausted");
    if (strlen(name) >= NAME_MAX_WCHARS - 4)
        return api_fail(STATUS_OBJECT_NAME_INVALID, "the name is too long");
    fill_open(r, name, flags);
    status = api_call(do_open, r, UserMode);
    *io = (struct rgl_io){.status = status, .information = r->iosb.Information};
    if (status < 0)
        return status == RGL_STATUS_BUG_CHECK ? status : api_ok(status);
    file->handle = r->handle;
    file->async = flags & RGL_OPEN_ASYNC;
    status = file->async ? api_associate(file) : STATUS_SUCCESS;
    if (status < 0)
        api_call(do_close, file->handle, UserMode);
    return status;
}

rgl_status rgl_open(rgl_machine *machine, const char *name, unsigned flags, rgl_file **file,
                    struct rgl_io *io)
{
    struct rgl_io discarded;
    rgl_status status;

    *file = NULL;
    if (!api_enter(&status))
        return status;
    *file = calloc(1, sizeof(**file));
    status = *file != NULL ? open_file(name, flags, *file, io != NULL ? io : &discarded)
                           : api_fail(STATUS_INSUFFICIENT_RESOURCES, "no memory");
    if (status >= 0) {
        link_file(*file);
        api_ok(status);
    } else {
        free(*file);
        *file = NULL;
    }
    api_leave();
    return status;
}

rgl_status rgl_close(rgl_file *file)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = api_call(do_close, file->handle, UserMode);
    if (status == STATUS_PROCESS_IS_TERMINATING) /* its handles were closed with it */
        status = STATUS_SUCCESS;
    unlink_file(file);
    free(file);
    api_leave();
    return status == RGL_STATUS_BUG_CHECK ? status : api_ok(status);
}

/* ---- requests ---- */

struct request {
    HANDLE file, event;
    IO_STATUS_BLOCK *iosb;
    LARGE_INTEGER *offset;
    PVOID in, out;
    ULONG in_length, out_length, code;
};

static NTSTATUS finish_wait(const struct request *r, NTSTATUS status)
{
    if (status != STATUS_PENDING)
        return status;
    status = NtWaitForSingleObject(r->event, FALSE, NULL);
    return NT_SUCCESS(status) ? r->iosb->Status : status;
}

static NTSTATUS do_read(void *arg)
{
    struct request *r = arg;

    return finish_wait(
        r, NtReadFile(r->file, r->event, NULL, NULL, r->iosb, r->out, r->out_length, r->offset, NULL));
}

static NTSTATUS do_write(void *arg)
{
    struct request *r = arg;

    return finish_wait(
        r, NtWriteFile(r->file, r->event, NULL, NULL, r->iosb, r->in, r->in_length, r->offset, NULL));
}

static NTSTATUS do_ioctl(void *arg)
{
    struct request *r = arg;

    return finish_wait(r, NtDeviceIoControlFile(r->file, r->event, NULL, NULL, r->iosb, r->code, r->in,
                                                r->in_length, r->out, r->out_length));
}

static NTSTATUS do_internal_ioctl(void *arg)
{
    struct request *r = arg;

    return io_internal_device_control(r->file, NULL, r->iosb, r->code, r->in, r->in_length, r->out,
                                      r->out_length);
}

static NTSTATUS do_flush(void *arg)
{
    struct request *r = arg;

    return NtFlushBuffersFile(r->file, r->iosb);
}

/* The caller's buffer as a driver may see it. */
static PVOID to_user(const void *buffer, size_t length, bool copy)
{
    if (length == 0)
        return NULL;
    if (mm_user_range_ok(buffer, length))
        return (PVOID)buffer;
    PVOID piece = api_scratch(length);
    if (piece != NULL && copy)
        memcpy(piece, buffer, length);
    return piece;
}

static bool fill(struct request *r, rgl_file *file, const void *in, size_t in_length, void *out,
                 size_t out_length, int64_t offset, rgl_status *status)
{
    if (in_length > 0xFFFFFFFFu || out_length > 0xFFFFFFFFu) {
        *status = api_fail(STATUS_INVALID_PARAMETER, "a request has at most 4 GiB");
        return false;
    }
    api_scratch_reset();
    *r = (struct request){
        .file = file->handle, .in_length = (ULONG)in_length, .out_length = (ULONG)out_length};
    r->event = file->async ? api_scratch_event() : NULL;
    r->iosb = api_scratch(sizeof(*r->iosb));
    if (in == out && in_length != 0 && out_length != 0) { /* one buffer stays one buffer */
        r->in = r->out = to_user(out, in_length > out_length ? in_length : out_length, true);
    } else {
        r->in = to_user(in, in_length, true);
        r->out = to_user(out, out_length, true);
    }
    if (r->iosb == NULL || (in_length != 0 && r->in == NULL) || (out_length != 0 && r->out == NULL)) {
        *status = api_fail(STATUS_INSUFFICIENT_RESOURCES, "no room in the user range for the buffers");
        return false;
    }
    *r->iosb = (IO_STATUS_BLOCK){0};
    if (offset >= 0 || file->async) {
        r->offset = api_scratch(sizeof(*r->offset));
        if (r->offset == NULL) {
            *status = api_fail(STATUS_INSUFFICIENT_RESOURCES, "no room in the user range for the offset");
            return false;
        }
        r->offset->QuadPart = offset >= 0 ? offset : 0;
    }
    return true;
}

/* True: inside, and run() leaves. */
static bool prepare(struct request *r, rgl_file *file, const void *in, size_t in_length, void *out,
                    size_t out_length, int64_t offset, rgl_status *status)
{
    if (!api_enter(status))
        return false;
    if (fill(r, file, in, in_length, out, out_length, offset, status))
        return true;
    api_leave();
    return false;
}

static rgl_status run(struct request *r, NTSTATUS (*fn)(void *), void *out, struct rgl_io *io)
{
    rgl_status status = api_call(fn, r, UserMode);

    if (io != NULL)
        *io = (struct rgl_io){.status = status, .information = r->iosb->Information};
    if (likely(status != RGL_STATUS_BUG_CHECK) && out != NULL && r->out_length != 0 && r->out != out)
        memcpy(out, r->out, r->out_length);
    api_leave();
    return likely(status >= 0) || status == RGL_STATUS_BUG_CHECK ? status : api_ok(status);
}

rgl_status rgl_read(rgl_file *file, void *buffer, size_t length, int64_t offset, struct rgl_io *io)
{
    struct request r;
    rgl_status status;

    return prepare(&r, file, NULL, 0, buffer, length, offset, &status) ? run(&r, do_read, buffer, io)
                                                                       : status;
}

rgl_status rgl_write(rgl_file *file, const void *data, size_t length, int64_t offset, struct rgl_io *io)
{
    struct request r;
    rgl_status status;

    return prepare(&r, file, data, length, NULL, 0, offset, &status) ? run(&r, do_write, NULL, io) : status;
}

rgl_status rgl_flush(rgl_file *file, struct rgl_io *io)
{
    struct request r;
    rgl_status status;

    return prepare(&r, file, NULL, 0, NULL, 0, -1, &status) ? run(&r, do_flush, NULL, io) : status;
}

rgl_status rgl_ioctl(rgl_file *file, uint32_t code, const void *in, size_t in_length, void *out,
                     size_t out_length, struct rgl_io *io)
{
    struct request r;
    rgl_status status;

    if (!prepare(&r, file, in, in_length, out, out_length, -1, &status))
        return status;
    r.code = code;
    return run(&r, do_ioctl, out, io);
}

rgl_status rgl_internal_ioctl(rgl_file *file, uint32_t code, const void *in, size_t in_length, void *out,
                              size_t out_length, struct rgl_io *io)
{
    struct request r;
    rgl_status status;

    if (!prepare(&r, file, in, in_length, out, out_length, -1, &status))
        return status;
    r.code = code;
    return run(&r, do_internal_ioctl, out, io);
}

struct cancel_request {
    HANDLE file;
    IO_STATUS_BLOCK *iosb;
};

static NTSTATUS do_cancel(void *arg)
{
    struct cancel_request *r = arg;

    return NtCancelIoFile(r->file, r->iosb);
}

static rgl_status cancel(const rgl_file *file)
{
    struct cancel_request r = {.file = file->handle};
    rgl_status status;

    api_scratch_reset();
    r.iosb = api_scratch(sizeof(*r.iosb));
    if (r.iosb == NULL)
        return api_fail(STATUS_INSUFFICIENT_RESOURCES, "the user range is exhausted");
    status = api_call(do_cancel, &r, UserMode);
    return status == RGL_STATUS_BUG_CHECK ? status : api_ok(status);
}

rgl_status rgl_cancel(rgl_file *file)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = cancel(file);
    api_leave();
    return status;
}

/* Fails where there is no user process any more. */
static NTSTATUS touch(void *unused)
{
    return STATUS_SUCCESS;
}

void *rgl_user_alloc(rgl_machine *machine, size_t length)
{
    void *buffer = NULL;
    rgl_status status;

    if (api_enter(&status)) {
        if (api_call(touch, NULL, UserMode) >= 0)
            buffer = mm_user_allocate(length, HMEM_RW);
        api_leave();
    }
    return buffer;
}

void rgl_user_free(rgl_machine *machine, void *buffer)
{
    rgl_status status;

    if (buffer != NULL && api_enter(&status)) {
        mm_user_free(buffer);
        api_leave();
    }
}

/* SPDX-License-Identifier: MIT */
/* The commands that open devices and send them requests. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session.h"

struct handle *session_handle(struct session *session, const char *name)
{
    for (struct handle *handle = session->handles; handle != NULL; handle = handle->next)
        if (strcmp(handle->name, name) == 0)
            return handle;
    return NULL;
}

struct handle *call_handle(struct call *call)
{
    if (call_more(call) && !call->words->quoted[call->at]) {
        struct handle *named = session_handle(call->session, call->words->text[call->at]);
        if (named != NULL) {
            call->at++;
            return named;
        }
    }
    return call->session->current;
}

static int no_handle(const struct call *call)
{
    return call_wrong(call, "no handle is open");
}

static int parse_open(struct call *call, char *name, size_t size, unsigned *flags)
{
    snprintf(name, size, "h%u", call->session->next_handle + 1);
    while (call_more(call)) {
        if (call_take(call, "as")) {
            if (!call_more(call))
                return call_wrong(call, "wants a name behind 'as'");
            snprintf(name, size, "%s", call->words->text[call->at++]);
        } else if (call_take(call, "read")) {
            *flags |= RGL_OPEN_READ;
        } else if (call_take(call, "write")) {
            *flags |= RGL_OPEN_WRITE;
        } else if (call_take(call, "rw")) {
            *flags |= RGL_OPEN_READ | RGL_OPEN_WRITE;
        } else if (call_take(call, "exclusive")) {
            *flags |= RGL_OPEN_EXCLUSIVE;
        } else if (call_take(call, "async")) {
            *flags |= RGL_OPEN_ASYNC;
        } else {
            return call_wrong(call, "open NAME|{GUID} [N] [as H] [read|write|rw] [exclusive] [async]");
        }
    }
    return EXIT_OK;
}

static bool good_handle_name(const char *name)
{
    static const char *const reserved[] = {"all", "at", "out", "timeout", "as"};

    for (unsigned i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(name, reserved[i]) == 0)
            return false;
    return name[0] != '\0' && (name[0] < '0' || name[0] > '9');
}

static void add_handle(struct session *session, const char *name, rgl_file *file, bool async)
{
    struct handle *handle = calloc(1, sizeof(*handle));

    snprintf(handle->name, sizeof(handle->name), "%s", name);
    handle->file = file;
    handle->async = async;
    handle->next = session->handles;
    session->handles = session->current = handle;
    session->next_handle++;
}

/* `open {GUID} N`: which of the interfaces is wanted, and its name when it was found. */
#define NO_SUCH_INTERFACE ((rgl_status)0xC0000034) /* STATUS_OBJECT_NAME_NOT_FOUND */
struct wanted {
    unsigned long index, at;
    char name[2400];
};

static void see_interface(void *context, const char *name)
{
    struct wanted *wanted = context;
    if (++wanted->at == wanted->index)
        snprintf(wanted->name, sizeof(wanted->name), "%s", name);
}

/* The name to open: of an interface class, {...}, with perhaps a number behind it, its first or that enabled
 * interface; "" if there is none. NULL: the message is printed, *code is to be returned. */
static const char *name_to_open(struct call *call, struct wanted *wanted, int *code)
{
    const char *device = call->words->text[call->at++];
    char *end = NULL;
    *wanted = (struct wanted){.index = 1};
    if (device[0] != '{')
        return device;
    if (call_more(call) && isdigit((unsigned char)call->words->text[call->at][0])) {
        wanted->index = strtoul(call->words->text[call->at++], &end, 10);
        if (*end || wanted->index == 0)
            *code = call_wrong(call, "interfaces are numbered from 1");
        if (*code != EXIT_OK)
            return NULL;
    }
    if (rgl_for_each_interface(call->session->machine, device, see_interface, wanted) < 0)
        *code = call_wrong(call, rgl_message());
    return *code == EXIT_OK ? wanted->name : NULL;
}

int do_open(struct call *call)
{
    struct session *session = call->session;
    struct result result = {.has_information = true};
    struct rgl_io io = {0};
    char name[64], what[2600];
    unsigned flags = 0;
    rgl_file *file = NULL;

    if (!call_more(call))
        return call_wrong(call, "wants the name of a device");
    struct wanted wanted;
    int code = EXIT_OK;
    const char *asked = call->words->text[call->at], *device = name_to_open(call, &wanted, &code);
    if (device == NULL)
        return code;
    code = parse_open(call, name, sizeof(name), &flags);
    if (code != EXIT_OK)
        return code;
    if (!good_handle_name(name))
        return call_wrong(call, "that is no name for a handle");
    if (session_handle(session, name) != NULL)
        return call_wrong(call, "a handle of that name is open");
    result.status = device[0] ? rgl_open(session->machine, device, flags, &file, &io) : NO_SUCH_INTERFACE;
    result.information = io.information;
    if (result.status >= 0 && file != NULL)
        add_handle(session, name, file, flags & RGL_OPEN_ASYNC);
    snprintf(what, sizeof(what), "open %s as %s", device[0] ? device : asked, name);
    return call_done(call, what, &result);
}

void handle_forget(struct session *session, struct handle *handle)
{
    struct handle **link = &session->handles;

    while (*link != handle)
        link = &(*link)->next;
    *link = handle->next;
    if (session->current == handle)
        session->current = session->handles;
    while (handle->requests != NULL) {
        struct pending *pending = handle->requests;
        handle->requests = pending->next;
        rgl_request_release(pending->request);
        free(pending->out);
        free(pending);
    }
    free(handle);
}

void handle_close(struct session *session, struct handle *handle, struct result *result)
{
    result->status = rgl_close(handle->file);
    rgl_poll(session->machine);
    handle_forget(session, handle);
}

int do_close(struct call *call)
{
    struct handle *handle = call_handle(call);
    struct result result = {0};
    char what[100];

    if (handle == NULL)
        return no_handle(call);
    snprintf(what, sizeof(what), "close %s", handle->name);
    handle_close(call->session, handle, &result);
    return call_done(call, what, &result);
}

/* An asynchronous handle: the request is sent and remembered until `wait`. */
static int submit(struct call *call, struct handle *handle, const char *what, struct rgl_operation_args *args)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    struct pending **last = &handle->requests;
    struct result result = {0};

    snprintf(pending->what, sizeof(pending->what), "%s", what);
    pending->out_length = args->out_length;
    pending->out = calloc(1, args->out_length != 0 ? args->out_length : 1);
    args->out = pending->out;
    result.status = rgl_submit(handle->file, args, &pending->request);
    if (pending->request == NULL) {
        free(pending->out);
        free(pending);
        return call_done(call, what, &result);
    }
    while (*last != NULL)
        last = &(*last)->next;
    *last = pending;
    /* On an asynchronous handle the command's status is the immediate one; `wait` gives the final result. */
    return call_done(call, what, &result);
}

/* read [H] LENGTH [at OFFSET] */
int do_read(struct call *call)
{
    struct handle *handle = call_handle(call);
    struct result result = {.has_information = true, .has_data = true};
    unsigned long long length, offset = 0;
    struct rgl_io io = {0};
    char what[100];

    if (handle == NULL)
        return no_handle(call);
    if (call_number(call, "a length", &length) != EXIT_OK)
        return EXIT_USAGE;
    bool at = call_take(call, "at");
    if (at && call_number(call, "an offset behind 'at'", &offset) != EXIT_OK)
        return EXIT_USAGE;
    if (length > (64u << 20))
        return call_wrong(call, "more than 64 MiB");
    snprintf(what, sizeof(what), at ? "read %llu at %llu" : "read %llu", length, offset);
    int64_t where = at ? (int64_t)offset : handle->async ? 0 : -1;
    if (handle->async)
        return submit(
            call, handle, what,
            &(struct rgl_operation_args){.operation = RGL_OP_READ, .out_length = length, .offset = where});
    result.data = calloc(1, length != 0 ? length : 1);
    result.status = rgl_read(handle->file, result.data, length, where, &io);
    result.information = io.information;
    result.length = io.information < length ? io.information : length;
    return call_done(call, what, &result);
}

/* write [H] DATA [at OFFSET] */
int do_write(struct call *call)
{
    struct handle *handle = call_handle(call);
    struct result result = {.has_information = true};
    unsigned long long offset = 0;
    const char *error = "wants data";
    struct rgl_io io = {0};
    struct data data;
    char what[100];
    int code;

    if (handle == NULL)
        return no_handle(call);
    if (!call_more(call) ||
        !data_parse(&data, call->words->text[call->at], call->words->quoted[call->at], &error))
        return call_wrong(call, error);
    call->at++;
    bool at = call_take(call, "at");
    if (at && call_number(call, "an offset behind 'at'", &offset) != EXIT_OK) {
        free(data.bytes);
        return EXIT_USAGE;
    }
    snprintf(what, sizeof(what), at ? "write %zu at %llu" : "write %zu", data.length, offset);
    int64_t where = at ? (int64_t)offset : handle->async ? 0 : -1;
    if (handle->async) {
        code = submit(
            call, handle, what,
            &(struct rgl_operation_args){
                .operation = RGL_OP_WRITE, .in = data.bytes, .in_length = data.length, .offset = where});
    } else {
        result.status = rgl_write(handle->file, data.bytes, data.length, where, &io);
        result.information = io.information;
        code = call_done(call, what, &result);
    }
    free(data.bytes);
    return code;
}

int do_flush(struct call *call)
{
    struct handle *handle = call_handle(call);
    struct result result = {.has_information = true};
    struct rgl_io io = {0};

    if (handle == NULL)
        return no_handle(call);
    if (handle->async)
        return submit(call, handle, "flush", &(struct rgl_operation_args){.operation = RGL_OP_FLUSH});
    result.status = rgl_flush(handle->file, &io);
    result.information = io.information;
    return call_done(call, "flush", &result);
}

static int parse_ioctl(struct call *call, unsigned long long *code, struct data *in, unsigned long long *out)
{
    const char *error = NULL;

    *in = (struct data){0};
    *out = 0;
    if (call_number(call, "a control code", code) != EXIT_OK)
        return EXIT_USAGE;
    if (*code > 0xFFFFFFFFu)
        return call_wrong(call, "a control code has 32 bits");
    if (call_more(call) &&
        (call->words->quoted[call->at] || strcmp(call->words->text[call->at], "out") != 0)) {
        if (!data_parse(in, call->words->text[call->at], call->words->quoted[call->at], &error))
            return call_wrong(call, error);
        call->at++;
    }
    if (call_take(call, "out") && call_number(call, "a length behind 'out'", out) != EXIT_OK)
        return EXIT_USAGE;
    return *out > (64u << 20) ? call_wrong(call, "an output of more than 64 MiB") : EXIT_OK;
}

static int control(struct call *call, bool internal)
{
    struct handle *handle = call_handle(call);
    struct result result = {.has_information = true, .has_data = true};
    unsigned long long code, out;
    struct rgl_io io = {0};
    struct data in = {0};
    char what[100];
    int exit_code;

    if (handle == NULL)
        return no_handle(call);
    exit_code = parse_ioctl(call, &code, &in, &out);
    if (exit_code != EXIT_OK) {
        free(in.bytes);
        return exit_code;
    }
    snprintf(what, sizeof(what), "%s 0x%08llx", call->words->text[0], code);
    if (handle->async && !internal) {
        exit_code = submit(call, handle, what,
                           &(struct rgl_operation_args){.operation = RGL_OP_IOCTL,
                                                        .code = (uint32_t)code,
                                                        .in = in.bytes,
                                                        .in_length = in.length,
                                                        .out_length = out});
    } else {
        result.data = calloc(1, out != 0 ? out : 1);
        result.status = (internal ? rgl_internal_ioctl : rgl_ioctl)(handle->file, (uint32_t)code, in.bytes,
                                                                    in.length, result.data, out, &io);
        result.information = io.information;
        result.length = io.information < out ? io.information : out;
        exit_code = call_done(call, what, &result);
    }
    free(in.bytes);
    return exit_code;
}

int do_ioctl(struct call *call)
{
    return control(call, false);
}

int do_internal_ioctl(struct call *call)
{
    return control(call, true);
}

int do_cancel(struct call *call)
{
    struct handle *handle = call_handle(call);
    struct result result = {0};
    char what[100];

    if (handle == NULL)
        return no_handle(call);
    snprintf(what, sizeof(what), "cancel %s", handle->name);
    result.status = rgl_cancel(handle->file);
    return call_done(call, what, &result);
}

/* Waits for the oldest request of a handle. False: it did not finish in time. */
static bool wait_one(struct call *call, struct handle *handle, int64_t timeout)
{
    struct pending *pending = handle->requests;
    struct result result = {.has_information = true, .has_data = pending->out_length != 0};
    struct rgl_io io = {0};
    rgl_status status = rgl_request_wait(pending->request, timeout, &io);
    char what[240];

    if (status == RGL_STATUS_TIMEOUT || status == RGL_STATUS_BUG_CHECK || status == RGL_STATUS_HANG) {
        struct result late = {.status = status};
        snprintf(what, sizeof(what), "wait %s: %s", handle->name, pending->what);
        if (status != RGL_STATUS_BUG_CHECK)
            call_done(call, what, &late);
        return false;
    }
    handle->requests = pending->next;
    result.status = io.status;
    result.information = io.information;
    result.data = pending->out;
    result.length = io.information < pending->out_length ? io.information : pending->out_length;
    snprintf(what, sizeof(what), "wait %s: %s", handle->name, pending->what);
    call_done(call, what, &result);
    rgl_request_release(pending->request);
    free(pending);
    return true;
}

/* wait [H|all] [timeout MS] */
int do_wait(struct call *call)
{
    struct session *session = call->session;
    bool all = call_take(call, "all");
    struct handle *only = all ? NULL : call_handle(call);
    unsigned long long timeout = 0;
    bool limited = call_take(call, "timeout");

    if (limited && call_number(call, "milliseconds behind 'timeout'", &timeout) != EXIT_OK)
        return EXIT_USAGE;
    if (!all && only == NULL)
        return no_handle(call);
    for (struct handle *handle = session->handles; handle != NULL; handle = handle->next)
        while ((all || handle == only) && handle->requests != NULL)
            if (!wait_one(call, handle, limited ? (int64_t)timeout : -1))
                return EXIT_OK;
    return EXIT_OK;
}

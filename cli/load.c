/* SPDX-License-Identifier: MIT */
/* Loading and unloading: what a session starts with, and the commands load and unload. */
#include <stdlib.h>
#include <string.h>
#include "session.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void remember_service(struct session *session, const char *path)
{
    char *service = strdup(base_name(path));
    char *dot = strrchr(service, '.');

    if (dot != NULL && dot != service)
        *dot = '\0';
    if (session->service_count < sizeof(session->services) / sizeof(session->services[0]))
        session->services[session->service_count++] = service;
    else
        free(service);
}

/* Says what became of it. EXIT_OK, EXIT_USAGE (unreadable, no image) or EXIT_LOAD. */
static int loaded(struct session *session, const char *path, rgl_status status)
{
    struct result result = {.status = status};
    char what[300], buffer[16], text[600];

    rgl_poll(session->machine);
    snprintf(what, sizeof(what), "load %s", base_name(path));
    if (status == RGL_STATUS_BUG_CHECK)
        return EXIT_OK;
    if (status == RGL_STATUS_NOT_AN_IMAGE)
        return usage_error("%s: %s", path, rgl_message());
    if (status >= 0) {
        remember_service(session, path);
        print_result(&session->printer, what, &result);
    } else if (status == RGL_STATUS_CANNOT_LOAD) {
        snprintf(text, sizeof(text), "%s: %s", what, rgl_message());
        print_note(&session->printer, "load", text);
    } else {
        snprintf(text, sizeof(text), "%s: %s: %s", what, status_text(status, buffer, sizeof(buffer)),
                 rgl_message());
        print_note(&session->printer, "load", text);
    }
    session_keep_last(session, &result);
    session->error_code = EXIT_LOAD;
    return status < 0 ? EXIT_LOAD : EXIT_OK;
}

int session_load(struct session *session, const char *path, bool *error_status)
{
    rgl_status status = rgl_driver_load_file(session->machine, path, NULL, NULL);
    int code = loaded(session, path, status);

    *error_status = code == EXIT_LOAD;
    return code;
}

struct booting {
    struct session *session;
    int code;
};

static bool driver_loaded(void *context, const char *path, rgl_status status)
{
    struct booting *booting = context;

    booting->code = loaded(booting->session, path, status);
    return booting->code == EXIT_OK && !session_stopped(booting->session);
}

static bool device_added(void *context, const char *id, const char *instance, rgl_status status)
{
    struct booting *booting = context;

    booting->code = session_device_added(booting->session, id, instance, status);
    return booting->code == EXIT_OK;
}

int session_load_drivers(struct session *session)
{
    const struct options *options = session->options;
    struct booting booting = {session, EXIT_OK};
    const struct rgl_boot boot = {.drivers = options->drivers,
                                  .driver_count = options->driver_count,
                                  .devices = options->devices,
                                  .device_count = options->device_count,
                                  .driver_loaded = driver_loaded,
                                  .device_added = device_added,
                                  .context = &booting};

    rgl_boot(session->machine, &boot);
    if (!session_stopped(session))
        rgl_poll(session->machine);
    return booting.code;
}

static void forget_service(struct session *session, const char *service)
{
    for (unsigned i = 0; i < session->service_count; i++) {
        if (strcmp(session->services[i], service) != 0)
            continue;
        free(session->services[i]);
        session->service_count--;
        memmove(&session->services[i], &session->services[i + 1],
                (session->service_count - i) * sizeof(char *));
        return;
    }
}

int do_load(struct call *call)
{
    if (!call_more(call))
        return call_wrong(call, "wants a file");
    int code = session_load(call->session, call->words->text[call->at++], &call->error_status);
    /* As a command it may be expected to fail; if it is not, the run's exit code says that a driver did not
     * load. */
    return code == EXIT_LOAD ? EXIT_OK : code;
}

int do_unload(struct call *call)
{
    struct result result = {0};
    char what[200];

    if (!call_more(call))
        return call_wrong(call, "wants a driver's name");
    const char *service = call->words->text[call->at++];
    snprintf(what, sizeof(what), "unload %s", service);
    result.status = rgl_driver_unload(call->session->machine, service);
    if (result.status >= 0)
        forget_service(call->session, service);
    return call_done(call, what, &result);
}

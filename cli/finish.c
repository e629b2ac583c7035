/* SPDX-License-Identifier: MIT */
/*
 * The end of a run: handles are closed, devices removed, drivers unloaded in
 * reverse order, reports printed. After a bug check nothing is unloaded: the machine stands.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "session.h"

/* The line that repeats this run: the same words, with the one seed in place of a range. */
static const char *replay_line(const struct session *session, char *text, size_t size)
{
    const struct options *options = session->options;
    size_t used;

    if (!options->simulated)
        return NULL;
    used = (size_t)snprintf(text, size, "ringless run");
    for (int i = 0; i < options->argc && used < size; i++) {
        bool plain =
            options->argv[i][0] != '\0' && strpbrk(options->argv[i], " \t\"'\\$*?;&|<>()#~`") == NULL;
        used += (size_t)snprintf(text + used, size - used, plain ? " %s" : " '%s'", options->argv[i]);
    }
    return text;
}

void session_show_reports(struct session *session)
{
    const struct rgl_report *report = rgl_bug_check(session->machine);
    char text[4096];
    const char *replay = replay_line(session, text, sizeof(text));

    for (unsigned count = rgl_violations(session->machine); session->violations_shown < count;
         session->violations_shown++)
        print_report(&session->printer, rgl_violation(session->machine, session->violations_shown), replay);
    if (report != NULL && !session->bug_check_shown) {
        session->bug_check_shown = true;
        rgl_poll(session->machine);
        print_report(&session->printer, report, replay);
    }
}

void close_handles(struct session *session)
{
    while (session->handles != NULL && !session_stopped(session)) {
        struct result ignored = {0};
        handle_close(session, session->handles, &ignored);
    }
}

static void unload_drivers(struct session *session)
{
    while (session->service_count != 0 && !session_stopped(session)) {
        char *service = session->services[--session->service_count];
        struct result result = {0};
        char what[200];

        result.status = rgl_driver_unload(session->machine, service);
        rgl_poll(session->machine);
        snprintf(what, sizeof(what), "unload %s", service);
        if (result.status == RGL_STATUS_BUG_CHECK)
            ;
        else if ((uint32_t)result.status == 0xC0000010u) {
            snprintf(what, sizeof(what), "%s has no Unload routine and stays loaded", service);
            print_info(&session->printer, "stays", what);
        } else {
            print_result(&session->printer, what, &result);
        }
        free(service);
    }
}

static int final_code(struct session *session, int exit_code)
{
    const struct rgl_report *report = rgl_bug_check(session->machine);

    if (report != NULL)
        exit_code = worse(exit_code, report->verifier ? EXIT_VIOLATION : EXIT_BUG_CHECK);
    if (rgl_violations(session->machine) != 0)
        exit_code = worse(exit_code, EXIT_VIOLATION);
    return exit_code;
}

int session_finish(struct session *session, int exit_code)
{
    int written;

    close_handles(session);
    if (!session_stopped(session))
        rgl_pnp_remove_all(session->machine);
    unload_drivers(session);
    rgl_poll(session->machine);
    written = session_write_registry(session); /* the machine may stop meanwhile */
    session_show_reports(session);
    exit_code = worse(final_code(session, exit_code), written);
    if (session->trace_fd >= 0) {
        fflush(stdout);
        rgl_trace_stop(session->machine);
        close(session->trace_fd);
    }
    if (session->printer.json)
        printf("{\"event\":\"end\",\"exit\":%d}\n", exit_code);
    fflush(stdout);
    while (session->handles != NULL) /* after a bug check no handle is closed */
        handle_forget(session, session->handles);
    rgl_machine_destroy(session->machine);
    free(session->last.data);
    while (session->service_count != 0)
        free(session->services[--session->service_count]);
    free(session);
    return exit_code;
}

/* SPDX-License-Identifier: MIT */
/* Reports and traces, as the embedder gets them. */
#include <errno.h>
#include <unistd.h>
#include "api/api.h"
#include "trace/trace.h"
#include "vf/vf.h"

/* A caller keeps what it was given until it asks again. */
static __thread struct rgl_report bug_check, violation;

static const struct rgl_report *convert(struct rgl_report *to, const struct vf_report *from)
{
    if (from == NULL)
        return NULL;
    *to = (struct rgl_report){.code = from->code,
                              .parameters = {from->p[0], from->p[1], from->p[2], from->p[3]},
                              .verifier = from->verifier,
                              .name = from->name,
                              .sentence = from->sentence,
                              .text = from->text};
    return to;
}

const struct rgl_report *rgl_bug_check(rgl_machine *machine)
{
    return ke_bugcheck_happened() != NULL ? convert(&bug_check, vf_bug_check()) : NULL;
}

unsigned rgl_violations(rgl_machine *machine)
{
    return vf_violations();
}

const struct rgl_report *rgl_violation(rgl_machine *machine, unsigned index)
{
    return convert(&violation, vf_violation(index));
}

static int trace_fd = -1;

/* Called on NT stacks too: write(2) alone. */
static void write_all(void *context, const char *bytes, size_t length)
{
    while (length != 0) {
        ssize_t done = write(trace_fd, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        bytes += done;
        length -= (size_t)done;
    }
}

rgl_status rgl_trace_start(rgl_machine *machine, int fd, enum rgl_trace_format format, bool verbose)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    trace_fd = fd;
    status = api_ok(trace_start(format == RGL_TRACE_JSON ? TRACE_FORMAT_JSON : TRACE_FORMAT_TEXT, verbose,
                                write_all, NULL));
    api_leave();
    return status;
}

void rgl_trace_stop(rgl_machine *machine)
{
    if (trace_fd >= 0)
        trace_stop();
    trace_fd = -1;
}

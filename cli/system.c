/* SPDX-License-Identifier: MIT */
/* The command `system`: the machine's own states. S5 is a shutdown, after which nothing is unloaded. */
#include <stdlib.h>
#include "session.h"

static void forget_services(struct session *session)
{
    while (session->service_count != 0)
        free(session->services[--session->service_count]);
}

int do_system(struct call *call)
{
    struct session *session = call->session;
    struct result result = {0};

    if (!call_take(call, "S5"))
        return call_wrong(call, "wants S5");
    if (call_more(call))
        return call_wrong(call, "more words than it takes");
    close_handles(session);
    result.status = rgl_shutdown(session->machine);
    if (result.status >= 0)
        forget_services(session);
    return call_done(call, "system S5", &result);
}

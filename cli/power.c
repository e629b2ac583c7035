/* SPDX-License-Identifier: MIT */
/* The commands of power: states of the system and of single devices, power settings. After S5 nothing is
 * unloaded. */
#include <stdlib.h>
#include <string.h>
#include "session.h"

static void forget_services(struct session *session)
{
    while (session->service_count != 0)
        free(session->services[--session->service_count]);
}

static unsigned take_flags(struct call *call)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"forced", RGL_POWER_FORCED}, {"idle", RGL_POWER_IDLE},       {"hybrid", RGL_POWER_HYBRID},
                 {"fast", RGL_POWER_FAST},     {"power-lost", RGL_POWER_LOST}, {"reset", RGL_POWER_RESET},
                 {"off", RGL_POWER_OFF}};
    unsigned flags = 0;

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (call_take(call, words[i].word)) {
            flags |= words[i].flag;
            i = (unsigned)-1; /* in any order */
        }
    return flags;
}

static int change_system(struct call *call, unsigned s, unsigned flags)
{
    struct session *session = call->session;
    struct result result = {0};
    char what[16];

    snprintf(what, sizeof(what), "system S%u", s);
    if (s == 5)
        close_handles(session);
    result.status = rgl_system_power_as(session->machine, s, flags);
    if (s == 5 && result.status >= 0)
        forget_services(session);
    return call_done(call, what, &result);
}

int do_system(struct call *call)
{
    static const char *const states[] = {"S0", "S1", "S2", "S3", "S4", "S5"};

    for (unsigned s = 0; s < sizeof(states) / sizeof(states[0]); s++)
        if (call_take(call, states[s])) {
            unsigned flags = take_flags(call);
            if (call_more(call))
                return call_wrong(call, "more words than it takes");
            return change_system(call, s, flags);
        }
    return call_wrong(call, "wants S0, S1, S2, S3, S4 or S5");
}

int do_power(struct call *call)
{
    static const char *const states[] = {"D0", "D1", "D2", "D3"};
    struct result result = {0};
    char what[RGL_INSTANCE_ROOM + 32];

    if (!call_more(call))
        return call_wrong(call, "wants a device: an instance path or a hardware id");
    const char *id = call->words->text[call->at++];
    if (!call_more(call))
        return call_wrong(call, "wants D0, D1, D2, D3, directed-down or directed-up");
    const char *state = call->words->text[call->at];
    snprintf(what, sizeof(what), "power %.400s %.16s", id, state);
    for (unsigned d = 0; d < sizeof(states) / sizeof(states[0]); d++)
        if (call_take(call, states[d])) {
            result.status = rgl_device_power(call->session->machine, id, d);
            return call_done(call, what, &result);
        }
    bool down = call_take(call, "directed-down");
    if (!down && !call_take(call, "directed-up"))
        return call_wrong(call, "wants D0, D1, D2, D3, directed-down or directed-up");
    result.status = rgl_directed_power(call->session->machine, id, down);
    return call_done(call, what, &result);
}

int do_power_setting(struct call *call)
{
    struct result result = {0};
    struct data data = {0};
    const char *error = NULL;
    char what[64];

    if (!call_more(call))
        return call_wrong(call, "wants a setting's GUID: {5d3e9a59-e9d5-4b00-a6bd-ff34ff516548}");
    const char *guid = call->words->text[call->at++];
    if (!call_more(call))
        return call_wrong(call, "wants the value, as in hex:01000000");
    if (!data_parse(&data, call->words->text[call->at], call->words->quoted[call->at], &error))
        return call_wrong(call, error);
    call->at++;
    snprintf(what, sizeof(what), "power-setting %.40s", guid);
    result.status = rgl_power_setting(call->session->machine, guid, data.bytes, data.length);
    free(data.bytes);
    return call_done(call, what, &result);
}

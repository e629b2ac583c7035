/* SPDX-License-Identifier: MIT */
/* The commands that act on the machine's devices from outside, and what models there are. */
#include <stdlib.h>
#include <string.h>
#include "session.h"

/* model-input MODEL DATA */
int do_model_input(struct call *call)
{
    struct result result = {0};
    const char *error = "wants data";
    const char *model;
    struct data data;
    char what[160];

    if (!call_more(call))
        return call_wrong(call, "wants the name of a model");
    model = call->words->text[call->at++];
    if (!call_more(call) ||
        !data_parse(&data, call->words->text[call->at], call->words->quoted[call->at], &error))
        return call_wrong(call, error);
    call->at++;
    snprintf(what, sizeof(what), "model-input %s %zu", model, data.length);
    result.status = rgl_model_input(call->session->machine, model, data.bytes, data.length);
    free(data.bytes);
    if (result.status < 0)
        print_note(&call->session->printer, "failed", rgl_message());
    return call_done(call, what, &result);
}

static void show_place(void *context, const struct rgl_model_instance *instance)
{
    const struct printer *printer = context;
    char text[200];

    if (instance->place[0] == '\0')
        return;
    snprintf(text, sizeof(text), "%s is at %s", instance->name, instance->place);
    print_info(printer, "model", text);
}

void session_show_places(struct session *session)
{
    rgl_for_each_model_instance(session->machine, show_place, &session->printer);
    fflush(stdout);
}

/* interrupt MODEL|LINE */
int do_interrupt(struct call *call)
{
    struct result result = {0};
    const char *source;
    char what[160];

    if (!call_more(call))
        return call_wrong(call, "wants the name of a model, or the number of a line");
    source = call->words->text[call->at++];
    snprintf(what, sizeof(what), "interrupt %s", source);
    result.status = rgl_interrupt(call->session->machine, source);
    if (result.status < 0)
        print_note(&call->session->printer, "failed", rgl_message());
    return call_done(call, what, &result);
}

static void print_model(void *context, const struct rgl_model_info *info)
{
    (void)context;
    printf("  %s\n", info->synopsis);
}

int help_models(void)
{
    puts("models, for --model NAME[,key=value...]; each also takes name=INSTANCE:\n");
    rgl_for_each_model(print_model, NULL);
    return EXIT_OK;
}

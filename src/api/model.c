/* SPDX-License-Identifier: MIT */
/*
 * Device models from outside: made from their descriptions, and given input.
 * Both happen on the calling thread, without a virtual processor.
 */
#include "api/api.h"
#include "models/model.h"

/* The message that a model has given, or the status's own. */
static rgl_status answer(NTSTATUS status, const char *message)
{
    return status < 0 && message[0] != '\0' ? api_fail(status, "%s", message) : api_ok(status);
}

/* A bug check stops the devices too. */
static bool enter(rgl_status *status)
{
    if (!api_enter(status))
        return false;
    if (ke_bugcheck_happened() == NULL)
        return true;
    *status = api_fail(RGL_STATUS_BUG_CHECK, "a bug check stopped the machine");
    api_leave();
    return false;
}

rgl_status rgl_model_add(rgl_machine *machine, const char *description)
{
    char message[200];
    rgl_status status;

    if (!enter(&status))
        return status;
    status = answer(model_add(description, message, sizeof(message)), message);
    api_leave();
    return status;
}

void rgl_for_each_model(void (*visit)(void *context, const struct rgl_model_info *), void *context)
{
    for (const struct model_type *const *type = model_types; *type != NULL; type++)
        visit(context, &(struct rgl_model_info){(*type)->name, (*type)->synopsis});
}

rgl_status rgl_model_input(rgl_machine *machine, const char *model, const void *data, size_t length)
{
    char message[200];
    rgl_status status;

    if (!enter(&status))
        return status;
    status = answer(model_input(model, data, length, message, sizeof(message)), message);
    api_leave();
    return status;
}

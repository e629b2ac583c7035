/* SPDX-License-Identifier: MIT */
/*
 * Device models from outside: made from their descriptions, and given input.
 * Both happen on the calling thread, without a virtual processor; then the PCI
 * bus looks who is there, if that has changed.
 */
#include "api/api.h"
#include "api/model.h"
#include "buses/pci.h"
#include "models/model.h"

rgl_status api_model_answer(rgl_status status, const char *message)
{
    return status < 0 && message[0] != '\0' ? api_fail(status, "%s", message) : api_ok(status);
}

/* A bug check stops the devices too. */
bool api_model_enter(rgl_status *status)
{
    if (!api_enter(status))
        return false;
    if (ke_bugcheck_happened() == NULL)
        return true;
    *status = api_fail(RGL_STATUS_BUG_CHECK, "a bug check stopped the machine");
    api_leave();
    return false;
}

static NTSTATUS look(void *arg)
{
    return pci_bus_look();
}

static void look_at_bus(void)
{
    if (pci_bus_has_changed())
        api_call(look, NULL, KernelMode);
}

rgl_status rgl_model_add(rgl_machine *machine, const char *description)
{
    char message[200];
    rgl_status status;

    if (!api_model_enter(&status))
        return status;
    status = api_model_answer(model_add(description, message, sizeof(message)), message);
    if (status >= 0)
        look_at_bus();
    api_leave();
    return status;
}

void rgl_for_each_model(void (*visit)(void *context, const struct rgl_model_info *), void *context)
{
    for (const struct model_type *const *type = model_types; *type != NULL; type++)
        visit(context, &(struct rgl_model_info){(*type)->name, (*type)->synopsis});
}

void rgl_for_each_model_instance(rgl_machine *machine,
                                 void (*visit)(void *context, const struct rgl_model_instance *),
                                 void *context)
{
    struct model *model;
    rgl_status status;

    if (!api_enter(&status))
        return;
    for (unsigned i = 0; (model = model_at(i)) != NULL; i++)
        visit(context, &(struct rgl_model_instance){model->name, model->place != NULL ? model->place : ""});
    api_leave();
}

rgl_status rgl_model_input(rgl_machine *machine, const char *model, const void *data, size_t length)
{
    char message[200];
    rgl_status status;

    if (!api_model_enter(&status))
        return status;
    status = api_model_answer(model_input(model, data, length, message, sizeof(message)), message);
    if (status >= 0)
        look_at_bus();
    api_leave();
    return status;
}

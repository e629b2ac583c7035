/* SPDX-License-Identifier: MIT */
/*
 * Making a model by its description: the look-up among those built in.
 */
#include "models/model.h"
#include "host/host.h"
#include "nt/status.h"

static const struct model_type *find_type(const char *name)
{
    for (const struct model_type *const *type = model_types; *type != NULL; type++) {
        if (__builtin_strcmp((*type)->name, name) == 0)
            return *type;
    }
    return NULL;
}

NTSTATUS model_add(const char *text, char *message, size_t size)
{
    struct model_description description;
    const struct model_type *type;

    message[0] = '\0';
    if (!model_parse(&description, text, message, size))
        return STATUS_INVALID_PARAMETER;
    type = find_type(description.name);
    if (type == NULL) {
        host_snprintf(message, size, "there is no model '%s'", description.name);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return type->create(&description, message, size);
}

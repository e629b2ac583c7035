/* SPDX-License-Identifier: MIT */
/*
 * The devices that were made, by name, in the order of their making. The list
 * is guarded by its lock; a device stays in it until the machine ends, so what
 * was found may be used without the lock.
 */
#include "models/model.h"
#include "base/lock.h"
#include "host/host.h"
#include "nt/status.h"

static LIST_ENTRY models = {&models, &models};
static rl_lock models_lock;

static struct model *find(const char *name)
{
    list_for_each(it, &models)
    {
        struct model *model = container_of(it, struct model, link);
        if (__builtin_strcmp(model->name, name) == 0)
            return model;
    }
    return NULL;
}

struct model *model_find(const char *name)
{
    struct model *model;

    rl_lock_acquire(&models_lock);
    model = find(name);
    rl_lock_release(&models_lock);
    return model;
}

static bool is_name(const char *name)
{
    size_t length = __builtin_strlen(name);

    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] == '"')
            return false;
    return length != 0 && length < MODEL_NAME_BYTES;
}

/* The type's name, or the first of NAME-2, NAME-3 ... that is free. */
static void choose_name(struct model *model, const char *type)
{
    host_snprintf(model->name, sizeof(model->name), "%s", type);
    for (unsigned n = 2; find(model->name) != NULL; n++)
        host_snprintf(model->name, sizeof(model->name), "%.24s-%u", type, n);
}

NTSTATUS model_register(struct model *model, const struct model_description *description, char *message,
                        size_t size)
{
    const char *name = description->instance;
    NTSTATUS status = STATUS_SUCCESS;

    if (name != NULL && !is_name(name)) {
        host_snprintf(message, size, "a model's name has 1 to %u characters and no space",
                      MODEL_NAME_BYTES - 1);
        return STATUS_INVALID_PARAMETER;
    }
    rl_lock_acquire(&models_lock);
    if (name == NULL)
        choose_name(model, description->name);
    else if (find(name) == NULL)
        host_snprintf(model->name, sizeof(model->name), "%s", name);
    else
        status = STATUS_OBJECT_NAME_COLLISION;
    if (status == STATUS_SUCCESS)
        list_insert_tail(&models, &model->link);
    rl_lock_release(&models_lock);
    if (status != STATUS_SUCCESS)
        host_snprintf(message, size, "there is a model '%s' already", name);
    return status;
}

void model_unregister(struct model *model)
{
    rl_lock_acquire(&models_lock);
    list_remove(&model->link);
    rl_lock_release(&models_lock);
}

struct model *model_at(unsigned index)
{
    struct model *found = NULL;

    rl_lock_acquire(&models_lock);
    list_for_each(it, &models)
    {
        if (found == NULL && index-- == 0)
            found = container_of(it, struct model, link);
    }
    rl_lock_release(&models_lock);
    return found;
}

NTSTATUS model_input(const char *name, const void *data, size_t length, char *message, size_t size)
{
    struct model *model = model_find(name);

    message[0] = '\0';
    if (model == NULL) {
        host_snprintf(message, size, "there is no model '%s'", name);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (model->ops->input == NULL) {
        host_snprintf(message, size, "%s takes no input", name);
        return STATUS_NOT_SUPPORTED;
    }
    return model->ops->input(model, data, length, message, size);
}

void model_stop_all(void)
{
    list_for_each(it, &models)
    {
        struct model *model = container_of(it, struct model, link);
        if (model->ops->stop != NULL)
            model->ops->stop(model);
    }
}

void model_destroy_all(void)
{
    while (!list_empty(&models)) {
        struct model *model = container_of(models.Blink, struct model, link);
        list_remove(&model->link);
        model->ops->destroy(model);
    }
}

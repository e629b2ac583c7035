/* SPDX-License-Identifier: MIT */
/*
 * Configurations that the registry holds for a device, in the key LogConf of
 * its Enum key: ForcedConfig and BootConfig are resource lists, the others
 * requirements lists. Which list a stack is asked to filter: a forced
 * configuration, an override, what the bus requires, a basic configuration, and
 * last what the device had at boot. Rules: PS-04, PNP-0D.
 */
#include "pnp/resource.h"

#define MOST_BYTES 0x10000u

/* The value's bytes in pool; NULL: none of that type. Owns: the caller. */
static void *read_value(const struct pnp_node *node, const WCHAR *value, ULONG type, ULONG *bytes)
{
    WCHAR path[PNP_PATH_CHARS];
    ULONG found = 0;
    *bytes = 0;
    if (!pnp_enum_path(node, u"LogConf", path, countof(path)))
        return NULL;
    if (cm_query_value(path, value, &found, NULL, bytes) == STATUS_OBJECT_NAME_NOT_FOUND || *bytes == 0 ||
        *bytes > MOST_BYTES)
        return NULL;
    void *data = resource_allocate(*bytes);
    if (data && (!NT_SUCCESS(cm_query_value(path, value, &found, data, bytes)) || found != type)) {
        resource_free(data);
        data = NULL;
    }
    return data;
}

PCM_RESOURCE_LIST resource_configured_list(const struct pnp_node *node, const WCHAR *value)
{
    ULONG bytes;
    PCM_RESOURCE_LIST list = read_value(node, value, REG_RESOURCE_LIST, &bytes);
    if (!list || (resource_list_is_sound(list, bytes) && list->Count != 0))
        return list;
    resource_free(list);
    return NULL;
}

PIO_RESOURCE_REQUIREMENTS_LIST resource_configured_vector(const struct pnp_node *node, const WCHAR *value)
{
    ULONG bytes;
    PIO_RESOURCE_REQUIREMENTS_LIST list = read_value(node, value, REG_RESOURCE_REQUIREMENTS_LIST, &bytes);
    if (!list || (resource_requirements_are_sound(list, bytes) && list->AlternativeLists != 0))
        return list;
    resource_free(list);
    return NULL;
}

/* Rules: PS-02. */
void pnp_record_configurations(const struct pnp_node *node)
{
    WCHAR path[PNP_PATH_CHARS];
    if (!pnp_enum_path(node, u"LogConf", path, countof(path)))
        return;
    if (node->boot)
        cm_set_value(path, u"BootConfig", REG_RESOURCE_LIST, node->boot,
                     (ULONG)resource_list_bytes(node->boot));
    if (node->requirements)
        cm_set_value(path, u"BasicConfigVector", REG_RESOURCE_REQUIREMENTS_LIST, node->requirements,
                     node->requirements->ListSize);
}

static PIO_RESOURCE_REQUIREMENTS_LIST required_by(PCM_RESOURCE_LIST list)
{
    PIO_RESOURCE_REQUIREMENTS_LIST made = list ? resource_requirements_from(list) : NULL;
    resource_free(list);
    return made;
}

PIO_RESOURCE_REQUIREMENTS_LIST pnp_requirements_to_filter(const struct pnp_node *node)
{
    PIO_RESOURCE_REQUIREMENTS_LIST list = required_by(resource_configured_list(node, u"ForcedConfig"));
    if (!list)
        list = resource_configured_vector(node, u"OverrideConfigVector");
    if (!list && node->requirements)
        list = resource_copy(node->requirements, node->requirements->ListSize);
    if (!list)
        list = resource_configured_vector(node, u"BasicConfigVector");
    if (!list && node->boot && node->boot->Count != 0)
        list = resource_requirements_from(node->boot);
    if (!list)
        list = required_by(resource_configured_list(node, u"BootConfig"));
    return list;
}

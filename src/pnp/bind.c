/* SPDX-License-Identifier: MIT */
/*
 * Which function driver a device gets: the service that its Enum key names, an
 * INF, the database of critical devices, or for a device of the root bus the
 * loaded drivers. No lock.
 */
#include "pnp/private.h"

static NTSTATUS set_service(struct pnp_node *node, const WCHAR *service)
{
    mm_free(node->service);
    node->service = pnp_copy_text(service);
    if (!node->service)
        return STATUS_INSUFFICIENT_RESOURCES;
    return pnp_enum_set(node, u"Service", REG_SZ, service,
                        (ULONG)((rtl_wcslen(service) + 1) * sizeof(WCHAR)));
}

/* The database names devices that must work before anything can be installed: '\' is written '#' there. */
static bool critical_entry(struct pnp_node *node, const WCHAR *id)
{
    WCHAR name[PNP_ID_CHARS], path[PNP_PATH_CHARS];
    const WCHAR *const parts[] = {
        u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\CriticalDeviceDatabase\\", name};
    size_t at = 0;
    for (; id[at] && at + 1 < countof(name); at++)
        name[at] = id[at] == '\\' ? '#' : id[at];
    name[at] = 0;
    if (!pnp_join(path, countof(path), parts, countof(parts)))
        return false;
    WCHAR *service = pnp_read_list(path, u"Service"), *class = pnp_read_list(path, u"ClassGUID");
    bool found = service && NT_SUCCESS(set_service(node, service));
    if (found && class)
        pnp_enum_set(node, u"ClassGUID", REG_SZ, class, (ULONG)((rtl_wcslen(class) + 1) * sizeof(WCHAR)));
    mm_free(service);
    mm_free(class);
    return found;
}

static bool critical_service(struct pnp_node *node)
{
    for (const WCHAR *id = node->hardware_ids; id && *id; id += rtl_wcslen(id) + 1)
        if (critical_entry(node, id))
            return true;
    for (const WCHAR *id = node->compatible_ids; id && *id; id += rtl_wcslen(id) + 1)
        if (critical_entry(node, id))
            return true;
    return false;
}

/* Among the loaded drivers: the only one with AddDevice, or the one whose name is a part of the identifier.
 */
struct candidates {
    const struct pnp_node *node;
    unsigned count, named;
    char only[IO_SERVICE_NAME_BYTES], by_name[IO_SERVICE_NAME_BYTES];
};

static bool is_component(const WCHAR *id, const char *service)
{
    WCHAR wide[IO_SERVICE_NAME_BYTES], part[IO_SERVICE_NAME_BYTES];
    rtl_wide_from_utf8(wide, countof(wide), service, __builtin_strlen(service));
    while (*id) {
        size_t length = 0;
        while (id[length] && id[length] != '\\' && length + 1 < countof(part)) {
            part[length] = id[length];
            length++;
        }
        part[length] = 0;
        if (pnp_same_text(part, wide))
            return true;
        id += length;
        if (*id)
            id++;
    }
    return false;
}

static bool named_by(const struct pnp_node *node, const char *service)
{
    for (const WCHAR *id = node->hardware_ids; id && *id; id += rtl_wcslen(id) + 1)
        if (is_component(id, service))
            return true;
    return is_component(node->device_id, service);
}

static void consider_service(const char *service, struct candidates *c)
{
    if (pnp_ops.installs_service && pnp_ops.installs_service(service))
        return;
    if (c->count++ == 0)
        host_snprintf(c->only, sizeof(c->only), "%s", service);
    if (named_by(c->node, service) && c->named++ == 0)
        host_snprintf(c->by_name, sizeof(c->by_name), "%s", service);
}

/* Collected under locks, considered without. */
struct services {
    unsigned count;
    char names[64][IO_SERVICE_NAME_BYTES];
};

static void collect_service(const char *service, void *context)
{
    struct services *all = context;
    if (all->count < countof(all->names))
        host_snprintf(all->names[all->count++], IO_SERVICE_NAME_BYTES, "%s", service);
}

static void collect(PDRIVER_OBJECT driver, void *context)
{
    if (io_driver_image(driver) && driver->DriverExtension->AddDevice)
        collect_service(io_driver_service(driver), context);
}

static void consider_all(struct candidates *c)
{
    struct services *all = mm_alloc(sizeof(*all), PNP_TAG);
    if (!all)
        return;
    io_for_each_driver(collect, all);
    pnp_for_each_departed(collect_service, all);
    for (unsigned i = 0; i < all->count; i++)
        consider_service(all->names[i], c);
    mm_free(all);
}

static bool loaded_service(struct pnp_node *node)
{
    WCHAR wide[IO_SERVICE_NAME_BYTES];
    struct candidates *c = mm_alloc(sizeof(*c), PNP_TAG);
    if (!c)
        return false;
    c->node = node;
    consider_all(c);
    const char *service = c->count == 1 ? c->only : c->named ? c->by_name : NULL;
    if (service)
        rtl_wide_from_utf8(wide, countof(wide), service, __builtin_strlen(service));
    bool found = service && NT_SUCCESS(set_service(node, wide));
    mm_free(c);
    return found;
}

static bool registered_service(struct pnp_node *node)
{
    mm_free(node->service);
    node->service = pnp_enum_list(node, u"Service");
    return node->service != NULL;
}

/* Installed, and no service is its function driver: AddService has named none. */
static bool has_null_driver(const struct pnp_node *node)
{
    WCHAR *driver = pnp_enum_list(node, u"Driver");
    mm_free(driver);
    return driver != NULL;
}

/* Rules: PS-03 (which drivers). */
NTSTATUS pnp_find_service(struct pnp_node *node)
{
    if (registered_service(node))
        return STATUS_SUCCESS;
    if (pnp_ops.install && NT_SUCCESS(pnp_ops.install(node)) && registered_service(node)) {
        /* An INF may allow more than the bus would ask for without it. */
        pnp_query_requirements(node);
        return STATUS_SUCCESS;
    }
    if (critical_service(node))
        return STATUS_SUCCESS;
    bool null_driver = has_null_driver(node);
    if (!null_driver && node->root_enumerated && loaded_service(node))
        return STATUS_SUCCESS;
    if (null_driver || node->capabilities.RawDeviceOK) {
        node->raw = true;
        return STATUS_SUCCESS;
    }
    pnp_set_problem(node, PNP_PROBLEM_FAILED_INSTALL, STATUS_PNP_NO_COMPAT_DRIVERS);
    return node->problem_status;
}

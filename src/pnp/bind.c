/* SPDX-License-Identifier: MIT */
/*
 * Which drivers a device gets, and its stack: the service of its function
 * driver from the registry, an INF, or the loaded drivers; filters of the
 * device and of its class; each loaded if need be and called at AddDevice, from
 * the bottom up (PS-03). No lock.
 */
#include "pnp/private.h"

/* ---- the service ---- */

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

static void consider_service(const char *service, void *context)
{
    struct candidates *c = context;
    if (pnp_ops.installs_service && pnp_ops.installs_service(service))
        return;
    if (c->count++ == 0)
        host_snprintf(c->only, sizeof(c->only), "%s", service);
    if (named_by(c->node, service) && c->named++ == 0)
        host_snprintf(c->by_name, sizeof(c->by_name), "%s", service);
}

static void consider(PDRIVER_OBJECT driver, void *context)
{
    if (io_driver_image(driver) && driver->DriverExtension->AddDevice)
        consider_service(io_driver_service(driver), context);
}

static bool loaded_service(struct pnp_node *node)
{
    WCHAR wide[IO_SERVICE_NAME_BYTES];
    struct candidates *c = mm_alloc(sizeof(*c), PNP_TAG);
    if (!c)
        return false;
    c->node = node;
    io_for_each_driver(consider, c);
    pnp_for_each_departed(consider_service, c);
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

/* Rules: PS-03 (which drivers). */
NTSTATUS pnp_find_service(struct pnp_node *node)
{
    if (registered_service(node))
        return STATUS_SUCCESS;
    if (pnp_ops.install && NT_SUCCESS(pnp_ops.install(node)) && registered_service(node))
        return STATUS_SUCCESS;
    if (critical_service(node))
        return STATUS_SUCCESS;
    if (node->root_enumerated && loaded_service(node))
        return STATUS_SUCCESS;
    if (node->capabilities.RawDeviceOK) {
        node->raw = true;
        return STATUS_SUCCESS;
    }
    pnp_set_problem(node, PNP_PROBLEM_FAILED_INSTALL, STATUS_PNP_NO_COMPAT_DRIVERS);
    return node->problem_status;
}

/* ---- the stack ---- */

static ULONG problem_of(enum io_service_problem problem)
{
    switch (problem) {
    case IO_SERVICE_KEY_BAD:
        return PNP_PROBLEM_DRIVER_SERVICE_KEY_INVALID;
    case IO_SERVICE_DISABLED:
        /* SV-02: nor does PnP load what is disabled. */
        return PNP_PROBLEM_DISABLED_SERVICE;
    case IO_SERVICE_ENTRY:
        return PNP_PROBLEM_FAILED_DRIVER_ENTRY;
    case IO_SERVICE_UNLOADING:
        return PNP_PROBLEM_DRIVER_UNLOADED_PENDING;
    default:
        return PNP_PROBLEM_DRIVER_FAILED_LOAD;
    }
}

static NTSTATUS add_driver(struct pnp_node *node, const WCHAR *service)
{
    char name[IO_SERVICE_NAME_BYTES];
    PDRIVER_OBJECT driver;
    enum io_service_problem problem;
    rtl_utf8_from_wide(name, sizeof(name), service, rtl_wcslen(service));
    /* PS-03: DriverEntry first, if it has not run. */
    NTSTATUS status = io_load_service(name, &driver, &problem);
    if (!NT_SUCCESS(status)) {
        pnp_set_problem(node, problem_of(problem), status);
        return status;
    }
    /* PS-03, SR-04, REQ-08: once for each device. */
    status = io_call_add_device(driver, node->pdo);
    ob_dereference(driver);
    if (!NT_SUCCESS(status))
        /* REQ-07, REQ-18: the stack cannot be built. */
        pnp_set_problem(node, PNP_PROBLEM_FAILED_ADD, status);
    return status;
}

static NTSTATUS add_drivers(struct pnp_node *node, const WCHAR *services)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (; services && *services && NT_SUCCESS(status); services += rtl_wcslen(services) + 1)
        /* PS-03, SV-09: in the order of the list. */
        status = add_driver(node, services);
    return status;
}

static NTSTATUS add_device_filters(struct pnp_node *node, const WCHAR *value)
{
    WCHAR *services = pnp_enum_list(node, value);
    NTSTATUS status = add_drivers(node, services);
    mm_free(services);
    return status;
}

static NTSTATUS add_class_filters(struct pnp_node *node, const WCHAR *value)
{
    WCHAR path[PNP_PATH_CHARS], *class = pnp_enum_list(node, u"ClassGUID"), *services = NULL;
    const WCHAR *const parts[] = {PNP_CLASS_KEY, class ? class : u""};
    if (class && pnp_join(path, countof(path), parts, countof(parts)))
        services = pnp_read_list(path, value);
    NTSTATUS status = add_drivers(node, services);
    mm_free(class);
    mm_free(services);
    return status;
}

static NTSTATUS add_function(struct pnp_node *node, const WCHAR *unused)
{
    return node->raw ? STATUS_SUCCESS : add_driver(node, node->service);
}

/* Rules: PS-03, SV-08, REQ-07, REQ-08, REQ-18. */
NTSTATUS pnp_build_stack(struct pnp_node *node)
{
    static const struct {
        NTSTATUS (*add)(struct pnp_node *, const WCHAR *);
        const WCHAR *value;
    } layers[] = {
        /* PS-03, SV-08: from below: what the device itself and then what its class wants beneath the
           function. */
        {add_device_filters, u"LowerFilters"}, {add_class_filters, u"LowerFilters"}, {add_function, u""},
        {add_device_filters, u"UpperFilters"}, {add_class_filters, u"UpperFilters"},
    };
    NTSTATUS status = STATUS_SUCCESS;
    /* PS-17: a former removal had closed it. */
    io_stack_open(node->pdo);
    for (size_t i = 0; i < countof(layers) && NT_SUCCESS(status); i++)
        status = layers[i].add(node, layers[i].value);
    if (NT_SUCCESS(status)) {
        node->state = PNP_STACK_BUILT;
        pnp_prepare_stack(node);
    }
    return status;
}

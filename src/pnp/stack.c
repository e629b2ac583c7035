/* SPDX-License-Identifier: MIT */
/*
 * A device's stack: filters of the device and of its class around its function
 * driver, each loaded if need be and called at AddDevice, from the bottom up
 * (PS-03). No lock.
 */
#include "pnp/private.h"

/* ---- who is in it ---- */

static NTSTATUS visit_list(struct pnp_node *node, const WCHAR *services, pnp_service_visitor visit,
                           void *context)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (; services && *services && NT_SUCCESS(status); services += rtl_wcslen(services) + 1)
        /* PS-03, SV-09: in the order of the list. */
        status = visit(node, services, context);
    return status;
}

static NTSTATUS visit_device_filters(struct pnp_node *node, const WCHAR *value, pnp_service_visitor visit,
                                     void *context)
{
    WCHAR *services = pnp_enum_list(node, value);
    NTSTATUS status = visit_list(node, services, visit, context);
    mm_free(services);
    return status;
}

static NTSTATUS visit_class_filters(struct pnp_node *node, const WCHAR *value, pnp_service_visitor visit,
                                    void *context)
{
    WCHAR path[PNP_PATH_CHARS], *class = pnp_enum_list(node, u"ClassGUID"), *services = NULL;
    const WCHAR *const parts[] = {PNP_CLASS_KEY, class ? class : u""};
    if (class && pnp_join(path, countof(path), parts, countof(parts)))
        services = pnp_read_list(path, value);
    NTSTATUS status = visit_list(node, services, visit, context);
    mm_free(class);
    mm_free(services);
    return status;
}

static NTSTATUS visit_function(struct pnp_node *node, const WCHAR *unused, pnp_service_visitor visit,
                               void *context)
{
    return node->raw ? STATUS_SUCCESS : visit(node, node->service, context);
}

NTSTATUS pnp_for_each_service(struct pnp_node *node, pnp_service_visitor visit, void *context)
{
    static const struct {
        NTSTATUS (*visit)(struct pnp_node *, const WCHAR *, pnp_service_visitor, void *);
        const WCHAR *value;
    } layers[] = {
        /* PS-03, SV-08: from below: what the device itself and then what its class wants beneath the
           function. */
        {visit_device_filters, u"LowerFilters"},
        {visit_class_filters, u"LowerFilters"},
        {visit_function, u""},
        {visit_device_filters, u"UpperFilters"},
        {visit_class_filters, u"UpperFilters"},
    };
    NTSTATUS status = STATUS_SUCCESS;
    for (size_t i = 0; i < countof(layers) && NT_SUCCESS(status); i++)
        status = layers[i].visit(node, layers[i].value, visit, context);
    return status;
}

/* ---- AddDevice ---- */

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

/* The device is the function driver's, or stands above it. */
static bool is_function_s(PDEVICE_OBJECT device, const struct pnp_node *node)
{
    char name[IO_SERVICE_NAME_BYTES];
    rtl_utf8_from_wide(name, sizeof(name), node->service, rtl_wcslen(node->service));
    PDRIVER_OBJECT function = io_find_driver(name);
    bool found = false;
    for (; function && device && !found; device = io_lower_device(device))
        found = device->DriverObject == function;
    if (function)
        ob_dereference(function);
    return found;
}

/* What AddDevice has made of the stack whose top was `below`. */
static void look_at_added(PDEVICE_OBJECT pdo, PDEVICE_OBJECT below, bool filter)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(pdo);
    if (pnp_ops.added && top != below)
        pnp_ops.added(top, below, filter);
    ob_dereference(top);
}

static NTSTATUS add_driver(struct pnp_node *node, const WCHAR *service, void *unused)
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
    PDEVICE_OBJECT below = IoGetAttachedDeviceReference(node->pdo);
    /* PS-03, SR-04, REQ-08, DO-23: once for each device. */
    status = io_call_add_device(driver, node->pdo);
    if (NT_SUCCESS(status))
        look_at_added(node->pdo, below, node->service && is_function_s(below, node));
    ob_dereference(below);
    ob_dereference(driver);
    if (!NT_SUCCESS(status))
        /* REQ-07, REQ-18: the stack cannot be built. */
        pnp_set_problem(node, PNP_PROBLEM_FAILED_ADD, status);
    return status;
}

/* Rules: PS-03, SV-08, REQ-07, REQ-08, REQ-18. */
NTSTATUS pnp_build_stack(struct pnp_node *node)
{
    /* PS-17: a former removal had closed it. */
    io_stack_open(node->pdo);
    NTSTATUS status = pnp_for_each_service(node, add_driver, NULL);
    if (NT_SUCCESS(status)) {
        node->state = PNP_STACK_BUILT;
        pnp_prepare_stack(node);
    }
    return status;
}

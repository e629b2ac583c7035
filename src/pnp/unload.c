/* SPDX-License-Identifier: MIT */
/*
 * The end of a WDM driver: when its last device is gone it is unloaded by
 * itself, and loaded again when a device wants it. Unloading by name takes its
 * devices first, if nobody objects; they get their drivers back when one of
 * that name is loaded again. Runs on the PnP thread; the list of names is its
 * own.
 */
#include "pnp/change.h"

/* Services that were unloaded here, and not by name: as good as loaded. */
struct departed {
    LIST_ENTRY link;
    char service[IO_SERVICE_NAME_BYTES];
};

static LIST_ENTRY departed;
static bool idle;  /* some driver lost its last device */
static bool later; /* nobody is unloaded by itself any more */

static struct departed *find_departed(const char *service)
{
    list_for_each(it, &departed)
    {
        struct departed *d = container_of(it, struct departed, link);
        if (__builtin_strcmp(d->service, service) == 0)
            return d;
    }
    return NULL;
}

static void remember(const char *service)
{
    if (find_departed(service))
        return;
    struct departed *d = mm_alloc(sizeof(*d), PNP_TAG);
    if (!d)
        return; /* nothing binds to it by itself, then */
    host_snprintf(d->service, sizeof(d->service), "%s", service);
    list_insert_tail(&departed, &d->link);
}

static bool forget(const char *service)
{
    struct departed *d = find_departed(service);
    if (!d)
        return false;
    list_remove(&d->link);
    mm_free(d);
    return true;
}

void pnp_for_each_departed(void (*visit)(const char *service, void *context), void *context)
{
    list_for_each(it, &departed) visit(container_of(it, struct departed, link)->service, context);
}

/* ---- by itself ---- */

static void take_idle(PDRIVER_OBJECT driver, void *context)
{
    PDRIVER_OBJECT *last = context;
    if (!io_driver_is_idle(driver))
        return;
    if (*last)
        ob_dereference(*last);
    ob_reference(driver);
    *last = driver;
}

/* The one loaded last, referenced. */
static PDRIVER_OBJECT next_idle(void)
{
    PDRIVER_OBJECT last = NULL;
    io_for_each_driver(take_idle, &last);
    return last;
}

/* Rules: LC-11. */
void pnp_unload_idle(void)
{
    if (later || !__atomic_exchange_n(&idle, false, __ATOMIC_SEQ_CST))
        return;
    for (PDRIVER_OBJECT driver; (driver = next_idle()) != NULL; ob_dereference(driver)) {
        if (!io_driver_can_return(driver))
            continue; /* it is marked, and stays until somebody unloads it by name */
        remember(io_driver_service(driver));
        /* LC-11: its last device is gone. */
        io_unload_driver(driver);
    }
}

void pnp_unload_later(bool wait)
{
    later = wait;
}

static void unload_posted(void *context)
{
}

/* io_ops: up to DISPATCH_LEVEL. The PnP thread looks after each action. */
static void driver_idle(void)
{
    if (!__atomic_exchange_n(&idle, true, __ATOMIC_SEQ_CST) && !pnp_on_thread())
        pnp_post(unload_posted, NULL);
}

void pnp_unload_reset(void)
{
    list_init(&departed);
    idle = later = false;
    io_ops.driver_idle = driver_idle;
}

/* ---- by name ---- */

struct serving {
    PDRIVER_OBJECT driver;
    struct pnp_removal *removal;
};

static void collect_served(struct pnp_node *node, void *context)
{
    struct serving *serving = context;
    if (pnp_has_drivers(node) && node->parent && io_stack_has_driver(node->pdo, serving->driver))
        pnp_removal_collect(serving->removal, node, false);
}

static void mark_lost(struct pnp_node *node, const char *service)
{
    size_t bytes = __builtin_strlen(service) + 1;
    if (node->state != PNP_REMOVED)
        return;
    mm_free(node->lost);
    node->lost = mm_alloc(bytes, PNP_TAG);
    if (node->lost)
        __builtin_memcpy(node->lost, service, bytes);
    pnp_set_problem(node, PNP_PROBLEM_HALTED, STATUS_SUCCESS);
}

static NTSTATUS remove_devices_of(void *context)
{
    PDRIVER_OBJECT driver = context;
    struct pnp_removal removal;
    NTSTATUS status = pnp_removal_begin(&removal);
    if (!NT_SUCCESS(status))
        return status;
    struct serving serving = {driver, &removal};
    pnp_for_each(collect_served, &serving);
    /* LC-11: all of them or none. */
    status = pnp_removal_query(&removal);
    if (NT_SUCCESS(status)) {
        pnp_removal_commit(&removal);
        for (unsigned i = 0; i < removal.count; i++)
            mark_lost(removal.nodes[i], io_driver_service(driver));
    }
    pnp_removal_end(&removal);
    return status;
}

NTSTATUS pnp_remove_devices_of(PDRIVER_OBJECT driver)
{
    return list_empty(&pnp_root()->children) ? STATUS_SUCCESS : pnp_run(remove_devices_of, driver);
}

static NTSTATUS unload_service(void *context)
{
    const char *service = context;
    PDRIVER_OBJECT driver = io_find_driver(service);
    if (!driver)
        /* LC-11: it went with its last device. */
        return forget(service) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    NTSTATUS status = driver->DriverUnload ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
    bool former = later;
    later = true;
    if (NT_SUCCESS(status))
        status = pnp_remove_devices_of(driver);
    ob_dereference(driver); /* it would keep it */
    if (NT_SUCCESS(status))
        status = io_unload_driver(driver);
    forget(service);
    later = former;
    return status;
}

/* Rules: LC-11, LC-14. */
NTSTATUS pnp_unload_driver(const char *service)
{
    if (list_empty(&pnp_root()->children) && list_empty(&departed))
        return unload_service((void *)service);
    return pnp_run(unload_service, (void *)service);
}

bool pnp_lost_driver_is_back(struct pnp_node *node)
{
    PDRIVER_OBJECT driver = node->lost && node->state == PNP_REMOVED ? io_find_driver(node->lost) : NULL;
    if (!driver)
        return false;
    ob_dereference(driver);
    mm_free(node->lost);
    node->lost = NULL;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Plug and Play: devices of the root bus, actions on devices by their names,
 * and the tree. The NT side collects a list of rows, the host side visits it, so
 * that the embedder's code runs with nothing held.
 */
#include <stdio.h>
#include <string.h>
#include "api/api.h"
#include "api/pnp.h"
#include "host/host.h"
#include "io/routines.h"
#include "po/po.h"
#include "rtl/rtl.h"

#define TAG_ROWS   0x776F5250 /* 'PRow' */
#define MOST_STACK 16

bool api_pnp_wide(const char *id, WCHAR *wide, size_t room)
{
    return *id != '\0' && strlen(id) < room && rtl_wide_from_utf8(wide, room, id, strlen(id)) > 0;
}

struct acting {
    const WCHAR *id;
    NTSTATUS (*act)(struct pnp_node *node);
};

static NTSTATUS act(void *arg)
{
    struct acting *acting = arg;
    struct pnp_node *node = pnp_find(acting->id);
    if (node == NULL)
        return STATUS_NO_SUCH_DEVICE;
    NTSTATUS status = acting->act(node);
    pnp_dereference(node);
    return status;
}

rgl_status api_pnp_act(rgl_machine *machine, const char *id, NTSTATUS (*fn)(struct pnp_node *node))
{
    WCHAR wide[API_PNP_ID];
    struct acting acting = {wide, fn};

    if (!api_pnp_wide(id, wide, countof(wide)))
        return api_fail(STATUS_INVALID_PARAMETER, "'%s' cannot be a device's name", id);
    rgl_status status = api_call(act, &acting, KernelMode);
    if (status == STATUS_NO_SUCH_DEVICE)
        return api_fail(status, "there is no device %s", id);
    return api_ok(status);
}

/* ---- adding and starting ---- */

struct adding {
    WCHAR id[API_PNP_ID];
    char instance[RGL_INSTANCE_ROOM];
    ULONG problem;
};

static NTSTATUS add(void *arg)
{
    struct adding *adding = arg;
    struct pnp_node *node;
    NTSTATUS status = pnp_add_root_device(adding->id, &node);

    if (node == NULL)
        return status;
    if (node->instance_path != NULL)
        rtl_utf8_from_wide(adding->instance, sizeof(adding->instance), node->instance_path,
                           rtl_wcslen(node->instance_path));
    adding->problem = node->problem;
    pnp_dereference(node);
    return status;
}

rgl_status rgl_pnp_add(rgl_machine *machine, const char *hardware_id, char *instance)
{
    struct adding adding = {.problem = 0};

    if (!api_pnp_wide(hardware_id, adding.id, PNP_LONGEST_ID) ||
        strspn(hardware_id, API_PNP_CHARACTERS) != strlen(hardware_id))
        return api_fail(STATUS_INVALID_PARAMETER, "'%s' cannot be a hardware id", hardware_id);
    rgl_status status = api_call(add, &adding, KernelMode);
    if (instance != NULL)
        memcpy(instance, adding.instance, sizeof(adding.instance));
    if (status < 0 && adding.problem != 0)
        return api_fail(status, "problem %u: %s", (unsigned)adding.problem, pnp_problem_text(adding.problem));
    return api_ok(status);
}

rgl_status rgl_pnp_start(rgl_machine *machine, const char *id)
{
    return api_pnp_act(machine, id, pnp_start);
}

/* ---- the tree ---- */

struct device_row {
    struct rgl_devnode_device info;
    char service[IO_SERVICE_NAME_BYTES], name[96];
};

struct node_row {
    struct node_row *next;
    struct rgl_devnode_info info;
    struct rgl_devnode_device stack[MOST_STACK];
    struct device_row devices[MOST_STACK];
    char path[API_PNP_ID], hardware_id[API_PNP_ID], description[API_PNP_ID], service[IO_SERVICE_NAME_BYTES];
    char resources[2048], needs[API_PNP_ID];
};

struct tree {
    struct node_row *first, **end;
};

static void text_of(char *to, size_t room, const WCHAR *text)
{
    if (text != NULL)
        rtl_utf8_from_wide(to, room, text, rtl_wcslen(text));
}

static void add_device(struct node_row *row, PDEVICE_OBJECT device)
{
    struct device_row *d = &row->devices[row->info.stack_count];
    WCHAR name[96];
    ULONG length = ob_query_name(device, name, sizeof(name));

    host_snprintf(d->service, sizeof(d->service), "%s", io_driver_service(device->DriverObject));
    rtl_utf8_from_wide(d->name, sizeof(d->name), name, MIN(length, sizeof(name)) / sizeof(WCHAR));
    row->stack[row->info.stack_count++] =
        (struct rgl_devnode_device){.service = d->service, .name = d->name, .id = io_device_number(device)};
}

/* From the top down. */
static void add_stack(struct node_row *row, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device = IoGetAttachedDeviceReference(pdo);

    while (device != NULL) {
        PDEVICE_OBJECT lower = IoGetLowerDeviceObject(device);
        if (row->info.stack_count < MOST_STACK)
            add_device(row, device);
        ob_dereference(device);
        device = lower;
    }
}

static unsigned depth_of(const struct pnp_node *node)
{
    unsigned depth = 0;

    for (; node->parent != NULL; node = node->parent)
        depth++;
    return depth;
}

static const char *power_name(DEVICE_POWER_STATE state)
{
    static const char *const names[] = {"", "D0", "D1", "D2", "D3"};

    return state < countof(names) ? names[state] : "";
}

struct needing {
    struct node_row *row;
    const struct pnp_node *node;
    size_t at;
};

static void add_need(struct pnp_node *other, void *context)
{
    struct needing *n = context;
    char path[API_PNP_ID];

    if (other->instance_path == NULL || !pnp_power_needs(n->node, other))
        return;
    text_of(path, sizeof(path), other->instance_path);
    if (n->at < sizeof(n->row->needs))
        n->at += (size_t)host_snprintf(n->row->needs + n->at, sizeof(n->row->needs) - n->at, "%s%s",
                                       n->at != 0 ? "; " : "", path);
}

static void fill(struct node_row *row, struct pnp_node *node)
{
    row->info = (struct rgl_devnode_info){.instance_path = row->path,
                                          .hardware_id = row->hardware_id,
                                          .description = row->description,
                                          .service = row->service,
                                          .resources = row->resources,
                                          .needs = row->needs,
                                          .stack = row->stack,
                                          .state = pnp_state_name(node->state),
                                          .power = power_name(po_device_state(node)),
                                          .problem = node->problem,
                                          .problem_text = pnp_problem_text(node->problem),
                                          .problem_status = node->problem_status,
                                          .flags = node->device_state,
                                          .raw = node->raw,
                                          .not_disableable = pnp_not_disableable(node),
                                          .depth = depth_of(node)};
    text_of(row->path, sizeof(row->path), node->instance_path);
    text_of(row->hardware_id, sizeof(row->hardware_id), node->hardware_ids);
    text_of(row->description, sizeof(row->description), node->description);
    text_of(row->service, sizeof(row->service), node->service);
    api_pnp_resources(row->resources, sizeof(row->resources), node->raw_resources,
                      node->translated_resources);
    pnp_for_each(add_need, &(struct needing){.row = row, .node = node});
    if (node->pdo != NULL)
        add_stack(row, node->pdo);
}

static void add_row(struct pnp_node *node, void *context)
{
    struct tree *tree = context;
    struct node_row *row = node->parent != NULL ? mm_alloc(sizeof(*row), TAG_ROWS) : NULL;

    if (row == NULL)
        return;
    fill(row, node);
    *tree->end = row;
    tree->end = &row->next;
}

static NTSTATUS walk(void *arg)
{
    pnp_for_each(add_row, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS collect(void *arg)
{
    return pnp_run(walk, arg);
}

static NTSTATUS free_tree(void *arg)
{
    struct tree *tree = arg;

    while (tree->first != NULL) {
        struct node_row *row = tree->first;
        tree->first = row->next;
        mm_free(row);
    }
    return STATUS_SUCCESS;
}

void rgl_for_each_devnode(rgl_machine *machine, void (*visit)(void *context, const struct rgl_devnode_info *),
                          void *context)
{
    rgl_status status;
    struct tree tree = {.first = NULL};

    if (!api_enter(&status))
        return;
    tree.end = &tree.first;
    api_call(collect, &tree, KernelMode);
    for (struct node_row *row = tree.first; row != NULL; row = row->next)
        visit(context, &row->info);
    api_call(free_tree, &tree, KernelMode);
    api_leave();
}

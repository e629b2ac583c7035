/* SPDX-License-Identifier: MIT */
/*
 * Installation: of the INFs that were added, the one that fits a device best
 * is planned on a helper pthread, and carried out on the registry by the
 * thread that asks, the PnP thread. infs_lock guards the list; it is taken by
 * pthreads only, so NT threads ask through ke_blocking_call.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/inf.h"
#include "cm/cm.h"
#include "host/host.h"
#include "io/routines.h"
#include "pnp/pnp.h"
#include "rtl/rtl.h"
#include "se/routines.h"
#include "se/se.h"

#define TAG_SETUP       0x70746553 /* "Setp" */
#define MOST_EXTENSIONS 15
#define MOST_IDS        128

struct service_name {
    struct service_name *next;
    char name[];
};

static pthread_mutex_t infs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct api_inf *infs, **last_inf = &infs;
static struct service_name *services; /* that an INF makes a function driver */

/* ---- choosing: on a pthread ---- */

struct choosing {
    char *hardware, *compatible; /* strings one behind the other; an empty one ends them */
    struct inf_plan
        *plans[1 + MOST_EXTENSIONS]; /* the device's own, then extensions; the first NULL ends them */
    const char *names[1 + MOST_EXTENSIONS], *class_guid;
    struct inf_error error;
    const char *error_name;
};

static unsigned split(char *list, const char **ids)
{
    unsigned count = 0;

    for (; list != NULL && *list != '\0' && count < MOST_IDS; list += strlen(list) + 1)
        ids[count++] = list;
    return count;
}

static bool fits(const struct api_inf *it, const struct inf_ids *ids, struct inf_match *match,
                 struct inf_rank *rank)
{
    return inf_match(it->inf, &api_inf_system, ids, match) && inf_rank_of(it->inf, match, ids, rank);
}

/* The best of those that are the device's own driver (extension NULL), or that extend it under that id. */
static const struct api_inf *best(const struct inf_ids *ids, const char *extension, struct inf_match *match)
{
    const struct api_inf *winner = NULL;
    struct inf_rank best_rank;

    for (const struct api_inf *it = infs; it != NULL; it = it->next) {
        const char *its = inf_extension_id(it->inf);
        struct inf_match found;
        struct inf_rank rank;
        if ((its == NULL) != (extension == NULL) || (its != NULL && !inf_same(its, extension)))
            continue;
        if (!fits(it, ids, &found, &rank) || (winner != NULL && !inf_rank_better(&rank, &best_rank)))
            continue;
        winner = it;
        best_rank = rank;
        *match = found;
    }
    return winner;
}

static void plan_one(struct choosing *choosing, unsigned at, const struct api_inf *it,
                     const struct inf_match *match)
{
    struct inf_loader loader = api_inf_loader(it);

    choosing->names[at] = it->name;
    choosing->plans[at] = inf_plan_device(it->inf, match, &loader, &choosing->error);
    if (choosing->plans[at] == NULL)
        choosing->error_name = it->name;
    else
        api_inf_files_add(it, choosing->plans[at]);
}

static void plan_extensions(struct choosing *choosing, const struct inf_ids *ids)
{
    unsigned at = 1;

    for (const struct api_inf *it = infs; it != NULL && at <= MOST_EXTENSIONS; it = it->next) {
        const char *extension = inf_extension_id(it->inf);
        struct inf_match match;
        if (extension == NULL || best(ids, extension, &match) != it)
            continue;
        plan_one(choosing, at, it, &match);
        at += choosing->plans[at] != NULL;
    }
}

static void choose(void *arg)
{
    struct choosing *choosing = arg;
    const char *hardware[MOST_IDS], *compatible[MOST_IDS];
    const struct inf_ids ids = {.hardware = hardware,
                                .compatible = compatible,
                                .hardware_count = split(choosing->hardware, hardware),
                                .compatible_count = split(choosing->compatible, compatible)};
    struct inf_match match;

    pthread_mutex_lock(&infs_lock);
    const struct api_inf *it = best(&ids, NULL, &match);
    if (it != NULL) {
        choosing->class_guid = inf_class_guid(it->inf);
        plan_one(choosing, 0, it, &match);
        if (choosing->plans[0] != NULL)
            plan_extensions(choosing, &ids);
    }
    pthread_mutex_unlock(&infs_lock);
    api_inf_loaded_end();
}

static void end_choosing(void *arg)
{
    struct choosing *choosing = arg;

    for (unsigned i = 0; i < countof(choosing->plans); i++)
        inf_plan_free(choosing->plans[i]);
}

/* ---- the registry as the steps' place: NT side ---- */

static NTSTATUS base(void *context, const struct inf_step *step, WCHAR *path, size_t room)
{
    struct pnp_node *node = context;
    bool found = false;

    if (node == NULL)
        return STATUS_INVALID_PARAMETER;
    if (step->key == INF_KEY_INTERFACE)
        return api_inf_interface_key(node, step->interface, path, room);
    if (step->key == INF_KEY_HARDWARE)
        found = pnp_enum_path(node, NULL, path, room);
    else if (step->key == INF_KEY_SOFTWARE)
        found = pnp_driver_key_path(node, path, room);
    return found ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS create_key(void *context, const WCHAR *path)
{
    return cm_create_key(path);
}

static bool key_exists(void *context, const WCHAR *path)
{
    return cm_key_exists(path);
}

static NTSTATUS set(void *context, const WCHAR *path, const WCHAR *name, ULONG type, const void *data,
                    ULONG length)
{
    return cm_set_value(path, name, type, data, length);
}

static NTSTATUS query(void *context, const WCHAR *path, const WCHAR *name, ULONG *type, void *data,
                      ULONG *length)
{
    return cm_query_value(path, name, type, data, length);
}

static NTSTATUS delete_value(void *context, const WCHAR *path, const WCHAR *name)
{
    return cm_delete_value(path, name);
}

static NTSTATUS delete_tree(void *context, const WCHAR *path)
{
    return cm_delete_tree(path);
}

static NTSTATUS sddl(void *context, const WCHAR *text, void **descriptor, ULONG *length)
{
    PSECURITY_DESCRIPTOR made;
    NTSTATUS status = se_from_sddl(text, &made);

    if (!NT_SUCCESS(status))
        return status;
    *descriptor = made;
    *length = RtlLengthSecurityDescriptor(made);
    return STATUS_SUCCESS;
}

static NTSTATUS interface(void *context, const struct inf_step *step)
{
    return api_inf_register_interface(context, step->interface);
}

static NTSTATUS property(void *context, const struct inf_step *step)
{
    return api_inf_set_property(context, step);
}

static void *allocate(size_t bytes)
{
    return mm_alloc(bytes, TAG_SETUP);
}

/* Carries out one plan; says what is not, and what failed. */
static NTSTATUS apply(struct pnp_node *node, const struct inf_plan *plan, const char *name)
{
    const struct inf_ops ops = {.context = node,
                                .base = base,
                                .create_key = create_key,
                                .key_exists = key_exists,
                                .set = set,
                                .query = query,
                                .delete_value = delete_value,
                                .delete_tree = delete_tree,
                                .sddl = sddl,
                                .interface = interface,
                                .property = property,
                                .allocate = allocate,
                                .release = mm_free};
    const struct inf_step *failed;
    NTSTATUS status = inf_apply(inf_plan_steps(plan), &ops, &failed);

    for (const struct inf_note *note = inf_plan_notes(plan); note != NULL; note = note->next)
        api_debug_line("setup", "%s:%u: %s", name, note->line, note->text);
    if (!NT_SUCCESS(status))
        api_debug_line("setup", "%s:%u: the step failed with 0x%08X", name, failed != NULL ? failed->line : 0,
                       (unsigned)status);
    return status;
}

/* ---- a device ---- */

/* Strings of a REG_MULTI_SZ as UTF-8; "" when there are none. NULL: no memory. */
static char *narrow_list(const WCHAR *list)
{
    size_t chars = 0;

    while (list != NULL && list[chars] != 0)
        chars += rtl_wcslen(list + chars) + 1;
    char *text = mm_alloc(chars * 3 + 2, TAG_SETUP);
    if (text == NULL)
        return NULL;
    int used = rtl_utf8_from_wide(text, chars * 3 + 1, list, chars);
    text[used] = text[used + 1] = '\0';
    return text;
}

/* The first number that no driver of the class has yet. */
static NTSTATUS new_software_key(struct pnp_node *node, const char *class_guid)
{
    WCHAR path[PNP_PATH_CHARS], driver[64];
    char text[128];

    for (unsigned number = 0; number < 10000; number++) {
        host_snprintf(text, sizeof(text), "%s\\%04u", class_guid, number);
        rtl_wide_from_utf8(driver, countof(driver), text, strlen(text));
        size_t base_chars = rtl_wcslen(PNP_CLASS_KEY);
        memcpy(path, PNP_CLASS_KEY, base_chars * sizeof(WCHAR));
        memcpy(path + base_chars, driver, (strlen(text) + 1) * sizeof(WCHAR));
        if (!cm_key_exists(path))
            return pnp_enum_set(node, u"Driver", REG_SZ, driver, (ULONG)((strlen(text) + 1) * sizeof(WCHAR)));
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

/* A driver of another class gets another key; the same class keeps it. */
static NTSTATUS prepare_software_key(struct pnp_node *node, const char *class_guid)
{
    WCHAR driver[64] = {0};
    ULONG type, length = sizeof(driver) - sizeof(WCHAR);
    char text[200];

    if (NT_SUCCESS(pnp_enum_query(node, u"Driver", &type, driver, &length))) {
        rtl_utf8_from_wide(text, sizeof(text), driver, rtl_wcslen(driver));
        if (strncasecmp(text, class_guid, strlen(class_guid)) == 0)
            return STATUS_SUCCESS;
    }
    return new_software_key(node, class_guid);
}

/* The class comes first: its key must not seem to be there because a driver's is. */
static NTSTATUS apply_all(struct pnp_node *node, struct choosing *choosing)
{
    NTSTATUS status = prepare_software_key(node, choosing->class_guid);

    for (unsigned i = 0; i < countof(choosing->plans) && choosing->plans[i] != NULL && NT_SUCCESS(status);
         i++)
        status = apply(node, choosing->plans[i], choosing->names[i]);
    return status;
}

static NTSTATUS install(struct pnp_node *node)
{
    struct choosing *choosing = mm_alloc(sizeof(*choosing), TAG_SETUP);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (choosing == NULL)
        return status;
    memset(choosing, 0, sizeof(*choosing));
    choosing->hardware = narrow_list(node->hardware_ids);
    choosing->compatible = narrow_list(node->compatible_ids);
    if (choosing->hardware != NULL && choosing->compatible != NULL) {
        ke_blocking_call(choose, choosing);
        if (choosing->error_name != NULL)
            api_debug_line("setup", "%s:%u: %s", choosing->error_name, choosing->error.line,
                           choosing->error.text);
        status = choosing->plans[0] != NULL ? apply_all(node, choosing) : STATUS_NOT_FOUND;
        ke_blocking_call(end_choosing, choosing);
    }
    mm_free(choosing->hardware);
    mm_free(choosing->compatible);
    mm_free(choosing);
    return status;
}

/* ---- services ---- */

struct asking {
    const char *service;
    bool found;
};

static void ask_service(void *arg)
{
    struct asking *asking = arg;

    pthread_mutex_lock(&infs_lock);
    for (const struct service_name *it = services; it != NULL && !asking->found; it = it->next)
        asking->found = strcasecmp(it->name, asking->service) == 0;
    pthread_mutex_unlock(&infs_lock);
}

static bool installs_service(const char *service)
{
    struct asking asking = {.service = service};

    ke_blocking_call(ask_service, &asking);
    return asking.found;
}

static bool remember_services(void *context, const struct inf_match *match)
{
    const struct api_inf *it = context;
    struct inf_loader loader = api_inf_loader(it);
    struct inf_error error;
    struct inf_plan *plan = inf_plan_device(it->inf, match, &loader, &error);
    const char *service = plan != NULL ? inf_plan_service(plan) : NULL;
    struct service_name *name =
        service != NULL ? malloc(sizeof(struct service_name) + strlen(service) + 1) : NULL;

    if (name != NULL) {
        strcpy(name->name, service);
        name->next = services;
        services = name;
    }
    inf_plan_free(plan);
    return true;
}

/* ---- the API ---- */

struct applying {
    const struct inf_plan *plan;
    const char *name;
};

static NTSTATUS apply_default(void *arg)
{
    const struct applying *applying = arg;

    return apply(NULL, applying->plan, applying->name);
}

static NTSTATUS look_again(void *arg)
{
    pnp_look_again();
    return STATUS_SUCCESS;
}

/* An INF for no device is carried out at once. */
static rgl_status install_default(const struct api_inf *it)
{
    struct inf_loader loader = api_inf_loader(it);
    struct inf_error error;
    struct inf_plan *plan = inf_plan_default(it->inf, &loader, &error);
    struct applying applying = {plan, it->name};
    rgl_status status = 0;

    if (plan != NULL) {
        api_inf_files_add(it, plan);
        status = api_call(apply_default, &applying, KernelMode);
    }
    inf_plan_free(plan);
    api_inf_loaded_end();
    return status;
}

rgl_status rgl_inf_add(rgl_machine *machine, const char *path)
{
    char message[600];
    struct api_inf *it = api_inf_open(path, message, sizeof(message));
    rgl_status status;

    if (it == NULL || !api_inf_check(it, message, sizeof(message))) {
        api_inf_close(it);
        return api_fail(STATUS_INVALID_PARAMETER, "%s", message);
    }
    if (!api_enter(&status)) {
        api_inf_close(it);
        return status;
    }
    pthread_mutex_lock(&infs_lock);
    *last_inf = it;
    last_inf = &it->next;
    inf_for_each_model(it->inf, &api_inf_system, remember_services, it);
    pthread_mutex_unlock(&infs_lock);
    api_inf_loaded_end();
    status = install_default(it);
    if (status >= 0)
        status = api_call(look_again, NULL, KernelMode);
    api_leave();
    return api_ok(status);
}

void api_inf_init(void)
{
    pnp_ops.install = install;
    pnp_ops.installs_service = installs_service;
}

void api_inf_end(void)
{
    while (infs != NULL) {
        struct api_inf *next = infs->next;
        api_inf_close(infs);
        infs = next;
    }
    last_inf = &infs;
    while (services != NULL) {
        struct service_name *next = services->next;
        free(services);
        services = next;
    }
    api_inf_files_end();
}

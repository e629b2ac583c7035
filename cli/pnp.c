/* SPDX-License-Identifier: MIT */
/* The commands of Plug and Play: devices by hardware id or instance path, and the tree of them. */
#include <string.h>
#include "session.h"

static int added(struct call *call, const char *id, const char *instance, rgl_status status)
{
    struct result result = {.status = status};
    char what[RGL_INSTANCE_ROOM + 300];

    snprintf(what, sizeof(what), "add-device %.200s%s%s", id, instance[0] ? " = " : "", instance);
    if (status < 0 && status != RGL_STATUS_BUG_CHECK && rgl_message()[0] != '\0')
        print_note(&call->session->printer, "device", rgl_message());
    return call_done(call, what, &result);
}

int do_add_device(struct call *call)
{
    char instance[RGL_INSTANCE_ROOM] = "";

    if (!call_more(call))
        return call_wrong(call, "wants a hardware id");
    const char *id = call->words->text[call->at++];
    return added(call, id, instance, rgl_pnp_add(call->session->machine, id, instance));
}

int session_device_added(struct session *session, const char *id, const char *instance, rgl_status status)
{
    struct call call = {.session = session, .line = id};
    bool failed;

    added(&call, id, instance, status);
    failed = call.error_status && !session->options->keep_going;
    return failed ? EXIT_COMMAND : EXIT_OK;
}

int call_device(struct call *call, rgl_status (*act)(rgl_machine *machine, const char *id))
{
    struct result result = {0};
    char what[RGL_INSTANCE_ROOM + 32];

    if (!call_more(call))
        return call_wrong(call, "wants a device: an instance path or a hardware id");
    const char *id = call->words->text[call->at++];
    snprintf(what, sizeof(what), "%s %.400s", call->words->text[0], id);
    result.status = act(call->session->machine, id);
    return call_done(call, what, &result);
}

int do_start(struct call *call)
{
    return call_device(call, rgl_pnp_start);
}

/* The system's own veto and other refusals are explained in a line before the result's. */
static int change(struct call *call, rgl_status (*act)(rgl_machine *machine, const char *id))
{
    int code = call_device(call, act);

    if (code == EXIT_OK && call->session->last.status == (rgl_status)0x80000028)
        print_note(&call->session->printer, "device", rgl_message());
    return code;
}

int do_stop(struct call *call)
{
    return change(call, rgl_pnp_stop);
}

int do_query_remove(struct call *call)
{
    return change(call, rgl_pnp_query_remove);
}

int do_remove(struct call *call)
{
    return change(call, rgl_pnp_remove);
}

int do_surprise_remove(struct call *call)
{
    return change(call, rgl_pnp_surprise_remove);
}

int do_eject(struct call *call)
{
    return change(call, rgl_pnp_eject);
}

/* ---- tree ---- */

struct tree {
    const struct printer *printer;
    unsigned count;
};

static void member(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    print_json_string(stdout, text);
}

static void show_json(const struct rgl_devnode_info *info)
{
    char buffer[16];

    fputs("{\"event\":\"devnode\",\"instance\":", stdout);
    print_json_string(stdout, info->instance_path);
    printf(",\"depth\":%u", info->depth);
    member("hardware_id", info->hardware_id);
    member("description", info->description);
    member("state", info->state);
    member("power", info->power);
    member("service", info->service);
    printf(",\"raw\":%s,\"not_disableable\":%s,\"flags\":%u,\"problem\":%u", info->raw ? "true" : "false",
           info->not_disableable ? "true" : "false", (unsigned)info->flags, info->problem);
    member("problem_text", info->problem_text);
    if (info->problem_status != 0)
        member("problem_status", status_text(info->problem_status, buffer, sizeof(buffer)));
    member("resources", info->resources);
    member("needs", info->needs);
    fputs(",\"stack\":[", stdout);
    for (unsigned i = 0; i < info->stack_count; i++) {
        printf("%s{\"device\":%u,\"service\":", i ? "," : "", info->stack[i].id);
        print_json_string(stdout, info->stack[i].service);
        member("name", info->stack[i].name);
        putchar('}');
    }
    puts("]}");
}

static void show_stack(const struct rgl_devnode_info *info, int indent)
{
    printf("%*s  stack: ", indent, "");
    for (unsigned i = 0; i < info->stack_count; i++) {
        const struct rgl_devnode_device *device = &info->stack[i];
        printf("%s%s%s%s", i ? " > " : "", device->service, device->name[0] ? " " : "", device->name);
    }
    putchar('\n');
}

static void show_flags(const struct rgl_devnode_info *info, int indent)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } flags[] = {{0x01, "disabled in hardware"},
                 {0x02, "not to be displayed"},
                 {0x04, "failed"},
                 {0x08, "removed"},
                 {0x10, "other resources"},
                 {0x20, "not disableable"},
                 {0x40, "disconnected"}};
    const char *separator = "reports: ";

    printf("%*s  ", indent, "");
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!(info->flags & flags[i].bit))
            continue;
        printf("%s%s", separator, flags[i].text);
        separator = ", ";
    }
    putchar('\n');
}

static void show_problem(const struct rgl_devnode_info *info, int indent)
{
    char buffer[16];

    printf("%*s  problem %u: %s", indent, "", info->problem, info->problem_text);
    if (info->problem_status != 0)
        printf(" (%s)", status_text(info->problem_status, buffer, sizeof(buffer)));
    putchar('\n');
}

static void show_node(void *context, const struct rgl_devnode_info *info)
{
    struct tree *tree = context;
    int indent = (int)(info->depth - 1) * 2;

    tree->count++;
    if (tree->printer->json) {
        show_json(info);
        return;
    }
    printf("%*s%s: %s", indent, "", info->instance_path[0] ? info->instance_path : "(not identified)",
           info->state);
    if (info->power[0])
        printf(", %s", info->power);
    if (info->service[0])
        printf(", driver %s", info->service);
    else if (info->raw)
        fputs(", raw", stdout);
    if (info->description[0])
        printf(", \"%s\"", info->description);
    putchar('\n');
    show_stack(info, indent);
    if (info->resources[0])
        printf("%*s  resources: %s\n", indent, "", info->resources);
    if (info->needs[0])
        printf("%*s  needs: %s\n", indent, "", info->needs);
    if (info->not_disableable)
        printf("%*s  cannot be disabled\n", indent, "");
    if (info->flags & 0x7F)
        show_flags(info, indent);
    if (info->problem != 0)
        show_problem(info, indent);
}

int do_tree(struct call *call)
{
    struct tree tree = {&call->session->printer, 0};

    rgl_for_each_devnode(call->session->machine, show_node, &tree);
    rgl_poll(call->session->machine);
    if (tree.count == 0)
        print_info(&call->session->printer, "none", "no devices");
    return EXIT_OK;
}

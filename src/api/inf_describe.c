/* SPDX-License-Identifier: MIT */
/*
 * What an INF would install, as text or as JSON: every device that it is for
 * on this system, or the one that an identifier chooses. No machine is needed.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/inf.h"
#include "nt/cm.h"
#include "rtl/rtl.h"

struct describing {
    const struct api_inf *it;
    struct text text;
    bool json;
    unsigned models;
    char *message;
    size_t message_size;
};

/* ---- keys and data ---- */

static void add_key(struct text *text, const struct inf_step *step)
{
    static const char machine[] = "\\Registry\\Machine\\", set[] = "System\\CurrentControlSet\\";
    const char *path = step->path, *between = *path != '\0' ? "\\" : "";

    if (step->key == INF_KEY_SOFTWARE)
        text_add(text, "driver key%s%s", between, path);
    else if (step->key == INF_KEY_HARDWARE)
        text_add(text, "device key%s%s", between, path);
    else if (step->key == INF_KEY_INTERFACE)
        text_add(text, "interface %s%s%s", step->interface->guid, between, path);
    else if (strncasecmp(path, machine, sizeof(machine) - 1) != 0)
        text_add(text, "%s", path);
    else if (strncasecmp(path + sizeof(machine) - 1, set, sizeof(set) - 1) == 0)
        text_add(text, "%s", path + sizeof(machine) + sizeof(set) - 2);
    else
        text_add(text, "HKLM\\%s", path + sizeof(machine) - 1);
}

static void add_wide(struct text *text, const WCHAR *wide, size_t chars, bool json)
{
    char *narrow = malloc(chars * 3 + 1);

    if (narrow == NULL)
        return;
    rtl_utf8_from_wide(narrow, chars * 3 + 1, wide, chars);
    if (json)
        text_add_json(text, narrow);
    else
        text_add(text, "\"%s\"", narrow);
    free(narrow);
}

static void add_list(struct text *text, const WCHAR *at, const WCHAR *end, bool json)
{
    text_add(text, "[");
    for (bool first = true; at < end && *at != 0; first = false) {
        size_t length = rtl_wcslen(at);
        text_add(text, "%s", first ? "" : ", ");
        add_wide(text, at, length, json);
        at += length + 1;
    }
    text_add(text, "]");
}

static void add_data(struct text *text, const struct inf_step *step, bool json)
{
    const WCHAR *wide = step->data;
    size_t chars = step->length / sizeof(WCHAR);
    ULONG number;

    switch (step->type) {
    case REG_SZ:
    case REG_EXPAND_SZ:
        add_wide(text, wide, chars - 1, json);
        break;
    case REG_MULTI_SZ:
        add_list(text, wide, wide + chars, json);
        break;
    case REG_DWORD:
        memcpy(&number, step->data, sizeof(number));
        text_add(text, "%u", number);
        break;
    default:
        text_add(text, "\"");
        for (ULONG i = 0; i < step->length; i++)
            text_add(text, "%02x", ((const unsigned char *)step->data)[i]);
        text_add(text, "\"");
    }
}

static const char *type_name(ULONG type)
{
    static const char *const names[] = {
        "REG_NONE",          "REG_SZ",
        "REG_EXPAND_SZ",     "REG_BINARY",
        "REG_DWORD",         "REG_DWORD_BIG_ENDIAN",
        "REG_LINK",          "REG_MULTI_SZ",
        "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR",
        "REG_QWORD",
    };
    if (type == REG_RESOURCE_REQUIREMENTS_LIST)
        return "REG_RESOURCE_REQUIREMENTS_LIST";
    return type < 10 ? names[type] : type == REG_QWORD ? names[10] : "another type";
}

static const char *action_word(const struct inf_step *step)
{
    static const char *const words[] = {[INF_SET] = "set",
                                        [INF_CREATE_KEY] = "create key",
                                        [INF_DELETE_VALUE] = "delete value",
                                        [INF_DELETE_KEY] = "delete key",
                                        [INF_DELETE_STRING] = "delete string",
                                        [INF_BITS] = "change bits",
                                        [INF_INTERFACE] = "register interface",
                                        [INF_PROPERTY] = "set property"};

    return step->action == INF_SET && (step->conditions & INF_APPEND) ? "append to" : words[step->action];
}

/* ---- text ---- */

static void step_as_text(struct text *text, const struct inf_step *step)
{
    bool valued = step->action == INF_SET || step->action == INF_DELETE_VALUE ||
                  step->action == INF_DELETE_STRING || step->action == INF_BITS;

    text_add(text, "  %s ", action_word(step));
    if (step->action == INF_INTERFACE)
        text_add(text, "%s%s%s", step->interface->guid, *step->interface->reference != '\0' ? " " : "",
                 step->interface->reference);
    else if (step->action == INF_PROPERTY)
        text_add(text, "%s", step->name);
    else
        add_key(text, step);
    if (valued)
        text_add(text, ", %s", *step->name != '\0' ? step->name : "(default)");
    if (step->action == INF_SET) {
        text_add(text, " = ");
        add_data(text, step, false);
    }
    text_add(text, "\n");
}

static void ids_as_text(struct text *text, const struct inf_match *match)
{
    for (unsigned i = 1; i < match->line->count; i++)
        text_add(text, "%s%s", i > 1 ? ", " : "", match->line->value[i]);
}

static void plan_as_text(struct describing *d, const struct inf_match *match, const struct inf_plan *plan)
{
    const char *service = inf_plan_service(plan);

    if (match != NULL) {
        text_add(&d->text, "%s (%s): ", match->description, match->manufacturer);
        ids_as_text(&d->text, match);
        text_add(&d->text, "\n");
    }
    text_add(&d->text, "  section %s, service %s\n", inf_plan_section(plan),
             service != NULL ? service : "none");
    for (const struct inf_file *file = inf_plan_files(plan); file != NULL; file = file->next)
        text_add(&d->text, "  file %s from %s\n", file->destination, file->source);
    for (const struct inf_step *step = inf_plan_steps(plan); step != NULL; step = step->next)
        step_as_text(&d->text, step);
    for (const struct inf_note *note = inf_plan_notes(plan); note != NULL; note = note->next)
        text_add(&d->text, "  note, line %u: %s\n", note->line, note->text);
}

/* ---- JSON ---- */

static void member(struct text *text, const char *name, const char *value)
{
    text_add(text, "\"%s\":", name);
    text_add_json(text, value);
}

static void step_as_json(struct text *text, const struct inf_step *step)
{
    struct text key = {0};

    text_add(text, "{");
    member(text, "action", action_word(step));
    text_add(text, ",\"line\":%u", step->line);
    if (step->action == INF_INTERFACE) {
        text_add(text, ",");
        member(text, "class", step->interface->guid);
        text_add(text, ",");
        member(text, "reference", step->interface->reference);
    } else if (step->action != INF_PROPERTY) {
        add_key(&key, step);
        text_add(text, ",");
        member(text, "key", key.bytes != NULL ? key.bytes : "");
        free(key.bytes);
    }
    if (step->action != INF_CREATE_KEY && step->action != INF_DELETE_KEY && step->action != INF_INTERFACE) {
        text_add(text, ",");
        member(text, "name", step->name);
    }
    if (step->action == INF_SET) {
        text_add(text, ",\"type\":\"%s\",\"data\":", type_name(step->type));
        add_data(text, step, true);
    }
    text_add(text, "}");
}

static void model_as_json(struct text *text, const struct inf_match *match)
{
    if (match == NULL)
        return;
    member(text, "description", match->description);
    text_add(text, ",");
    member(text, "manufacturer", match->manufacturer);
    text_add(text, ",\"ids\":[");
    for (unsigned i = 1; i < match->line->count; i++) {
        text_add(text, "%s", i > 1 ? "," : "");
        text_add_json(text, match->line->value[i]);
    }
    text_add(text, "],");
}

static void plan_as_json(struct describing *d, const struct inf_match *match, const struct inf_plan *plan)
{
    struct text *text = &d->text;
    const char *separator = "";

    text_add(text, "%s{", d->models > 1 ? "," : "");
    model_as_json(text, match);
    member(text, "section", inf_plan_section(plan));
    text_add(text, ",");
    member(text, "service", inf_plan_service(plan) != NULL ? inf_plan_service(plan) : "");
    text_add(text, ",\"files\":[");
    for (const struct inf_file *file = inf_plan_files(plan); file != NULL;
         file = file->next, separator = ",") {
        text_add(text, "%s{", separator);
        member(text, "destination", file->destination);
        text_add(text, ",");
        member(text, "source", file->source);
        text_add(text, "}");
    }
    text_add(text, "],\"steps\":[");
    for (const struct inf_step *step = inf_plan_steps(plan); step != NULL; step = step->next) {
        text_add(text, "%s", step != inf_plan_steps(plan) ? "," : "");
        step_as_json(text, step);
    }
    text_add(text, "],\"notes\":[");
    for (const struct inf_note *note = inf_plan_notes(plan); note != NULL; note = note->next) {
        text_add(text, "%s{\"line\":%u,", note != inf_plan_notes(plan) ? "," : "", note->line);
        member(text, "text", note->text);
        text_add(text, "}");
    }
    text_add(text, "]}");
}

/* ---- a file ---- */

static void show_plan(struct describing *d, const struct inf_match *match, struct inf_plan *plan)
{
    d->models++;
    if (d->json)
        plan_as_json(d, match, plan);
    else
        plan_as_text(d, match, plan);
    inf_plan_free(plan);
}

static bool show_model(void *context, const struct inf_match *match)
{
    struct describing *d = context;
    struct inf_loader loader = api_inf_loader(d->it);
    struct inf_error error;
    struct inf_plan *plan = inf_plan_device(d->it->inf, match, &loader, &error);

    if (plan != NULL)
        show_plan(d, match, plan);
    return true;
}

static void show_default(struct describing *d)
{
    struct inf_loader loader = api_inf_loader(d->it);
    struct inf_error error;
    struct inf_plan *plan = inf_plan_default(d->it->inf, &loader, &error);

    if (plan != NULL)
        show_plan(d, NULL, plan);
}

static bool show_chosen(struct describing *d, const char *hardware_id)
{
    const struct inf_ids ids = {.hardware = &hardware_id, .hardware_count = 1};
    struct inf_match match;
    struct inf_rank rank;

    if (!inf_match(d->it->inf, &api_inf_system, &ids, &match) ||
        !inf_rank_of(d->it->inf, &match, &ids, &rank))
        return false;
    return show_model(d, &match);
}

static const char *version_value(const struct inf *inf, const char *key, unsigned index)
{
    const struct inf_section *version = inf_section(inf, "Version");

    return inf_value(version != NULL ? inf_find(version, key, NULL) : NULL, index);
}

static void show_head(struct describing *d)
{
    const struct inf *inf = d->it->inf;
    struct text *text = &d->text;

    if (!d->json) {
        text_add(text, "%s: class %s %s, from %s, version %s of %s\n", d->it->name,
                 version_value(inf, "Class", 0), inf_class_guid(inf), version_value(inf, "Provider", 0),
                 version_value(inf, "DriverVer", 1), version_value(inf, "DriverVer", 0));
        return;
    }
    text_add(text, "{");
    member(text, "file", d->it->name);
    text_add(text, ",");
    member(text, "class", version_value(inf, "Class", 0));
    text_add(text, ",");
    member(text, "class_guid", inf_class_guid(inf));
    text_add(text, ",");
    member(text, "provider", version_value(inf, "Provider", 0));
    text_add(text, ",");
    member(text, "date", version_value(inf, "DriverVer", 0));
    text_add(text, ",");
    member(text, "version", version_value(inf, "DriverVer", 1));
    text_add(text, ",\"installs\":[");
}

char *rgl_inf_describe(const char *path, const char *hardware_id, enum rgl_inspect_format format)
{
    char message[600];
    struct describing d = {.it = api_inf_open(path, message, sizeof(message)),
                           .json = format == RGL_INSPECT_JSON};
    bool found = true;

    if (d.it == NULL || !api_inf_check(d.it, message, sizeof(message))) {
        api_inf_close((struct api_inf *)d.it);
        api_fail(STATUS_INVALID_PARAMETER, "%s", message);
        return NULL;
    }
    show_head(&d);
    if (hardware_id != NULL) {
        found = show_chosen(&d, hardware_id);
    } else {
        inf_for_each_model(d.it->inf, &api_inf_system, show_model, &d);
        show_default(&d);
    }
    if (d.json)
        text_add(&d.text, "]}\n");
    else if (d.models == 0)
        text_add(&d.text, "nothing in it is for this system\n");
    api_inf_loaded_end();
    if (!found) {
        free(d.text.bytes);
        d.text.bytes = NULL;
        api_fail(STATUS_NOT_FOUND, "%s: no line of its models is for %s", d.it->name, hardware_id);
    }
    api_inf_close((struct api_inf *)d.it);
    return d.text.bytes;
}

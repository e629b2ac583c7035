/* SPDX-License-Identifier: MIT */
/*
 * Interfaces and classes: AddInterface, [InterfaceInstall32] and
 * [ClassInstall32]. A class that is installed already is left as it is.
 * Sources: "INF AddInterface Directive", "INF InterfaceInstall32 Section",
 * "INF ClassInstall32 Section".
 */
#include "inf/plan_internal.h"

static bool is_guid(const char *text)
{
    static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
    UCHAR byte;

    for (unsigned i = 0; form[i] != '\0'; i++) {
        char digit[2] = {text[i], '\0'};
        if (form[i] == 'x' ? !inf_byte(digit, &byte) : text[i] != form[i])
            return false;
    }
    return text[sizeof(form) - 1] == '\0';
}

bool inf_add_interface(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_plan *plan = scope->plan;
    struct inf_interface *interface = inf_allocate(&plan->memory, sizeof(*interface));
    struct inf_scope inner = *scope;

    interface->guid = inf_value(line, 0);
    interface->reference = inf_value(line, 1);
    if (!is_guid(interface->guid))
        return inf_fail(plan->error, line->number, "'%s' is no class of interfaces: {GUID}", interface->guid);
    inner.place =
        (struct inf_place){.key = INF_KEY_INTERFACE, .path = "", .interface = interface, .kind = PLACE_OTHER};
    inner.suffix = "";
    inf_plan_step(plan, &inner.place, INF_INTERFACE, line->number);
    if (inf_value(line, 2)[0] == '\0')
        return true;
    return inf_plan_section_of(&inner, inf_named_section(&inner, line, inf_value(line, 2)));
}

bool inf_install_interfaces(struct inf_plan *plan)
{
    const struct inf_section *classes = inf_section(plan->inf, "InterfaceInstall32");

    for (const struct inf_line *line = classes != NULL ? classes->first : NULL; line != NULL;
         line = line->next) {
        struct inf_scope scope = {.plan = plan, .inf = plan->inf, .suffix = ""};
        if (line->key == NULL || !is_guid(line->key))
            return inf_fail(plan->error, line->number, "'%s' is no class of interfaces: {GUID}",
                            line->key != NULL ? line->key : inf_value(line, 0));
        const char *key = inf_plan_text(plan, DEVICE_CLASSES_KEY "%s", line->key);
        scope.place =
            (struct inf_place){.key = INF_KEY_ABSOLUTE, .path = key, .unless = key, .kind = PLACE_OTHER};
        inf_plan_step(plan, &scope.place, INF_CREATE_KEY, line->number);
        const struct inf_section *section = inf_install_section(plan->inf, inf_value(line, 0), "");
        if (section == NULL)
            inf_plan_note(plan, line->number, "there is no section [%s]", inf_value(line, 0));
        else if (!inf_plan_section_of(&scope, section))
            return false;
    }
    return true;
}

bool inf_install_class(struct inf_plan *plan)
{
    const char *guid = inf_class_guid(plan->inf);
    const struct inf_section *version = inf_section(plan->inf, "Version");
    const struct inf_line *class = inf_find(version, "Class", NULL);
    struct inf_scope scope = {.plan = plan, .inf = plan->inf, .suffix = ""};
    const struct inf_section *section = inf_install_section(plan->inf, "ClassInstall32", "");

    if (*guid == '\0')
        return true;
    if (!is_guid(guid))
        return inf_fail(plan->error, inf_find(version, "ClassGuid", NULL)->number, "'%s' is no ClassGuid",
                        guid);
    const char *key = inf_plan_text(plan, CLASS_KEY "%s", guid);
    scope.place =
        (struct inf_place){.key = INF_KEY_ABSOLUTE, .path = key, .unless = key, .kind = PLACE_CLASS};
    inf_plan_step(plan, &scope.place, INF_CREATE_KEY, class != NULL ? class->number : 0);
    if (class != NULL)
        inf_plan_set(plan, &scope.place, "Class", inf_value(class, 0), class->number);
    return inf_plan_section_of(&scope, section);
}

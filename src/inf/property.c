/* SPDX-License-Identifier: MIT */
/*
 * AddProperty and AddFilter. Sources: "INF AddProperty Directive", "INF
 * AddFilter Directive".
 */
#include "inf/plan_internal.h"
#include "nt/cm.h"

#define TYPE_UINT32      0x07
#define TYPE_BOOLEAN     0x11
#define TYPE_STRING      0x12
#define TYPE_BINARY      0x1003
#define TYPE_STRING_LIST 0x2012

/* Properties of the driver package that have a name of their own (DEVPKEY_DrvPkg_...). */
static bool known_property(const char *name, const char **key, ULONG *type)
{
#define DRIVER_PACKAGE "{cf73bb51-3abf-44a2-85e0-9a3dc7a12132} "
    static const struct {
        const char *name, *key;
        ULONG type;
    } known[] = {{"DeviceModel", DRIVER_PACKAGE "2", TYPE_STRING},
                 {"DeviceVendorWebsite", DRIVER_PACKAGE "3", TYPE_STRING},
                 {"DeviceDetailedDescription", DRIVER_PACKAGE "4", TYPE_STRING},
                 {"DeviceDocumentationLink", DRIVER_PACKAGE "5", TYPE_STRING},
                 {"DeviceIcon", DRIVER_PACKAGE "6", TYPE_STRING_LIST},
                 {"DeviceBrandingIcon", DRIVER_PACKAGE "7", TYPE_STRING_LIST}};

    for (unsigned i = 0; i < countof(known); i++) {
        if (!inf_same(name, known[i].name))
            continue;
        *key = known[i].key;
        *type = known[i].type;
        return true;
    }
    return false;
}

static bool number_value(struct inf_plan *plan, const struct inf_line *line, struct inf_step *step)
{
    ULONG64 *number = inf_allocate(&plan->memory, sizeof(*number));

    if (!inf_number64(inf_value(line, 4), number))
        return inf_fail(plan->error, line->number, "'%s' is no number", inf_value(line, 4));
    if (step->type == TYPE_BOOLEAN)
        *number = *number != 0 ? 0xFF : 0; /* DEVPROP_TRUE */
    step->data = number;
    step->length = step->type == TYPE_BOOLEAN ? 1 : 4;
    return true;
}

static bool bytes_value(struct inf_plan *plan, const struct inf_line *line, struct inf_step *step)
{
    UCHAR *bytes = inf_allocate(&plan->memory, line->count);

    for (unsigned i = 4; i < line->count; i++)
        if (!inf_byte(line->value[i], &bytes[step->length++]))
            return inf_fail(plan->error, line->number, "'%s' is no byte in hexadecimal", line->value[i]);
    step->data = bytes;
    return true;
}

static bool property_value(struct inf_plan *plan, const struct inf_line *line, struct inf_step *step)
{
    switch (step->type) {
    case TYPE_STRING:
        step->data = inf_encode_text(plan, inf_value(line, 4), &step->length);
        return true;
    case TYPE_STRING_LIST:
        step->data = inf_encode_texts(plan, line, 4, &step->length);
        return true;
    case TYPE_UINT32:
    case TYPE_BOOLEAN:
        return number_value(plan, line, step);
    case TYPE_BINARY:
        return bytes_value(plan, line, step);
    default:
        return inf_fail(plan->error, line->number, "0x%x is no type that a property can have", step->type);
    }
}

static unsigned property_conditions(ULONG64 flags)
{
    return (flags & 1 ? INF_NO_CLOBBER : 0) | (flags & 2 ? INF_ONLY_EXISTING : 0) |
           (flags & 4 ? INF_APPEND : 0) | (flags & 8 ? INF_OR : 0) | (flags & 16 ? INF_AND : 0);
}

static bool property_line(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_plan *plan = scope->plan;
    const char *name = inf_value(line, 0), *key;
    ULONG64 pid, type_number, flags = 0;
    ULONG type;

    if (*name != '{' && !known_property(name, &key, &type)) {
        inf_plan_note(plan, line->number, "the property %s is not kept", name);
        return true;
    }
    if (*name == '{') {
        if (!inf_number64(inf_value(line, 1), &pid) || pid < 2 || pid > 0xFFFFFFFF ||
            !inf_number64(inf_value(line, 2), &type_number))
            return inf_fail(plan->error, line->number, "a property is {GUID}, number, type, flags, value");
        key = inf_plan_text(plan, "%s %u", name, (unsigned)pid);
        type = (ULONG)type_number;
    }
    if (inf_value(line, 3)[0] != '\0' && !inf_number64(inf_value(line, 3), &flags))
        return inf_fail(plan->error, line->number, "'%s' is no number for the flags", inf_value(line, 3));
    struct inf_step *step = inf_plan_step(plan, &scope->place, INF_PROPERTY, line->number);
    step->name = key;
    step->type = type;
    step->conditions = property_conditions(flags);
    return property_value(plan, line, step);
}

bool inf_add_property(struct inf_scope *scope, const struct inf_line *line)
{
    if (scope->place.kind != PLACE_SOFTWARE) {
        inf_plan_note(scope->plan, line->number, "properties are kept of devices only");
        return true;
    }
    for (unsigned i = 0; i < line->count; i++) {
        const struct inf_section *section = inf_named_section(scope, line, line->value[i]);
        for (const struct inf_line *at = section != NULL ? section->first : NULL; at != NULL; at = at->next)
            if (!property_line(scope, at))
                return false;
    }
    return true;
}

/* A filter that is given a position stands behind the other filters of its kind. */
bool inf_add_filter(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_plan *plan = scope->plan;
    struct inf_place place = {.key = INF_KEY_HARDWARE, .path = "", .kind = PLACE_HARDWARE};
    const struct inf_section *section = inf_named_section(scope, line, inf_value(line, 2));
    const struct inf_line *position = section != NULL ? inf_find(section, "FilterPosition", NULL) : NULL;
    struct inf_line one = {.count = 1, .value = (const char *[]){inf_value(line, 0)}};

    if (section == NULL)
        return true;
    if (position == NULL) {
        inf_plan_note(plan, line->number, "the filter %s has no FilterPosition, and levels are not kept",
                      inf_value(line, 0));
        return true;
    }
    bool upper = inf_same(inf_value(position, 0), "Upper");
    if (!upper && !inf_same(inf_value(position, 0), "Lower"))
        return inf_fail(plan->error, position->number, "'%s' is no position of a filter: Upper or Lower",
                        inf_value(position, 0));
    struct inf_step *step = inf_plan_step(plan, &place, INF_SET, line->number);
    step->name = upper ? "UpperFilters" : "LowerFilters";
    step->type = REG_MULTI_SZ;
    step->conditions = INF_APPEND;
    step->data = inf_encode_texts(plan, &one, 0, &step->length);
    return true;
}

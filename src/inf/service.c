/* SPDX-License-Identifier: MIT */
/*
 * AddService and DelService: the service's key as the service control manager
 * would write it, and which service is the function driver. Sources: "INF
 * AddService Directive", "INF DelService Directive".
 */
#include "inf/plan_internal.h"
#include "nt/cm.h"

#define FLAG_TAG_TO_FRONT    0x001
#define FLAG_ASSOCIATED      0x002
#define FLAG_DELETE_EVENTLOG 0x004
#define FLAG_START           0x800

/* An entry of a service-install section, and the flag that lets an older value stand. */
struct entry {
    const char *key, *value;
    ULONG no_clobber;
    enum { TEXT, NUMBER, BINARY_PATH, TEXTS } kind;
    bool required;
};

static const struct entry entries[] = {
    {"ServiceType", "Type", 0, NUMBER, true},
    {"StartType", "Start", 0x10, NUMBER, true},
    {"ErrorControl", "ErrorControl", 0x20, NUMBER, true},
    {"ServiceBinary", "ImagePath", 0, BINARY_PATH, true},
    {"DisplayName", "DisplayName", 0x8, TEXT, false},
    {"Description", "Description", 0x100, TEXT, false},
    {"LoadOrderGroup", "Group", 0x40, TEXT, false},
    {"StartName", "ObjectName", 0, TEXT, false},
    {"RequiredPrivileges", "RequiredPrivileges", 0x1000, TEXTS, false},
    {"ServiceSidType", "ServiceSidType", 0x4000, NUMBER, false},
    {"DelayedAutoStart", "DelayedAutostart", 0x8000, NUMBER, false},
    {"BootFlags", "BootFlags", 0x40000, NUMBER, false},
};

static bool in_windows(const char *path)
{
    static const char start[] = "C:\\Windows\\";

    for (unsigned i = 0; start[i] != '\0'; i++)
        if ((path[i] | 0x20) != (start[i] | 0x20))
            return false;
    return true;
}

/* As the loader wants it: C:\Windows is what \SystemRoot stands for. */
static const char *image_path(struct inf_plan *plan, const char *path)
{
    if (in_windows(path))
        return inf_plan_text(plan, "\\SystemRoot\\%s", path + 11);
    return path[0] != '\0' && path[1] == ':' ? inf_plan_text(plan, "\\??\\%s", path) : path;
}

static bool add_entry(struct inf_plan *plan, const struct inf_place *place, const struct entry *entry,
                      const struct inf_line *line, ULONG flags)
{
    struct inf_step *step = inf_plan_step(plan, place, INF_SET, line->number);
    ULONG64 *number;

    step->name = entry->value;
    step->conditions = flags & entry->no_clobber ? INF_NO_CLOBBER : 0;
    switch (entry->kind) {
    case NUMBER:
        number = inf_allocate(&plan->memory, sizeof(*number));
        if (!inf_number64(inf_value(line, 0), number) || *number > 0xFFFFFFFF)
            return inf_fail(plan->error, line->number, "'%s' is no number for %s", inf_value(line, 0),
                            entry->key);
        step->type = REG_DWORD;
        step->data = number;
        step->length = sizeof(ULONG);
        return true;
    case TEXTS:
        step->type = REG_MULTI_SZ;
        step->data = inf_encode_texts(plan, line, 0, &step->length);
        return true;
    case BINARY_PATH:
        step->type = REG_EXPAND_SZ;
        step->data = inf_encode_text(plan, image_path(plan, inf_value(line, 0)), &step->length);
        return true;
    default:
        step->type = REG_SZ;
        step->data = inf_encode_text(plan, inf_value(line, 0), &step->length);
        return true;
    }
}

/* Services in one list, groups (with their '+') in the other. */
static void add_dependencies(struct inf_plan *plan, const struct inf_place *place,
                             const struct inf_line *line, ULONG flags)
{
    for (unsigned groups = 0; groups < 2; groups++) {
        struct inf_line some = {.value = inf_allocate(&plan->memory, line->count * sizeof(char *))};
        for (unsigned i = 0; i < line->count; i++)
            if ((line->value[i][0] == '+') == (groups == 1))
                some.value[some.count++] = line->value[i] + groups;
        if (some.count == 0)
            continue;
        struct inf_step *step = inf_plan_step(plan, place, INF_SET, line->number);
        step->name = groups ? "DependOnGroup" : "DependOnService";
        step->type = REG_MULTI_SZ;
        step->conditions = flags & 0x80 ? INF_NO_CLOBBER : 0;
        step->data = inf_encode_texts(plan, &some, 0, &step->length);
    }
}

static void add_security(struct inf_plan *plan, const struct inf_place *place, const struct inf_line *line)
{
    struct inf_place below = *place;

    below.path = inf_plan_text(plan, "%s\\Security", place->path);
    inf_plan_set(plan, &below, "Security", inf_value(line, 0), line->number)->conditions = INF_SDDL;
}

static void note_rest(struct inf_plan *plan, const struct inf_section *section)
{
    static const char *const others[] = {"AddTrigger", "FailureActions"};

    for (unsigned i = 0; i < countof(others); i++) {
        const struct inf_line *line = inf_find(section, others[i], NULL);
        if (line != NULL)
            inf_plan_note(plan, line->number, "%s is for services of user mode", others[i]);
    }
}

static bool fill_service(struct inf_scope *scope, const struct inf_line *line,
                         const struct inf_section *section, const struct inf_place *place, ULONG flags)
{
    const struct inf_line *at;

    for (unsigned i = 0; i < countof(entries); i++) {
        at = inf_find(section, entries[i].key, NULL);
        if (at == NULL && entries[i].required)
            return inf_fail(scope->plan->error, line->number, "[%s] has no %s", section->name,
                            entries[i].key);
        if (at != NULL && !add_entry(scope->plan, place, &entries[i], at, flags))
            return false;
    }
    if ((at = inf_find(section, "Dependencies", NULL)) != NULL)
        add_dependencies(scope->plan, place, at, flags);
    if ((at = inf_find(section, "Security", NULL)) != NULL)
        add_security(scope->plan, place, at);
    note_rest(scope->plan, section);
    return true;
}

/* AddReg and the like of a section whose other entries are its own. */
static bool registry_of(struct inf_scope *scope, const struct inf_section *section,
                        const struct inf_place *place)
{
    struct inf_scope inner = *scope;
    bool fine = true;

    inner.place = *place;
    for (const struct inf_line *line = section->first; line != NULL && fine; line = line->next) {
        if (line->key == NULL)
            continue;
        if (inf_same(line->key, "AddReg"))
            fine = inf_add_reg(&inner, line);
        else if (inf_same(line->key, "DelReg"))
            fine = inf_del_reg(&inner, line);
        else if (inf_same(line->key, "BitReg"))
            fine = inf_bit_reg(&inner, line);
    }
    return fine;
}

static const char *event_log_key(struct inf_plan *plan, const char *type, const char *name,
                                 const char *service)
{
    return inf_plan_text(plan, SERVICES_KEY "EventLog\\%s\\%s", *type != '\0' ? type : "System",
                         *name != '\0' ? name : service);
}

static bool add_event_log(struct inf_scope *scope, const struct inf_line *line)
{
    const char *name = inf_value(line, 3);
    const struct inf_section *section = *name != '\0' ? inf_named_section(scope, line, name) : NULL;
    struct inf_place place = {.key = INF_KEY_ABSOLUTE, .kind = PLACE_OTHER};

    if (section == NULL)
        return true;
    place.path = event_log_key(scope->plan, inf_value(line, 4), inf_value(line, 5), inf_value(line, 0));
    inf_plan_step(scope->plan, &place, INF_CREATE_KEY, line->number);
    return registry_of(scope, section, &place);
}

/* The last one counts, as it is the one that is processed last. */
static void associate(struct inf_scope *scope, const struct inf_line *line)
{
    scope->plan->service = inf_value(line, 0)[0] != '\0' ? inf_value(line, 0) : NULL;
    scope->plan->associated = line->number;
}

static bool service_flags(struct inf_scope *scope, const struct inf_line *line, ULONG *flags)
{
    ULONG64 number = 0;

    if (inf_value(line, 1)[0] != '\0' && (!inf_number64(inf_value(line, 1), &number) || number >> 32))
        return inf_fail(scope->plan->error, line->number, "'%s' is no number for the flags",
                        inf_value(line, 1));
    *flags = (ULONG)number;
    return true;
}

static void own_service(struct inf_plan *plan, const struct inf_place *place, unsigned line)
{
    struct inf_step *step = inf_plan_step(plan, place, INF_SET, line);
    struct inf_line owner = {.count = 1, .value = (const char *[]){plan->loader->file_name}};

    step->name = "Owners";
    step->type = REG_MULTI_SZ;
    step->conditions = INF_APPEND;
    step->data = inf_encode_texts(plan, &owner, 0, &step->length);
}

bool inf_add_service(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_plan *plan = scope->plan;
    const char *name = inf_value(line, 0), *section_name = inf_value(line, 2);
    struct inf_place place = {.key = INF_KEY_ABSOLUTE, .kind = PLACE_OTHER};
    ULONG flags;

    if (!service_flags(scope, line, &flags))
        return false;
    if (flags & FLAG_ASSOCIATED)
        associate(scope, line);
    if (*name == '\0')
        return flags & FLAG_ASSOCIATED ? true
                                       : inf_fail(plan->error, line->number, "AddService names no service");
    const struct inf_section *section = inf_section(scope->inf, section_name);
    if (section == NULL)
        return inf_fail(plan->error, line->number, "there is no section [%s] for the service %s",
                        section_name, name);
    if (flags & FLAG_TAG_TO_FRONT)
        inf_plan_note(plan, line->number, "%s: its place within its load order group stays as it is", name);
    if (flags & FLAG_START)
        inf_plan_note(plan, line->number, "%s: a service is not started by its installation", name);
    place.path = inf_plan_text(plan, SERVICES_KEY "%s", name);
    if (!fill_service(scope, line, section, &place, flags))
        return false;
    own_service(plan, &place, line->number);
    return registry_of(scope, section, &place) && add_event_log(scope, line);
}

bool inf_del_service(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_place place = {.key = INF_KEY_ABSOLUTE, .kind = PLACE_OTHER};
    ULONG flags;

    if (!service_flags(scope, line, &flags))
        return false;
    if (inf_value(line, 0)[0] == '\0')
        return inf_fail(scope->plan->error, line->number, "DelService names no service");
    place.path = inf_plan_text(scope->plan, SERVICES_KEY "%s", inf_value(line, 0));
    inf_plan_step(scope->plan, &place, INF_DELETE_KEY, line->number);
    if (flags & FLAG_DELETE_EVENTLOG) {
        place.path = event_log_key(scope->plan, inf_value(line, 2), inf_value(line, 3), inf_value(line, 0));
        inf_plan_step(scope->plan, &place, INF_DELETE_KEY, line->number);
    }
    return true;
}

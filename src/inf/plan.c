/* SPDX-License-Identifier: MIT */
/*
 * The order of an installation, and the directives of a section one by one.
 * What Include and Needs bring comes behind the section's own directives.
 */
#include "inf/plan_internal.h"
#include "nt/cm.h"

enum { MAX_DEPTH = 8 };

/* ---- the parts of a plan ---- */

const char *inf_plan_text(struct inf_plan *plan, const char *format, ...)
{
    char room[2 * INF_LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    host_vsnprintf(room, sizeof(room), format, arguments);
    va_end(arguments);
    return inf_copy(&plan->memory, room, __builtin_strlen(room));
}

void inf_plan_note(struct inf_plan *plan, unsigned line, const char *format, ...)
{
    struct inf_note *note = inf_allocate(&plan->memory, sizeof(*note));
    char room[512];
    va_list arguments;

    va_start(arguments, format);
    host_vsnprintf(room, sizeof(room), format, arguments);
    va_end(arguments);
    note->line = line;
    note->text = inf_copy(&plan->memory, room, __builtin_strlen(room));
    *plan->end_note = note;
    plan->end_note = &note->next;
}

struct inf_step *inf_plan_step(struct inf_plan *plan, const struct inf_place *place, enum inf_action action,
                               unsigned line)
{
    struct inf_step *step = inf_allocate(&plan->memory, sizeof(*step));

    step->action = action;
    step->line = line;
    step->key = place->key;
    step->path = place->path;
    step->interface = place->interface;
    step->unless = place->unless;
    step->name = "";
    *plan->end_step = step;
    plan->end_step = &step->next;
    return step;
}

struct inf_step *inf_plan_set(struct inf_plan *plan, const struct inf_place *place, const char *name,
                              const char *text, unsigned line)
{
    struct inf_step *step = inf_plan_step(plan, place, INF_SET, line);

    step->name = name;
    step->type = REG_SZ;
    step->data = inf_encode_text(plan, text, &step->length);
    return step;
}

void inf_plan_set_number(struct inf_plan *plan, const struct inf_place *place, const char *name, ULONG number,
                         unsigned line)
{
    struct inf_step *step = inf_plan_step(plan, place, INF_SET, line);
    ULONG *data = inf_allocate(&plan->memory, sizeof(*data));

    *data = number;
    step->name = name;
    step->type = REG_DWORD;
    step->data = data;
    step->length = sizeof(*data);
}

const struct inf_section *inf_named_section(struct inf_scope *scope, const struct inf_line *line,
                                            const char *name)
{
    const struct inf_section *section = *name != '\0' ? inf_section(scope->inf, name) : NULL;

    if (section == NULL && *name != '\0')
        inf_plan_note(scope->plan, line->number, "there is no section [%s]", name);
    return section;
}

/* ---- directives ---- */

static bool note_unsupported(struct inf_scope *scope, const struct inf_line *line)
{
    inf_plan_note(scope->plan, line->number, "%s=%s is not carried out", line->key, inf_value(line, 0));
    return true;
}

static bool add_provider(struct inf_scope *scope, const struct inf_line *line)
{
    inf_plan_note(scope->plan, line->number, "the event provider %s is not registered", inf_value(line, 0));
    return true;
}

static bool framework_service(struct inf_scope *scope, const struct inf_line *line)
{
    const struct inf_section *section = inf_named_section(scope, line, inf_value(line, 1));
    const struct inf_line *version = section != NULL ? inf_find(section, "KmdfLibraryVersion", NULL) : NULL;

    if (version != NULL)
        inf_plan_note(scope->plan, line->number, "%s wants KMDF %s", inf_value(line, 0),
                      inf_value(version, 0));
    return true;
}

static bool read_elsewhere(struct inf_scope *scope, const struct inf_line *line)
{
    return true;
}

static const struct {
    const char *key;
    bool (*carry_out)(struct inf_scope *scope, const struct inf_line *line);
} directives[] = {
    {"AddReg", inf_add_reg},
    {"DelReg", inf_del_reg},
    {"BitReg", inf_bit_reg},
    {"CopyFiles", inf_copy_files},
    {"AddService", inf_add_service},
    {"DelService", inf_del_service},
    {"AddInterface", inf_add_interface},
    {"AddProperty", inf_add_property},
    {"AddFilter", inf_add_filter},
    {"LogConfig", inf_log_config},
    {"AddEventProvider", add_provider},
    {"KmdfService", framework_service},
    {"Needs", read_elsewhere}, /* behind all others; Include with it */
    {"Include", read_elsewhere},
    {"DriverVer", read_elsewhere}, /* rank.c, as the next two */
    {"FeatureScore", read_elsewhere},
    {"ExcludeID", read_elsewhere},
    {"CatalogFile", read_elsewhere},
};

/* Entries of a network adapter's install section that its class puts into the software key. */
static bool network_entry(struct inf_scope *scope, const struct inf_line *line)
{
    static const char *const numbers[] = {"Characteristics", "*IfType", "*MediaType", "*PhysicalMediaType"};
    ULONG64 number;

    if (scope->place.kind != PLACE_SOFTWARE ||
        !inf_same(inf_class_guid(scope->plan->inf), "{4d36e972-e325-11ce-bfc1-08002be10318}"))
        return false;
    if (inf_same(line->key, "BusType")) {
        inf_plan_set(scope->plan, &scope->place, "BusType", inf_value(line, 0), line->number);
        return true;
    }
    for (unsigned i = 0; i < countof(numbers); i++) {
        if (!inf_same(line->key, numbers[i]) || !inf_number64(inf_value(line, 0), &number))
            continue;
        inf_plan_set_number(scope->plan, &scope->place, numbers[i], (ULONG)number, line->number);
        return true;
    }
    return false;
}

static bool carry_out(struct inf_scope *scope, const struct inf_line *line)
{
    if (line->key == NULL || network_entry(scope, line))
        return true;
    for (unsigned i = 0; i < countof(directives); i++)
        if (inf_same(line->key, directives[i].key))
            return directives[i].carry_out(scope, line);
    return note_unsupported(scope, line);
}

/* ---- Include and Needs ---- */

/* The INF with that section: this one, or one of those that the section includes. */
static const struct inf *inf_with(struct inf_scope *scope, const struct inf_section *section,
                                  const char *needed)
{
    const struct inf_loader *loader = scope->plan->loader;

    if (inf_section(scope->inf, needed) != NULL)
        return scope->inf;
    for (const struct inf_line *line = inf_find(section, "Include", NULL); line != NULL;
         line = inf_find(section, "Include", line))
        for (unsigned i = 0; i < line->count; i++) {
            const struct inf *other =
                loader->include != NULL ? loader->include(loader->context, line->value[i]) : NULL;
            if (other != NULL && inf_section(other, needed) != NULL)
                return other;
        }
    return NULL;
}

static void note_missing(struct inf_scope *scope, const struct inf_section *section,
                         const struct inf_line *line, const char *needed)
{
    const struct inf_line *include = inf_find(section, "Include", NULL);

    if (include == NULL)
        inf_plan_note(scope->plan, line->number, "Needs=%s: there is no such section", needed);
    else
        inf_plan_note(scope->plan, line->number, "Needs=%s: %s is not at hand", needed,
                      inf_value(include, 0));
}

static bool carry_out_needs(struct inf_scope *scope, const struct inf_section *section)
{
    for (const struct inf_line *line = inf_find(section, "Needs", NULL); line != NULL;
         line = inf_find(section, "Needs", line))
        for (unsigned i = 0; i < line->count; i++) {
            const char *needed = line->value[i];
            struct inf_scope inner = *scope;
            inner.inf = *needed != '\0' ? inf_with(scope, section, needed) : NULL;
            inner.depth++;
            if (*needed == '\0')
                continue;
            if (inner.depth > MAX_DEPTH)
                return inf_fail(scope->plan->error, line->number, "Needs=%s leads in a circle", needed);
            if (inner.inf == NULL)
                note_missing(scope, section, line, needed);
            else if (!inf_plan_section_of(&inner, inf_section(inner.inf, needed)))
                return false;
        }
    return true;
}

bool inf_plan_section_of(struct inf_scope *scope, const struct inf_section *section)
{
    struct inf_scope inner = *scope;

    inner.section = section;
    if (section == NULL)
        return true;
    for (const struct inf_line *line = section->first; line != NULL; line = line->next)
        if (!carry_out(&inner, line))
            return false;
    return carry_out_needs(&inner, section);
}

/* ---- an installation ---- */

static const struct inf_place software = {.key = INF_KEY_SOFTWARE, .path = "", .kind = PLACE_SOFTWARE};
static const struct inf_place hardware = {.key = INF_KEY_HARDWARE, .path = "", .kind = PLACE_HARDWARE};
static const struct inf_place device = {.key = INF_KEY_HARDWARE, .path = "", .kind = PLACE_OTHER};
static const struct inf_place nowhere = {.path = NULL, .kind = PLACE_OTHER};

static struct inf_plan *new_plan(const struct inf *inf, const struct inf_loader *loader,
                                 struct inf_error *error)
{
    struct inf_plan *plan = host_alloc(sizeof(*plan));

    *error = (struct inf_error){0};
    plan->inf = inf;
    plan->loader = loader;
    plan->error = error;
    plan->end_step = &plan->steps;
    plan->end_file = &plan->files;
    plan->end_note = &plan->notes;
    return plan;
}

static bool part(struct inf_plan *plan, const char *install, const char *suffix,
                 const struct inf_place *place)
{
    struct inf_scope scope = {.plan = plan, .inf = plan->inf, .place = *place, .suffix = suffix};

    return inf_plan_section_of(&scope, inf_install_section(plan->inf, install, suffix));
}

static void note_coinstallers(struct inf_plan *plan, const char *install)
{
    const struct inf_section *section = inf_install_section(plan->inf, install, ".CoInstallers");

    if (section != NULL && section->first != NULL)
        inf_plan_note(plan, section->first->number,
                      "co-installers are programs of user mode: they do not run");
}

/* What the software key says of the driver. */
static void describe_driver(struct inf_plan *plan, const struct inf_match *match)
{
    const struct inf_section *version = inf_section(plan->inf, "Version");
    const struct inf_section *install = inf_install_section(plan->inf, match->install, "");
    const struct inf_line *date = inf_find(install, "DriverVer", NULL);
    unsigned line = match->line->number;
    size_t base = __builtin_strlen(match->install);

    if (date == NULL)
        date = inf_find(version, "DriverVer", NULL);
    inf_plan_set(plan, &software, "DriverDesc", match->description, line);
    inf_plan_set(plan, &software, "ProviderName", inf_value(inf_find(version, "Provider", NULL), 0), line);
    inf_plan_set(plan, &software, "InfPath", plan->loader->file_name, line);
    inf_plan_set(plan, &software, "InfSection", match->install, line);
    if (install->name[base] != '\0')
        inf_plan_set(plan, &software, "InfSectionExt", install->name + base, line);
    inf_plan_set(plan, &software, "MatchingDeviceId", match->id, line);
    if (date == NULL)
        return;
    inf_plan_set(plan, &software, "DriverDate", inf_value(date, 0), date->number);
    if (inf_value(date, 1)[0] != '\0')
        inf_plan_set(plan, &software, "DriverVersion", inf_value(date, 1), date->number);
}

/* What the device's own key says; the service last: it is what the others are for. */
static void describe_device(struct inf_plan *plan, const struct inf_match *match, bool base)
{
    const struct inf_section *version = inf_section(plan->inf, "Version");
    unsigned line = match->line->number;

    if (!base)
        return;
    inf_plan_set(plan, &device, "ClassGUID", inf_class_guid(plan->inf), line);
    inf_plan_set(plan, &device, "Class", inf_value(inf_find(version, "Class", NULL), 0), line);
    inf_plan_set(plan, &device, "DeviceDesc", match->description, line);
    inf_plan_set(plan, &device, "Mfg", match->manufacturer, line);
    inf_plan_set_number(plan, &device, "ConfigFlags", 0, line);
    if (plan->service != NULL)
        inf_plan_set(plan, &device, "Service", plan->service, plan->associated);
    else
        inf_plan_step(plan, &device, INF_DELETE_VALUE, plan->associated)->name = "Service";
}

static bool parts_of(struct inf_plan *plan, const char *install)
{
    static const struct inf_place *const whose[] = {&software, &nowhere,  &hardware, &nowhere, &software,
                                                    &hardware, &software, &hardware, &software};
    static const char *const suffixes[] = {
        "",        ".Services", ".HW", ".Interfaces", ".CoInstallers", ".LogConfigOverride",
        ".Events", ".Filters",  ".Wdf"};

    for (unsigned i = 0; i < countof(suffixes); i++)
        if (!part(plan, install, suffixes[i], whose[i]))
            return false;
    note_coinstallers(plan, install);
    return true;
}

struct inf_plan *inf_plan_device(const struct inf *inf, const struct inf_match *match,
                                 const struct inf_loader *loader, struct inf_error *error)
{
    struct inf_plan *plan = new_plan(inf, loader, error);
    const struct inf_section *install = inf_install_section(inf, match->install, "");
    bool base = inf_extension_id(inf) == NULL;

    if (install == NULL) {
        inf_fail(error, match->line->number, "there is no section [%s]", match->install);
        goto fail;
    }
    plan->section = install->name;
    if (*inf_class_guid(inf) == '\0') {
        inf_fail(error, 0, "[Version] has no ClassGuid");
        goto fail;
    }
    if (base && !inf_install_class(plan))
        goto fail;
    if (base)
        describe_driver(plan, match);
    if (!inf_install_interfaces(plan) || !parts_of(plan, match->install))
        goto fail;
    describe_device(plan, match, base);
    return plan;
fail:
    inf_plan_free(plan);
    return NULL;
}

struct inf_plan *inf_plan_default(const struct inf *inf, const struct inf_loader *loader,
                                  struct inf_error *error)
{
    struct inf_plan *plan = new_plan(inf, loader, error);
    const struct inf_section *install = inf_install_section(inf, "DefaultInstall", "");

    if (install != NULL) {
        plan->section = install->name;
        if (inf_install_class(plan) && part(plan, "DefaultInstall", "", &nowhere) &&
            part(plan, "DefaultInstall", ".Services", &nowhere))
            return plan;
    }
    inf_plan_free(plan);
    return NULL;
}

void inf_plan_free(struct inf_plan *plan)
{
    if (plan != NULL)
        inf_free_all(&plan->memory);
}

const struct inf_step *inf_plan_steps(const struct inf_plan *plan)
{
    return plan->steps;
}

const struct inf_file *inf_plan_files(const struct inf_plan *plan)
{
    return plan->files;
}

const struct inf_note *inf_plan_notes(const struct inf_plan *plan)
{
    return plan->notes;
}

const char *inf_plan_service(const struct inf_plan *plan)
{
    return plan->service;
}

const char *inf_plan_section(const struct inf_plan *plan)
{
    return plan->section;
}

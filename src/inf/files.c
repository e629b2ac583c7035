/* SPDX-License-Identifier: MIT */
/*
 * CopyFiles: nothing is copied; what lies where beside the INF is remembered
 * with the place that it would be copied to. Sources: "INF CopyFiles
 * Directive", "INF SourceDisksFiles Section", "INF DestinationDirs Section".
 */
#include "inf/plan_internal.h"

/* Directories by their number; others are named by it. */
static const char *directory_of(struct inf_plan *plan, const char *number)
{
    static const struct {
        const char *number, *path;
    } known[] = {{"10", "C:\\Windows"},
                 {"11", "C:\\Windows\\System32"},
                 {"12", "C:\\Windows\\System32\\drivers"},
                 {"13", "C:\\Windows\\System32\\drivers"},
                 {"17", "C:\\Windows\\INF"},
                 {"18", "C:\\Windows\\Help"},
                 {"20", "C:\\Windows\\Fonts"},
                 {"24", "C:"},
                 {"30", "C:"},
                 {"50", "C:\\Windows\\System"},
                 {"16422", "C:\\Program Files"},
                 {"16427", "C:\\Program Files\\Common Files"}};

    for (unsigned i = 0; i < countof(known); i++)
        if (inf_same(number, known[i].number))
            return known[i].path;
    return inf_plan_text(plan, "%%%s%%", number);
}

static const char *destination_of(struct inf_scope *scope, const char *list)
{
    const struct inf_section *directories = inf_section(scope->inf, "DestinationDirs");
    const struct inf_line *line = NULL;

    if (directories != NULL && list != NULL)
        line = inf_find(directories, list, NULL);
    if (directories != NULL && line == NULL)
        line = inf_find(directories, "DefaultDestDir", NULL);
    const char *base = directory_of(scope->plan, line != NULL ? inf_value(line, 0) : "11");
    const char *below = inf_value(line, 1);
    return *below != '\0' ? inf_plan_text(scope->plan, "%s\\%s", base, below) : base;
}

/* The line of a name in the section for x64, else in the one for all. */
static const struct inf_line *disk_line(const struct inf *inf, const char *section, const char *name)
{
    char decorated[64];
    const struct inf_section *it;
    const struct inf_line *line = NULL;

    host_snprintf(decorated, sizeof(decorated), "%s.amd64", section);
    if ((it = inf_section(inf, decorated)) != NULL)
        line = inf_find(it, name, NULL);
    if (line == NULL && (it = inf_section(inf, section)) != NULL)
        line = inf_find(it, name, NULL);
    return line;
}

/* Appends the parts of a Windows path with '/' between and behind them; "." and ".." would leave the folder.
 */
static void add_parts(char *to, size_t room, const char *path)
{
    while (*path != '\0') {
        size_t used = __builtin_strlen(to), length = 0;
        while (*path == '\\' || *path == '/')
            path++;
        while (path[length] != '\0' && path[length] != '\\' && path[length] != '/')
            length++;
        bool dots = length <= 2 && path[0] == '.' && (length < 2 || path[1] == '.');
        if (length != 0 && !dots && used + length + 2 < room) {
            __builtin_memcpy(to + used, path, length);
            to[used + length] = '/';
            to[used + length + 1] = '\0';
        }
        path += length;
    }
}

static const char *source_of(struct inf_scope *scope, const char *name)
{
    const struct inf_line *file = disk_line(scope->inf, "SourceDisksFiles", name);
    const struct inf_line *disk =
        file != NULL ? disk_line(scope->inf, "SourceDisksNames", inf_value(file, 0)) : NULL;
    char path[512] = "";

    add_parts(path, sizeof(path), inf_value(disk, 3));
    add_parts(path, sizeof(path), inf_value(file, 1));
    return inf_plan_text(scope->plan, "%s%s", path, name);
}

static void add_file(struct inf_scope *scope, const struct inf_line *line, const char *folder,
                     const char *destination, const char *source)
{
    struct inf_plan *plan = scope->plan;
    struct inf_file *file = inf_allocate(&plan->memory, sizeof(*file));

    file->destination = inf_plan_text(plan, "%s\\%s", folder, destination);
    file->source = source_of(scope, *source != '\0' ? source : destination);
    file->line = line->number;
    *plan->end_file = file;
    plan->end_file = &file->next;
}

bool inf_copy_files(struct inf_scope *scope, const struct inf_line *line)
{
    for (unsigned i = 0; i < line->count; i++) {
        const char *name = line->value[i];
        if (*name == '@') {
            add_file(scope, line, destination_of(scope, NULL), name + 1, "");
            continue;
        }
        const struct inf_section *list = inf_named_section(scope, line, name);
        for (const struct inf_line *at = list != NULL ? list->first : NULL; at != NULL; at = at->next)
            add_file(scope, at, destination_of(scope, name), at->key != NULL ? at->key : inf_value(at, 0),
                     inf_value(at, 1));
    }
    return true;
}

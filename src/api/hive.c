/* SPDX-License-Identifier: MIT */
/*
 * Windows registry hives by hivex: a hive's keys and values come into the
 * registry below the key that it stands for, and go back into a file: what
 * differs is changed there, so that all else of the file stays as it was.
 * hivex runs on the caller's own stack; the NT side gets one key at a time.
 */
#include <errno.h>
#include <hivex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "api/hive.h"
#include "cm/cm.h"
#include "nt/cm.h"
#include "rtl/rtl.h"

struct walking {
    hive_h *hive;
    char path[HIVE_PATH_CHARS]; /* of the registry, UTF-8 */
    const char *file;
    rgl_status status; /* the first failure, told already */
};

static struct {
    char mount[HIVE_PATH_CHARS], file[HIVE_PATH_CHARS];
} origins[16]; /* which file a key's hive came from, in the machine's first `hives` */

static rgl_status failed(struct walking *w, const char *what)
{
    if (w->status >= 0)
        w->status = api_fail(STATUS_REGISTRY_CORRUPT, "%s: %s: %s", w->file, what, strerror(errno));
    return w->status;
}

/* Adds "\name"; returns where the path ended before, or 0: too long. */
static size_t enter(struct walking *w, const char *name)
{
    size_t used = strlen(w->path), length = strlen(name);

    if (used + length + 2 > sizeof(w->path)) {
        errno = ENAMETOOLONG;
        failed(w, name);
        return 0;
    }
    w->path[used] = '\\';
    memcpy(w->path + used + 1, name, length + 1);
    return used;
}

/* ---- reading ---- */

struct importing {
    WCHAR path[HIVE_PATH_CHARS];
    struct imported {
        WCHAR *name;
        ULONG type, length;
        char *data;
    } * values;
    unsigned count;
};

static NTSTATUS import_key(void *arg)
{
    struct importing *importing = arg;
    NTSTATUS status = cm_create_key(importing->path);

    for (unsigned i = 0; i < importing->count && NT_SUCCESS(status); i++)
        status = cm_set_value(importing->path, importing->values[i].name, importing->values[i].type,
                              importing->values[i].data, importing->values[i].length);
    return status;
}

static WCHAR *wide_of(const char *text)
{
    size_t length = strlen(text);
    WCHAR *wide = calloc(length + 1, sizeof(WCHAR));

    if (wide != NULL)
        rtl_wide_from_utf8(wide, length + 1, text, length);
    return wide;
}

static bool read_value(struct walking *w, hive_value_h handle, struct imported *value)
{
    char *name = hivex_value_key(w->hive, handle);
    hive_type type = 0;
    size_t length = 0;

    errno = 0;
    value->data = name != NULL ? hivex_value_value(w->hive, handle, &type, &length) : NULL;
    value->name = name != NULL ? wide_of(name) : NULL;
    free(name);
    value->type = type;
    value->length = (ULONG)length;
    return value->name != NULL && (value->data != NULL || errno == 0);
}

static void free_values(struct imported *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(values[i].name);
        free(values[i].data);
    }
    free(values);
}

static unsigned count_values(const hive_value_h *values)
{
    unsigned count = 0;

    while (values != NULL && values[count] != 0)
        count++;
    return count;
}

static struct imported *read_values(struct walking *w, hive_node_h node, unsigned *count)
{
    hive_value_h *handles = hivex_node_values(w->hive, node);
    struct imported *values = calloc(count_values(handles) + 1, sizeof(*values));

    *count = 0;
    if (handles == NULL || values == NULL)
        failed(w, "its values cannot be read");
    else
        for (bool fine = true; handles[*count] != 0 && fine;) {
            fine = read_value(w, handles[*count], &values[*count]);
            ++*count;
            if (!fine)
                failed(w, "a value cannot be read");
        }
    free(handles);
    return values;
}

static void import_node(struct walking *w, hive_node_h node, unsigned depth)
{
    struct importing importing;
    hive_node_h *children;

    importing.values = read_values(w, node, &importing.count);
    rtl_wide_from_utf8(importing.path, HIVE_PATH_CHARS, w->path, strlen(w->path));
    if (w->status >= 0 && importing.values != NULL)
        w->status = api_call(import_key, &importing, KernelMode);
    free_values(importing.values, importing.count);
    children = w->status >= 0 ? hivex_node_children(w->hive, node) : NULL;
    if (w->status >= 0 && (children == NULL || depth == 512)) {
        failed(w, "its keys cannot be read");
        free(children);
        return;
    }
    for (hive_node_h *at = children; at != NULL && *at != 0 && w->status >= 0; at++) {
        char *name = hivex_node_name(w->hive, *at);
        size_t back = name != NULL ? enter(w, name) : 0;
        if (name == NULL)
            failed(w, "a key has no name");
        else if (back != 0)
            import_node(w, *at, depth + 1);
        if (back != 0)
            w->path[back] = '\0';
        free(name);
    }
    free(children);
}

/* Which key a hive is, by what every hive of that kind has. */
static const char *kind_of(hive_h *hive)
{
    static const struct {
        const char *child, *path;
    } kinds[] = {
        {"Select", "\\Registry\\Machine\\System"},      {"ControlSet001", "\\Registry\\Machine\\System"},
        {"Microsoft", "\\Registry\\Machine\\Software"}, {"SAM", "\\Registry\\Machine\\SAM"},
        {"Policy", "\\Registry\\Machine\\Security"},    {"Control Panel", "\\Registry\\User\\.Default"},
        {"Environment", "\\Registry\\User\\.Default"}};

    for (unsigned i = 0; i < countof(kinds); i++)
        if (hivex_node_get_child(hive, hivex_root(hive), kinds[i].child) != 0)
            return kinds[i].path;
    return NULL;
}

/* CurrentControlSet is no key of the file: Select says what it leads to. */
static NTSTATUS select_control_set(void *arg)
{
    ULONG type, current = 0, length = sizeof(current);
    NTSTATUS status =
        cm_query_value(u"\\Registry\\Machine\\System\\Select", u"Current", &type, &current, &length);

    if (!NT_SUCCESS(status) || type != REG_DWORD || current == 0)
        return STATUS_SUCCESS;
    return cm_select_control_set(current);
}

static void remember(const char *mount, const char *file)
{
    unsigned at = api_machine.hives;

    if (at == countof(origins) || strlen(file) >= HIVE_PATH_CHARS)
        return;
    strcpy(origins[at].mount, mount);
    strcpy(origins[at].file, file);
    api_machine.hives++;
}

rgl_status rgl_registry_hive(rgl_machine *machine, const char *path, const char *key)
{
    struct walking w = {.file = path};
    const char *mount;

    if (key != NULL && !api_hive_key(key, w.path, sizeof(w.path)))
        return api_fail(STATUS_INVALID_PARAMETER, "'%s' is no key: HKLM\\NAME or HKU\\NAME", key);
    w.hive = hivex_open(path, 0);
    if (w.hive == NULL)
        return api_fail(STATUS_REGISTRY_CORRUPT, "%s: it cannot be read as a hive: %s", path,
                        strerror(errno));
    mount = key != NULL ? w.path : kind_of(w.hive);
    if (mount == NULL) {
        hivex_close(w.hive);
        return api_fail(STATUS_INVALID_PARAMETER, "%s: which key is it? say KEY=FILE, as HKLM\\Software=FILE",
                        path);
    }
    memmove(w.path, mount, strlen(mount) + 1);
    remember(w.path, path);
    import_node(&w, hivex_root(w.hive), 0);
    if (w.status >= 0 && strcasecmp(w.path, "\\Registry\\Machine\\System") == 0)
        w.status = api_call(select_control_set, NULL, KernelMode);
    hivex_close(w.hive);
    return w.status < 0 ? w.status : api_ok(w.status);
}

/* ---- writing ---- */

struct listing {
    WCHAR path[HIVE_PATH_CHARS];
    struct cm_listing *listing;
};

static NTSTATUS list_key(void *arg)
{
    struct listing *listing = arg;

    return cm_list_key(listing->path, &listing->listing);
}

static NTSTATUS free_listing(void *arg)
{
    mm_free(((struct listing *)arg)->listing);
    return STATUS_SUCCESS;
}

static char *narrow_of(const WCHAR *wide)
{
    size_t chars = rtl_wcslen(wide);
    char *text = malloc(chars * 3 + 1);

    if (text != NULL)
        rtl_utf8_from_wide(text, chars * 3 + 1, wide, chars);
    return text;
}

/* Does the file have exactly these values? */
static bool same_values(struct walking *w, hive_node_h node, const struct cm_listing *listing)
{
    unsigned count;
    struct imported *values = read_values(w, node, &count);
    bool same = values != NULL && count == listing->values;

    for (unsigned i = 0; i < count && same; i++) {
        const struct cm_listed_value *its = NULL;
        for (ULONG k = 0; k < listing->values && its == NULL; k++) {
            size_t chars = rtl_wcslen(listing->value[k].name);
            if (chars == rtl_wcslen(values[i].name) &&
                memcmp(listing->value[k].name, values[i].name, chars * sizeof(WCHAR)) == 0)
                its = &listing->value[k];
        }
        same = its != NULL && its->type == values[i].type && its->length == values[i].length &&
               (its->length == 0 || memcmp(its->data, values[i].data, its->length) == 0);
    }
    free_values(values, count);
    return same;
}

static void write_values(struct walking *w, hive_node_h node, const struct cm_listing *listing)
{
    hive_set_value *values;
    ULONG count = 0;

    if (same_values(w, node, listing) || w->status < 0)
        return;
    values = calloc(listing->values + 1, sizeof(*values));
    for (; values != NULL && count < listing->values; count++)
        values[count] = (hive_set_value){.key = narrow_of(listing->value[count].name),
                                         .t = (hive_type)listing->value[count].type,
                                         .len = listing->value[count].length,
                                         .value = (char *)listing->value[count].data};
    if (values == NULL || hivex_node_set_values(w->hive, node, count, values, 0) != 0)
        failed(w, "its values cannot be changed");
    for (ULONG i = 0; i < count; i++)
        free(values[i].key);
    free(values);
}

static bool is_listed(const struct cm_listing *listing, const char *name)
{
    bool found = false;

    for (ULONG i = 0; i < listing->children && !found; i++) {
        char *its = narrow_of(listing->child[i]);
        found = its != NULL && strcasecmp(its, name) == 0;
        free(its);
    }
    return found;
}

static void delete_others(struct walking *w, hive_node_h node, const struct cm_listing *listing)
{
    hive_node_h *children = hivex_node_children(w->hive, node);

    if (children == NULL)
        failed(w, "its keys cannot be read");
    for (hive_node_h *at = children; at != NULL && *at != 0 && w->status >= 0; at++) {
        char *name = hivex_node_name(w->hive, *at);
        if (name != NULL && !is_listed(listing, name) && hivex_node_delete_child(w->hive, *at) != 0)
            failed(w, "a key cannot be deleted");
        free(name);
    }
    free(children);
}

static void write_node(struct walking *w, hive_node_h node);

static void write_child(struct walking *w, hive_node_h node, const WCHAR *wide)
{
    char *name = narrow_of(wide);
    hive_node_h child = name != NULL ? hivex_node_get_child(w->hive, node, name) : 0;
    size_t back = name != NULL ? enter(w, name) : 0;

    if (child == 0 && back != 0)
        child = hivex_node_add_child(w->hive, node, name);
    if (child == 0)
        failed(w, "a key cannot be added");
    else if (back != 0)
        write_node(w, child);
    if (back != 0)
        w->path[back] = '\0';
    free(name);
}

static void write_node(struct walking *w, hive_node_h node)
{
    struct listing listing;

    rtl_wide_from_utf8(listing.path, HIVE_PATH_CHARS, w->path, strlen(w->path));
    w->status = api_call(list_key, &listing, KernelMode);
    if (w->status < 0) {
        api_fail(w->status, "%s: %s cannot be read", w->file, w->path);
        return;
    }
    write_values(w, node, listing.listing);
    if (w->status >= 0)
        delete_others(w, node, listing.listing);
    for (ULONG i = 0; i < listing.listing->children && w->status >= 0; i++)
        write_child(w, node, listing.listing->child[i]);
    api_call(free_listing, &listing, KernelMode);
}

/* The file that the new one is made from: itself, the one that was read, or an empty one. */
static const char *base_of(const char *path, const char *mount)
{
    if (access(path, F_OK) == 0)
        return path;
    for (unsigned i = api_machine.hives; i-- > 0;)
        if (strcasecmp(origins[i].mount, mount) == 0)
            return origins[i].file;
    return api_hive_new(path) ? path : NULL;
}

static rgl_status write_hive(const char *path, const char *key)
{
    struct walking w = {.file = path};
    const char *base;

    if (key == NULL)
        strcpy(w.path, api_machine.hives != 0 ? origins[0].mount : "\\Registry\\Machine\\System");
    else if (!api_hive_key(key, w.path, sizeof(w.path)))
        return api_fail(STATUS_INVALID_PARAMETER, "'%s' is no key: HKLM\\NAME or HKU\\NAME", key);
    base = base_of(path, w.path);
    w.hive = base != NULL ? hivex_open(base, HIVEX_OPEN_WRITE) : NULL;
    if (w.hive == NULL)
        return api_fail(STATUS_REGISTRY_IO_FAILED, "%s: it cannot be written as a hive: %s", path,
                        strerror(errno));
    write_node(&w, hivex_root(w.hive));
    if (w.status >= 0 && hivex_commit(w.hive, path, 0) != 0)
        failed(&w, "it cannot be written");
    hivex_close(w.hive);
    return w.status < 0 ? w.status : api_ok(w.status);
}

/* The registry outlives a shutdown, as on a disk. */
rgl_status rgl_registry_hive_write(rgl_machine *machine, const char *path, const char *key)
{
    rgl_status status;

    machine->saver = (uint64_t)pthread_self();
    status = write_hive(path, key);
    machine->saver = 0;
    return status;
}

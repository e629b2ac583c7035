/* SPDX-License-Identifier: MIT */
/*
 * INF files from disk: opened, checked as a whole, and those that Include
 * names found beside them. Needs no machine.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/inf.h"
#include "base/version.h"

#define ENGLISH 0x409

const struct inf_system api_inf_system = {.major = NT_VERSION_MAJOR,
                                          .minor = NT_VERSION_MINOR,
                                          .build = NT_VERSION_BUILD,
                                          .product_type = 1,    /* VER_NT_WORKSTATION */
                                          .suite_mask = 0x100}; /* VER_SUITE_SINGLEUSERTS */

static _Thread_local struct api_inf *included; /* by Include, in this thread's present call */

static void explain(char *message, size_t size, const char *name, const struct inf_error *error)
{
    if (error->line != 0)
        snprintf(message, size, "%s:%u: %s", name, error->line, error->text);
    else
        snprintf(message, size, "%s: %s", name, error->text);
}

struct api_inf *api_inf_open(const char *path, char *message, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t length, folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    unsigned char *bytes = api_read_file(path, &length);
    struct api_inf *it = calloc(1, sizeof(*it));
    struct inf_error error;

    if (bytes == NULL || it == NULL) {
        snprintf(message, size, "cannot read %s", path);
        goto fail;
    }
    it->inf = inf_open(bytes, length, ENGLISH, &error);
    it->folder = strndup(path, folder);
    it->name = strdup(path + folder);
    if (it->inf == NULL) {
        explain(message, size, path, &error);
        goto fail;
    }
    if (it->folder == NULL || it->name == NULL) {
        snprintf(message, size, "%s: no memory", path);
        goto fail;
    }
    free(bytes);
    return it;
fail:
    free(bytes);
    api_inf_close(it);
    return NULL;
}

void api_inf_close(struct api_inf *it)
{
    if (it == NULL)
        return;
    inf_close(it->inf);
    free(it->folder);
    free(it->name);
    free(it);
}

/* ---- Include ---- */

/* The name as the folder has it: upper and lower case are one on Windows. */
static bool name_in_folder(const char *folder, const char *name, char *found, size_t size)
{
    DIR *directory = opendir(*folder != '\0' ? folder : ".");
    struct dirent *entry;
    bool is_there = false;

    while (directory != NULL && !is_there && (entry = readdir(directory)) != NULL) {
        is_there = strcasecmp(entry->d_name, name) == 0;
        if (is_there)
            snprintf(found, size, "%s%s", folder, entry->d_name);
    }
    if (directory != NULL)
        closedir(directory);
    return is_there;
}

static const struct inf *include(void *context, const char *name)
{
    const struct api_inf *it = context;
    char path[4096 + 300], message[400];

    for (struct api_inf *other = included; other != NULL; other = other->next)
        if (strcasecmp(other->name, name) == 0)
            return other->inf;
    if (strchr(name, '/') != NULL || strchr(name, '\\') != NULL ||
        !name_in_folder(it->folder, name, path, sizeof(path)))
        return NULL;
    struct api_inf *other = api_inf_open(path, message, sizeof(message));
    if (other == NULL)
        return NULL;
    other->next = included;
    included = other;
    return other->inf;
}

struct inf_loader api_inf_loader(const struct api_inf *it)
{
    return (struct inf_loader){.include = include, .context = (void *)it, .file_name = it->name};
}

void api_inf_loaded_end(void)
{
    while (included != NULL) {
        struct api_inf *next = included->next;
        api_inf_close(included);
        included = next;
    }
}

/* ---- the check of a whole file ---- */

struct checking {
    const struct api_inf *it;
    struct inf_error error;
    bool fine;
};

static bool check_model(void *context, const struct inf_match *match)
{
    struct checking *checking = context;
    struct inf_loader loader = api_inf_loader(checking->it);
    struct inf_plan *plan = inf_plan_device(checking->it->inf, match, &loader, &checking->error);

    checking->fine = plan != NULL;
    inf_plan_free(plan);
    return checking->fine;
}

bool api_inf_check(const struct api_inf *it, char *message, size_t size)
{
    struct checking checking = {.it = it, .fine = true};
    struct inf_loader loader = api_inf_loader(it);

    inf_for_each_model(it->inf, &api_inf_system, check_model, &checking);
    if (checking.fine) {
        struct inf_plan *plan = inf_plan_default(it->inf, &loader, &checking.error);
        checking.fine = plan != NULL || checking.error.text[0] == '\0';
        inf_plan_free(plan);
    }
    api_inf_loaded_end();
    if (!checking.fine)
        explain(message, size, it->name, &checking.error);
    return checking.fine;
}

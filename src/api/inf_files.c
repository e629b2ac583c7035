/* SPDX-License-Identifier: MIT */
/*
 * Files that an INF would copy: nothing is copied, a driver's image is read
 * from where it lies beside its INF. files_lock is taken by pthreads only.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "api/inf.h"

#define MOST_DEPTH 3

struct installed {
    struct installed *next;
    char *destination, *source; /* as Windows names it; below the folder */
    char *folder;
};

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static struct installed *installed; /* the latest first */

static void add(const char *folder, const char *destination, const char *source)
{
    struct installed *it = calloc(1, sizeof(*it));

    if (it == NULL)
        return;
    it->destination = strdup(destination);
    it->source = strdup(source);
    it->folder = strdup(folder);
    it->next = installed;
    if (it->destination != NULL && it->source != NULL && it->folder != NULL)
        installed = it;
    else
        free(it);
}

void api_inf_files_add(const struct api_inf *it, const struct inf_plan *plan)
{
    pthread_mutex_lock(&files_lock);
    for (const struct inf_file *file = inf_plan_files(plan); file != NULL; file = file->next)
        add(it->folder, file->destination, file->source);
    if (inf_plan_files(plan) == NULL)
        add(it->folder, "", "");
    pthread_mutex_unlock(&files_lock);
}

void api_inf_files_end(void)
{
    while (installed != NULL) {
        struct installed *it = installed;
        installed = it->next;
        free(it->destination);
        free(it->source);
        free(it->folder);
        free(it);
    }
}

static const char *base_name(const char *path)
{
    for (const char *at = path; *at != '\0'; at++)
        if (*at == '\\' || *at == '/')
            path = at + 1;
    return path;
}

/* The three ways that an image's path begins, as one. */
static void full_path(const char *image_path, char *path, size_t size)
{
    if (strncasecmp(image_path, "\\SystemRoot\\", 12) == 0)
        snprintf(path, size, "C:\\Windows\\%s", image_path + 12);
    else if (strncasecmp(image_path, "\\??\\", 4) == 0)
        snprintf(path, size, "%s", image_path + 4);
    else if (image_path[0] != '\0' && image_path[1] == ':')
        snprintf(path, size, "%s", image_path);
    else
        snprintf(path, size, "C:\\Windows\\%s", image_path);
}

static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* folder + one name of it, whatever its letters' case; the folder ends with '/' or is empty. */
static bool enter(char *path, size_t size, const char *name, size_t length)
{
    DIR *directory = opendir(*path != '\0' ? path : ".");
    struct dirent *entry;
    size_t used = strlen(path);
    bool found = false;

    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        found = strlen(entry->d_name) == length && strncasecmp(entry->d_name, name, length) == 0 &&
                used + length + 2 < size;
        if (found)
            memcpy(path + used, entry->d_name, length + 1);
    }
    if (directory != NULL)
        closedir(directory);
    return found;
}

static bool follow(char *path, size_t size, const char *source)
{
    while (*source != '\0') {
        size_t length = strcspn(source, "/");
        if (!enter(path, size, source, length))
            return false;
        source += length;
        if (*source == '/') {
            strcat(path, "/"); /* enter has left room for it */
            source++;
        }
    }
    return is_file(path);
}

/* In the folder itself, then in those below it. */
static bool search(char *path, size_t size, const char *name, unsigned depth)
{
    size_t used = strlen(path);
    struct dirent *entry;
    bool found = enter(path, size, name, strlen(name)) && is_file(path);

    if (found || depth == MOST_DEPTH)
        return found;
    path[used] = '\0';
    DIR *directory = opendir(*path != '\0' ? path : ".");
    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || entry->d_type != DT_DIR || used + length + 2 >= size)
            continue;
        memcpy(path + used, entry->d_name, length);
        memcpy(path + used + length, "/", 2);
        found = search(path, size, name, depth + 1);
        if (!found)
            path[used] = '\0';
    }
    if (directory != NULL)
        closedir(directory);
    return found;
}

/* By what CopyFiles and SourceDisksFiles say. */
static bool by_copy(const char *image, char *path, size_t size)
{
    for (const struct installed *it = installed; it != NULL; it = it->next) {
        if (strcasecmp(it->destination, image) != 0)
            continue;
        snprintf(path, size, "%s", it->folder);
        if (follow(path, size, it->source))
            return true;
        /* The media's folders are often not there: everything lies beside the INF. */
        snprintf(path, size, "%s", it->folder);
        if (follow(path, size, base_name(it->source)))
            return true;
    }
    return false;
}

bool api_inf_find_image(const char *image_path, char *path, size_t size)
{
    char image[600];
    bool found;

    full_path(image_path, image, sizeof(image));
    pthread_mutex_lock(&files_lock);
    found = by_copy(image, path, size);
    for (const struct installed *it = installed; it != NULL && !found; it = it->next) {
        snprintf(path, size, "%s", it->folder);
        found = search(path, size, base_name(image), 0);
    }
    pthread_mutex_unlock(&files_lock);
    return found;
}

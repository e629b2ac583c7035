/* SPDX-License-Identifier: MIT */
/*
 * Where services find their images: the file of that name that was loaded last
 * or was offered (the machine's own drivers), else where the INF that installed the service has it, else in
 * the folder of the driver file that was loaded last. Files are read on a helper pthread, since whoever asks
 * runs on an NT stack. folder_lock is taken by pthreads only.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/api.h"
#include "api/inf.h"
#include "rtl/rtl.h"
#include "vf/vf.h"

static pthread_mutex_t folder_lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096];

struct offer {
    struct offer *next;
    char path[];
};
static struct offer *offers; /* guarded by folder_lock */

void api_image_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;

    pthread_mutex_lock(&folder_lock);
    if (length < sizeof(folder)) {
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    pthread_mutex_unlock(&folder_lock);
}

void api_image_offer(const char *path)
{
    size_t bytes = strlen(path) + 1;
    struct offer *offer = malloc(sizeof(*offer) + bytes);

    if (offer == NULL)
        return;
    memcpy(offer->path, path, bytes);
    pthread_mutex_lock(&folder_lock);
    offer->next = offers;
    offers = offer;
    pthread_mutex_unlock(&folder_lock);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void api_image_withdraw(const char *name)
{
    pthread_mutex_lock(&folder_lock);
    for (struct offer **at = &offers; *at != NULL;) {
        struct offer *offer = *at;
        if (strcasecmp(base_name(offer->path), name) == 0) {
            *at = offer->next;
            free(offer);
        } else {
            at = &offer->next;
        }
    }
    pthread_mutex_unlock(&folder_lock);
}

void api_image_loaded(const char *path)
{
    api_image_withdraw(base_name(path));
    api_image_offer(path);
}

static void forget_offers(void)
{
    pthread_mutex_lock(&folder_lock);
    while (offers != NULL) {
        struct offer *next = offers->next;
        free(offers);
        offers = next;
    }
    pthread_mutex_unlock(&folder_lock);
}

struct reading {
    char image[600]; /* the whole path, as the service's key has it */
    char name[128];
    unsigned char *bytes;
    size_t length;
};

/* False: no file of that name was offered. */
static bool find_offer(const char *name, char *path, size_t size)
{
    bool found = false;

    pthread_mutex_lock(&folder_lock);
    for (const struct offer *offer = offers; offer != NULL; offer = offer->next) {
        if (strcasecmp(base_name(offer->path), name) != 0)
            continue;
        snprintf(path, size, "%s", offer->path);
        found = true;
    }
    pthread_mutex_unlock(&folder_lock);
    return found;
}

static void read_image(void *arg)
{
    struct reading *reading = arg;
    char path[sizeof(folder) + sizeof(reading->name)];

    if (!find_offer(reading->name, path, sizeof(path)) &&
        !api_inf_find_image(reading->image, path, sizeof(path))) {
        pthread_mutex_lock(&folder_lock);
        snprintf(path, sizeof(path), "%s%s", folder, reading->name);
        pthread_mutex_unlock(&folder_lock);
    }
    reading->bytes = api_read_file(path, &reading->length);
}

static const void *open_image(const WCHAR *image_path, size_t *length)
{
    struct reading reading = {.bytes = NULL};
    size_t from = rtl_wcslen(image_path);

    while (from != 0 && image_path[from - 1] != '\\' && image_path[from - 1] != '/')
        from--;
    rtl_utf8_from_wide(reading.image, sizeof(reading.image), image_path, rtl_wcslen(image_path));
    rtl_utf8_from_wide(reading.name, sizeof(reading.name), image_path + from, rtl_wcslen(image_path + from));
    if (reading.name[0] == '\0')
        return NULL;
    ke_blocking_call(read_image, &reading);
    *length = reading.length;
    return reading.bytes;
}

static void close_image(const void *bytes)
{
    ke_blocking_call(free, (void *)(uintptr_t)bytes);
}

void api_image_files_init(bool simulated)
{
    api_image_folder("");
    forget_offers();
    io_ops.open_image = open_image;
    io_ops.close_image = close_image;
    io_ops.checked_gates = vf_wants_gates() || simulated;
    io_ops.deterministic = simulated;
}

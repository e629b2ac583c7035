/* SPDX-License-Identifier: MIT */
/*
 * Export drivers: kernel-mode libraries that come with the first driver that
 * imports from them and go with the last. Their entry points are the exports
 * DllInitialize and DllUnload; DriverEntry is never called. One that is also
 * loaded as a driver of its own is held by its driver object as well. Lock:
 * list_lock (rl_lock at DISPATCH_LEVEL), not held across a routine.
 */
#include "io/service_key.h"

#define TAG IO_TAG('I', 'o', 'D', 'l')

enum state { LOADING, READY, GOING };

struct export_driver {
    LIST_ENTRY link;
    const char *module; /* while it is being loaded, as the importer calls it */
    struct ke_thread *loader;
    struct ldr_image *image;
    enum state state;
    struct ex_work work;
};

static rl_lock list_lock;
static LIST_ENTRY drivers;

void io_export_drivers_reset(void)
{
    list_lock = (rl_lock){0};
    list_init(&drivers);
}

static KIRQL enter(void)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&list_lock);
    return irql;
}

static void leave(KIRQL irql)
{
    rl_lock_release(&list_lock);
    ke_lower_irql(irql);
}

static struct export_driver *record_of_locked(const struct ldr_image *image)
{
    list_for_each(it, &drivers)
    {
        struct export_driver *d = container_of(it, struct export_driver, link);
        if (image && d->image == image)
            return d;
    }
    return NULL;
}

static struct export_driver *loading_locked(const char *module)
{
    list_for_each(it, &drivers)
    {
        struct export_driver *d = container_of(it, struct export_driver, link);
        if (d->state == LOADING && __builtin_strcmp(d->module, module) == 0)
            return d;
    }
    return NULL;
}

static void forget(struct export_driver *d)
{
    KIRQL irql = enter();
    list_remove(&d->link);
    leave(irql);
    mm_free(d);
}

/* ---- the end ---- */

static void unload(void *context)
{
    struct export_driver *d = context;
    KIRQL irql = enter();
    bool wanted = __atomic_load_n(&d->image->references, __ATOMIC_ACQUIRE) != 0;
    if (!wanted)
        d->state = GOING;
    leave(irql);
    if (wanted)
        return; /* somebody imports from it again */
    NTSTATUS(NTAPI * routine)(void) = (NTSTATUS(NTAPI *)(void))ldr_export_of(d->image, "DllUnload");
    uint64_t cookie = ke_callout_enter("DllUnload", routine);
    /* SR-56: the last importer is gone. */
    routine();
    ke_callout_leave("DllUnload", routine, cookie);
    TRACE(TRACE_UNLOAD, d->image, .text = d->image->name);
    io_remove_locks_forget(d->image->base, d->image->size);
    ldr_unload(d->image);
    forget(d);
}

/* The last importer released the image. One without the two entry points stays for ever. */
static void unreferenced(struct ldr_image *image)
{
    KIRQL irql = enter();
    struct export_driver *d = record_of_locked(image);
    leave(irql);
    if (d && ldr_export_of(image, "DllInitialize") && ldr_export_of(image, "DllUnload"))
        ex_queue_work(&d->work, unload, d);
}

/* ---- the beginning ---- */

struct initialization {
    struct ldr_image *image;
    NTSTATUS status;
};

static void initialize(void *context)
{
    struct initialization *call = context;
    struct io_service s;
    char name[IO_SERVICE_NAME_BYTES];
    void *routine = ldr_export_of(call->image, "DllInitialize");
    if (!routine)
        return;
    io_service_name_of_file(call->image->name, name, sizeof(name));
    io_service_name(&s, name);
    PUNICODE_STRING registry_path = io_registry_path_create(s.path);
    if (!registry_path) {
        call->status = STATUS_INSUFFICIENT_RESOURCES;
        return;
    }
    uint64_t cookie = ke_callout_enter("DllInitialize", routine);
    /* SR-56: as soon as it is loaded, with the path of its key. */
    call->status = ((NTSTATUS(NTAPI *)(PUNICODE_STRING))routine)(registry_path);
    ke_callout_leave("DllInitialize", routine, cookie);
    io_registry_path_drop(registry_path);
}

static struct ldr_image *load_bytes(const char *module, const void *bytes, size_t length,
                                    struct ldr_error *error)
{
    char text[sizeof(error->text)];
    struct ldr_load_options options = {
        .name = module,
        .checked_gates = io_ops.checked_gates,
        .deterministic = io_ops.deterministic,
        .find_export_driver = io_export_driver_find,
    };
    struct ldr_image *image = ldr_load(bytes, length, &options, error);
    if (image)
        return image;
    __builtin_memcpy(text, error->text, sizeof(text));
    host_snprintf(error->text, sizeof(error->text), "%s: %.200s", module, text);
    error->result = LDR_CANNOT_LOAD;
    return NULL;
}

static struct ldr_image *load_file(const char *module, struct ldr_error *error)
{
    WCHAR path[IO_SERVICE_NAME_BYTES] = u"\\SystemRoot\\System32\\drivers\\";
    size_t folder = rtl_wcslen(path), length;
    rtl_wide_from_utf8(path + folder, countof(path) - folder, module, __builtin_strlen(module));
    const void *bytes = io_ops.open_image ? io_ops.open_image(path, &length) : NULL;
    if (!bytes)
        return NULL;
    struct ldr_image *image = load_bytes(module, bytes, length, error);
    if (io_ops.close_image)
        io_ops.close_image(bytes);
    return image;
}

/* NULL: there is no such file, or it cannot be used, and *error says why. */
static struct ldr_image *load(const char *module, struct export_driver *d, struct ldr_error *error)
{
    struct ldr_image *image = load_file(module, error);
    if (!image)
        return NULL;
    struct initialization call = {image, STATUS_SUCCESS};
    TRACE(TRACE_LOAD, image, .text = image->name);
    ps_notify_image(image->name, image->base, image->size);
    NTSTATUS status = io_in_system_thread(initialize, &call, "export driver load");
    if (NT_SUCCESS(status))
        status = call.status;
    if (NT_SUCCESS(status)) {
        image->references = 1; /* the caller's */
        image->unreferenced = unreferenced;
        d->image = image;
        return image;
    }
    const char *name = rtl_status_name(status);
    error->result = LDR_CANNOT_LOAD;
    host_snprintf(error->text, sizeof(error->text), "%s: DllInitialize returned %s", module,
                  name ? name : "an error");
    ldr_unload(image);
    return NULL;
}

/* True: somebody loads or unloads it at the moment; in a cycle that is whoever asks. Else the image, with a
 * reference, or NULL. */
static bool is_busy(const char *module, struct ldr_image **image, bool *cycle)
{
    KIRQL irql = enter();
    struct export_driver *other = loading_locked(module);
    *cycle = other && other->loader == ke_thread();
    *image = ldr_find_name(module);
    struct export_driver *d = record_of_locked(*image);
    bool busy = other || (d && d->state == GOING);
    if (!busy && *image)
        __atomic_add_fetch(&(*image)->references, 1, __ATOMIC_RELAXED);
    leave(irql);
    return busy;
}

static struct export_driver *announce(const char *module)
{
    struct export_driver *d = mm_alloc(sizeof(*d), TAG);
    if (!d)
        return NULL;
    *d = (struct export_driver){.module = module, .loader = ke_thread(), .state = LOADING};
    KIRQL irql = enter();
    list_insert_tail(&drivers, &d->link);
    leave(irql);
    return d;
}

/*
 * The image that a driver imports from, loaded if it is not there yet, with a reference for the caller.
 * NULL: there is none; or *error says why it cannot be used. IRQL: PASSIVE_LEVEL. Rules: SR-56.
 */
struct ldr_image *io_export_driver_find(const char *module, struct ldr_error *error)
{
    LARGE_INTEGER moment = {.QuadPart = -10000};
    struct ldr_image *image;
    bool cycle;
    while (is_busy(module, &image, &cycle)) {
        if (cycle)
            return NULL;
        KeDelayExecutionThread(KernelMode, FALSE, &moment);
    }
    if (image || ldr_is_own_module(module))
        return image;
    struct export_driver *d = announce(module);
    if (!d)
        return NULL;
    image = load(module, d, error);
    if (!image) {
        forget(d);
        return NULL;
    }
    KIRQL irql = enter();
    d->state = READY;
    d->module = image->name;
    leave(irql);
    return image;
}

/* ---- also a driver of its own ---- */

/* The image of that name, if it is here as an export driver only, with a reference for the driver object. */
struct ldr_image *io_export_driver_adopt(const char *file_name)
{
    KIRQL irql = enter();
    struct ldr_image *image = ldr_find_name(file_name);
    struct export_driver *d = record_of_locked(image);
    bool adopted = d && d->state == READY && !image->driver_object;
    if (adopted)
        __atomic_add_fetch(&image->references, 1, __ATOMIC_RELAXED);
    leave(irql);
    return adopted ? image : NULL;
}

/* The driver object gives its image up. */
void io_image_release(struct ldr_image *image)
{
    KIRQL irql = enter();
    struct export_driver *d = record_of_locked(image);
    leave(irql);
    image->driver_object = NULL;
    if (!d) {
        io_remove_locks_forget(image->base, image->size);
        ldr_unload(image);
    } else if (__atomic_sub_fetch(&image->references, 1, __ATOMIC_ACQ_REL) == 0) {
        unreferenced(image);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Import slots: a loaded export driver's symbol, else a function or variable
 * of the runtime, else a slot that names itself when it is touched. Nothing
 * missing prevents the load, and nothing missing pretends to be there.
 */
#include "ldr/image.h"

bool ldr_checked_gates;

struct binder {
    struct ldr_image *image;
    const struct ldr_load_options *options;
    struct ldr_error *error;
    const char *module; /* of the cached exporter */
    struct ldr_image *exporter;
};

static void release_exporter(struct ldr_image *exporter)
{
    if (__atomic_sub_fetch(&exporter->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (exporter->unreferenced != NULL)
        exporter->unreferenced(exporter);
    else if (ldr_private(exporter)->unload_wanted)
        ldr_unload(exporter);
}

/* Takes the reference over: one for each exporter. */
static bool hold_exporter(struct binder *binder, struct ldr_image *exporter)
{
    struct ldr_private *private = ldr_private(binder->image);
    struct ldr_exporter *held;

    for (held = private->exporters; held != NULL; held = held->next) {
        if (held->image == exporter) {
            release_exporter(exporter);
            return true;
        }
    }
    held = arena_alloc(&private->arena, sizeof(*held));
    if (held == NULL) {
        release_exporter(exporter);
        return ldr_no_memory(binder->error);
    }
    *held = (struct ldr_exporter){private->exporters, exporter};
    private->exporters = held;
    return true;
}

static bool find_exporter(struct binder *binder, const char *module)
{
    if (module == binder->module)
        return true;
    binder->module = module;
    binder->exporter = NULL;
    if (binder->options->find_export_driver != NULL)
        binder->exporter = binder->options->find_export_driver(module, binder->error);
    if (binder->error->result != LDR_OK)
        return false;
    return binder->exporter == NULL || hold_exporter(binder, binder->exporter);
}

static const void *missing_slot(struct binder *binder, const struct ldr_import *import)
{
    struct arena *arena = &ldr_private(binder->image)->arena;
    char ordinal[16];
    const char *name = import->name,
               *module = arena_string(arena, import->module, __builtin_strlen(import->module));

    if (name == NULL) {
        host_snprintf(ordinal, sizeof(ordinal), "#%u", import->ordinal);
        name = ordinal;
    }
    name = arena_string(arena, name, __builtin_strlen(name));
    binder->image->missing_imports++;
    return module != NULL && name != NULL ? arch_missing_import(module, name) : NULL;
}

static const void *resolve(struct binder *binder, const struct ldr_import *import)
{
    const void *address = NULL;

    if (binder->exporter != NULL && import->name != NULL)
        address = ldr_export_of(binder->exporter, import->name);
    else if (binder->exporter == NULL && import->provided != NULL)
        return ldr_bind_export(import->provided, binder->options->checked_gates);
    return address != NULL ? address : missing_slot(binder, import);
}

static bool bind_import(const struct ldr_import *import, void *context)
{
    struct binder *binder = context;
    const void *address;

    if (!find_exporter(binder, import->module))
        return false;
    address = resolve(binder, import);
    if (address == NULL)
        return ldr_no_memory(binder->error);
    __builtin_memcpy((char *)binder->image->base + import->slot_rva, &address, sizeof(address));
    return true;
}

bool ldr_bind_imports(struct ldr_image *image, const struct ldr_file *file,
                      const struct ldr_load_options *options, struct ldr_error *error)
{
    struct binder binder = {.image = image, .options = options, .error = error};

    error->result = LDR_OK;
    ldr_checked_gates = options->checked_gates;
    return ldr_for_each_import(file, bind_import, &binder, error);
}

void ldr_release_imports(struct ldr_image *image)
{
    struct ldr_exporter *held = ldr_private(image)->exporters;

    ldr_private(image)->exporters = NULL;
    for (; held != NULL; held = held->next)
        release_exporter(held->image);
}

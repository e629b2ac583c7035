/* SPDX-License-Identifier: MIT */
/*
 * The stages of a load, shared by the files of this component. Everything a
 * loaded image needs beyond its pages lives in its arena and dies with it,
 * the struct ldr_image itself included.
 */
#ifndef LDR_IMAGE_H
#define LDR_IMAGE_H

#include "arch/rewrite.h"
#include "host/arena.h"
#include "host/memory.h"
#include "ldr/file.h"

struct ldr_symbol {
    ULONG rva;
    enum { SYMBOL_EXPORTED, SYMBOL_FUNCTION, SYMBOL_OTHER } kind; /* at one address the first is the name */
    const char *name;
};

struct ldr_line {
    ULONG rva;
    ULONG line; /* 0: nothing is known from here on */
    const char *file;
};

struct ldr_exporter {
    struct ldr_exporter *next;
    struct ldr_image *image;
};

struct ldr_private {
    struct ldr_image image; /* offset 0 */
    struct arena arena;
    struct ldr_symbol *symbols; /* sorted by rva */
    ULONG symbol_count;
    struct ldr_line *lines; /* sorted by rva */
    ULONG line_count;
    bool unload_wanted;             /* by ldr_unload, while others import from it */
    struct ldr_exporter *exporters; /* drivers that this one imports from, each holding a reference */
    struct rewrite_state rewrite;
};

static inline struct ldr_private *ldr_private(struct ldr_image *image)
{
    return container_of(image, struct ldr_private, image);
}

/* map.c: reserves and fills the pages, read-write until ldr_protect_image; undone by ldr_unmap_image. */
bool ldr_map_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);
bool ldr_relocate_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);
bool ldr_protect_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);
void ldr_unmap_image(struct ldr_image *image);

/* bind.c: fills the import slots; ldr_release_imports gives the exporters back. */
bool ldr_bind_imports(struct ldr_image *image, const struct ldr_file *file,
                      const struct ldr_load_options *options, struct ldr_error *error);
void ldr_release_imports(struct ldr_image *image);

/* load_config.c */
bool ldr_apply_load_config(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);

/* code.c: hands the image to the rewriter. */
bool ldr_rewrite_image(struct ldr_image *image, const struct ldr_file *file,
                       const struct ldr_load_options *options, struct ldr_error *error);

/* symbols.c */
bool ldr_collect_symbols(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);
const struct ldr_symbol *ldr_nearest_symbol(struct ldr_image *image, ULONG rva);

/* lines.c */
void ldr_collect_lines(struct ldr_image *image, const struct ldr_file *file);
const struct ldr_line *ldr_line_of(struct ldr_image *image, ULONG rva);

/* modules.c: the KLDR_DATA_TABLE_ENTRY and its place in PsLoadedModuleList. */
void ldr_forget_modules(void);
bool ldr_create_module_entry(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error);
void ldr_publish_module(struct ldr_image *image);
void ldr_withdraw_module(struct ldr_image *image);

static inline bool ldr_no_memory(struct ldr_error *error)
{
    return ldr_fail(error, LDR_CANNOT_LOAD, "cannot load: the simulated machine has no memory left");
}

/* debugger.c. path: NULL if the image came from memory. preferred: the ImageBase of the file. */
void rgl_debug_image_loaded(const char *path, void *base, size_t size, void *preferred);
void rgl_debug_image_unloading(void *base);

#endif

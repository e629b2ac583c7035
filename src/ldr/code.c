/* SPDX-License-Identifier: MIT */
/*
 * What the loader knows of an image's code, for the rewriter: certain roots
 * (entry point, exported and guarded functions) and hints (addresses in data
 * that fixups point at).
 */
#include "ldr/image.h"

struct code_list {
    const struct ldr_file *file;
    const struct ldr_image *image;
    ULONG *rvas;
    ULONG count, limit; /* limit 0: counting */
};

static bool executable(const struct ldr_file *file, ULONGLONG rva)
{
    const IMAGE_SECTION_HEADER *section = ldr_file_section(file, rva);

    return section != NULL && (section->Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
}

static void add(struct code_list *list, ULONGLONG rva)
{
    if (!executable(list->file, rva))
        return;
    if (list->count < list->limit)
        list->rvas[list->count] = (ULONG)rva;
    list->count++;
}

static bool add_export(const struct ldr_file_export *item, void *context)
{
    if (item->forwarder == NULL)
        add(context, item->rva);
    return true;
}

/* The functions that control-flow guard knows: RVAs, each followed by as many bytes as the flags say. */
static void add_guarded(struct code_list *list, struct ldr_error *error)
{
    IMAGE_LOAD_CONFIG_DIRECTORY64 config;
    ULONG stride;

    if (!ldr_file_load_config(list->file, &config, error) ||
        !(config.GuardFlags & IMAGE_GUARD_CF_FUNCTION_TABLE_PRESENT) ||
        config.GuardCFFunctionCount > 0x100000)
        return;
    stride = 4 + (config.GuardFlags >> IMAGE_GUARD_CF_FUNCTION_TABLE_SIZE_SHIFT);
    for (ULONGLONG i = 0; i < config.GuardCFFunctionCount; i++) {
        ULONGLONG at =
            config.GuardCFFunctionTable - list->file->headers.OptionalHeader.ImageBase + i * stride;
        const void *entry = ldr_file_at(list->file, at, sizeof(ULONG));
        ULONG rva;
        if (entry == NULL)
            return;
        __builtin_memcpy(&rva, entry, sizeof(rva));
        add(list, rva);
    }
}

static void collect_roots(struct code_list *list, struct ldr_error *error)
{
    list->count = 0;
    if (list->file->headers.OptionalHeader.AddressOfEntryPoint != 0)
        add(list, list->file->headers.OptionalHeader.AddressOfEntryPoint);
    ldr_for_each_export(list->file, add_export, list, error);
    add_guarded(list, error);
}

static bool add_pointer(ULONG rva, unsigned type, void *context)
{
    struct code_list *list = context;
    ULONGLONG value;

    if (type != IMAGE_REL_BASED_DIR64)
        return true;
    __builtin_memcpy(&value, (const char *)list->image->base + rva, sizeof(value));
    add(list, value - (uintptr_t)list->image->base);
    return true;
}

static void collect_hints(struct code_list *list, struct ldr_error *error)
{
    list->count = 0;
    ldr_for_each_fixup(list->file, add_pointer, list, error);
}

/* Counts, allocates, collects: the list is exactly as long as needed. */
static bool collect(struct code_list *list, struct arena *arena,
                    void (*fill)(struct code_list *, struct ldr_error *), struct ldr_error *error)
{
    fill(list, error);
    list->rvas = arena_alloc(arena, (list->count + 1ull) * sizeof(ULONG));
    if (list->rvas == NULL)
        return ldr_no_memory(error);
    list->limit = list->count;
    fill(list, error);
    return true;
}

bool ldr_rewrite_image(struct ldr_image *image, const struct ldr_file *file,
                       const struct ldr_load_options *options, struct ldr_error *error)
{
    struct ldr_private *private = ldr_private(image);
    struct arena scratch = {0};
    struct code_list roots = {.file = file, .image = image}, hints = roots;
    struct rewrite_input input = {
        .base = image->base,
        .size = image->size,
        .sections = image->sections,
        .section_count = image->section_count,
        .functions = image->arch.functions,
        .function_count = image->arch.function_count,
        .deterministic = options->deterministic,
        .inline_irql = !options->deterministic && !options->checked_gates,
        .arena = &private->arena,
    };
    bool ok =
        collect(&roots, &scratch, collect_roots, error) && collect(&hints, &scratch, collect_hints, error);

    input.roots = roots.rvas;
    input.root_count = roots.count;
    input.hints = hints.rvas;
    input.hint_count = hints.count;
    if (ok && !rewrite_image(&private->rewrite, &input))
        ok = ldr_no_memory(error);
    arena_free(&scratch);
    image->arch.thunk_base = private->rewrite.thunk_base;
    image->arch.thunk_size = private->rewrite.thunk_pages << PAGE_SHIFT;
    image->arch.rewrite = &private->rewrite;
    return ok;
}

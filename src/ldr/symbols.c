/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses: the image's exports and the COFF symbols of mingw's
 * linker, copied at load, so that they outlive the file's bytes and the
 * INIT section.
 */
#include "ldr/image.h"
#include "ldr/sort.h"

struct collector {
    struct ldr_private *private;
    ULONG capacity;
    bool out_of_memory;
};

static bool count_export(const struct ldr_file_export *item, void *context)
{
    ++*(ULONG *)context;
    return true;
}

static bool count_symbol(const char *name, size_t length, ULONG rva, bool function, void *context)
{
    ++*(ULONG *)context;
    return true;
}

static bool add(struct collector *collector, const char *name, size_t length, ULONG rva, int kind)
{
    struct ldr_private *private = collector->private;
    char *copy = arena_string(&private->arena, name, length);

    collector->out_of_memory = copy == NULL;
    if (copy == NULL || private->symbol_count == collector->capacity)
        return false;
    private->symbols[private->symbol_count++] = (struct ldr_symbol){.rva = rva, .kind = kind, .name = copy};
    return true;
}

static bool add_export(const struct ldr_file_export *item, void *context)
{
    return item->forwarder != NULL ||
           add(context, item->name, __builtin_strlen(item->name), item->rva, SYMBOL_EXPORTED);
}

static bool add_symbol(const char *name, size_t length, ULONG rva, bool function, void *context)
{
    return add(context, name, length, rva, function ? SYMBOL_FUNCTION : SYMBOL_OTHER);
}

static bool less(const void *a, const void *b)
{
    const struct ldr_symbol *left = a, *right = b;

    return left->rva != right->rva ? left->rva < right->rva : left->kind < right->kind;
}

bool ldr_collect_symbols(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    struct collector collector = {.private = ldr_private(image)};

    if (!ldr_for_each_export(file, count_export, &collector.capacity, error))
        return false;
    ldr_for_each_symbol(file, count_symbol, &collector.capacity);
    if (collector.capacity == 0)
        return true;
    collector.private->symbols =
        arena_alloc(&collector.private->arena, collector.capacity * sizeof(struct ldr_symbol));
    if (collector.private->symbols == NULL)
        return ldr_no_memory(error);
    if (ldr_for_each_export(file, add_export, &collector, error))
        ldr_for_each_symbol(file, add_symbol, &collector);
    if (collector.out_of_memory)
        return ldr_no_memory(error);
    ldr_sort(collector.private->symbols, collector.private->symbol_count, sizeof(struct ldr_symbol), less);
    return true;
}

/* The last symbol at or below rva, NULL if there is none. */
const struct ldr_symbol *ldr_nearest_symbol(struct ldr_image *image, ULONG rva)
{
    const struct ldr_private *private = ldr_private(image);
    ULONG low = 0, high = private->symbol_count;

    while (low < high) {
        ULONG middle = low + (high - low) / 2;
        if (private->symbols[middle].rva <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    while (low > 1 && private->symbols[low - 2].rva == private->symbols[low - 1].rva)
        low--; /* the best of several names */
    return low != 0 ? &private->symbols[low - 1] : NULL;
}

/* The address of what an image exports under that exact name. */
void *ldr_export_of(struct ldr_image *image, const char *name)
{
    const struct ldr_private *private = ldr_private(image);

    for (ULONG i = 0; i < private->symbol_count; i++) {
        if (private->symbols[i].kind == SYMBOL_EXPORTED &&
            __builtin_strcmp(private->symbols[i].name, name) == 0)
            return (char *)image->base + private->symbols[i].rva;
    }
    return NULL;
}

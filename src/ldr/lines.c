/* SPDX-License-Identifier: MIT */
/*
 * Source lines for addresses, copied at load from the DWARF of a driver built
 * with -g: the debug sections are discarded with INIT. An image without them,
 * or one for whose lines there is no memory, just has no lines.
 */
#include "ldr/image.h"
#include "ldr/sort.h"

#define MAX_ROWS 400000u

struct collector {
    struct ldr_private *private;
    const struct ldr_file *file;
    ULONG count, capacity;
    const char *last; /* name in the file's bytes, and its copy */
    const char *copy;
};

static void count_row(const struct dwarf_row *row, void *context)
{
    ++((struct collector *)context)->count;
}

static bool printable(const char *name)
{
    for (; *name != '\0'; name++) {
        if ((UCHAR)*name < ' ' || *name == 0x7F)
            return false;
    }
    return true;
}

/* Rows come file by file, so remembering the last name is enough to keep copies few. */
static const char *keep_name(struct collector *collector, const char *name)
{
    if (name == NULL || !printable(name))
        return NULL;
    if (name != collector->last) {
        collector->last = name;
        collector->copy = arena_string(&collector->private->arena, name, __builtin_strlen(name));
    }
    return collector->copy;
}

static void add_row(const struct dwarf_row *row, void *context)
{
    struct collector *collector = context;
    ULONG64 rva = row->address - collector->file->headers.OptionalHeader.ImageBase;
    struct ldr_line *line = &collector->private->lines[collector->private->line_count];

    if (rva == 0 || rva >= collector->file->headers.OptionalHeader.SizeOfImage ||
        collector->private->line_count == collector->capacity)
        return;
    *line = (struct ldr_line){
        .rva = (ULONG)rva, .line = row->end ? 0 : row->line, .file = keep_name(collector, row->file)};
    collector->private->line_count++;
}

/* At one address the end of a sequence comes before what begins there. */
static bool less(const void *a, const void *b)
{
    const struct ldr_line *left = a, *right = b;

    return left->rva != right->rva ? left->rva < right->rva : left->line < right->line;
}

void ldr_collect_lines(struct ldr_image *image, const struct ldr_file *file)
{
    struct collector collector = {.private = ldr_private(image), .file = file};
    struct dwarf_sections sections;

    if (!ldr_file_dwarf(file, &sections))
        return;
    dwarf_for_each_row(&sections, count_row, &collector);
    if (collector.count == 0 || collector.count > MAX_ROWS)
        return;
    collector.capacity = collector.count;
    collector.private->lines =
        arena_alloc(&collector.private->arena, collector.count * sizeof(struct ldr_line));
    if (collector.private->lines == NULL)
        return;
    dwarf_for_each_row(&sections, add_row, &collector);
    ldr_sort(collector.private->lines, collector.private->line_count, sizeof(struct ldr_line), less);
}

/* The row that covers rva, NULL if none does. */
const struct ldr_line *ldr_line_of(struct ldr_image *image, ULONG rva)
{
    const struct ldr_private *private = ldr_private(image);
    ULONG low = 0, high = private->line_count;

    while (low < high) {
        ULONG middle = low + (high - low) / 2;
        if (private->lines[middle].rva <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || private->lines[low - 1].line == 0 || private->lines[low - 1].file == NULL)
        return NULL;
    return &private->lines[low - 1];
}

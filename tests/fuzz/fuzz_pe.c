/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the PE parser on any bytes. Whatever parses is also walked as
 * the loader and `inspect` walk it. A crash, a hang or a sanitizer's report is
 * the failure; so is a refusal that says nothing.
 */
#include "ldr/file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink;

static bool touch_import(const struct ldr_import *import, void *context)
{
    sink += strlen(import->module) + (import->name != NULL ? strlen(import->name) : import->ordinal);
    return true;
}

static bool touch_fixup(ULONG rva, unsigned type, void *context)
{
    const struct ldr_file *file = context;

    if (rva >= file->headers.OptionalHeader.SizeOfImage)
        abort();
    sink += type;
    return true;
}

static bool touch_export(const struct ldr_file_export *item, void *context)
{
    sink += strlen(item->name) + (item->forwarder != NULL ? strlen(item->forwarder) : 0);
    return true;
}

static bool touch_symbol(const char *name, size_t length, ULONG rva, bool function, void *context)
{
    for (size_t i = 0; i < length; i++)
        sink += (size_t)name[i];
    return true;
}

static void touch_row(const struct dwarf_row *row, void *context)
{
    sink += row->line + (row->file != NULL ? strlen(row->file) : 0);
}

static void walk(const struct ldr_file *file)
{
    struct ldr_error error;
    const RUNTIME_FUNCTION *functions;
    IMAGE_LOAD_CONFIG_DIRECTORY64 config;
    struct dwarf_sections sections;
    ULONG count;

    if (!ldr_for_each_import(file, touch_import, NULL, &error) ||
        !ldr_for_each_fixup(file, touch_fixup, (void *)file, &error) ||
        !ldr_for_each_export(file, touch_export, NULL, &error) ||
        !ldr_file_functions(file, &functions, &count, &error))
        abort(); /* ldr_parse accepted what its parts refuse */
    ldr_for_each_symbol(file, touch_symbol, NULL);
    ldr_file_load_config(file, &config, &error);
    if (ldr_file_dwarf(file, &sections))
        dwarf_for_each_row(&sections, touch_row, NULL);
    for (unsigned i = 0; i < file->section_count; i++)
        sink += ldr_section_name(&file->sections[i]).text[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ldr_file file;
    struct ldr_error error;

    if (ldr_parse(&file, data, size, &error))
        walk(&file);
    else if (error.result == LDR_OK || strlen(error.text) < 10 || strchr(error.text, '\n') != NULL)
        abort();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The debug sections of a file. Their names are longer than a section header
 * holds, so they stand in the string table behind the COFF symbols.
 */
#include "ldr/file.h"

/* A section's name beyond eight characters: "/123" is its place in the string table of the symbols. */
static bool has_name(const struct ldr_file *file, const IMAGE_SECTION_HEADER *section, const char *name)
{
    const IMAGE_FILE_HEADER *header = &file->headers.FileHeader;
    uint64_t at = header->PointerToSymbolTable + (uint64_t)header->NumberOfSymbols * IMAGE_SIZEOF_SYMBOL;
    size_t length = __builtin_strlen(name);
    ULONG offset = 0;

    if (section->Name[0] != '/' || header->PointerToSymbolTable == 0)
        return false;
    for (unsigned i = 1; i < sizeof(section->Name) && section->Name[i] >= '0' && section->Name[i] <= '9'; i++)
        offset = offset * 10 + (section->Name[i] - '0');
    at += offset;
    return at + length < file->length && __builtin_memcmp(file->bytes + at, name, length + 1) == 0;
}

static const UCHAR *find_section(const struct ldr_file *file, const char *name, size_t *bytes)
{
    *bytes = 0;
    for (unsigned i = 0; i < file->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &file->sections[i];
        if (section->PointerToRawData == 0 || !has_name(file, section, name))
            continue;
        *bytes = MIN(section->SizeOfRawData, ldr_section_bytes(section));
        return file->bytes + section->PointerToRawData;
    }
    return NULL;
}

bool ldr_file_dwarf(const struct ldr_file *file, struct dwarf_sections *sections)
{
    sections->line = find_section(file, ".debug_line", &sections->line_bytes);
    sections->line_str = find_section(file, ".debug_line_str", &sections->line_str_bytes);
    sections->str = find_section(file, ".debug_str", &sections->str_bytes);
    return sections->line != NULL;
}

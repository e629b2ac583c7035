/* SPDX-License-Identifier: MIT */
/*
 * What a file exports, and the COFF symbol table that mingw leaves in it.
 */
#include "ldr/file.h"

#define MAX_EXPORTS 65536u

struct export_tables {
    IMAGE_EXPORT_DIRECTORY directory;
    const UCHAR *functions, *names, *ordinals;
};

static bool read_tables(const struct ldr_file *file, struct export_tables *tables, struct ldr_error *error)
{
    const IMAGE_EXPORT_DIRECTORY *directory = &tables->directory;

    if (directory->NumberOfNames > MAX_EXPORTS || directory->NumberOfFunctions > MAX_EXPORTS)
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: %u exported names, %u exported functions",
                        directory->NumberOfNames, directory->NumberOfFunctions);
    tables->functions = ldr_file_at(file, directory->AddressOfFunctions, directory->NumberOfFunctions * 4ull);
    tables->names = ldr_file_at(file, directory->AddressOfNames, directory->NumberOfNames * 4ull);
    tables->ordinals = ldr_file_at(file, directory->AddressOfNameOrdinals, directory->NumberOfNames * 2ull);
    if ((directory->NumberOfFunctions != 0 && tables->functions == NULL) ||
        (directory->NumberOfNames != 0 && (tables->names == NULL || tables->ordinals == NULL)))
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: the export tables are out of bounds");
    return true;
}

static bool read_export(const struct ldr_file *file, const struct export_tables *tables, ULONG index,
                        struct ldr_file_export *item, struct ldr_error *error)
{
    const IMAGE_DATA_DIRECTORY *range =
        &file->headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
    ULONG name;
    USHORT ordinal;

    __builtin_memcpy(&name, tables->names + index * 4ull, sizeof(name));
    __builtin_memcpy(&ordinal, tables->ordinals + index * 2ull, sizeof(ordinal));
    item->name = ldr_file_string(file, name);
    if (item->name == NULL || ordinal >= tables->directory.NumberOfFunctions)
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: exported name %u is out of bounds", index);
    __builtin_memcpy(&item->rva, tables->functions + ordinal * 4ull, sizeof(item->rva));
    item->forwarder = NULL;
    if (item->rva >= range->VirtualAddress && item->rva - range->VirtualAddress < range->Size)
        item->forwarder = ldr_file_string(file, item->rva);
    else if (item->rva >= file->headers.OptionalHeader.SizeOfImage)
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: %s is exported from 0x%x, outside the image",
                        item->name, item->rva);
    return true;
}

bool ldr_for_each_export(const struct ldr_file *file, ldr_export_visit *visit, void *context,
                         struct ldr_error *error)
{
    struct export_tables tables;
    const void *data;
    ULONG size;

    if (!ldr_file_directory(file, IMAGE_DIRECTORY_ENTRY_EXPORT, &data, &size, error))
        return false;
    if (size < sizeof(tables.directory))
        return true;
    __builtin_memcpy(&tables.directory, data, sizeof(tables.directory));
    if (!read_tables(file, &tables, error))
        return false;
    for (ULONG i = 0; i < tables.directory.NumberOfNames; i++) {
        struct ldr_file_export item;
        if (!read_export(file, &tables, i, &item, error))
            return false;
        if (item.rva != 0 && !visit(&item, context))
            return false;
    }
    return true;
}

/* The name of a symbol: eight bytes in place, or an offset into the string table behind the symbols. */
static const char *symbol_name(const struct ldr_file *file, const IMAGE_SYMBOL *symbol, size_t strings,
                               size_t *length)
{
    const char *name = (const char *)symbol->N.ShortName;
    size_t limit = sizeof(symbol->N.ShortName);

    if (symbol->N.Name.Short == 0) {
        uint64_t at = (uint64_t)strings + symbol->N.Name.Long;
        if (at >= file->length)
            return NULL;
        name = (const char *)file->bytes + at;
        limit = MIN(file->length - at, LDR_MAX_NAME);
    }
    for (*length = 0; *length < limit && name[*length] != '\0'; ++*length)
        ;
    return *length != 0 ? name : NULL;
}

enum { CLASS_EXTERNAL = 2, CLASS_STATIC = 3, TYPE_FUNCTION = 0x20 };

/* Functions and external data; not section symbols, file names, or compiler labels like ".L1". */
static bool symbol_counts(const struct ldr_file *file, const IMAGE_SYMBOL *symbol)
{
    if (symbol->SectionNumber <= 0 || (unsigned)symbol->SectionNumber > file->section_count)
        return false;
    if (symbol->StorageClass == CLASS_STATIC)
        return symbol->Type == TYPE_FUNCTION;
    return symbol->StorageClass == CLASS_EXTERNAL;
}

void ldr_for_each_symbol(const struct ldr_file *file, ldr_symbol_visit *visit, void *context)
{
    const IMAGE_FILE_HEADER *header = &file->headers.FileHeader;
    size_t table = header->PointerToSymbolTable;
    size_t strings = table + (size_t)header->NumberOfSymbols * IMAGE_SIZEOF_SYMBOL;

    if (table == 0)
        return;
    for (uint64_t i = 0; i < header->NumberOfSymbols; i++) {
        const IMAGE_SYMBOL *symbol = (const void *)(file->bytes + table + i * IMAGE_SIZEOF_SYMBOL);
        size_t length;
        const char *name = symbol_counts(file, symbol) ? symbol_name(file, symbol, strings, &length) : NULL;
        uint64_t rva;

        i += symbol->NumberOfAuxSymbols;
        if (name == NULL)
            continue;
        rva = (uint64_t)file->sections[symbol->SectionNumber - 1].VirtualAddress + symbol->Value;
        if (rva < file->headers.OptionalHeader.SizeOfImage &&
            !visit(name, length, (ULONG)rva, symbol->Type == TYPE_FUNCTION, context))
            return;
    }
}

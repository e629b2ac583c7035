/* SPDX-License-Identifier: MIT */
/*
 * The import directory of a file: one descriptor a module, two parallel
 * tables each (names, and the slots that are filled). The descriptor count of
 * the directory entry is not trusted; a zero descriptor ends the list.
 */
#include "ldr/file.h"

struct import_walk {
    const struct ldr_file *file;
    bool (*visit)(const struct ldr_import *, void *);
    void *context;
    struct ldr_error *error;
    unsigned seen;
};

#define MALFORMED(...) ldr_fail(walk->error, LDR_NOT_AN_IMAGE, __VA_ARGS__)

static bool read_descriptor(const struct import_walk *walk, uint64_t rva, IMAGE_IMPORT_DESCRIPTOR *descriptor)
{
    const void *at = ldr_file_at(walk->file, rva, sizeof(*descriptor));

    if (at == NULL)
        return MALFORMED("malformed: the import directory runs out of bounds at 0x%llx",
                         (unsigned long long)rva);
    __builtin_memcpy(descriptor, at, sizeof(*descriptor));
    return true;
}

static bool visit_import(struct import_walk *walk, struct ldr_import *import, uint64_t thunk)
{
    if (++walk->seen > LDR_MAX_IMPORTS)
        return MALFORMED("malformed: more than %u imports", LDR_MAX_IMPORTS);
    if (thunk & IMAGE_ORDINAL_FLAG64) {
        import->name = NULL;
        import->ordinal = (USHORT)thunk;
        import->provided = NULL;
    } else {
        import->name = ldr_file_string(walk->file, thunk + offsetof(IMAGE_IMPORT_BY_NAME, Name));
        if (import->name == NULL)
            return MALFORMED("malformed: a name imported from %s is out of bounds", import->module);
        import->ordinal = 0;
        import->provided = ldr_find_export(import->module, import->name);
    }
    return walk->visit(import, walk->context);
}

/* A slot is filled by the loader, so it must lie in a section; its old content need not be in the file. GNU
 * import libraries align slots to 4 only. */
static bool slot_in_image(const struct import_walk *walk, uint64_t rva)
{
    return rva + sizeof(ULONGLONG) <= walk->file->headers.OptionalHeader.SizeOfImage &&
           ldr_file_section(walk->file, rva) != NULL;
}

static bool visit_module(struct import_walk *walk, const IMAGE_IMPORT_DESCRIPTOR *descriptor)
{
    uint64_t names = descriptor->OriginalFirstThunk ? descriptor->OriginalFirstThunk : descriptor->FirstThunk;
    struct ldr_import import = {.module = ldr_file_string(walk->file, descriptor->Name)};

    if (import.module == NULL || import.module[0] == '\0')
        return MALFORMED("malformed: the name of an imported module, at 0x%x, is out of bounds",
                         descriptor->Name);
    for (uint64_t i = 0;; i++) {
        const void *at = ldr_file_at(walk->file, names + i * sizeof(ULONGLONG), sizeof(ULONGLONG));
        uint64_t thunk, slot = descriptor->FirstThunk + i * sizeof(ULONGLONG);

        if (at == NULL)
            return MALFORMED("malformed: the imports from %s run out of bounds", import.module);
        __builtin_memcpy(&thunk, at, sizeof(thunk));
        if (thunk == 0)
            return true;
        if (!slot_in_image(walk, slot))
            return MALFORMED("malformed: an import slot of %s at 0x%llx is out of bounds", import.module,
                             (unsigned long long)slot);
        import.slot_rva = (ULONG)slot;
        if (!visit_import(walk, &import, thunk))
            return false;
    }
}

/*
 * Walks the imports of a parsed file in the file's order. False: visit stopped it (error->result is LDR_OK),
 * or the directory is malformed (error written). Borrows: module and name point into the file's bytes.
 */
bool ldr_for_each_import(const struct ldr_file *file, bool (*visit)(const struct ldr_import *, void *),
                         void *context, struct ldr_error *error)
{
    struct import_walk walk = {file, visit, context, error, 0};
    uint64_t rva = file->headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    IMAGE_IMPORT_DESCRIPTOR descriptor;

    error->result = LDR_OK;
    if (rva == 0)
        return true;
    for (;; rva += sizeof(descriptor)) {
        if (!read_descriptor(&walk, rva, &descriptor))
            return false;
        if (descriptor.Name == 0 || descriptor.FirstThunk == 0)
            return true;
        if (!visit_module(&walk, &descriptor))
            return false;
    }
}

static bool accept_import(const struct ldr_import *import, void *context)
{
    return true;
}

bool ldr_check_imports(const struct ldr_file *file, struct ldr_error *error)
{
    return ldr_for_each_import(file, accept_import, NULL, error);
}

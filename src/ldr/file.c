/* SPDX-License-Identifier: MIT */
/*
 * Addresses of an image translated to bytes of its file, and the plain
 * directories: fixups, functions, load configuration. Nothing is mapped.
 */
#include "ldr/file.h"

const IMAGE_SECTION_HEADER *ldr_file_section(const struct ldr_file *file, uint64_t rva)
{
    for (unsigned i = 0; i < file->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &file->sections[i];
        if (rva >= section->VirtualAddress &&
            rva < (uint64_t)section->VirtualAddress + ldr_section_bytes(section))
            return section;
    }
    return NULL;
}

const void *ldr_file_at(const struct ldr_file *file, uint64_t rva, uint64_t length)
{
    const IMAGE_SECTION_HEADER *section = ldr_file_section(file, rva);
    uint64_t inside, backed;

    if (section == NULL)
        return rva + length <= file->headers.OptionalHeader.SizeOfHeaders ? file->bytes + rva : NULL;
    inside = rva - section->VirtualAddress;
    backed = section->PointerToRawData != 0 ? MIN(section->SizeOfRawData, ldr_section_bytes(section)) : 0;
    if (inside + length > backed)
        return NULL;
    return file->bytes + section->PointerToRawData + inside;
}

const char *ldr_file_string(const struct ldr_file *file, uint64_t rva)
{
    for (unsigned i = 0; i < LDR_MAX_NAME; i++) {
        const char *c = ldr_file_at(file, rva, i + 1);
        if (c == NULL)
            return NULL;
        if (c[i] == '\0')
            return c;
        if ((UCHAR)c[i] < ' ' || c[i] == 0x7F)
            return NULL;
    }
    return NULL;
}

struct ldr_section_name ldr_section_name(const IMAGE_SECTION_HEADER *section)
{
    struct ldr_section_name name = {{0}};

    for (unsigned i = 0; i < sizeof(section->Name) && section->Name[i] != 0; i++)
        name.text[i] = section->Name[i] > ' ' && section->Name[i] < 0x7F ? (char)section->Name[i] : '?';
    return name;
}

ULONG ldr_image_pages(const struct ldr_file *file)
{
    return (ULONG)((file->headers.OptionalHeader.SizeOfImage + (uint64_t)PAGE_MASK) >> PAGE_SHIFT);
}

bool ldr_file_directory(const struct ldr_file *file, unsigned index, const void **data, ULONG *size,
                        struct ldr_error *error)
{
    static const char *const names[IMAGE_NUMBEROF_DIRECTORY_ENTRIES] = {"export",
                                                                        "import",
                                                                        "resource",
                                                                        "exception",
                                                                        "security",
                                                                        "relocation",
                                                                        "debug",
                                                                        "architecture",
                                                                        "global pointer",
                                                                        "TLS",
                                                                        "load configuration",
                                                                        "bound import",
                                                                        "IAT",
                                                                        "delay import",
                                                                        "COM",
                                                                        "reserved"};
    const IMAGE_DATA_DIRECTORY *directory = &file->headers.OptionalHeader.DataDirectory[index];

    *data = NULL;
    *size = 0;
    if (directory->VirtualAddress == 0 || directory->Size == 0)
        return true;
    *data = ldr_file_at(file, directory->VirtualAddress, directory->Size);
    if (*data == NULL)
        return ldr_fail(error, LDR_NOT_AN_IMAGE,
                        "malformed: the %s directory at 0x%x, 0x%x bytes, is out of bounds", names[index],
                        directory->VirtualAddress, directory->Size);
    *size = directory->Size;
    return true;
}

static bool visit_block(const struct ldr_file *file, const UCHAR *block, const IMAGE_BASE_RELOCATION *header,
                        ldr_fixup_visit *visit, void *context, struct ldr_error *error)
{
    for (ULONG at = sizeof(*header); at + sizeof(USHORT) <= header->SizeOfBlock; at += sizeof(USHORT)) {
        USHORT entry;
        unsigned type;
        uint64_t rva;

        __builtin_memcpy(&entry, block + at, sizeof(entry));
        type = entry >> 12;
        rva = (uint64_t)header->VirtualAddress + (entry & 0xFFF);
        if (type == IMAGE_REL_BASED_ABSOLUTE)
            continue;
        if (type != IMAGE_REL_BASED_DIR64 && type != IMAGE_REL_BASED_HIGHLOW)
            return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: a relocation of type %u at 0x%llx", type,
                            (unsigned long long)rva);
        if (rva + (type == IMAGE_REL_BASED_DIR64 ? 8 : 4) > file->headers.OptionalHeader.SizeOfImage)
            return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: a relocation at 0x%llx, outside the image",
                            (unsigned long long)rva);
        if (!visit((ULONG)rva, type, context))
            return false;
    }
    return true;
}

bool ldr_for_each_fixup(const struct ldr_file *file, ldr_fixup_visit *visit, void *context,
                        struct ldr_error *error)
{
    const void *data;
    ULONG size, at = 0;

    if (!ldr_file_directory(file, IMAGE_DIRECTORY_ENTRY_BASERELOC, &data, &size, error))
        return false;
    while (at + sizeof(IMAGE_BASE_RELOCATION) <= size) {
        IMAGE_BASE_RELOCATION header;

        __builtin_memcpy(&header, (const UCHAR *)data + at, sizeof(header));
        if (header.SizeOfBlock == 0)
            break; /* padding behind the last block */
        if (header.SizeOfBlock < sizeof(header) || header.SizeOfBlock > size - at)
            return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: a relocation block of %u bytes",
                            header.SizeOfBlock);
        if (!visit_block(file, (const UCHAR *)data + at, &header, visit, context, error))
            return false;
        at += header.SizeOfBlock;
    }
    return true;
}

static bool check_function(const struct ldr_file *file, const RUNTIME_FUNCTION *function)
{
    enum { COUNT_OF_CODES = 2 };
    ULONG unwind = function->UnwindData & ~3u; /* the lowest bit: it points to another entry */
    size_t header = offsetof(UNWIND_INFO, UnwindCode);
    const UCHAR *info;

    if (function->BeginAddress == 0 && function->EndAddress == 0)
        return true;
    if (function->BeginAddress >= function->EndAddress ||
        function->EndAddress > file->headers.OptionalHeader.SizeOfImage)
        return false;
    if (function->UnwindData & RUNTIME_FUNCTION_INDIRECT)
        return ldr_file_at(file, unwind, sizeof(RUNTIME_FUNCTION)) != NULL;
    info = ldr_file_at(file, unwind, header);
    return info != NULL &&
           ldr_file_at(file, unwind, header + info[COUNT_OF_CODES] * sizeof(UNWIND_CODE)) != NULL;
}

bool ldr_file_functions(const struct ldr_file *file, const RUNTIME_FUNCTION **functions, ULONG *count,
                        struct ldr_error *error)
{
    const void *data;
    ULONG size;

    if (!ldr_file_directory(file, IMAGE_DIRECTORY_ENTRY_EXCEPTION, &data, &size, error))
        return false;
    if (file->headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXCEPTION].VirtualAddress %
        sizeof(ULONG))
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: the exception directory is not aligned");
    *functions = data;
    *count = size / sizeof(RUNTIME_FUNCTION);
    for (ULONG i = 0; i < *count; i++) {
        RUNTIME_FUNCTION function;
        __builtin_memcpy(&function, (const UCHAR *)data + i * sizeof(function), sizeof(function));
        if (!check_function(file, &function))
            return ldr_fail(error, LDR_NOT_AN_IMAGE,
                            "malformed: exception entry %u (0x%x..0x%x) is out of bounds", i,
                            function.BeginAddress, function.EndAddress);
    }
    return true;
}

bool ldr_file_load_config(const struct ldr_file *file, IMAGE_LOAD_CONFIG_DIRECTORY64 *config,
                          struct ldr_error *error)
{
    const IMAGE_DATA_DIRECTORY *directory =
        &file->headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG];
    const void *data;
    ULONG size;

    __builtin_memset(config, 0, sizeof(*config));
    if (directory->VirtualAddress == 0)
        return false;
    data = ldr_file_at(file, directory->VirtualAddress, sizeof(ULONG));
    if (data == NULL)
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: the load configuration at 0x%x is out of bounds",
                        directory->VirtualAddress);
    __builtin_memcpy(&size, data, sizeof(size)); /* the structure's own size is the true one */
    size = size != 0 ? MIN(size, sizeof(*config)) : MIN(directory->Size, sizeof(*config));
    data = ldr_file_at(file, directory->VirtualAddress, size);
    if (data == NULL)
        return ldr_fail(error, LDR_NOT_AN_IMAGE, "malformed: the load configuration at 0x%x is out of bounds",
                        directory->VirtualAddress);
    __builtin_memcpy(config, data, size);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * The headers of a PE file, checked before anything else looks at them. What
 * passes here may be mapped without a further bounds check: sections ascend,
 * do not overlap, lie inside SizeOfImage, and their raw data is in the file.
 */
#include "ldr/file.h"

#define MAX_SECTIONS    96u
#define MAX_IMAGE_BYTES 0x40000000u

#define NOT_PE(...) ldr_fail(error, LDR_NOT_AN_IMAGE, __VA_ARGS__)

static const char *machine_name(USHORT machine)
{
    switch (machine) {
    case IMAGE_FILE_MACHINE_I386:
        return "x86 (32-bit)";
    case IMAGE_FILE_MACHINE_ARMNT:
        return "ARM (32-bit)";
    case IMAGE_FILE_MACHINE_ARM64:
        return "ARM64";
    case IMAGE_FILE_MACHINE_IA64:
        return "Itanium";
    default:
        return "unknown";
    }
}

static bool check_dos_header(const struct ldr_file *file, ULONG *offset, struct ldr_error *error)
{
    const IMAGE_DOS_HEADER *dos = (const void *)file->bytes;

    if (file->length == 0)
        return NOT_PE("not a PE image: the file is empty");
    if (file->length >= 4 && __builtin_memcmp(file->bytes, "\177ELF", 4) == 0)
        return NOT_PE("not a PE image: this is an ELF file");
    if (file->length < 2 || file->bytes[0] != 'M' || file->bytes[1] != 'Z')
        return NOT_PE("not a PE image: it does not begin with MZ");
    if (file->length < sizeof(*dos))
        return NOT_PE("truncated: %u bytes, shorter than the DOS header", (unsigned)file->length);
    __builtin_memcpy(offset, file->bytes + offsetof(IMAGE_DOS_HEADER, e_lfanew), sizeof(*offset));
    if (*offset % 4 != 0)
        return NOT_PE("not a PE image: the header offset 0x%x is not aligned", *offset);
    if ((uint64_t)*offset + sizeof(ULONG) + sizeof(IMAGE_FILE_HEADER) > file->length)
        return NOT_PE("truncated: the PE header at 0x%x is beyond the end of the file", *offset);
    return true;
}

static bool check_file_header(struct ldr_file *file, ULONG offset, struct ldr_error *error)
{
    IMAGE_NT_HEADERS64 *nt = &file->headers;

    __builtin_memcpy(nt, file->bytes + offset, offsetof(IMAGE_NT_HEADERS64, OptionalHeader));
    if (nt->Signature != IMAGE_NT_SIGNATURE)
        return NOT_PE("not a PE image: no PE signature at 0x%x", offset);
    if (nt->FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64)
        return NOT_PE("wrong machine: this image is for %s (0x%x), not for x86-64",
                      machine_name(nt->FileHeader.Machine), nt->FileHeader.Machine);
    if (!(nt->FileHeader.Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        return NOT_PE("not an executable image: its linker marked it as incomplete");
    if (nt->FileHeader.NumberOfSections == 0 || nt->FileHeader.NumberOfSections > MAX_SECTIONS)
        return NOT_PE("malformed: %u sections", nt->FileHeader.NumberOfSections);
    return true;
}

static bool check_optional_header(struct ldr_file *file, ULONG offset, struct ldr_error *error)
{
    IMAGE_OPTIONAL_HEADER64 *opt = &file->headers.OptionalHeader;
    ULONG size = file->headers.FileHeader.SizeOfOptionalHeader;
    ULONG fixed = offsetof(IMAGE_OPTIONAL_HEADER64, DataDirectory);
    ULONG directories;

    offset += offsetof(IMAGE_NT_HEADERS64, OptionalHeader);
    if (size < fixed || (uint64_t)offset + size > file->length)
        return NOT_PE("truncated: the optional header (%u bytes) is incomplete", size);
    __builtin_memcpy(opt, file->bytes + offset, fixed);
    if (opt->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
        return NOT_PE("not a PE32+ image: optional header magic 0x%x", opt->Magic);
    directories = MIN(opt->NumberOfRvaAndSizes, IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    directories = MIN(directories, (size - fixed) / sizeof(IMAGE_DATA_DIRECTORY));
    __builtin_memset(opt->DataDirectory, 0, sizeof(opt->DataDirectory));
    __builtin_memcpy(opt->DataDirectory, file->bytes + offset + fixed,
                     directories * sizeof(IMAGE_DATA_DIRECTORY));
    return true;
}

static bool power_of_two(ULONG value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool check_sizes(const struct ldr_file *file, ULONG table_end, struct ldr_error *error)
{
    const IMAGE_OPTIONAL_HEADER64 *opt = &file->headers.OptionalHeader;

    if (!power_of_two(opt->SectionAlignment) || !power_of_two(opt->FileAlignment) ||
        opt->FileAlignment > opt->SectionAlignment)
        return NOT_PE("malformed: section alignment 0x%x, file alignment 0x%x", opt->SectionAlignment,
                      opt->FileAlignment);
    if (opt->SizeOfImage == 0 || opt->SizeOfImage > MAX_IMAGE_BYTES)
        return NOT_PE("malformed: an image of 0x%x bytes", opt->SizeOfImage);
    if (opt->SizeOfHeaders < table_end || opt->SizeOfHeaders > opt->SizeOfImage)
        return NOT_PE("malformed: headers of 0x%x bytes", opt->SizeOfHeaders);
    if (opt->SizeOfHeaders > file->length)
        return NOT_PE("truncated: the headers end at 0x%x, the file at 0x%x", opt->SizeOfHeaders,
                      (unsigned)file->length);
    if (opt->ImageBase % 0x10000 != 0)
        return NOT_PE("malformed: image base 0x%llx", (unsigned long long)opt->ImageBase);
    return true;
}

ULONG ldr_section_bytes(const IMAGE_SECTION_HEADER *section)
{
    return section->Misc.VirtualSize != 0 ? section->Misc.VirtualSize : section->SizeOfRawData;
}

static bool check_section(const struct ldr_file *file, const IMAGE_SECTION_HEADER *section, uint64_t *next,
                          struct ldr_error *error)
{
    const IMAGE_OPTIONAL_HEADER64 *opt = &file->headers.OptionalHeader;
    uint64_t start = section->VirtualAddress, end = start + ldr_section_bytes(section);
    uint64_t raw_end = (uint64_t)section->PointerToRawData + section->SizeOfRawData;
    struct ldr_section_name name = ldr_section_name(section);

    if (start % opt->SectionAlignment != 0)
        return NOT_PE("malformed: section %s at 0x%x is not aligned", name.text, section->VirtualAddress);
    if (start < *next)
        return NOT_PE("malformed: section %s at 0x%x overlaps what is before it", name.text,
                      section->VirtualAddress);
    if (end > opt->SizeOfImage)
        return NOT_PE("malformed: section %s ends at 0x%llx, the image at 0x%x", name.text,
                      (unsigned long long)end, opt->SizeOfImage);
    if (section->SizeOfRawData != 0 && section->PointerToRawData != 0 && raw_end > file->length)
        return NOT_PE("truncated: section %s needs the file up to 0x%llx, it ends at 0x%x", name.text,
                      (unsigned long long)raw_end, (unsigned)file->length);
    if (opt->SectionAlignment < PAGE_SIZE && section->SizeOfRawData != 0 &&
        section->PointerToRawData != section->VirtualAddress)
        return NOT_PE("malformed: section %s of an unaligned image is not where its file offset says",
                      name.text);
    *next = end;
    return true;
}

static bool check_sections(struct ldr_file *file, ULONG offset, struct ldr_error *error)
{
    uint64_t table = (uint64_t)offset + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
                     file->headers.FileHeader.SizeOfOptionalHeader;
    uint64_t next;

    file->section_count = file->headers.FileHeader.NumberOfSections;
    if (table + file->section_count * sizeof(IMAGE_SECTION_HEADER) > file->length)
        return NOT_PE("truncated: the section table is incomplete");
    if (table % sizeof(ULONG) != 0)
        return NOT_PE("malformed: the section table is not aligned");
    file->sections = (const void *)(file->bytes + table);
    if (!check_sizes(file, table + file->section_count * sizeof(IMAGE_SECTION_HEADER), error))
        return false;
    next = file->headers.OptionalHeader.SizeOfHeaders;
    for (unsigned i = 0; i < file->section_count; i++) {
        if (!check_section(file, &file->sections[i], &next, error))
            return false;
    }
    return true;
}

/* What lies behind the sections by file offset: the certificates and the COFF symbols. */
static bool check_tail(const struct ldr_file *file, struct ldr_error *error)
{
    const IMAGE_DATA_DIRECTORY *security =
        &file->headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_SECURITY];
    const IMAGE_FILE_HEADER *header = &file->headers.FileHeader;
    uint64_t symbols_end =
        header->PointerToSymbolTable + (uint64_t)header->NumberOfSymbols * IMAGE_SIZEOF_SYMBOL;
    ULONG strings;

    if (security->Size != 0 && (uint64_t)security->VirtualAddress + security->Size > file->length)
        return NOT_PE("truncated: the signature at 0x%x is incomplete", security->VirtualAddress);
    if (header->PointerToSymbolTable == 0 || header->NumberOfSymbols == 0)
        return true;
    if (symbols_end + sizeof(strings) > file->length)
        return NOT_PE("truncated: the symbol table at 0x%x is incomplete", header->PointerToSymbolTable);
    __builtin_memcpy(&strings, file->bytes + symbols_end, sizeof(strings));
    if (symbols_end + strings > file->length)
        return NOT_PE("truncated: the symbols' string table is incomplete");
    return true;
}

static bool check_entry(const struct ldr_file *file, struct ldr_error *error)
{
    ULONG entry = file->headers.OptionalHeader.AddressOfEntryPoint;
    const IMAGE_SECTION_HEADER *section;

    if (entry == 0)
        return true;
    section = ldr_file_section(file, entry);
    if (section == NULL || !(section->Characteristics & IMAGE_SCN_MEM_EXECUTE) ||
        !ldr_file_at(file, entry, 1))
        return NOT_PE("malformed: the entry point 0x%x is not in an executable section", entry);
    return true;
}

static bool accept_fixup(ULONG rva, unsigned type, void *context)
{
    return true;
}

static bool accept_export(const struct ldr_file_export *item, void *context)
{
    return true;
}

static bool check_directories(const struct ldr_file *file, struct ldr_error *error)
{
    const RUNTIME_FUNCTION *functions;
    IMAGE_LOAD_CONFIG_DIRECTORY64 config;
    ULONG count;

    if (!ldr_check_imports(file, error) || !ldr_for_each_fixup(file, accept_fixup, NULL, error) ||
        !ldr_for_each_export(file, accept_export, NULL, error) ||
        !ldr_file_functions(file, &functions, &count, error))
        return false;
    return ldr_file_load_config(file, &config, error) || error->result == LDR_OK;
}

/*
 * Checks a file from the first byte to the last directory. True: *file describes it and borrows the bytes.
 * False: *error says in one line why it is no x86-64 image (LDR_NOT_AN_IMAGE).
 */
bool ldr_parse(struct ldr_file *file, const void *bytes, size_t length, struct ldr_error *error)
{
    ULONG offset;

    *file = (struct ldr_file){.bytes = bytes, .length = length};
    *error = (struct ldr_error){.result = LDR_OK};
    if (length > 0x7FFFFFFF)
        return NOT_PE("not a PE image: %llu bytes are too many", (unsigned long long)length);
    return check_dos_header(file, &offset, error) && check_file_header(file, offset, error) &&
           check_optional_header(file, offset, error) && check_sections(file, offset, error) &&
           check_tail(file, error) && check_entry(file, error) && check_directories(file, error);
}

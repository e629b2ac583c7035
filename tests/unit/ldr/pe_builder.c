/* SPDX-License-Identifier: MIT */
/*
 * The builder of pe_builder.h: file alignment 0x200, section alignment 0x1000.
 */
#include "pe_builder.h"

#include <assert.h>
#include <string.h>

enum { HEADERS = 0x400, NT_AT = 0x80, FILE_ALIGN = 0x200, SECTION_ALIGN = 0x1000 };

void pe_begin(struct pe_builder *pe)
{
    IMAGE_DOS_HEADER *dos = (void *)pe->bytes;
    IMAGE_OPTIONAL_HEADER64 *opt;

    memset(pe, 0, sizeof(*pe));
    dos->e_magic = IMAGE_DOS_SIGNATURE;
    dos->e_lfanew = NT_AT;
    pe->nt = (void *)(pe->bytes + NT_AT);
    pe->nt->Signature = IMAGE_NT_SIGNATURE;
    pe->nt->FileHeader.Machine = IMAGE_FILE_MACHINE_AMD64;
    pe->nt->FileHeader.SizeOfOptionalHeader = sizeof(*opt);
    pe->nt->FileHeader.Characteristics = IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_LARGE_ADDRESS_AWARE;
    opt = &pe->nt->OptionalHeader;
    opt->Magic = IMAGE_NT_OPTIONAL_HDR64_MAGIC;
    opt->ImageBase = PE_BASE;
    opt->SectionAlignment = SECTION_ALIGN;
    opt->FileAlignment = FILE_ALIGN;
    opt->SizeOfImage = SECTION_ALIGN;
    opt->SizeOfHeaders = HEADERS;
    opt->Subsystem = IMAGE_SUBSYSTEM_NATIVE;
    opt->NumberOfRvaAndSizes = IMAGE_NUMBEROF_DIRECTORY_ENTRIES;
    pe->length = HEADERS;
    pe->next_rva = SECTION_ALIGN;
}

IMAGE_SECTION_HEADER *pe_header(struct pe_builder *pe, unsigned index)
{
    return (IMAGE_SECTION_HEADER *)(pe->nt + 1) + index;
}

ULONG pe_section(struct pe_builder *pe, const char *name, ULONG characteristics, const void *data,
                 ULONG length)
{
    IMAGE_SECTION_HEADER *section = pe_header(pe, pe->nt->FileHeader.NumberOfSections++);
    ULONG raw = (length + FILE_ALIGN - 1) / FILE_ALIGN * FILE_ALIGN;

    assert(pe->length + raw <= sizeof(pe->bytes));
    memcpy(section->Name, name, strnlen(name, sizeof(section->Name)));
    section->Misc.VirtualSize = length;
    section->VirtualAddress = pe->next_rva;
    section->SizeOfRawData = raw;
    section->PointerToRawData = (ULONG)pe->length;
    section->Characteristics = characteristics;
    if (data != NULL)
        memcpy(pe->bytes + pe->length, data, length);
    pe->length += raw;
    pe->next_rva += (length + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
    pe->nt->OptionalHeader.SizeOfImage = pe->next_rva;
    return section->VirtualAddress;
}

void *pe_at(struct pe_builder *pe, ULONG rva)
{
    for (unsigned i = 0; i < pe->nt->FileHeader.NumberOfSections; i++) {
        IMAGE_SECTION_HEADER *section = pe_header(pe, i);
        if (rva >= section->VirtualAddress && rva - section->VirtualAddress < section->SizeOfRawData)
            return pe->bytes + section->PointerToRawData + (rva - section->VirtualAddress);
    }
    return pe->bytes + rva;
}

void pe_directory(struct pe_builder *pe, unsigned index, ULONG rva, ULONG size)
{
    pe->nt->OptionalHeader.DataDirectory[index] = (IMAGE_DATA_DIRECTORY){rva, size};
}

ULONG pe_imports(struct pe_builder *pe, const char *module, const char *const *names)
{
    UCHAR data[0x800] = {0};
    ULONG base = pe->next_rva, count = 0, text, lookup = 0x40, slots;
    IMAGE_IMPORT_DESCRIPTOR *descriptor = (void *)data;

    while (names[count] != NULL)
        count++;
    slots = lookup + (count + 1) * 8;
    text = slots + (count + 1) * 8;
    *descriptor = (IMAGE_IMPORT_DESCRIPTOR){
        .OriginalFirstThunk = base + lookup, .Name = base + text, .FirstThunk = base + slots};
    strcpy((char *)data + text, module);
    text += ((ULONG)strlen(module) + 2) & ~1u;
    for (ULONG i = 0; i < count; i++) {
        uint64_t thunk = base + text;
        if (names[i][0] == '#') {
            thunk = IMAGE_ORDINAL_FLAG64 | (uint64_t)(names[i][1] - '0');
        } else {
            strcpy((char *)data + text + 2, names[i]);
            text += ((ULONG)strlen(names[i]) + 4) & ~1u;
        }
        memcpy(data + lookup + i * 8, &thunk, 8);
        memcpy(data + slots + i * 8, &thunk, 8);
    }
    assert(text <= sizeof(data));
    pe_section(pe, ".idata", PE_DATA, data, text);
    pe_directory(pe, IMAGE_DIRECTORY_ENTRY_IMPORT, base, sizeof(*descriptor) * 2);
    return base + slots;
}

void pe_exports(struct pe_builder *pe, const char *module, const char *const *names, const ULONG *rvas)
{
    UCHAR data[0x800] = {0};
    ULONG base = pe->next_rva, count = 0, functions = sizeof(IMAGE_EXPORT_DIRECTORY), name_table, ordinals,
          text;
    IMAGE_EXPORT_DIRECTORY *directory = (void *)data;

    while (names[count] != NULL)
        count++;
    name_table = functions + count * 4;
    ordinals = name_table + count * 4;
    text = ordinals + count * 2;
    *directory = (IMAGE_EXPORT_DIRECTORY){.Name = base + text,
                                          .Base = 1,
                                          .NumberOfFunctions = count,
                                          .NumberOfNames = count,
                                          .AddressOfFunctions = base + functions,
                                          .AddressOfNames = base + name_table,
                                          .AddressOfNameOrdinals = base + ordinals};
    strcpy((char *)data + text, module);
    text += (ULONG)strlen(module) + 1;
    for (ULONG i = 0; i < count; i++) {
        ULONG at = base + text;
        USHORT ordinal = (USHORT)i;
        memcpy(data + functions + i * 4, &rvas[i], 4);
        memcpy(data + name_table + i * 4, &at, 4);
        memcpy(data + ordinals + i * 2, &ordinal, 2);
        strcpy((char *)data + text, names[i]);
        text += (ULONG)strlen(names[i]) + 1;
    }
    assert(text <= sizeof(data));
    pe_section(pe, ".edata", PE_RDATA, data, text);
    pe_directory(pe, IMAGE_DIRECTORY_ENTRY_EXPORT, base, text);
}

void pe_fixups(struct pe_builder *pe, const ULONG *rvas, unsigned count)
{
    UCHAR data[0x200] = {0};
    IMAGE_BASE_RELOCATION *block = (void *)data;
    ULONG base;

    block->VirtualAddress = rvas[0] & ~0xFFFu;
    block->SizeOfBlock = (ULONG)(sizeof(*block) + count * 2);
    for (unsigned i = 0; i < count; i++) {
        USHORT entry = (USHORT)(IMAGE_REL_BASED_DIR64 << 12 | (rvas[i] - block->VirtualAddress));
        memcpy(data + sizeof(*block) + i * 2, &entry, 2);
    }
    base = pe_section(pe, ".reloc", PE_RDATA | IMAGE_SCN_MEM_DISCARDABLE, data, block->SizeOfBlock);
    pe_directory(pe, IMAGE_DIRECTORY_ENTRY_BASERELOC, base, block->SizeOfBlock);
}

void pe_functions(struct pe_builder *pe, const ULONG (*ranges)[2], unsigned count)
{
    RUNTIME_FUNCTION table[32];
    UCHAR unwind[4] = {1, 0, 0, 0};
    ULONG xdata = pe_section(pe, ".xdata", PE_RDATA, unwind, sizeof(unwind)), base;

    for (unsigned i = 0; i < count; i++)
        table[i] = (RUNTIME_FUNCTION){ranges[i][0], ranges[i][1], {xdata}};
    base = pe_section(pe, ".pdata", PE_RDATA, table, count * (ULONG)sizeof(table[0]));
    pe_directory(pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION, base, count * (ULONG)sizeof(table[0]));
}

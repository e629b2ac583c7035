/* SPDX-License-Identifier: MIT */
/*
 * What a file is and needs, read from its bytes alone: nothing of it is mapped
 * or run. First everything is gathered into one structure, then written as
 * text or as JSON.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "api/api.h"

struct import_row {
    const char *module, *name;
    ULONG ordinal;
    bool provided;
};

struct inspection {
    const char *name;
    struct ldr_file file;
    struct import_row *imports;
    unsigned import_count, import_room, missing;
    const char *kind;
    char pdb[260];
    struct text *out;
};

static bool collect_import(const struct ldr_import *import, void *context)
{
    struct inspection *in = context;

    if (in->import_count == in->import_room) {
        in->import_room = in->import_room * 2 + 64;
        in->imports = realloc(in->imports, in->import_room * sizeof(*in->imports));
        if (in->imports == NULL)
            return false;
    }
    in->imports[in->import_count++] =
        (struct import_row){strdup(import->module), import->name != NULL ? strdup(import->name) : NULL,
                            import->ordinal, import->provided != NULL};
    in->missing += import->provided == NULL;
    return true;
}

static bool imports_module(const struct inspection *in, const char *module)
{
    for (unsigned i = 0; i < in->import_count; i++)
        if (strcasecmp(in->imports[i].module, module) == 0)
            return true;
    return false;
}

static bool imports_name(const struct inspection *in, const char *name)
{
    for (unsigned i = 0; i < in->import_count; i++)
        if (in->imports[i].name != NULL && strcmp(in->imports[i].name, name) == 0)
            return true;
    return false;
}

/* A guess from the imports, as a person would make it. */
static const char *kind_of(const struct inspection *in)
{
    static const struct {
        const char *module, *kind;
    } ports[] = {{"ndis.sys", "NDIS driver"},
                 {"storport.sys", "Storport miniport"},
                 {"scsiport.sys", "SCSI miniport"},
                 {"videoprt.sys", "video miniport"},
                 {"portcls.sys", "PortCls audio driver"},
                 {"ks.sys", "kernel streaming driver"},
                 {"fltmgr.sys", "file-system minifilter"},
                 {"hidclass.sys", "HID minidriver"},
                 {"wdfldr.sys", "KMDF driver"},
                 {"classpnp.sys", "storage class driver"}};

    for (unsigned i = 0; i < countof(ports); i++)
        if (imports_module(in, ports[i].module))
            return ports[i].kind;
    if (imports_name(in, "IoAttachDeviceToDeviceStack") || imports_name(in, "PoStartNextPowerIrp") ||
        imports_name(in, "PoCallDriver"))
        return "WDM driver";
    if (imports_name(in, "IoCreateDevice"))
        return "legacy driver";
    return "driver";
}

static const void *at_rva(const struct ldr_file *file, ULONG rva, ULONG length)
{
    for (unsigned i = 0; i < file->section_count; i++) {
        const IMAGE_SECTION_HEADER *s = &file->sections[i];
        ULONG offset = rva - s->VirtualAddress;
        if (rva < s->VirtualAddress || offset >= s->SizeOfRawData || length > s->SizeOfRawData - offset)
            continue;
        if ((uint64_t)s->PointerToRawData + offset + length <= file->length)
            return file->bytes + s->PointerToRawData + offset;
    }
    return NULL;
}

static void find_pdb(struct inspection *in)
{
    const IMAGE_DATA_DIRECTORY *directory =
        &in->file.headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_DEBUG];
    unsigned count = directory->Size / sizeof(IMAGE_DEBUG_DIRECTORY);

    for (unsigned i = 0; i < MIN(count, 16u); i++) {
        IMAGE_DEBUG_DIRECTORY entry;
        ULONG signature;
        const void *p =
            at_rva(&in->file, directory->VirtualAddress + i * (ULONG)sizeof(entry), sizeof(entry));
        if (p == NULL)
            return;
        memcpy(&entry, p, sizeof(entry));
        if (entry.Type != IMAGE_DEBUG_TYPE_CODEVIEW || entry.SizeOfData <= 24 ||
            (uint64_t)entry.PointerToRawData + entry.SizeOfData > in->file.length)
            continue;
        memcpy(&signature, in->file.bytes + entry.PointerToRawData, 4);
        if (signature != IMAGE_CODEVIEW_RSDS)
            continue;
        size_t length = MIN(entry.SizeOfData - 24, sizeof(in->pdb) - 1);
        memcpy(in->pdb, in->file.bytes + entry.PointerToRawData + 24, length);
    }
}

static void section_name(const IMAGE_SECTION_HEADER *section, char name[9])
{
    memcpy(name, section->Name, 8);
    name[8] = '\0';
}

static void section_flags(ULONG characteristics, char flags[8])
{
    char *p = flags;

    *p++ = characteristics & IMAGE_SCN_MEM_READ ? 'r' : '-';
    *p++ = characteristics & IMAGE_SCN_MEM_WRITE ? 'w' : '-';
    *p++ = characteristics & IMAGE_SCN_MEM_EXECUTE ? 'x' : '-';
    if (characteristics & IMAGE_SCN_MEM_DISCARDABLE)
        *p++ = 'd';
    *p = '\0';
}

static int import_order(const void *left, const void *right)
{
    const struct import_row *a = left, *b = right;
    int order = strcasecmp(a->module, b->module);

    if (order == 0 && a->name != NULL && b->name != NULL)
        order = strcmp(a->name, b->name);
    return order != 0 ? order : (int)a->ordinal - (int)b->ordinal;
}

static void build_time(const struct inspection *in, char *text, size_t size)
{
    time_t seconds = in->file.headers.FileHeader.TimeDateStamp;
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &parts);
}

static bool has_directory(const struct inspection *in, unsigned index)
{
    return in->file.headers.OptionalHeader.DataDirectory[index].Size != 0;
}

static void write_sections_text(const struct inspection *in)
{
    for (unsigned i = 0; i < in->file.section_count; i++) {
        char name[9], flags[8];
        section_name(&in->file.sections[i], name);
        section_flags(in->file.sections[i].Characteristics, flags);
        text_add(in->out, "  %-8s %-4s 0x%08x  %u bytes%s\n", name, flags,
                 in->file.sections[i].VirtualAddress, in->file.sections[i].Misc.VirtualSize,
                 strchr(flags, 'w') != NULL && strchr(flags, 'x') != NULL ? "  writable and executable" : "");
    }
}

static void write_imports_text(const struct inspection *in)
{
    const char *module = "";

    for (unsigned i = 0; i < in->import_count; i++) {
        const struct import_row *row = &in->imports[i];
        if (strcasecmp(row->module, module) != 0)
            text_add(in->out, "  %s\n", row->module);
        module = row->module;
        if (row->name != NULL)
            text_add(in->out, "    %-44s %s\n", row->name, row->provided ? "provided" : "MISSING");
        else
            text_add(in->out, "    #%-43u %s\n", row->ordinal, row->provided ? "provided" : "MISSING");
    }
}

static void write_text(const struct inspection *in)
{
    const IMAGE_OPTIONAL_HEADER64 *optional = &in->file.headers.OptionalHeader;
    char built[64];

    build_time(in, built, sizeof(built));
    text_add(in->out, "%s: x86-64 %s\n", in->name, in->kind);
    text_add(in->out, "built %s, linker %u.%02u, subsystem %u, for NT %u.%u\n", built,
             optional->MajorLinkerVersion, optional->MinorLinkerVersion, optional->Subsystem,
             optional->MajorOperatingSystemVersion, optional->MinorOperatingSystemVersion);
    text_add(in->out, "entry point 0x%08x, image base 0x%llx, size %u\n", optional->AddressOfEntryPoint,
             (unsigned long long)optional->ImageBase, optional->SizeOfImage);
    text_add(in->out, "relocations: %s; exception data: %s; control flow guard: %s; certificate: %s\n",
             has_directory(in, IMAGE_DIRECTORY_ENTRY_BASERELOC)                         ? "yes"
             : in->file.headers.FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED ? "stripped"
                                                                                        : "none needed",
             has_directory(in, IMAGE_DIRECTORY_ENTRY_EXCEPTION) ? "yes" : "no",
             optional->DllCharacteristics & IMAGE_DLLCHARACTERISTICS_GUARD_CF ? "yes" : "no",
             has_directory(in, IMAGE_DIRECTORY_ENTRY_SECURITY) ? "yes" : "no");
    if (in->pdb[0] != '\0')
        text_add(in->out, "symbols: %s\n", in->pdb);
    text_add(in->out, "sections:\n");
    write_sections_text(in);
    text_add(in->out, "imports: %u, of which %u are missing\n", in->import_count, in->missing);
    write_imports_text(in);
}

static void write_json(const struct inspection *in)
{
    const IMAGE_OPTIONAL_HEADER64 *optional = &in->file.headers.OptionalHeader;

    text_add(in->out, "{\"name\":");
    text_add_json(in->out, in->name);
    text_add(in->out,
             ",\"machine\":\"x86-64\",\"kind\":\"%s\",\"timestamp\":%u,\"entry_point\":%u,\"image_base\":"
             "\"0x%llx\",\"image_size\":%u",
             in->kind, in->file.headers.FileHeader.TimeDateStamp, optional->AddressOfEntryPoint,
             (unsigned long long)optional->ImageBase, optional->SizeOfImage);
    text_add(
        in->out,
        ",\"relocations\":%s,\"exception_data\":%s,\"control_flow_guard\":%s,\"certificate\":%s,\"pdb\":",
        has_directory(in, IMAGE_DIRECTORY_ENTRY_BASERELOC) ? "true" : "false",
        has_directory(in, IMAGE_DIRECTORY_ENTRY_EXCEPTION) ? "true" : "false",
        optional->DllCharacteristics & IMAGE_DLLCHARACTERISTICS_GUARD_CF ? "true" : "false",
        has_directory(in, IMAGE_DIRECTORY_ENTRY_SECURITY) ? "true" : "false");
    text_add_json(in->out, in->pdb);
    text_add(in->out, ",\"sections\":[");
    for (unsigned i = 0; i < in->file.section_count; i++) {
        char name[9], flags[8];
        section_name(&in->file.sections[i], name);
        section_flags(in->file.sections[i].Characteristics, flags);
        text_add(in->out, "%s{\"name\":", i != 0 ? "," : "");
        text_add_json(in->out, name);
        text_add(in->out, ",\"flags\":\"%s\",\"rva\":%u,\"size\":%u}", flags,
                 in->file.sections[i].VirtualAddress, in->file.sections[i].Misc.VirtualSize);
    }
    text_add(in->out, "],\"missing\":%u,\"imports\":[", in->missing);
    for (unsigned i = 0; i < in->import_count; i++) {
        text_add(in->out, "%s{\"module\":", i != 0 ? "," : "");
        text_add_json(in->out, in->imports[i].module);
        if (in->imports[i].name != NULL) {
            text_add(in->out, ",\"name\":");
            text_add_json(in->out, in->imports[i].name);
        } else {
            text_add(in->out, ",\"ordinal\":%u", in->imports[i].ordinal);
        }
        text_add(in->out, ",\"provided\":%s}", in->imports[i].provided ? "true" : "false");
    }
    text_add(in->out, "]}");
}

char *rgl_inspect(const char *name, const void *bytes, size_t length, enum rgl_inspect_format format)
{
    struct text text = {0};
    struct inspection in = {.name = name, .out = &text};
    struct ldr_error error = {0};

    if (!ldr_parse(&in.file, bytes, length, &error) ||
        !ldr_for_each_import(&in.file, collect_import, &in, &error)) {
        api_fail(RGL_STATUS_NOT_AN_IMAGE, "%s", error.text);
    } else {
        if (in.import_count != 0)
            qsort(in.imports, in.import_count, sizeof(*in.imports), import_order);
        in.kind = kind_of(&in);
        find_pdb(&in);
        if (format == RGL_INSPECT_JSON)
            write_json(&in);
        else
            write_text(&in);
    }
    for (unsigned i = 0; i < in.import_count; i++) {
        free((char *)in.imports[i].module);
        free((char *)in.imports[i].name);
    }
    free(in.imports);
    return text.bytes;
}

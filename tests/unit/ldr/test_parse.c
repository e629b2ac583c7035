/* SPDX-License-Identifier: MIT */
/*
 * ldr_parse on what is no image, and on images with one thing wrong.
 */
#include "ldr_test.h"
#include "pe_builder.h"
#include "ldr/file.h"

#include <stdlib.h>
#include <string.h>

static struct pe_builder pe;
static ULONG text_rva, slot_rva;

static void build_sample(void)
{
    static const char *const imports[] = {"IoCreateDevice", "#7", NULL};
    static const char *const exports[] = {"Alpha", "Beta", NULL};
    static const UCHAR code[64] = {0x33, 0xC0, 0xC3};
    ULONG rvas[2], fixups[2], ranges[1][2];

    pe_begin(&pe);
    text_rva = pe_section(&pe, ".text", PE_CODE, code, sizeof(code));
    fixups[0] = pe_section(&pe, ".data", PE_DATA, NULL, 64);
    fixups[1] = fixups[0] + 8;
    slot_rva = pe_imports(&pe, "ntoskrnl.exe", imports);
    rvas[0] = text_rva;
    rvas[1] = text_rva + 16;
    pe_exports(&pe, "sample.sys", exports, rvas);
    ranges[0][0] = text_rva;
    ranges[0][1] = text_rva + 3;
    pe_functions(&pe, ranges, 1);
    pe_fixups(&pe, fixups, 2);
    pe.nt->OptionalHeader.AddressOfEntryPoint = text_rva;
}

/* Parses a copy that ends exactly at the end of an allocation, so that a sanitizer sees a read beyond it. */
static enum ldr_result parse(const void *bytes, size_t length, char text[256])
{
    void *copy = malloc(length != 0 ? length : 1);
    struct ldr_file file;
    struct ldr_error error;
    bool ok;

    memcpy(copy, bytes, length);
    ok = ldr_parse(&file, copy, length, &error);
    free(copy);
    assert_int_equal(ok, error.result == LDR_OK);
    if (!ok) {
        assert_true(strlen(error.text) > 10);
        assert_null(strchr(error.text, '\n'));
    }
    if (text != NULL)
        strcpy(text, ok ? "" : error.text);
    return error.result;
}

static void refused(const char *word)
{
    char text[256];

    assert_int_equal(parse(pe.bytes, pe.length, text), LDR_NOT_AN_IMAGE);
    if (strstr(text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, word);
}

static void accepts_a_sound_image(void **state)
{
    struct ldr_file file;
    struct ldr_error error;

    build_sample();
    assert_true(ldr_parse(&file, pe.bytes, pe.length, &error));
    assert_int_equal(file.section_count, pe.nt->FileHeader.NumberOfSections);
    assert_int_equal(file.headers.OptionalHeader.AddressOfEntryPoint, text_rva);
}

static void names_what_is_no_image(void **state)
{
    char text[256];

    assert_int_equal(parse("", 0, text), LDR_NOT_AN_IMAGE);
    assert_non_null(strstr(text, "empty"));
    assert_int_equal(parse("hello, world\n", 13, text), LDR_NOT_AN_IMAGE);
    assert_non_null(strstr(text, "MZ"));
    assert_int_equal(parse("\177ELF\2\1\1", 7, text), LDR_NOT_AN_IMAGE);
    assert_non_null(strstr(text, "ELF"));
    assert_int_equal(parse("MZ", 2, text), LDR_NOT_AN_IMAGE);
    assert_non_null(strstr(text, "truncated"));
}

static void names_the_wrong_machine(void **state)
{
    build_sample();
    pe.nt->FileHeader.Machine = IMAGE_FILE_MACHINE_I386;
    refused("x86 (32-bit)");
    pe.nt->FileHeader.Machine = IMAGE_FILE_MACHINE_ARM64;
    refused("ARM64");
    pe.nt->FileHeader.Machine = 0x1234;
    refused("0x1234");
}

static void refuses_every_truncation(void **state)
{
    build_sample();
    for (size_t length = 0; length < pe.length; length++)
        assert_int_equal(parse(pe.bytes, length, NULL), LDR_NOT_AN_IMAGE);
}

static void refuses_bad_headers(void **state)
{
    build_sample();
    ((IMAGE_DOS_HEADER *)pe.bytes)->e_lfanew = 0x7FFFFFF0;
    refused("beyond");
    build_sample();
    ((IMAGE_DOS_HEADER *)pe.bytes)->e_lfanew = 0; /* the header is the DOS header itself */
    refused("signature");
    build_sample();
    pe.nt->OptionalHeader.Magic = IMAGE_NT_OPTIONAL_HDR32_MAGIC;
    refused("PE32+");
    build_sample();
    pe.nt->FileHeader.NumberOfSections = 0;
    refused("0 sections");
    build_sample();
    pe.nt->FileHeader.NumberOfSections = 0xFFFF;
    refused("sections");
    build_sample();
    pe.nt->FileHeader.SizeOfOptionalHeader = 8;
    refused("optional header");
    build_sample();
    pe.nt->OptionalHeader.SectionAlignment = 3;
    refused("alignment");
    build_sample();
    pe.nt->OptionalHeader.SizeOfImage = 0xFFFFF000;
    refused("image of");
    build_sample();
    pe.nt->OptionalHeader.SizeOfHeaders = 0x20;
    refused("headers");
    build_sample();
    pe.nt->OptionalHeader.AddressOfEntryPoint = pe_header(&pe, 1)->VirtualAddress;
    refused("entry point");
}

static void refuses_bad_sections(void **state)
{
    build_sample();
    pe_header(&pe, 1)->VirtualAddress = pe_header(&pe, 0)->VirtualAddress;
    refused("overlaps");
    build_sample();
    pe_header(&pe, 1)->Misc.VirtualSize = 0xFFFFFFFF;
    refused("ends at");
    build_sample();
    pe_header(&pe, 1)->VirtualAddress += 8;
    refused("aligned");
    build_sample();
    pe_header(&pe, 1)->PointerToRawData = 0xFFFFFFF0;
    refused("truncated");
}

static void an_error_is_one_printable_line(void **state)
{
    build_sample();
    memcpy(pe_header(&pe, 1)->Name, ".d\n\x1B[2J", 7);
    pe_header(&pe, 1)->VirtualAddress += 8;
    refused("section .d??[2J");
}

static void refuses_bad_imports(void **state)
{
    IMAGE_IMPORT_DESCRIPTOR *descriptor;
    uint64_t far_away = 0x7FFFFFF0;

    build_sample();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_IMPORT, 0xFFFFFFF0, 40);
    refused("import directory");
    build_sample();
    descriptor = pe_at(&pe, pe.nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
    descriptor->Name = 0xFFFFFFF0;
    refused("name of an imported module");
    build_sample();
    descriptor->FirstThunk = 0xFFFFFFF8;
    refused("slot");
    build_sample();
    descriptor->OriginalFirstThunk = 0xFFFFFFF8;
    refused("out of bounds");
    build_sample();
    memcpy(pe_at(&pe, descriptor->OriginalFirstThunk), &far_away, 8);
    refused("a name imported from ntoskrnl.exe");
}

static void refuses_bad_relocations(void **state)
{
    IMAGE_BASE_RELOCATION *block;
    USHORT *entry;

    build_sample();
    block = pe_at(&pe, pe.nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].VirtualAddress);
    entry = (USHORT *)(block + 1);
    block->VirtualAddress = 0xFFFFF000;
    refused("outside the image");
    build_sample();
    block->SizeOfBlock = 4;
    refused("block of 4");
    build_sample();
    block->SizeOfBlock = 0x10000;
    refused("block of");
    build_sample();
    *entry = 5 << 12;
    refused("type 5");
    build_sample();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_BASERELOC, 0x80000000, 12);
    refused("relocation directory");
}

static void refuses_bad_exports_and_functions(void **state)
{
    IMAGE_EXPORT_DIRECTORY *exports;
    RUNTIME_FUNCTION *function;

    build_sample();
    exports = pe_at(&pe, pe.nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress);
    exports->NumberOfNames = 0x10000000;
    refused("exported names");
    build_sample();
    exports->AddressOfNames = 0xFFFFFFF0;
    refused("export tables");
    build_sample();
    *(ULONG *)pe_at(&pe, exports->AddressOfFunctions) = 0x70000000;
    refused("Alpha");
    build_sample();
    function =
        pe_at(&pe, pe.nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXCEPTION].VirtualAddress);
    function->EndAddress = 0xFFFFFFFF;
    refused("exception entry 0");
    build_sample();
    function->UnwindData = 0xFFFFFFF0;
    refused("exception entry 0");
    build_sample();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, 0x7FFFFFFF, 0x100);
    refused("load configuration");
}

struct seen {
    unsigned count;
    struct ldr_import imports[8];
};

static bool note_import(const struct ldr_import *import, void *context)
{
    struct seen *seen = context;

    seen->imports[seen->count++] = *import;
    return seen->count < 8;
}

static void lists_imports(void **state)
{
    struct ldr_file file;
    struct ldr_error error;
    struct seen seen = {0};

    build_sample();
    assert_true(ldr_parse(&file, pe.bytes, pe.length, &error));
    assert_true(ldr_for_each_import(&file, note_import, &seen, &error));
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.imports[0].module, "ntoskrnl.exe");
    assert_string_equal(seen.imports[0].name, "IoCreateDevice");
    assert_int_equal(seen.imports[0].slot_rva, slot_rva);
    assert_null(seen.imports[1].name);
    assert_int_equal(seen.imports[1].ordinal, 7);
    assert_int_equal(seen.imports[1].slot_rva, slot_rva + 8);
}

static bool stop_at_once(const struct ldr_import *import, void *context)
{
    ++*(unsigned *)context;
    return false;
}

static void a_visitor_can_stop(void **state)
{
    struct ldr_file file;
    struct ldr_error error;
    unsigned calls = 0;

    build_sample();
    assert_true(ldr_parse(&file, pe.bytes, pe.length, &error));
    assert_false(ldr_for_each_import(&file, stop_at_once, &calls, &error));
    assert_int_equal(calls, 1);
    assert_int_equal(error.result, LDR_OK);
}

int run_parse_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_a_sound_image),
        cmocka_unit_test(names_what_is_no_image),
        cmocka_unit_test(names_the_wrong_machine),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_bad_sections),
        cmocka_unit_test(an_error_is_one_printable_line),
        cmocka_unit_test(refuses_bad_imports),
        cmocka_unit_test(refuses_bad_relocations),
        cmocka_unit_test(refuses_bad_exports_and_functions),
        cmocka_unit_test(lists_imports),
        cmocka_unit_test(a_visitor_can_stop),
    };

    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
